/**
 * Measures what the loop costs (README.md, "What it costs"): ratios within one run, sizes and hardware beside
 * them.
 *
 *     deno task bench [--only enumerate|mine|cycle|ingest|sizing|simulate] [--sizes N,N] [--strands FILE] [--db URL]
 *                     [--json] [--against COMMIT [--rounds N]]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim } from "@std/fmt/colors.js";
import { type ComparedFigure, measureAgainst } from "./bench/against.ts";
import type { BenchRow } from "./bench/types.ts";
import { unknownArgument } from "./command_line.ts";
import { table } from "./table.ts";

const FLAGS = ["only", "sizes", "strands", "db", "against", "rounds", "json", "help"];

const HELP = `deno task bench [options]

  --only NAME       enumerate, mine, cycle, ingest, sizing or simulate
  --sizes N,N       sizes of cycle and sizing, instead of all of them
  --strands FILE    strands for ingest (NDJSON, gzipped or not), instead of the sample
  --db URL          measure on scratch databases of this Postgres (15 or newer) instead of the embedded one
  --json            print an array of {bench, size, metric, value, unit}
  --against COMMIT  measure that commit and this checkout in turn and print what each figure costs now against then
  --rounds N        how often each of them, 3 unless told otherwise
  --help            show this`;

/** Loaded when run, so that one measurement does not pay for the others. */
const BENCHES: Readonly<
  Record<
    string,
    (
      databaseUrl: string | null,
      sizes: readonly number[] | undefined,
      strands: string | undefined,
    ) => Promise<BenchRow[]>
  >
> = {
  enumerate: async () => await (await import("./bench/enumerate.ts")).benchEnumerate(),
  mine: async (url) => await (await import("./bench/mine.ts")).benchMine(url),
  cycle: async (url, sizes) => await (await import("./bench/cycle.ts")).benchCycle(url, sizes),
  ingest: async (url, _, strands) => await (await import("./bench/ingest.ts")).benchIngest(url, strands),
  sizing: async (url, sizes) => await (await import("./bench/sizing.ts")).benchSizing(url, sizes),
  simulate: async () => await (await import("./bench/simulate.ts")).benchSimulate(),
};

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function progress(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${dim(text)}\n`));
}

function rounded(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function render(rows: readonly BenchRow[]): string {
  const sized = (size: number | string): string =>
    typeof size === "number" ? size.toLocaleString("en") : size;
  return table(
    ["bench", "size", "metric", "value", "unit"],
    rows.map(({ bench, size, metric, value, unit }) => [bench, sized(size), metric, rounded(value), unit]),
    [1, 3],
  );
}

function renderComparison(figures: readonly ComparedFigure[]): string {
  return table(
    ["bench", "size", "metric", "before", "after", "unit", "cost"],
    figures.map(({ bench, size, metric, before, after, unit, cost }) => [
      bench,
      typeof size === "number" ? size.toLocaleString("en") : size,
      metric,
      rounded(before),
      rounded(after),
      unit,
      cost === null ? "" : `${cost.toFixed(2)} ×`,
    ]),
    [1, 3, 4, 6],
  );
}

/** Sizes that were asked for; undefined for all, null where they cannot be read. */
function readSizes(text: string | undefined): number[] | undefined | null {
  if (text === undefined) return undefined;
  const sizes = text.split(",").map(Number);
  return sizes.every((size) => Number.isInteger(size) && size > 0) ? sizes : null;
}

async function main(): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(Deno.args, {
    string: ["only", "sizes", "strands", "db", "against", "rounds"],
    boolean: ["json", "help"],
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0 || (options.only !== undefined && !(options.only in BENCHES))) {
    const [argument] = unknown;
    const what = argument === undefined
      ? `Unknown bench "${options.only}".`
      : unknownArgument(argument, FLAGS);
    write(`${what}\n\n${HELP}\n`);
    return 2;
  }
  if (options.help === true) {
    write(`${HELP}\n`);
    return 0;
  }
  const sizes = readSizes(options.sizes);
  const rounds = Number(options.rounds ?? 3);
  if (sizes === null || !Number.isInteger(rounds) || rounds < 1) {
    write(
      `${
        sizes === null ? `--sizes "${options.sizes}"` : `--rounds "${options.rounds}"`
      } must be whole numbers.\n`,
    );
    return 2;
  }
  if (options.against !== undefined) {
    const args = (["only", "sizes", "strands", "db"] as const).flatMap((name) =>
      options[name] === undefined ? [] : [`--${name}`, options[name]]
    );
    const figures = await measureAgainst({ commit: options.against, args, rounds, progress });
    write(options.json === true ? `${JSON.stringify(figures, null, 2)}\n` : `${renderComparison(figures)}\n`);
    return 0;
  }
  const rows: BenchRow[] = [];
  for (const [name, run] of Object.entries(BENCHES)) {
    if (options.only !== undefined && options.only !== name) continue;
    progress(`Measuring ${name}`);
    rows.push(...await run(options.db ?? null, sizes, options.strands));
  }
  if (options.json === true) {
    write(`${JSON.stringify(rows, null, 2)}\n`);
    return 0;
  }
  const { hardwareConcurrency } = navigator;
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  write(
    `${bold("Measured")} on ${hardwareConcurrency} cores, ${memory} GiB, Deno ${Deno.version.deno}, ` +
      `${options.db === undefined ? "embedded Postgres" : "your Postgres"}\n${render(rows)}\n`,
  );
  return 0;
}

Deno.exit(await main());
