/** Proofs on small histories: what they look at, what they agree with, and what they show. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { mineLessons } from "../functions/_shared/lessons/mine.ts";
import { materializeOverrides } from "../functions/_shared/overrides/materialize.ts";
import { Store } from "../functions/_shared/store/store.ts";
import { aggregateStrands } from "../functions/_shared/strands/aggregate.ts";
import { type Answer, configuredSizes, readAnswers } from "./prove/compare.ts";
import { WEEK } from "./prove/calendar.ts";
import { type History, readHistory } from "./prove/history.ts";
import { keepProof } from "./prove/keep.ts";
import { makeProof, type Request } from "./prove/make_proof.ts";
import type { Proof } from "./prove/proof.ts";
import { proofPage } from "./prove/page.ts";
import { renderProof } from "./prove/report.ts";
import { databaseSource } from "./prove/sources.ts";
import type { Database } from "./stack/database.ts";
import { directClient } from "./stack/direct_client.ts";
import type { Strand } from "./strand_file.ts";
import { createTestDatabase } from "./testing/databases.ts";
import { drawTrades, strandsOf, withOtherOutcomes } from "./testing/prove/histories.ts";

/** Believes more than it should, so that sizes move with everything that is known. */
const EAGER = { n_min: 5, edge_min: 0.001, max_q_value: null, cluster: "day", strength_mode: "multiplier" };
const CADENCE = 4 * WEEK;

const REQUEST: Request = {
  source: "a drawn history",
  cadence: "4w",
  embargo: "0",
  embargoMs: 0,
  placebos: 0,
  configs: {},
  configVersion: 0,
  release: null,
  compared: [],
};

/** Makes a proof on an embedded database of its own and answers a question about what is in it then. */
async function proven<Told>(
  strands: readonly Strand[],
  request: Request,
  ask: (sql: Database, proof: Proof) => Promise<Told> | Told,
): Promise<Told> {
  await using database = await createTestDatabase("embedded", "sql");
  const read = (): Promise<History> => readHistory(strands, { cadence: CADENCE, embargo: request.embargoMs });
  const proof = await makeProof(database.sql, read, request, { onProgress: () => {} });
  return await ask(database.sql, proof);
}

interface Proven {
  readonly answers: readonly Answer[];
  readonly proof: Proof;
}

function provenOf(strands: readonly Strand[]): Promise<Proven> {
  return proven(strands, { ...REQUEST, configs: { pm: EAGER } }, async (sql, proof) => ({
    answers: await readAnswers(sql, "own", "own", "roi"),
    proof,
  }));
}

/** What is asked, without what came of it. */
function asked({ outcome: _, ...answer }: Answer): Omit<Answer, "outcome"> {
  return answer;
}

/** A history that two tests look at, and what a proof makes of it, made once. */
const TRADES = drawTrades({ seed: 1, weeks: 14, perWeek: 6, effect: 0.1 });
let toldOfTrades: Promise<Proven> | undefined;
const provenTrades = (): Promise<Proven> => toldOfTrades ??= provenOf(strandsOf(TRADES));

Deno.test("an outcome that became known later changes no size before (embedded)", async () => {
  const moment = Date.parse(TRADES[0]?.strands[0]?.created_at ?? "") + 9 * WEEK;
  const before = (answers: readonly Answer[]): Omit<Answer, "outcome">[] =>
    answers.filter(({ at }) => at <= moment).map(asked);
  const { answers: told } = await provenTrades();
  const { answers: other } = await provenOf(strandsOf(withOtherOutcomes(TRADES, moment, 2)));
  assertEquals(before(other), before(told));
  assert(
    before(told).some(({ sizes, raw }) => Math.abs((sizes[1] ?? raw) / raw - 1) > 0.01),
    "nothing was moved",
  );
  assert(
    other.some(({ sizes }, i) => sizes[1] !== told[i]?.sizes[1]),
    "nothing that came after tells them apart",
  );
});

Deno.test("sizes are those that a live loop gives at the same times, the book included, and its database is a history (embedded)", async () => {
  const strands = strandsOf(TRADES);
  const { answers, proof } = await provenTrades();
  await using database = await createTestDatabase("embedded", "sql");
  const { sql } = database;
  await sql`insert into learning_configs (module_id, config_data) values ('pm', ${
    JSON.stringify(EAGER)
  }::text::jsonb)`;
  const history = await readHistory(strands, { cadence: CADENCE, embargo: 0 });
  const live = await sizeLive(sql, history);
  assertEquals(live.length, answers.length);
  for (const [i, size] of configuredSizes(answers).entries()) {
    assertAlmostEquals(size, live[i]?.size ?? NaN, 1e-9, JSON.stringify([answers[i], live[i]]));
  }
  assert(live.some(({ strength }) => Math.abs(strength - 1) > 0.01), "nothing was learned");
  assert(live.some(({ skew }) => skew !== 1.33 && skew !== 0.33), "nothing was held");

  // The live loop's database is a history as well, with its configuration, and keeps the proof.
  const source = await databaseSource(database.databaseUrl);
  const read = await readHistory(source.strands(), { cadence: CADENCE, embargo: 0 });
  const known = ({ strands: of }: History): string[] =>
    of.map(({ row, knownAt }) => `${knownAt} ${row.id}`).sort();
  const lastCut = history.cuts.at(-1) ?? NaN;
  const fed = history.strands.filter(({ knownAt }) => knownAt < lastCut);
  assertEquals(known(read), known({ ...history, strands: fed }));
  assertEquals([source.configs, source.configVersion], [{ pm: EAGER }, 1]);
  await keepProof(database.databaseUrl, { ...proof, config_version: source.configVersion });
  const [kept] = await sql`
    select decisions, verdict, report ->> 'sentence' as sentence, jsonb_array_length(ways) as ways,
      (learning.newest_proof()).decisions as newest from learning_proofs`;
  assertEquals({ ...kept }, {
    decisions: answers.length,
    verdict: proof.verdict,
    sentence: proof.sentence,
    ways: proof.ways.length,
    newest: answers.length,
  });
});

