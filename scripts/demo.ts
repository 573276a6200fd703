/**
 * The whole loop, end to end, on this machine: boots a stack, feeds strands, lets the schedule run once and asks for sizings.
 *
 *     deno task demo [--input FILE] [--config FILE] [--db URL [--take-over-doorbell]] [--json]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { dim } from "@std/fmt/colors.js";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { scopeKey } from "../functions/_shared/mining/scope_key.ts";
import { visible, visibleLines } from "../functions/_shared/runtime/visible.ts";
import { unknownArgument } from "./command_line.ts";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import {
  type Candidate,
  countAll,
  crowdedScopes,
  readFamilies,
  recordedCandidates,
  sizeCandidates,
} from "./demo/findings.ts";
import { gatePositions } from "./demo/gates.ts";
import { writeReport } from "./dashboard/report.ts";
import { refuseDataOfOthers } from "./demo/others.ts";
import { checkStrandFile, mergeConfigs, readConfig } from "./demo/files.ts";
import { tellWaiting } from "./demo/waiting.ts";
import { type Findings, renderReport } from "./demo/report.ts";
import { type EpisodeSample, generateEpisodes } from "./sample/episodes.ts";
import { healthLines, readHealth } from "./health.ts";
import { generateSample, type Sample, SAMPLE_SEED } from "./sample/sample.ts";
import { TAKE_OVER_FLAG } from "./stack/doorbell.ts";
import { type Stack, startStack } from "./stack/stack.ts";
import { Stopped, stopSignal, unlessEnded } from "./stack/stopping.ts";
import { readStrandFile, type Strand } from "./strand_file.ts";

const FLAGS = ["input", "config", "db", TAKE_OVER_FLAG.slice(2), "json", "help"];

const HELP = `deno task demo [options]

  --input FILE    feed this strand file (ndjson, plain or gzipped) instead of the built-in sample
  --config FILE   merge this PM configuration (JSON)
  --db URL        use this Postgres (15 or newer) instead of the embedded one
  ${TAKE_OVER_FLAG}
                  with --db, ring this stack while it runs though the Vault there names another one
  --json          print one JSON object instead of the report
  --help          show this`;

const SCREEN = new URL("../.edgeloop/demo.html", import.meta.url);
const SHOWN_FAMILIES = 6;
const SHOWN_SCOPES = 6;

interface DemoOptions {
  readonly input?: string;
  readonly config?: string;
  readonly db?: string;
  readonly takeOverDoorbell: boolean;
  readonly json: boolean;
}

function parseDemoArguments(args: readonly string[]): DemoOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["input", "config", "db"],
    boolean: ["json", "help", TAKE_OVER_FLAG.slice(2)],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}`);
  if (options.help === true) return "help";
  for (const name of ["input", "config", "db"] as const) {
    if (options[name] === "") throw new Error(`--${name} takes a value.\n\n${HELP}`);
  }
  const takeOverDoorbell = options[TAKE_OVER_FLAG.slice(2)] === true;
  if (takeOverDoorbell && options.db === undefined) {
    throw new Error(`${TAKE_OVER_FLAG} is about the database of --db; the embedded one is the demo's own.`);
  }
  return {
    takeOverDoorbell,
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
    this.#write(`${this.#live ? "\r\x1b[K" : ""}${this.#prefix()} ${visible(message)}\n`);
  }

  /** A figure that grows; on a terminal it overwrites itself. */
  update(message: string): void {
    if (this.#live) this.#write(`\r${this.#prefix()} ${visible(message)}\x1b[K`);
  }

  /** What a long wait has come to; a line of its own where there is no terminal. */
  tell(message: string): void {
    if (this.#live) this.update(message);
    else this.step(message);
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

async function mergeConfig(client: SupabaseClient, path: string, config: object): Promise<void> {
  const { data } = await client.from("learning_configs").select("config_data").eq("module_id", "pm")
    .maybeSingle()
    .throwOnError();
  const { error } = await client.from("learning_configs").upsert({
    module_id: "pm",
    config_data: mergeConfigs(data?.config_data ?? {}, config),
    updated_by: "demo",
  });
  if (error) throw new Error(`${path} was not accepted. ${error.message}. ${error.hint ?? ""}`);
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

function generateBuiltIn(): BuiltIn {
  const seeded = { seed: SAMPLE_SEED, asOf: new Date() };
  return { trades: generateSample(seeded), episodes: generateEpisodes(seeded) };
}

async function runLoop(
  options: DemoOptions,
  builtIn: BuiltIn | null,
  config: object | null,
  stack: Stack,
  progress: Progress,
): Promise<Findings> {
  const client: SupabaseClient = createClient(stack.apiUrl, stack.secretKey, {
    auth: { persistSession: false },
  });
  const sample = builtIn?.trades ?? null;
  if (options.config !== undefined && config !== null) await mergeConfig(client, options.config, config);

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
  const stopTelling = tellWaiting(stack.query, (line) => progress.tell(line));
  try {
    await stack.settle();
    await fastForward(stack, (jobname) => progress.step(`Running the job ${jobname}`));
  } finally {
    await stopTelling();
    progress.endUpdates();
  }
  progress.step("Asking for sizings");

  const families = await readFamilies(client, ["entry", "add"]);
  const candidates: readonly Candidate[] = sample?.candidates ?? await recordedCandidates(client);
  const sizings = candidates.length === 0 ? [] : await sizeCandidates(client, candidates, feeder.newest);
  const planted = (sample?.planted ?? []).map((effect) => ({
    ...effect,
    found:
      families.find((family) =>
        family.pattern_key === effect.patternKey && family.action_category === effect.actionCategory &&
        scopeKey(family.scope) === scopeKey(effect.scope)
      ) ?? null,
  }));
  const [total] = await stack.query<{ total: number }>(
    "select coalesce(sum(total_allocation_pct), 0)::float8 as total from lowcap_positions where status in ('watchlist', 'active')",
  );
  return {
    counts: await countAll(client),
    health: healthLines(await readHealth(stack.query)),
    planted,
    families: families.slice(0, SHOWN_FAMILIES),
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

/** What this run found, on the screen, which outlives the stack; says where it is. */
async function drawScreen(stack: Stack): Promise<string> {
  try {
    await Deno.mkdir(new URL(".", SCREEN), { recursive: true });
    await writeReport(SCREEN.pathname, stack.databaseUrl);
    return `See it in a browser: ${visible(SCREEN.href)}`;
  } catch (error) {
    return `It could not be drawn for a browser: ${
      visible(error instanceof Error ? error.message : String(error))
    }`;
  }
}

async function main(): Promise<void> {
  const options = parseDemoArguments(Deno.args);
  if (options === "help") {
    Deno.stdout.writeSync(new TextEncoder().encode(HELP + "\n"));
    return;
  }
  const signal = stopSignal();
  if (options.input !== undefined) await checkStrandFile(options.input);
  const config = options.config === undefined ? null : await readConfig(options.config);
  const builtIn = options.input === undefined ? generateBuiltIn() : null;
  if (options.db !== undefined && builtIn !== null) {
    await refuseDataOfOthers(options.db, {
      strands: [...builtIn.trades.strands, ...builtIn.episodes.strands].map(({ id }) => id),
      positions: builtIn.trades.positions.map(({ id }) => id),
    });
  }
  const progress = new Progress();
  const stack = await startStack({
    ...(options.db === undefined ? {} : { databaseUrl: options.db }),
    takeOverDoorbell: options.takeOverDoorbell,
    signal,
    onProgress: (message) => progress.step(message),
  });
  let findings: Findings;
  let screen = "";
  try {
    findings = await unlessEnded(runLoop(options, builtIn, config, stack, progress), signal, stack.lost);
    if (!options.json) {
      progress.step("Drawing the screen");
      screen = await unlessEnded(drawScreen(stack), signal, stack.lost);
    }
  } finally {
    await stack.close();
  }
  progress.step("Done");
  const { counts, candidates, asOf } = findings;
  const text = options.json
    ? visibleLines(JSON.stringify({ ...counts, as_of: asOf, candidates }, null, 2)) + "\n"
    : `\n${renderReport(findings)}\n${screen}\n`;
  await Deno.stdout.write(new TextEncoder().encode(text));
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      `\n${error instanceof Stopped ? "" : "The demo failed: "}${visibleLines(message)}\n`,
    ),
  );
  Deno.exit(error instanceof Stopped ? error.exitCode : 1);
}
// What listens for signals would keep the process alive.
Deno.exit(0);
