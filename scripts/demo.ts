/**
 * The whole loop, end to end, on this machine: boots a stack, feeds strands, lets the schedule run once and asks for sizings.
 *
 *     deno task demo [--input FILE] [--config FILE] [--db URL] [--json]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { dim } from "@std/fmt/colors.js";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import {
  type Candidate,
  countAll,
  crowdedScopes,
  outcomeUnit,
  recordedCandidates,
  sizeCandidates,
  strongestLessons,
} from "./demo/findings.ts";
import { gatePositions } from "./demo/gates.ts";
import { type Findings, renderReport } from "./demo/report.ts";
import { type EpisodeSample, generateEpisodes } from "./sample/episodes.ts";
import { healthLines, readHealth } from "./health.ts";
import { generateSample, type Sample, SAMPLE_SEED } from "./sample/sample.ts";
import { type Stack, startStack } from "./stack/stack.ts";
import { readStrandFile, type Strand } from "./strand_file.ts";

const HELP = `deno task demo [options]

  --input FILE    feed this strand file (ndjson, plain or gzipped) instead of the built-in sample
  --config FILE   merge this PM configuration (JSON)
  --db URL        use this Postgres (15 or newer) instead of the embedded one
  --json          print one JSON object instead of the report
  --help          show this`;

const SHOWN_LESSONS = 6;
const SHOWN_SCOPES = 6;

interface DemoOptions {
  readonly input?: string;
  readonly config?: string;
  readonly db?: string;
  readonly json: boolean;
}

function parseDemoArguments(args: readonly string[]): DemoOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["input", "config", "db"],
    boolean: ["json", "help"],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`Unknown argument "${unknown[0]}".\n\n${HELP}`);
  if (options.help === true) return "help";
  for (const name of ["input", "config", "db"] as const) {
    if (options[name] === "") throw new Error(`--${name} takes a value.\n\n${HELP}`);
  }
  return {
    json: options.json === true,
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.db === undefined ? {} : { db: options.db }),
  };
}

/** Progress on standard error, so that standard output holds the answer alone. */
class Progress {
  readonly #startedAt = performance.now();
  readonly #encoder = new TextEncoder();
  readonly #live = Deno.stderr.isTerminal();

  step(message: string): void {
    this.#write(`${this.#prefix()} ${message}\n`);
  }

