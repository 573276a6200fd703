/**
 * Measures what the loop costs (spec §19): ratios within one run, sizes and hardware beside them.
 *
 *     deno task bench [--only enumerate|mine|cycle|ingest|sizing|simulate] [--db URL] [--json]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim } from "@std/fmt/colors.js";
import type { BenchRow } from "./bench/types.ts";
import { table } from "./table.ts";

const HELP = `deno task bench [options]

  --only NAME   enumerate, mine, cycle, ingest, sizing or simulate
  --db URL      measure on scratch databases of this Postgres (15 or newer) instead of the embedded one
  --json        print an array of {bench, size, metric, value, unit}
  --help        show this`;

/** Loaded when run, so that one measurement does not pay for the others. */
const BENCHES: Readonly<Record<string, (databaseUrl: string | null) => Promise<BenchRow[]>>> = {
  enumerate: async () => await (await import("./bench/enumerate.ts")).benchEnumerate(),
  mine: async (url) => await (await import("./bench/mine.ts")).benchMine(url),
  cycle: async (url) => await (await import("./bench/cycle.ts")).benchCycle(url),
  ingest: async (url) => await (await import("./bench/ingest.ts")).benchIngest(url),
  sizing: async (url) => await (await import("./bench/sizing.ts")).benchSizing(url),
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

async function main(): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(Deno.args, {
    string: ["only", "db"],
    boolean: ["json", "help"],
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0 || (options.only !== undefined && !(options.only in BENCHES))) {
    write(
      `Unknown ${unknown.length > 0 ? `argument "${unknown[0]}"` : `bench "${options.only}"`}.\n\n${HELP}\n`,
    );
    return 2;
  }
  if (options.help === true) {
    write(`${HELP}\n`);
    return 0;
  }
  const rows: BenchRow[] = [];
  for (const [name, run] of Object.entries(BENCHES)) {
    if (options.only !== undefined && options.only !== name) continue;
    progress(`Measuring ${name}`);
    rows.push(...await run(options.db ?? null));
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