interface LiveSize {
  readonly size: number;
  readonly strength: number;
  readonly skew: number;
}

/** A loop as it runs live: strands come, positions are opened and closed, and every entry and add is asked for on its own. */
async function sizeLive(sql: Database, { strands, cuts }: History): Promise<LiveSize[]> {
  const client = directClient(sql);
  const closes = new Map(
    strands.filter(({ row }) => row.kind === "position_closed").map(({ row }) => {
      const content = row.content as {
        trade_id: string;
        entry_context: object;
        trade_summary: { exit_timestamp: string };
      };
      return [content.trade_id, content];
    }),
  );
  const actions = strands.filter(({ row }) => row.kind === "pm_action");
  const live: LiveSize[] = [];
  let fed = 0;
  for (const [cut, at] of cuts.entries()) {
    const known = strands.slice(fed).filter(({ knownAt }) => knownAt < at);
    fed += known.length;
    await sql`
      insert into ad_strands (id, module, kind, timeframe, content, regime_context, created_at)
      select id, module, kind, timeframe, content, regime_context, created_at
      from jsonb_to_recordset(${
      JSON.stringify(known.map(({ row }) => row))
    }::text::jsonb) as given(id text, module text,
        kind text, timeframe text, content jsonb, regime_context jsonb, created_at timestamptz)`;
    while ((await aggregateStrands(new Store(client))).handedOver);
    for (let report = await mineLessons(new Store(client), false); report.handedOver;) {
      report = await mineLessons(new Store(client), true);
    }
    while ((await materializeOverrides(new Store(client))).handedOver);
    const [share] = await sql<{ shares: Record<string, number> }[]>`
      select jsonb_object_agg(timeframe, current_allocation) as shares from timeframe_allocation`;
    for (const { row, knownAt } of actions) {
      if (knownAt < at || knownAt >= (cuts[cut + 1] ?? Infinity)) continue;
      const content = row.content as {
        trade_id: string;
        pattern_key: string;
        action_category: string;
        scope: object;
        a_value: number;
      };
      const close = closes.get(content.trade_id);
      // Positions are opened after their entry was asked for, and closed when they are.
      await sql`delete from lowcap_positions where updated_at <= ${row.created_at}`;
      const [sizing] = await sql<LiveSize[]>`
        select size_frac as size, pm_strength as strength, exposure_skew as skew
        from get_pm_sizing(${content.pattern_key}, ${content.action_category},
          unified_scope(${JSON.stringify(close?.entry_context)}::text::jsonb, ${
        JSON.stringify(content.scope)
      }::text::jsonb,
            ${JSON.stringify(row.regime_context)}::text::jsonb),
          a_value => ${content.a_value}, as_of => ${row.created_at})`;
      if (sizing !== undefined) live.push(sizing);
      if (content.action_category !== "entry") continue;
      const context = close?.entry_context ?? {};
      await sql`
        insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key,
          entry_context, updated_at)
        values (${
        "chain" in context ? `${context.chain}` : ""
      }, ${content.trade_id}, ${row.timeframe}, 'active',
          ${0.1 * (share?.shares[row.timeframe ?? ""] ?? 1)}, ${content.pattern_key},
          ${JSON.stringify(context)}::text::jsonb, ${close?.trade_summary.exit_timestamp ?? "infinity"})`;
    }
  }
  return live;
}

Deno.test("a planted effect pays and moves sizes, and the same with its weeks shuffled does not (embedded)", async () => {
  const strands = strandsOf(drawTrades({ seed: 7, weeks: 28, perWeek: 12, effect: 0.1 }));
  const request = {
    ...REQUEST,
    placebos: 1,
    configs: { pm: { strength_mode: "calibrated", n_min: 20 } },
    compared: [{ name: "nothing", patch: { flags: { learning_overrides_enabled: false } } }],
  };
  const proof = await proven(strands, request, (_, made) => made);
  const calibrated = proof.ways.find(({ name }) => name === "calibrated");
  assertEquals(proof.verdict, "shown", proof.sentence);
  assert(
    (calibrated?.roi.uplift?.low ?? NaN) > 0 && (calibrated?.spread ?? NaN) > 0.03,
    JSON.stringify(calibrated),
  );
  for (const { uplift } of proof.placebos) {
    assert((uplift?.low ?? NaN) <= 0 && (uplift?.high ?? NaN) >= 0, JSON.stringify(uplift));
  }
  assert((proof.calibration.slope ?? 0) > 0.3, JSON.stringify(proof.calibration));
  // With nothing that acts the other configuration is the base.
  const other = proof.ways.find(({ name }) => name === "nothing");
  assertEquals([other?.moved, other?.roi.uplift?.difference], [0, 0]);
  const report = renderProof(proof);
  // deno-lint-ignore no-control-regex
  for (const line of report.replace(/\x1b\[\d+m/g, "").split("\n")) assert(line.length <= 80, line);
  const page = proofPage(proof);
  assert(!/https?:|src=|<script/.test(page) && page.includes("<svg"), "the page asks for something");
});
