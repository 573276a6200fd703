/**
 * What the loop promises, at full size: `scripts/guarantees.test.ts` with ten thousand trades under every disturbance, ten
 * thousand bad strands and bursts of a hundred thousand.
 *
 *     deno task soak [--only exactly-once|bad-input|burst|learning] [--trial TEXT] [--trades N] [--bad N] [--burst N] [--db URL] [--json]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim, green, red } from "@std/fmt/colors.js";
import { visible } from "../functions/_shared/runtime/visible.ts";
import { unknownArgument } from "./command_line.ts";
import { burst, burstFaults } from "./guarantees/burst.ts";
import { Cluster, findPostgres } from "./guarantees/cluster.ts";
import { DISTURBANCES, KILL_POSTGRES } from "./guarantees/disturbances.ts";
import { createTemplate, ExactlyOnce, type Server, type Trial } from "./guarantees/exactly_once.ts";
import { learn, type LearningTrouble } from "./guarantees/learning.ts";
import { feedNonsense } from "./guarantees/nonsense.ts";
import { differences, type Outcome } from "./guarantees/outcome.ts";
import { Rig } from "./guarantees/rig.ts";
import { createScratchDatabase } from "./stack/scratch.ts";

const FLAGS = ["only", "trial", "trades", "bad", "burst", "db", "json", "help"];

const HELP = `deno task soak [options]

  --only NAME   exactly-once, bad-input, burst or learning
  --trial TEXT  only the disturbances of exactly-once whose name has this in it
  --trades N    trades of a history (default 10000)
  --bad N       bad strands (default 10000)
  --burst N     strands of a burst (default 100000)
  --db URL      use scratch databases of this Postgres, which is not killed then, instead of a server of its own
  --json        print an array of {promise, trial, held, seconds, figures, complaints}
  --help        show this`;

/** What a ring waits for its answer. */
const LONGEST_INVOCATION_MS = 30_000;

/** One promise put to one trial. */
interface Verdict {
  readonly promise: string;
  readonly trial: string;
  readonly held: boolean;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number | string>>;
  readonly complaints: readonly string[];
}

interface Sizes {
  readonly trades: number;
  readonly bad: number;
  readonly burst: number;
}

