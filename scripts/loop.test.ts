/**
 * The whole stack from strand to sizing, over HTTP alone: strands go in as the trading system writes them, the schedule's own
 * commands are run, and what comes out is compared with the strands themselves.
 *
 * EDGELOOP_KILLS says how often the functions are killed during a cycle (6 without it).
 */

import { assert, assertEquals } from "@std/assert/mod.js";
import { delay } from "@std/async/delay.js";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { contains } from "./testing/lessons/luck_groups.ts";
import { scopeKey } from "../functions/_shared/mining/scope_key.ts";
import {
  DEFAULT_SETTINGS,
  groupInput,
  integer,
  mineAll,
  type Trade,
  trade,
  uniform,
} from "./testing/lessons/groups.ts";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import { openSource } from "./import/freqtrade/source.ts";
import { importExport } from "./import/freqtrade/import.ts";
import { StackSink } from "./import/sink.ts";
import { generateSample, type Sample, SAMPLE_SEED } from "./sample/sample.ts";
import type { Stack } from "./stack/stack.ts";
import { startTestStack, type Target, TEST_DATABASE_VARIABLE } from "./testing/databases.ts";
import type { Strand } from "./strand_file.ts";
import { isThere, SHARED_DATA } from "./testing/shared_data.ts";

const KILLS = Number(Deno.env.get("EDGELOOP_KILLS") ?? 6);
/** Fixed, so that every run and every target has the same trades. */
const AS_OF = new Date("2026-01-05T12:00:00Z");

interface RunningStack extends AsyncDisposable {
  readonly stack: Stack;
  readonly client: SupabaseClient;
}

