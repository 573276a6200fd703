/**
 * How fast slices are enumerated: n and z for every one of them, in a fresh process on one core (README.md,
 * "What it costs").
 *
 * Alone: `deno run -A scripts/bench/enumerate.ts`
 *
 * @module
 */

import { prepare, type SliceSelection } from "../../functions/_shared/slices/mod.ts";
import { computeBaseline } from "../../functions/_shared/statistics/baseline.ts";
import { zScore } from "../../functions/_shared/statistics/significance.ts";
import { winsorise } from "../../functions/_shared/statistics/winsorise.ts";
import {
  correlatedTrades,
  functionalTrades,
  noisyCatalogue,
  type TradeColumns,
} from "./correlated_trades.ts";
import { plainRecursion } from "./plain_recursion.ts";
import { cpuSeconds, oneCore, peakMb } from "./process.ts";
import type { BenchRow } from "./types.ts";

const MIN_SUPPORT = 33;
const SIZES = [500, 1_000, 2_000, 5_000, 20_000, 100_000];
/** Data in which many subsets select the same trades: what `distinct` is for. */
const COINCIDING = {
  "20,000 functional": () => functionalTrades(),
  "8,124 catalogue": () => noisyCatalogue(),
} as const;
/** Fresh processes per figure, of which the median is reported; one where a single run takes many seconds. */
const REPEATS = 5;
const LONG_RUN_ROWS = 100_000;

type Method = SliceSelection | "plain";

/** What one process measures. */
interface Measurement {
  readonly slices: number;
  /** Time on the core, compiling included. */
  readonly seconds: number;
  /** Highest resident memory of the whole process, data included. */
  readonly peakMb: number;
}

/** Measures both selections at every size against the plain recursion, and the coinciding catalogues. */
export async function benchEnumerate(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of SIZES) {
    const plain = await measure(String(size), "plain", size < LONG_RUN_ROWS ? REPEATS : 1);
    for (const selection of ["exhaustive", "distinct"] as const) {
      const measured = await measure(String(size), selection, REPEATS);
      // Exhaustive figures bear the plain names, since that is what the recursion finds too.
      const prefix = selection === "distinct" ? "distinct_" : "";
      rows.push(
        ...figures(size, prefix, measured),
        {
          bench: "enumerate",
          size,
          metric: `${prefix}ratio_to_plain`,
          value: plain.seconds / measured.seconds,
          unit: "×",
        },
      );
    }
  }
  for (const name of Object.keys(COINCIDING)) {
    const measured = await measure(name, "distinct", REPEATS);
    rows.push(...figures(name, "distinct_", measured), {
      bench: "enumerate",
      size: name,
      metric: "distinct_seconds",
      value: measured.seconds,
      unit: "s",
    });
  }
  return rows;
}

function figures(
  size: number | string,
  prefix: string,
  { slices, seconds, peakMb }: Measurement,
): BenchRow[] {
  return [
    { bench: "enumerate", size, metric: `${prefix}slices`, value: slices, unit: "slices" },
    { bench: "enumerate", size, metric: `${prefix}slices_per_s`, value: slices / seconds, unit: "slices/s" },
    { bench: "enumerate", size, metric: `${prefix}peak_mb`, value: peakMb, unit: "MB" },
  ];
}

/** The median run of several processes, by time. */
async function measure(data: string, method: Method, repeats: number): Promise<Measurement> {
  const runs: Measurement[] = [];
  for (let i = 0; i < repeats; i++) runs.push(await measureOnce(data, method));
  runs.sort((a, b) => a.seconds - b.seconds);
  return runs[Math.floor(repeats / 2)]!;
}

async function measureOnce(data: string, method: Method): Promise<Measurement> {
  const script = [Deno.execPath(), "run", "--allow-all", import.meta.url, data, method];
  const [program, ...args] = [...oneCore(), ...script];
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) {
    throw new Error(`Measuring ${method} on ${data} failed: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What a fresh process does: makes the data, then enumerates it, n and z for every slice. */
function runOnce(data: string, method: Method): Measurement {
  const make = COINCIDING[data as keyof typeof COINCIDING] ??
    ((): TradeColumns => correlatedTrades(Number(data)));
  const { rows, dimensions, outcomes } = make();
  const baseline = computeBaseline(outcomes);
  const difference = winsorise(outcomes, baseline.bounds).map((value) => value - baseline.winsorisedMean);
  const input = { rows, dimensions, measures: [difference], minSupport: MIN_SUPPORT };
  // Element 0 counts the slices, element 1 keeps the largest |z|, so that z cannot be optimised away.
  const seen = new Float64Array(2);
  const see = (n: number, sum: number): void => {
    const z = Math.abs(zScore(n, sum / n, baseline));
    seen[0]!++;
    if (z > seen[1]!) seen[1] = z;
  };
  const start = cpuSeconds();
  if (method === "plain") plainRecursion({ ...input, selection: "exhaustive" }, see);
  else prepare({ ...input, selection: method }).run((n, sums) => see(n, sums[0]!));
  const seconds = cpuSeconds() - start;
  return { slices: seen[0]!, seconds, peakMb: peakMb() };
}

if (import.meta.main) {
  const [data, method] = Deno.args;
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  if (data !== undefined && method !== undefined) {
    Deno.stdout.writeSync(encode(runOnce(data, method as Method)));
  } else for (const row of await benchEnumerate()) Deno.stdout.writeSync(encode(row));
}
