/**
 * What one invocation of `mine-lessons` takes on one large group: CPU time and memory, each in a fresh process (spec §6.8).
 *
 * Alone: `deno run -A scripts/bench/mine.ts`
 *
 * @module
 */

import { createClient } from "@supabase/supabase-js";
import { mineLessons, type MiningReport } from "../../functions/_shared/lessons/mine.ts";
import type { Database } from "../../functions/_shared/store/database.types.ts";
import { Store } from "../../functions/_shared/store/store.ts";
import { createScratchDatabase } from "../stack/scratch.ts";
import { startStack } from "../stack/stack.ts";
import { fill } from "./cycle.ts";
import { cpuSeconds, peakMb } from "./process.ts";
import type { BenchRow } from "./types.ts";

const SIZES = [5_000, 100_000];

/** What one process measures. */
interface Invocation {
  readonly report: MiningReport;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/**
 * @param serverUrl Server for a scratch database; null for the embedded one.
 * @param sizes Trades of the group.
 */
export async function benchMine(
  serverUrl: string | null,
  sizes: readonly number[] = SIZES,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startStack(
      serverUrl === null ? {} : { databaseUrl: await createScratchDatabase(serverUrl, cleanup) },
    );
    cleanup.defer(() => stack.close());
    await fill(stack, size, 1);
    const invocations: Invocation[] = [];
    do {
      invocations.push(await invoke(stack.apiUrl, stack.secretKey, invocations.length > 0));
    } while (invocations.at(-1)?.report.handedOver);
    const row = (metric: string, value: number, unit: string): BenchRow => ({
      bench: "mine",
      size,
      metric,
      value,
      unit,
    });
    const [mined] = await stack.query<{ lessons: number }>(
      "select count(*)::integer as lessons from learning_lessons",
    );
    rows.push(
      row("lessons", mined?.lessons ?? 0, "lessons"),
      row("invocations", invocations.length, "invocations"),
      row("largest_cpu_s", Math.max(...invocations.map(({ cpuSeconds }) => cpuSeconds)), "s"),
      row("largest_peak_mb", Math.max(...invocations.map(({ peakMb }) => peakMb)), "MB"),
    );
  }
  return rows;
}

async function invoke(apiUrl: string, secretKey: string, continues: boolean): Promise<Invocation> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", import.meta.url, apiUrl, secretKey, String(continues)],
  }).output();
  if (!success) throw new Error(`An invocation failed: ${new TextDecoder().decode(stderr).trim()}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What a fresh process does: one invocation that rings no other. */
async function runOnce(apiUrl: string, secretKey: string, continues: boolean): Promise<Invocation> {
  class Alone extends Store {
    override ring(): Promise<void> {
      return Promise.resolve();
    }
  }
  const store = new Alone(createClient<Database>(apiUrl, secretKey, { auth: { persistSession: false } }));
  const before = cpuSeconds();
  const report = await mineLessons(store, continues);
  return { report, cpuSeconds: cpuSeconds() - before, peakMb: peakMb() };
}

if (import.meta.main) {
  const [apiUrl, secretKey, continues] = Deno.args;
  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  if (apiUrl !== undefined && secretKey !== undefined) {
    Deno.stdout.writeSync(encode(await runOnce(apiUrl, secretKey, continues === "true")));
  } else for (const row of await benchMine(null)) Deno.stdout.writeSync(encode(row));
}