async function start(target: Target): Promise<RunningStack> {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const client = createClient(stack.apiUrl, stack.secretKey, { auth: { persistSession: false } });
  const owned = cleanup.move();
  return { stack, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function feed(client: SupabaseClient, strands: Iterable<Strand>): Promise<void> {
  const feeder = new StrandFeeder(client, () => {});
  for (const strand of strands) await feeder.feed(strand);
  await feeder.flush();
}

/** Runs scheduled jobs by their own commands. */
async function runJobs(stack: Stack, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [job] = await stack.query<{ command: string }>("select command from cron.job where jobname = $1", [
      `edgeloop-${name}`,
    ]);
    if (job === undefined) throw new Error(`The job ${name} is not on the schedule.`);
    await stack.query(job.command);
    await stack.settle();
  }
}

async function one<T>(stack: Stack, sql: string): Promise<T> {
  const [row] = await stack.query<{ value: T }>(`select (${sql}) as value`);
  if (row === undefined) throw new Error(`Nothing came of ${sql}.`);
  return row.value;
}

interface StrandContent {
  readonly trade_id?: string;
  readonly action_category?: string;
  readonly trade_summary?: { readonly rpnl_pct: number };
}

/** The events that strands must become, counted and read off the strands themselves. */
function expectedEvents(strands: readonly Strand[]): Map<string, number> {
  const contentOf = ({ content }: Strand): StrandContent => content as StrandContent;
  const outcomes = new Map<string, number>();
  for (const strand of strands) {
    const { trade_id, trade_summary } = contentOf(strand);
    if (strand.kind === "position_closed" && trade_summary !== undefined) {
      outcomes.set(trade_id ?? "", trade_summary.rpnl_pct / 100);
    }
  }
  return new Map(strands.flatMap((strand) => {
    const roi = outcomes.get(contentOf(strand).trade_id ?? "");
    return strand.kind === "pm_action" && roi !== undefined ? [[strand.id, roi] as const] : [];
  }));
}

async function eventsOf(stack: Stack): Promise<Map<string, number>> {
  const rows = await stack.query<{ id: string; roi: number }>(
    "select action_strand_id as id, roi from pattern_trade_events",
  );
  return new Map(rows.map(({ id, roi }) => [id, roi]));
}

function assertSameEvents(found: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  assertEquals(found.size, expected.size);
  for (const [id, roi] of expected) {
    assert(Math.abs((found.get(id) ?? NaN) - roi) < 1e-12, `${id}: ${found.get(id)}, expected ${roi}`);
  }
}

interface Lesson {
  readonly group: string;
  readonly scope: string;
  readonly [column: string]: unknown;
}

/** Everything that was learned but for when. */
async function lessonsOf(stack: Stack): Promise<Lesson[]> {
  return await stack.query<Lesson>(`
    select concat_ws(' ', module, pattern_key, action_category) as "group", scope_subset::text as scope, lesson_type, scope_mask, n, stats,
      edge_raw, p_value, q_value, decay_halflife_hours, status, last_evidence_at::text
    from learning_lessons
    order by 1, scope_subset::text collate "C"`);
}

/** How everything that is learned lies in its tables: what is rewritten lies elsewhere. */
async function placesOf(stack: Stack): Promise<string> {
  return await one(
    stack,
    `
    concat_ws(';',
      (select string_agg(concat_ws(' ', id, ctid, xmin, status, updated_at), ',' order by id) from learning_lessons),
      (select string_agg(concat_ws(' ', id, ctid, xmin, last_updated_at), ',' order by id) from pm_overrides),
      (select string_agg(concat_ws(' ', lesson_id, ts), ',' order by lesson_id, ts) from learning_edge_history),
      (select string_agg(concat_ws(' ', id, ctid, xmin), ',' order by id) from pattern_trade_events))`,
  );
}

async function isDue(stack: Stack): Promise<boolean> {
  return await one(
    stack,
    "exists (select from learning.mining_groups where family = 'strength' and mined_version < evidence_version)",
  );
}

/** Mines everything anew, from nothing, again and again, until the functions have been killed often enough. */
async function killWhileMining(stack: Stack, random: () => number): Promise<void> {
  const undisturbed = await lessonsOf(stack);
  const counts = new Map(
    [...Map.groupBy(undisturbed, ({ group }) => group)].map(([group, own]) => [group, own.length]),
  );
  let kills = 0;
  while (kills < KILLS) {
    await stack.query("delete from learning_lessons where true");
    await stack.query(
      "update learning.mining_groups set evidence_version = evidence_version + 1 where family = 'strength'",
    );
    while (await isDue(stack)) {
      // The sweep goes on with a cycle; one that was killed before it began waits for its hour.
      await stack.query(
        await isMining(stack) ? "select learning.sweep()" : "select learning.ring_or_log('mine-lessons')",
      );
      if (kills < KILLS) {
        await delay(30 + 400 * random());
        await stack.killFunctions();
        kills++;
      }
      await stack.settle();
      // A group is seen with all of its lessons or with none.
      const seen = Map.groupBy(await lessonsOf(stack), ({ group }) => group);
      for (const [group, own] of seen) assertEquals(own.length, counts.get(group), group);
      // As if the minute had passed for which the dead hold their groups.
      await stack.query(
        "update learning.mining_groups set leased_until = clock_timestamp() where leased_until is not null",
      );
    }
    assertSameLessons(await lessonsOf(stack), undisturbed);
  }
}

async function isMining(stack: Stack): Promise<boolean> {
  return await one(stack, "exists (select from learning.mining_groups where run is not null)");
}

/** The answers that a candidate gets, but for when they were computed. */
async function sizingsOf(client: SupabaseClient, sample: Sample): Promise<Record<string, unknown>[]> {
  const candidates = sample.candidates.map(({ label: _, ...candidate }) => ({
    ...candidate,
    as_of: AS_OF.toISOString(),
  }));
  const { data } = await client.rpc("get_pm_sizing_batch", { candidates }).throwOnError();
  return (data as Record<string, unknown>[]).map(({ computed_at: _, ...row }) => row);
}

/** Identities differ between two databases, and sums in their last digits. */
function assertNear(found: unknown, expected: unknown, path = "answer"): void {
  if (typeof found === "number" && typeof expected === "number") {
    assert(
      Math.abs(found - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
      `${path}: ${found}, expected ${expected}`,
    );
  } else if (Array.isArray(found) && Array.isArray(expected) && path.endsWith(".masks")) {
    assertNear(listedMasks(found), listedMasks(expected), `${path} listed`);
  } else if (
    typeof found === "object" && typeof expected === "object" && found !== null && expected !== null
  ) {
    const [a, b] = [found as Record<string, unknown>, expected as Record<string, unknown>];
    assertEquals(Object.keys(a).sort(), Object.keys(b).sort(), path);
    for (const key of Object.keys(a)) if (key !== "id") assertNear(a[key], b[key], `${path}.${key}`);
  } else assertEquals(found, expected, path);
}

interface ListedMask {
  readonly weight: number;
  readonly exposure: number;
  readonly pattern_exposure: number;
  readonly rest?: number;
}

/** What the heaviest masks weigh: those of the same weight come in an order that the last digit decides. */
function listedMasks(masks: readonly ListedMask[]): unknown[] {
  return masks.map((mask) =>
    "rest" in mask ? mask : mask.weight * (mask.exposure + mask.pattern_exposure / 2)
  );
}

/** What each target made of the sample, to be compared in the end. */
const made = new Map<Target, { lessons: readonly Lesson[]; sizings: readonly unknown[] }>();

/** A step of a walk. PGlite sets an exit code while it runs, which says nothing about the step. */
async function step(t: Deno.TestContext, name: string, fn: () => Promise<void>): Promise<void> {
  await t.step({ name, fn, sanitizeExit: false });
}

/** Says where two lists of lessons differ first: a diff of all of them would be endless. */
function assertSameLessons(found: readonly Lesson[], expected: readonly Lesson[]): void {
  const differing = expected.findIndex((lesson, i) => JSON.stringify(lesson) !== JSON.stringify(found[i]));
  if (differing >= 0) assertEquals(found[differing], expected[differing]);
  assertEquals(found.length, expected.length);
}

async function walk(t: Deno.TestContext, target: Target): Promise<void> {
  await using running = await start(target);
  const { stack, client } = running;
  const sample = generateSample({ seed: SAMPLE_SEED, asOf: AS_OF });
  const late = new Set(sample.strands.slice(-300).map(({ id }) => id));

  await step(t, "strands that are written become events, with no call but the doorbell's", async () => {
    await client.from("lowcap_positions").insert([...sample.positions]).throwOnError();
    const early = sample.strands.filter(({ id }) => !late.has(id));
    await feed(client, early);
    await stack.settle();
    assertSameEvents(await eventsOf(stack), expectedEvents(early));
    assertEquals(await one(stack, "select count(*)::integer from strand_receipts where status <> 'done'"), 0);
  });

  await step(t, "the sweep finds the strands whose doorbell was lost", async () => {
    // Nobody listens there.
    const dead =
      "select vault.update_secret((select id from vault.decrypted_secrets where name = 'project_url'), $1)";
    await stack.query(dead, ["http://127.0.0.1:9"]);
    await feed(client, sample.strands.filter(({ id }) => late.has(id)));
    await stack.settle();
    assertEquals(
      await one(stack, "select count(*)::integer from strand_receipts where status = 'pending'"),
      late.size,
    );
    await stack.query(dead, [stack.apiUrl]);
    await runJobs(stack, "sweep");
    assertSameEvents(await eventsOf(stack), expectedEvents(sample.strands));
    assertEquals(await one(stack, "select count(*)::integer from strand_receipts where status <> 'done'"), 0);
  });

  await step(t, "the schedule turns events into lessons, lessons into overrides", async () => {
    await fastForward(stack, () => {});
    assertEquals(await isMining(stack), false);
    for (const { patternKey, actionCategory, scope, direction } of sample.planted) {
      const { data } = await client.from("learning_lessons").select("scope_subset, status, edge_raw")
        .eq("pattern_key", patternKey).eq("action_category", actionCategory).eq("status", "active")
        .throwOnError();
      const found = data.find((lesson) => scopeKey(lesson.scope_subset) === scopeKey(scope));
      assertEquals(Math.sign(found?.edge_raw ?? 0), direction === "gain" ? 1 : -1, JSON.stringify(scope));
    }
    assertEquals(
      await stack.query(`
        select lesson.id, override.enabled, override.multiplier
        from learning_lessons lesson full join pm_overrides override on override.lesson_id = lesson.id and override.enabled
        where (lesson.status = 'active' and lesson.family_scope = lesson.scope_subset)
          is distinct from (override.id is not null)`),
      [],
    );
    assert(await one<number>(stack, "select count(*)::integer from pm_overrides") > 3);
  });

  await step(
    t,
    "a sizing tells what was learned where the candidate stands, to the secret key and to a PM",
    async () => {
      const sizings = await sizingsOf(client, sample);
      const pm = createClient(stack.apiUrl, stack.publishableKey, {
        auth: { persistSession: false },
        global: {
          headers: {
            authorization: `Bearer ${await stack.signJwt({ app_metadata: { learning_role: "pm" } })}`,
          },
        },
      });
      assertNear(await sizingsOf(pm, sample), sizings);
      let steered = 0;
      for (const [i, { pattern_key, action_category, scope }] of sample.candidates.entries()) {
        const active = await stack.query<{ scope_subset: Record<string, string> }>(
          `select scope_subset from learning_lessons
          where status = 'active' and family_scope = scope_subset and pattern_key = $1 and action_category = $2`,
          [pattern_key, action_category],
        );
        const matching = active.filter(({ scope_subset }) => contains(scope, scope_subset)).length;
        const { data: matches } = await client.rpc("match_pm_overrides", {
          pattern_key,
          action_category,
          scope,
        }).throwOnError();
        assertEquals(matches.length, matching, `candidate ${i}`);
        const single = await client.rpc("get_pm_sizing", {
          pattern_key,
          action_category,
          scope,
          a_value: sample.candidates[i]?.a_value,
          e_value: sample.candidates[i]?.e_value,
          as_of: AS_OF.toISOString(),
        }).throwOnError();
        const { computed_at: _, ...row } = Array.isArray(single.data) ? single.data[0] : single.data;
        const { position: __, error: ___, ...batched } = sizings[i] ?? {};
        assertNear(row, batched);
        if (matching > 0 && row.pm_strength !== 1) steered++;
      }
      assert(steered > 0, "No candidate was steered");
    },
  );

  await step(t, "a cycle in which nothing changed rewrites nothing", async () => {
    const before = await placesOf(stack);
    assert(before.length > 10_000);
    await fastForward(stack, () => {});
    assertEquals(await placesOf(stack), before);
    // Nor does one that mines every group again.
    await stack.query(
      `update learning.mining_groups set mined_settings = 'others', mined_at = now() - interval '2 days'
       where family = 'strength'`,
    );
    await fastForward(stack, () => {});
    assertEquals(await placesOf(stack), before);
    assertEquals(
      await one(
        stack,
        "select count(*)::integer from learning.mining_groups where family = 'strength' and mined_at < now() - interval '1 day'",
      ),
      0,
    );
  });

  await step(
    t,
    `functions that are killed ${KILLS} times during a cycle end in the same lessons`,
    async () => {
      // A small budget, so that a group takes several invocations.
      const config_data = { cpu_budget_ms: 60, mining_workers: 2 };
      await client.from("learning_configs").upsert({ module_id: "pm", config_data }).throwOnError();
      await killWhileMining(stack, uniform(target === "embedded" ? 1 : 2));
      await client.from("learning_configs").delete().eq("module_id", "pm").throwOnError();
      await fastForward(stack, () => {});
    },
  );

  await step(t, "the functions answer to the secret key alone", async () => {
    const jwt = await stack.signJwt({ app_metadata: { learning_role: "pm" } });
    const service = await stack.signJwt({ role: "service_role" });
    for (const name of ["aggregate-strands", "mine-lessons", "mine-tuning", "materialize-overrides"]) {
      const refused: Record<string, string>[] = [
        {},
        { apikey: stack.publishableKey },
        { apikey: stack.publishableKey, authorization: `Bearer ${jwt}` },
        { authorization: `Bearer ${jwt}` },
        { authorization: `Bearer ${service}` },
        { authorization: `Bearer ${stack.secretKey}` },
        { apikey: `${stack.secretKey}0` },
      ];
      for (const headers of refused) {
        const response = await fetch(`${stack.functionsUrl}/${name}`, { method: "POST", headers });
        assertEquals(response.status, 401, `${name} ${JSON.stringify(Object.keys(headers))}`);
        assert(!(await response.text()).includes(stack.secretKey));
      }
      const answered = await fetch(`${stack.functionsUrl}/${name}`, {
        method: "POST",
        headers: { apikey: stack.secretKey },
      });
      assertEquals(answered.status, 200, `${name}: ${await answered.text()}`);
      await stack.settle();
    }
  });

  made.set(target, { lessons: await lessonsOf(stack), sizings: await sizingsOf(client, sample) });
}

Deno.test("the loop runs from strand to sizing (embedded)", (t) => walk(t, "embedded"));
Deno.test({
  name: "the loop runs from strand to sizing (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
  fn: (t) => walk(t, "postgres"),
});
Deno.test({
  name: "both kinds of database come to the same lessons and the same sizings (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
  fn: () => {
    const [embedded, postgres] = [made.get("embedded"), made.get("postgres")];
    if (embedded === undefined || postgres === undefined) {
      throw new Error("One of them did not come to its end.");
    }
    assert(embedded.lessons.length > 100);
    assertNear(postgres.lessons, embedded.lessons, "lessons");
    assertNear(postgres.sizings, embedded.sizings, "sizings");
  },
});

// ── Recorded trades ────────────────────────────────────────────────────────────────────────────────────────────────

const EXPORT = new URL("freqtrade/backtest-result-2024-05-06_09-52-28.json", SHARED_DATA);

interface RecordedEvent {
  readonly group: string;
  readonly trade_id: string;
  readonly scope: Record<string, string>;
  readonly roi: number;
  readonly rr: number;
  readonly acted: number;
  readonly traded: number;
}

/** The active lessons of all groups when outcomes are dealt to other trades. */
function shuffledActives(
  events: readonly RecordedEvent[],
  dimensions: readonly string[],
  seed: number,
): number {
  const random = uniform(seed);
  const trades = [...new Map(events.map((event) => [event.trade_id, event])).values()];
  const outcomes = trades.map(({ roi, rr }) => ({ roi, rr }));
  for (let i = outcomes.length - 1; i > 0; i--) {
    const j = integer(random, i + 1);
    const [a, b] = [outcomes[i], outcomes[j]];
    if (a !== undefined && b !== undefined) [outcomes[i], outcomes[j]] = [b, a];
  }
  const dealt = new Map(trades.map(({ trade_id }, i) => [trade_id, outcomes[i] ?? { roi: 0, rr: 0 }]));
  let active = 0;
  for (const group of Map.groupBy(events, (event) => event.group).values()) {
    const own = new Map(group.map((event): [string, Trade] => [
      event.trade_id,
      trade({
        scope: event.scope,
        ...dealt.get(event.trade_id),
        actedAt: event.acted,
        tradedAt: event.traded,
      }),
    ]));
    const others = trades.filter(({ trade_id }) => !own.has(trade_id)).map(({ trade_id }) =>
      dealt.get(trade_id)?.roi ?? 0
    );
    const settings = { ...DEFAULT_SETTINGS, edge_min: 0.02 };
    active += mineAll(groupInput([...own.values()], dimensions, settings, others)).filter((lesson) =>
      lesson.active
    ).length;
  }
  return active;
}

Deno.test({
  name:
    "a backtest goes through the loop trade by trade, and its shuffled outcomes teach nothing (embedded; needs the shared export)",
  ignore: !isThere(EXPORT),
  fn: async () => {
    await using running = await start("embedded");
    const { stack, client } = running;
    await using source = await openSource(EXPORT.pathname);
    const imported = await importExport(source, new StackSink(client));
    assertEquals([imported.imported, imported.refused], [1859, 0]);
    await stack.settle();
    assertEquals(await one(stack, "select count(*)::integer from strand_receipts where status <> 'done'"), 0);
    assertEquals(
      await stack.query(
        "select action_category, count(*)::integer from pattern_trade_events group by 1 order by 1",
      ),
      [{ action_category: "entry", count: 1859 }, { action_category: "exit", count: 1859 }],
    );

    // Trade by trade, by the pair and the moments that both name.
    const file = JSON.parse(await Deno.readTextFile(EXPORT)) as {
      strategy: Record<
        string,
        { trades: { pair: string; open_timestamp: number; close_timestamp: number; profit_ratio: number }[] }
      >;
    };
    const exported = Object.values(file.strategy).flatMap(({ trades }) => trades);
    const events = await stack.query<RecordedEvent & { category: string }>(`
      select concat_ws(' ', module, pattern_key, action_category) as "group", action_category as category, trade_id, scope, roi, rr,
        (extract(epoch from acted_at) * 1000)::float8 as acted, (extract(epoch from traded_at) * 1000)::float8 as traded
      from pattern_trade_events order by traded_at, trade_id`);
    const keyOf = (pair: unknown, opened: number, closed: number): string => `${pair} ${opened} ${closed}`;
    for (const category of ["entry", "exit"]) {
      const own = events.filter((event) => event.category === category);
      const found = Map.groupBy(
        own,
        ({ scope, acted, traded, category }) =>
          keyOf(scope["pair"], category === "entry" ? acted : 0, traded),
      );
      const wanted = Map.groupBy(
        exported,
        ({ pair, open_timestamp, close_timestamp }) =>
          keyOf(pair, category === "entry" ? open_timestamp : 0, close_timestamp),
      );
      assertEquals([...found.keys()].sort(), [...wanted.keys()].sort());
      for (const [key, trades] of wanted) {
        const rois = (found.get(key) ?? []).map(({ roi }) => roi).sort((a, b) => a - b);
        for (
          const [i, { profit_ratio }] of trades.toSorted((a, b) => a.profit_ratio - b.profit_ratio).entries()
        ) {
          assert(Math.abs((rois[i] ?? NaN) - profit_ratio) < 1e-12, key);
        }
      }
      const sum = own.reduce((total, { roi }) => total + roi, 0);
      const expected = exported.reduce((total, { profit_ratio }) => total + profit_ratio, 0);
      assert(Math.abs(sum - expected) < 1e-9, `${sum}, expected ${expected}`);
      assertEquals((sum / own.length).toFixed(6), "0.011076");
    }

    await client.from("learning_configs").upsert({ module_id: "pm", config_data: { edge_min: 0.02 } })
      .throwOnError();
    await fastForward(stack, () => {});
    // What an exit was taken for is known after the outcome: nothing of it is a behaviour that could be believed.
    assertEquals(
      await one(
        stack,
        "select count(*)::integer from learning_lessons where status = 'active' and action_category = 'exit'",
      ),
      0,
    );
    const dimensions = (await stack.query<{ dim: string }>("select dim from scope_dimensions order by bit"))
      .map(({ dim }) => dim);
    let active = 0;
    for (let seed = 1; seed <= 20; seed++) active += shuffledActives(events, dimensions, seed);
    assert(active <= 3, `20 shuffles have ${active} active lessons`);
  },
});

const NOISE = new URL("field/noise-exit-reason.json", SHARED_DATA);

Deno.test({
  name:
    "exit reasons that are the sign of a coin flip's outcome teach nothing (embedded; needs the shared field files)",
  ignore: !isThere(NOISE),
  fn: async () => {
    await using running = await start("embedded");
    const { stack, client } = running;
    await using source = await openSource(NOISE.pathname);
    const imported = await importExport(source, new StackSink(client));
    assertEquals([imported.imported, imported.refused], [200, 0]);
    await stack.settle();
    for (const config_data of [{}, { edge_min: 0.02 }]) {
      await client.from("learning_configs").upsert({ module_id: "pm", config_data }).throwOnError();
      await fastForward(stack, () => {});
      assert(await one<number>(stack, "select count(*)::integer from learning_lessons") > 0);
      assertEquals(
        await one(stack, "select count(*)::integer from learning_lessons where status = 'active'"),
        0,
      );
    }
  },
});