  /** A figure that grows; on a terminal it overwrites itself. */
  update(message: string): void {
    if (this.#live) this.#write(`\r${this.#prefix()} ${message}\x1b[K`);
  }

  endUpdates(): void {
    if (this.#live) this.#write("\r\x1b[K");
  }

  #prefix(): string {
    return dim(`${((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(6)} s`);
  }

  #write(text: string): void {
    Deno.stderr.writeSync(this.#encoder.encode(text));
  }
}

async function mergeConfig(client: SupabaseClient, path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const { data } = await client.from("learning_configs").select("config_data").eq("module_id", "pm")
    .maybeSingle()
    .throwOnError();
  const { error } = await client.from("learning_configs").upsert({
    module_id: "pm",
    config_data: mergeDeep(data?.config_data ?? {}, config),
    updated_by: "demo",
  });
  if (error) throw new Error(`${path} was not accepted. ${error.message}. ${error.hint ?? ""}`);
}

/** The second document's keys over the first one's, object by object. */
function mergeDeep(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = mergeDeep(below[key], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The built-in sample: trades, and what the entry gates saw. */
interface BuiltIn {
  readonly trades: Sample;
  readonly episodes: EpisodeSample;
}

async function* strandsOf(options: DemoOptions, builtIn: BuiltIn | null): AsyncIterable<Strand> {
  if (builtIn !== null) {
    yield* builtIn.trades.strands;
    yield* builtIn.episodes.strands;
  }
  if (options.input !== undefined) {
    for await (const { strand } of readStrandFile(options.input)) yield strand;
  }
}

async function runLoop(options: DemoOptions, stack: Stack, progress: Progress): Promise<Findings> {
  const client: SupabaseClient = createClient(stack.apiUrl, stack.secretKey, {
    auth: { persistSession: false },
  });
  const seeded = { seed: SAMPLE_SEED, asOf: new Date() };
  const builtIn = options.input === undefined
    ? { trades: generateSample(seeded), episodes: generateEpisodes(seeded) }
    : null;
  const sample = builtIn?.trades ?? null;
  if (options.config !== undefined) await mergeConfig(client, options.config);

  if (sample !== null) {
    await client.from("lowcap_positions").upsert([...sample.positions], { onConflict: "id" }).throwOnError();
  }
  const feeder = new StrandFeeder(
    client,
    (fed) => progress.update(`Fed ${fed.toLocaleString("en")} strands`),
  );
  for await (const strand of strandsOf(options, builtIn)) await feeder.feed(strand);
  await feeder.flush();
  progress.endUpdates();
  progress.step(`Fed ${feeder.fed.toLocaleString("en")} strands; waiting for the functions they rang`);
  await stack.settle();

  await fastForward(stack, (jobname) => progress.step(`Running the job ${jobname}`));
  progress.step("Asking for sizings");

  const lessons = await strongestLessons(client, ["entry", "add"], SHOWN_LESSONS);
  const candidates: readonly Candidate[] = sample?.candidates ?? await recordedCandidates(client);
  const sizings = candidates.length === 0 ? [] : await sizeCandidates(client, candidates, feeder.newest);
  const planted = await Promise.all((sample?.planted ?? []).map(async (effect) => {
    const { data } = await client.from("learning_lessons")
      .select("pattern_key, action_category, scope_subset, n, stats, edge_raw, q_value, status")
      .eq("pattern_key", effect.patternKey).eq("action_category", effect.actionCategory).eq(
        "status",
        "active",
      )
      .contains("scope_subset", effect.scope).containedBy("scope_subset", effect.scope).maybeSingle()
      .throwOnError();
    return { ...effect, found: data };
  }));
  const [total] = await stack.query<{ total: number }>(
    "select coalesce(sum(total_allocation_pct), 0)::float8 as total from lowcap_positions where status in ('watchlist', 'active')",
  );
  return {
    counts: await countAll(client),
    health: healthLines(await readHealth(stack.query)),
    planted,
    lessons,
    unit: await outcomeUnit(client),
    gates: builtIn === null ? [] : await gatePositions(client, builtIn.episodes),
    exposure: await crowdedScopes(client, SHOWN_SCOPES),
    totalExposure: total?.total ?? 0,
    candidates: candidates.map((candidate, i) => {
      const sizing = sizings[i];
      if (sizing === undefined) {
        throw new Error(`get_pm_sizing_batch left candidate ${i + 1} without an answer.`);
      }
      return { ...candidate, sizing };
    }),
    asOf: feeder.newest,
  };
}

async function main(): Promise<void> {
  const options = parseDemoArguments(Deno.args);
  if (options === "help") {
    Deno.stdout.writeSync(new TextEncoder().encode(HELP + "\n"));
    return;
  }
  const progress = new Progress();
  const stack = await startStack({
    ...(options.db === undefined ? {} : { databaseUrl: options.db }),
    onProgress: (message) => progress.step(message),
  });
  let findings: Findings;
  try {
    findings = await runLoop(options, stack, progress);
  } finally {
    await stack.close();
  }
  progress.step("Done");
  const { counts, candidates, asOf } = findings;
  const text = options.json
    ? JSON.stringify({ ...counts, as_of: asOf, candidates }, null, 2) + "\n"
    : "\n" + renderReport(findings);
  await Deno.stdout.write(new TextEncoder().encode(text));
}

try {
  await main();
} catch (error) {
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`,
    ),
  );
  Deno.exitCode = 1;
}
