/**
 * The same measurement on an earlier commit and on this checkout, in turn: a machine's speed drifts by more than most changes
 * cost, and only figures that were taken side by side can be compared.
 *
 * @module
 */

import type { BenchRow } from "./types.ts";

/** One figure on both sides: the medians over the rounds. */
export interface ComparedFigure {
  readonly bench: string;
  readonly size: number | string;
  readonly metric: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** What it costs now against before: below 1 is better, whichever way the unit points; null for a figure that is no cost. */
  readonly cost: number | null;
}

export interface AgainstOptions {
  /** Commit, tag or branch to compare with. */
  readonly commit: string;
  /** Arguments of `deno task bench` for both sides. */
  readonly args: readonly string[];
  /** How often each side is measured. */
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

const REPOSITORY = new URL("../../", import.meta.url);

/** Units of which less is better, and those of which more is. */
const COSTS = new Set(["s", "ms", "MB", "×", "%"]);

/**
 * Measures both sides in turn, the earlier one in a work tree of its own that is removed again.
 *
 * @throws Error when the commit cannot be checked out, or a measurement fails on either side.
 */
export async function measureAgainst(options: AgainstOptions): Promise<ComparedFigure[]> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "edgeloop_bench_" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const earlier = `${folder}/checkout`;
  await run("git", ["worktree", "add", "--detach", earlier, options.commit], REPOSITORY);
  cleanup.defer(() =>
    run("git", ["worktree", "remove", "--force", earlier], REPOSITORY).then(() => undefined)
  );
  const before: BenchRow[] = [];
  const after: BenchRow[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    options.progress(`Round ${round} of ${options.rounds}: ${options.commit}`);
    before.push(...await measure(earlier, options.args));
    options.progress(`Round ${round} of ${options.rounds}: this checkout`);
    after.push(...await measure(REPOSITORY, options.args));
  }
  return compareFigures(before, after);
}

/** Pairs the figures that both sides have, in the order of the second. */
export function compareFigures(before: readonly BenchRow[], after: readonly BenchRow[]): ComparedFigure[] {
  const former = Map.groupBy(before, keyOf);
  const current = Map.groupBy(after, keyOf);
  return [...current].flatMap(([key, rows]) => {
    const earlier = former.get(key);
    const row = rows[0];
    if (earlier === undefined || row === undefined) return [];
    const [was, is] = [median(earlier), median(rows)];
    const { bench, size, metric, unit } = row;
    const cost = COSTS.has(unit) ? is / was : unit.endsWith("/s") ? was / is : null;
    return [{ bench, size, metric, unit, before: was, after: is, cost }];
  });
}

function keyOf({ bench, size, metric }: BenchRow): string {
  return JSON.stringify([bench, size, metric]);
}

function median(rows: readonly BenchRow[]): number {
  const values = rows.map(({ value }) => value).sort((a, b) => a - b);
  const middle = values.length / 2;
  return ((values[Math.ceil(middle) - 1] ?? NaN) + (values[Math.floor(middle)] ?? NaN)) / 2;
}

async function measure(checkout: URL | string, args: readonly string[]): Promise<BenchRow[]> {
  return JSON.parse(
    await run(Deno.execPath(), ["task", "--quiet", "bench", "--json", ...args], checkout),
  );
}

async function run(command: string, args: readonly string[], cwd: URL | string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  const decoder = new TextDecoder();
  if (!success) {
    const said = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
    throw new Error(`"${command} ${args.join(" ")}" failed in ${cwd}: ${said}`);
  }
  return decoder.decode(stdout);
}
