/**
 * A proof on history, from strands to a verdict.
 *
 * @module
 */

import type { Database } from "../stack/database.ts";
import { z } from "zod";
import {
  type Answer,
  configuredSizes,
  figuresOf,
  keptSigns,
  learnedSizes,
  movement,
  promisesOf,
  readAnswers,
  readCloses,
  type Unit,
  upliftOf,
  type Way,
  waysOf,
} from "./compare.ts";
import { mergeConfigs } from "../demo/files.ts";
import type { History } from "./history.ts";
import { judge, MODES, type Placebo, type Proof } from "./proof.ts";
import { Replay, type Watch } from "./replay.ts";
import { sentenceOf } from "./sentence.ts";

/** What is to be proven, and how. */
export interface Request {
  readonly source: string;
  /** As it was asked for, such as `1w`. */
  readonly cadence: string;
  readonly embargo: string;
  readonly embargoMs: number;
  readonly placebos: number;
  /** The PM's and the decision maker's configuration. */
  readonly configs: Readonly<Record<string, object>>;
  readonly configVersion: number;
  readonly release: string | null;
  /** Changes of the PM's configuration that are compared with it. */
  readonly compared: readonly { readonly name: string; readonly patch: object }[];
}

/** What a proof sets whatever is configured: it looks at what would have been, and nobody ends its invocations early. */
const ACTING = {
  cpu_budget_ms: 10_000,
  flags: { learning_overrides_enabled: true, exposure_skew_enabled: true, require_proof: false },
};

const ownConfig = z.looseObject({
  strength_mode: z.enum(MODES),
  outcome: z.enum(["roi", "rr"]),
  exposure: z.unknown(),
});
const aboutRow = z.object({
  effective: ownConfig,
  release: z.string().nullable(),
  rejected: z.number(),
  refused: z.number(),
  reason: z.string().nullable(),
  cuts: z.number(),
  from: z.string(),
  to: z.string(),
});

const OWN = "own";

/**
 * Makes a proof in a scratch database that has the schema, from where an earlier call was interrupted.
 *
 * @param read Reads the history; not called where an earlier call has taken it in.
 */
export async function makeProof(
  sql: Database,
  read: () => Promise<History>,
  request: Request,
  watch: Watch,
): Promise<Proof> {
  const replay = new Replay(sql, watch);
  await replay.prepare();
  const own = mergeConfigs(request.configs["pm"] ?? {}, ACTING);
  if (!await replay.isTakenIn()) {
    await sql`
      insert into learning_configs (module_id, config_data)
      values ('decision_maker', ${JSON.stringify(request.configs["decision_maker"] ?? {})}::text::jsonb)
      on conflict (module_id) do update set config_data = excluded.config_data`;
    await replay.configure(own);
    await replay.takeIn(await read(), request.embargoMs);
  }
  await replay.measureBook(OWN, own);
  await replay.run({ id: OWN, config: own });
  const placebos: Placebo[] = [];
  const seeds = Array.from({ length: request.placebos }, (_, i) => i + 1);
  for (const seed of seeds) await replay.run({ id: `placebo ${seed}`, config: own, placebo: seed });
  const compared: { name: string; book: string }[] = [];
  for (const { name, patch } of request.compared) {
    const config = mergeConfigs(own, patch);
    const book = "exposure" in patch ? `of ${name}` : OWN;
    await replay.measureBook(book, config);
    await replay.run({ id: `config ${name}`, config });
    compared.push({ name, book });
  }
  // Outcomes are told by the proof's own configuration, whatever was compared with it.
  await replay.configure(own);
  const about = await readAbout(sql);
  const { outcome, strength_mode: mode } = about.effective;
  const byUnit = {
    roi: await readAnswers(sql, OWN, OWN, "roi"),
    rr: await readAnswers(sql, OWN, OWN, "rr"),
  };
  if (byUnit.roi.length === 0) {
    throw new Error("There is nothing to prove anything on: no entry and no add belongs to a closed trade.");
  }
  const ways = waysOf(byUnit.roi, await readCloses(sql, outcome));
  for (const { name, book } of compared) {
    ways.push(...waysOfConfig(name, await readAnswers(sql, `config ${name}`, book, "roi")));
  }
  for (const seed of seeds) {
    const answers = await readAnswers(sql, `placebo ${seed}`, OWN, outcome);
    const sizes = learnedSizes(answers, mode);
    const { spread } = movement(sizes, Float64Array.from(answers, ({ raw }) => raw));
    placebos.push({ seed, uplift: upliftOf(sizes, answers), spread });
  }
  const figures = figuresOf(ways, byUnit.roi, byUnit.rr);
  const judged = figures.ways.find(({ name }) => name === mode)?.[outcome].uplift ?? null;
  const verdict = judge(judged, placebos.flatMap(({ uplift }) => uplift?.difference ?? []));
  const proof = {
    source: request.source,
    from: about.from,
    to: about.to,
    cadence: request.cadence,
    embargo: request.embargo,
    cuts: about.cuts,
    decisions: byUnit.roi.length,
    unknown: { roi: unknownIn(byUnit.roi), rr: unknownIn(byUnit.rr) },
    refused: { count: about.refused, reason: about.reason },
    rejected: about.rejected,
    mode,
    outcome,
    config: request.configs["pm"] ?? {},
    config_version: request.configVersion,
    release: request.release ?? about.release,
    ...figures,
    calibration: promisesOf(byUnit[outcome]),
    signs: await keptSigns(sql, OWN, outcome),
    placebos,
    verdict,
  };
  return { ...proof, sentence: sentenceOf(proof) };
}

/** A compared configuration in its own mode of strength, with the book left aside and with it. */
function waysOfConfig(name: string, answers: readonly Answer[]): Way[] {
  const mode = answers[0]?.mode ?? "posture";
  return [
    { name, sizes: learnedSizes(answers, mode) },
    { name: `${name} + exposure`, sizes: configuredSizes(answers) },
  ];
}

function unknownIn(answers: readonly Answer[]): number {
  return answers.filter(({ outcome }) => outcome === null).length;
}

async function readAbout(sql: Database): Promise<z.infer<typeof aboutRow>> {
  const [row] = await sql`
    select learning.config() as effective, learning.release() as release,
      (select count(*)::integer from strand_receipts where status = 'rejected') as rejected,
      (select count(*)::integer from prove.sizes where run = ${OWN} and error is not null) as refused,
      (select min(error) from prove.sizes where run = ${OWN}) as reason,
      (select count(*)::integer from prove.cuts) as cuts,
      to_char(min(created_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as from,
      to_char(max(created_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as to
    from ad_strands`;
  return aboutRow.parse(row);
}

export type { Unit };