interface Ground {
  readonly server: Server;
  /** Null where the server is somebody else's. */
  readonly cluster: Cluster | null;
  readonly sizes: Sizes;
  /** What the name of a disturbance must have in it. */
  readonly trial: string;
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function progress(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${dim(text)}\n`));
}

async function withRig<T>({ server }: Ground, work: (rig: Rig) => Promise<T>): Promise<T> {
  await using cleanup = new AsyncDisposableStack();
  const databaseUrl = await createScratchDatabase(server.url, cleanup, server.template);
  const rig = cleanup.use(await Rig.start({ databaseUrl }));
  return await work(rig);
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const from = performance.now();
  return [await work(), (performance.now() - from) / 1000];
}

function countsOf(tally: Readonly<Record<string, number>>): string {
  return Object.entries(tally).map(([what, count]) => `${count} × ${what}`).join(", ");
}

async function* exactlyOnce(ground: Ground): AsyncGenerator<Verdict> {
  const promise = new ExactlyOnce(ground.sizes.trades, ground.server);
  progress(`exactly-once: ${promise.strands} strands of ${ground.sizes.trades} trades, undisturbed`);
  const [, seconds] = await timed(() => promise.prepare());
  yield {
    promise: "exactly-once",
    trial: "undisturbed",
    held: true,
    seconds,
    figures: {
      trades: ground.sizes.trades,
      strands: promise.strands,
      strands_per_s: Math.round(promise.strands / seconds),
    },
    complaints: [],
  };
  const verdict = (
    trial: string,
    { differences: complaints, seconds, left, sweeps, answers, failures }: Trial,
  ): Verdict => ({
    promise: "exactly-once",
    trial,
    held: complaints.length === 0,
    seconds,
    figures: { left_by_then: left, sweeps, answers: countsOf(answers), failures: countsOf(failures) },
    complaints,
  });
  for (const [name, disturbance] of Object.entries(DISTURBANCES)) {
    if (!name.includes(ground.trial)) continue;
    progress(`exactly-once: ${name}`);
    yield verdict(name, await promise.disturb(name, disturbance, { kills: 20 }));
  }
  const name = "when Postgres is killed and restarted midway";
  if (ground.cluster === null || !name.includes(ground.trial)) return;
  progress(`exactly-once: ${name}`);
  yield verdict(name, await promise.disturb(name, KILL_POSTGRES, { cluster: ground.cluster, kills: 8 }));
}

async function* badInput(ground: Ground): AsyncGenerator<Verdict> {
  progress(`bad-input: ${ground.sizes.bad} bad strands among good ones`);
  const [report, seconds] = await timed(() =>
    withRig(ground, (rig) => feedNonsense(rig, { seed: 2, bad: ground.sizes.bad, trades: 1_000 }))
  );
  const { processed, rejected, refused, complaints } = report;
  const figures = {
    processed,
    rejected,
    refused: countsOf(refused),
  };
  yield {
    promise: "bad-input",
    trial: "generated strands",
    held: complaints.length === 0,
    seconds,
    figures,
    complaints,
  };
}

async function* bursts(ground: Ground): AsyncGenerator<Verdict> {
  for (const shape of ["one statement", "single statements"] as const) {
    progress(`burst: ${ground.sizes.burst} strands in ${shape}`);
    const [report, seconds] = await timed(() =>
      withRig(ground, (rig) => burst(rig, { strands: ground.sizes.burst, shape, sampleMs: 1_000 }))
    );
    const {
      insertSeconds,
      bareSeconds,
      rings,
      drainSeconds,
      invocations,
      slowestInvocationMs,
      progress: seen,
    } = report;
    const complaints = [
      ...burstFaults(report),
      ...(slowestInvocationMs < LONGEST_INVOCATION_MS
        ? []
        : [`An invocation took ${slowestInvocationMs} ms.`]),
    ];
    yield {
      promise: "burst",
      trial: shape,
      held: complaints.length === 0,
      seconds,
      figures: {
        strands: report.strands,
        inserted_per_s: Math.round(report.strands / insertSeconds),
        ratio_to_bare_insert: Number((insertSeconds / bareSeconds).toFixed(2)),
        rings,
        drained_per_s: Math.round(report.strands / drainSeconds),
        invocations,
        slowest_invocation_ms: slowestInvocationMs,
        looks_at_progress: seen.length,
      },
      complaints,
    };
  }
}

async function* learning(ground: Ground): AsyncGenerator<Verdict> {
  // Large enough for thousands of lessons, small enough to mine three times.
  const trades = Math.min(ground.sizes.trades, 2_000);
  let undisturbed: Outcome | undefined;
  const troubles: readonly LearningTrouble[] = ["none", "every ring comes twice", "functions are killed"];
  for (const trouble of troubles) {
    progress(`learning: ${trouble}`);
    const [outcome, seconds] = await timed(() => withRig(ground, (rig) => learn(rig, trades, trouble)));
    undisturbed ??= outcome;
    const complaints = differences(undisturbed, outcome);
    yield {
      promise: "learning",
      trial: trouble,
      held: complaints.length === 0,
      seconds,
      figures: {
        lessons: outcome.get("lessons")?.length ?? 0,
        overrides: outcome.get("overrides")?.length ?? 0,
      },
      complaints,
    };
  }
}

const PROMISES: Readonly<Record<string, (ground: Ground) => AsyncGenerator<Verdict>>> = {
  "exactly-once": exactlyOnce,
  "bad-input": badInput,
  burst: bursts,
  learning,
};

function render({ promise, trial, held, seconds, figures, complaints }: Verdict): string {
  const told = Object.entries(figures).map(([name, value]) => `${dim(name)} ${value}`).join("  ");
  const verdict = held ? green("held") : red(bold("BROKEN"));
  return [
    `${verdict}  ${bold(promise)} ${trial} ${dim(`${seconds.toFixed(1)} s`)}`,
    `      ${told}`,
    ...complaints.slice(0, 10).map((complaint) => red(`      ${visible(complaint.slice(0, 500))}`)),
  ].join("\n") + "\n";
}

async function main(): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(Deno.args, {
    string: ["only", "trial", "trades", "bad", "burst", "db"],
    boolean: ["json", "help"],
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (options.help === true) {
    write(`${HELP}\n`);
    return 0;
  }
  if (unknown.length > 0) {
    write(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}\n`);
    return 2;
  }
  const size = (name: "trades" | "bad" | "burst", usual: number): number => {
    const given = options[name];
    const value = given === undefined ? usual : Number(given);
    if (!Number.isInteger(value) || value < 1) unknown.push(`--${name} ${given}`);
    return value;
  };
  const sizes = { trades: size("trades", 10_000), bad: size("bad", 10_000), burst: size("burst", 100_000) };
  if (options.only !== undefined && !(options.only in PROMISES)) unknown.push(`--only ${options.only}`);
  if (unknown.length > 0) {
    write(`"${unknown[0]}" is not understood.\n\n${HELP}\n`);
    return 2;
  }
  if (options.db === undefined && findPostgres() === null) {
    write("There is no Postgres server to start: initdb was not found. Give one with --db.\n");
    return 2;
  }

  await using cleanup = new AsyncDisposableStack();
  const cluster = options.db === undefined ? cleanup.use(await Cluster.create()) : null;
  const url = options.db ?? cluster?.url ?? "";
  const ground: Ground = {
    server: { url, template: await createTemplate(url, cleanup) },
    cluster,
    sizes,
    trial: options.trial ?? "",
  };
  const verdicts: Verdict[] = [];
  for (const [name, run] of Object.entries(PROMISES)) {
    if (options.only !== undefined && options.only !== name) continue;
    for await (const verdict of run(ground)) {
      verdicts.push(verdict);
      if (options.json !== true) write(render(verdict));
    }
  }
  if (options.json === true) write(`${JSON.stringify(verdicts, null, 2)}\n`);
  return verdicts.every(({ held }) => held) ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main();
