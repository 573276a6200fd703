/**
 * The lessons of one group, mined in passes (functions/README.md, "Slices and their names"): *count* finds
 * every distinct trade set, which is every test there is, and remembers the strongest; *select* looks for the
 * strongest among all subsets instead, where the selection is exhaustive; *test* gathers the p values that
 * false discovery control needs; *describe* computes everything that is said of the slices that are kept.
 * Each pass can pause and go on in another process.
 *
 * @module
 */

import type { AccumulatorState } from "../statistics/benjamini_hochberg_accumulator.ts";
import { BenjaminiHochbergAccumulator } from "../statistics/benjamini_hochberg_accumulator.ts";
import type { Baseline } from "../statistics/baseline.ts";
import { meanImprovementBucket } from "../statistics/buckets.ts";
import { clusterTrades } from "../statistics/clusters.ts";
import { computeEdge, incrementalEdge } from "../statistics/edge.ts";
import { mean, moments } from "../statistics/moments.ts";
import { twoSidedNormalP } from "../statistics/normal.ts";
import type { Direction } from "../statistics/posture.ts";
import { ClusterTester, pValue, zScore } from "../statistics/significance.ts";
import {
  computeStrength,
  type EdgeHistory,
  type Strength,
  type StrengthColumns,
} from "../statistics/strength.ts";
import { gather } from "../statistics/gather.ts";
import { winsorise } from "../statistics/winsorise.ts";
import { type Conjunction, type Enumeration, prepare, type SliceCursor } from "../slices/mod.ts";
import type { GroupTrades } from "./group_trades.ts";
import type { MiningSettings } from "./settings.ts";
import { scopeKey } from "../mining/scope_key.ts";
import { type KeptSlices, SliceNames, type StoredSlice, storedSlices } from "../mining/slice_names.ts";
import type { StrongestSlices } from "../mining/strongest_slices.ts";

/** What a group is mined with. */
export interface GroupInput {
  readonly trades: GroupTrades;
  readonly baseline: Baseline;
  readonly settings: MiningSettings;
  /** The module's own direction where `steering.relative` is on, else `null`. */
  readonly ownDirection: Direction | null;
  /** Earlier edges by {@linkcode scopeKey}, where decay is fitted to them, else `null`. */
  readonly history: ReadonlyMap<string, EdgeHistory> | null;
}

/** A mined lesson. */
export interface MinedLesson {
  readonly scope: Readonly<Record<string, string>>;
  readonly stats: Strength["stats"] & {
    readonly incremental_edge: number;
    /**
     * Mean improvement buckets of entries and exits (functions/README.md, "Levers"), `null` when no trade
     * tells.
     */
    readonly m_e: number | null;
    readonly m_x: number | null;
  };
  readonly pValue: number;
  readonly qValue: number;
  readonly active: boolean;
  /** Epoch milliseconds, to the microsecond. */
  readonly lastEvidenceAt: number;
}

type DescribedLesson = Omit<MinedLesson, "qValue" | "active">;

/** Where a paused run has got to; plain JSON. */
export type GroupProgress =
  | {
    readonly pass: "count";
    readonly cursor: SliceCursor;
    readonly tests: number;
    readonly rowVisits: number;
    readonly histogram: readonly number[];
    readonly strongest: readonly StoredSlice[];
  }
  | {
    readonly pass: "select";
    readonly cursor: SliceCursor | null;
    readonly strongest: readonly StoredSlice[];
    readonly accumulator: AccumulatorState;
  }
  | {
    readonly pass: "test";
    readonly cursor: SliceCursor | null;
    readonly kept: KeptSlices;
    readonly accumulator: AccumulatorState;
  }
  | {
    readonly pass: "describe";
    readonly kept: KeptSlices;
    readonly accumulator: AccumulatorState;
    /** How many of the kept slices have been seen to. */
    readonly done: number;
    readonly described: readonly DescribedLesson[];
  };

/** A pause, or the end. */
export type GroupStep =
  | { readonly progress: GroupProgress }
  | { readonly lessons: readonly MinedLesson[]; readonly tests: number };

/** A progress of one of the passes. */
type At<Pass extends GroupProgress["pass"]> = Extract<GroupProgress, { pass: Pass }>;

/** The clustered p of every slice is affordable while all slices together have no more rows than this. */
const EXACT_ROW_VISITS = 100_000_000;
/** Where max_q_value is off, q is only information, and exact up to this. */
const INFORMATIVE_Q = 0.1;
const BINS_PER_Z = 64;
const BINS = 40 * BINS_PER_Z;

/**
 * Mines one group, or goes on with it.
 *
 * @param progress Where an earlier call over the same input paused, `null` at the beginning.
 * @param shouldPause Asked every few milliseconds.
 * @param exactRowVisits While all trade sets together have no more trades than this, every q is exact; beyond it those above
 *   `max_q_value` are upper bounds. What is active is the same either way.
 * @throws RangeError when the progress belongs to other trades.
 */
export function mineGroup(
  input: GroupInput,
  progress: GroupProgress | null,
  shouldPause: () => boolean,
  exactRowVisits = EXACT_ROW_VISITS,
): GroupStep {
  return new GroupMiner(input, exactRowVisits).run(progress, shouldPause);
}

class GroupMiner {
  readonly #input: GroupInput;
  readonly #exactRowVisits: number;
  readonly #columns: StrengthColumns;
  readonly #tester: ClusterTester | null;
  /** Every distinct trade set once. */
  readonly #tradeSets: Enumeration;
  /** Every subset under its own name; `null` where the selection is distinct. */
  readonly #subsets: Enumeration | null;
  readonly #names: SliceNames;
  /** Edge before decay by conjunction: siblings share parents. */
  readonly #edges = new Map<string, number>();

  constructor(input: GroupInput, exactRowVisits: number) {
    const { trades, baseline, settings } = input;
    const raw = settings.outcome === "rr" ? trades.rr : trades.roi;
    const outcome = raw.map((value) => value / settings.outcome_scale);
    const winsorised = winsorise(outcome, baseline.bounds);
    const clusters = clusterTrades(trades.actedAt, settings.cluster);
    this.#input = input;
    this.#exactRowVisits = exactRowVisits;
    this.#columns = { ...trades, outcome, winsorised };
    this.#tester = clusters && new ClusterTester(winsorised, clusters, baseline);
    const slices = {
      rows: trades.rows,
      dimensions: trades.dimensions,
      measures: [winsorised.map((value) => value - baseline.winsorisedMean)],
      minSupport: settings.n_min,
    };
    this.#tradeSets = prepare({ ...slices, selection: "distinct" });
    this.#subsets = settings.selection === "exhaustive"
      ? prepare({ ...slices, selection: "exhaustive" })
      : null;
    this.#names = new SliceNames(this.#tradeSets, trades.dimensions, settings.selection);
  }

  run(progress: GroupProgress | null, shouldPause: () => boolean): GroupStep {
    let at = progress;
    if (at === null || at.pass === "count") {
      const counted = this.#count(at, shouldPause);
      if (counted.pass === "count") return { progress: counted };
      at = counted;
    }
    if (at.pass === "select") {
      const selected = this.#select(at, shouldPause);
      if (selected.pass === "select") return { progress: selected };
      at = selected;
    }
    if (at.pass === "test") {
      const tested = this.#test(at, shouldPause);
      if (tested.pass === "test") return { progress: tested };
      at = tested;
    }
    return this.#describe(at, shouldPause);
  }

  #count(progress: At<"count"> | null, shouldPause: () => boolean): At<"count" | "select" | "test"> {
    const { baseline, settings } = this.#input;
    const strongest = this.#strongestOf(progress?.strongest ?? []);
    const histogram = Float64Array.from(progress?.histogram ?? new Float64Array(BINS));
    let tests = progress?.tests ?? 0;
    let rowVisits = progress?.rowVisits ?? 0;
    const cursor = this.#tradeSets.run((n, sums, slice) => {
      tests++;
      rowVisits += n;
      const strength = Math.abs(zScore(n, sums[0]! / n, baseline));
      const bin = Math.min(Math.floor(strength * BINS_PER_Z), BINS - 1);
      histogram[bin] = histogram[bin]! + 1;
      if (this.#subsets === null) strongest.offer(strength, slice);
    }, { cursor: progress?.cursor, shouldPause });

    if (cursor !== null) {
      return {
        pass: "count",
        cursor,
        tests,
        rowVisits,
        histogram: [...histogram],
        strongest: storedSlices(strongest),
      };
    }
    const ceiling = rowVisits <= this.#exactRowVisits
      ? 1
      : this.#relevantCeiling(histogram, tests, settings.max_q_value ?? INFORMATIVE_Q);
    const accumulator = new BenjaminiHochbergAccumulator({ ceiling }).toJSON();
    return this.#subsets === null
      ? { pass: "test", cursor: null, kept: this.#kept(strongest), accumulator }
      : { pass: "select", cursor: null, strongest: [], accumulator };
  }

  #select(progress: At<"select">, shouldPause: () => boolean): At<"select" | "test"> {
    const { baseline } = this.#input;
    const { accumulator } = progress;
    const strongest = this.#strongestOf(progress.strongest);
    const cursor = (this.#subsets ?? this.#tradeSets).run((n, sums, slice) => {
      strongest.offer(Math.abs(zScore(n, sums[0]! / n, baseline)), slice);
    }, { cursor: progress.cursor ?? undefined, shouldPause });
    return cursor === null
      ? { pass: "test", cursor: null, kept: this.#kept(strongest), accumulator }
      : { pass: "select", cursor, strongest: storedSlices(strongest), accumulator };
  }

  /** The strongest so far, to be offered more. */
  #strongestOf(earlier: readonly StoredSlice[]): StrongestSlices {
    return this.#names.strongest(this.#input.settings.max_lessons_per_group, earlier);
  }

  #kept(strongest: StrongestSlices): KeptSlices {
    const { settings, trades } = this.#input;
    return this.#names.kept(strongest, trades.rows, settings.n_min);
  }

  /**
   * The largest p that can still be significant: clustering only raises p, so ranks by the normal p are the largest that
   * ranks can be, and where even those give q above the level no test is beyond luck.
   */
  #relevantCeiling(histogram: Float64Array, tests: number, level: number): number {
    let rank = tests;
    for (let bin = 0; bin < BINS; bin++) {
      const largestP = twoSidedNormalP(bin / BINS_PER_Z);
      const smallestP = bin === BINS - 1 ? 0 : twoSidedNormalP((bin + 1) / BINS_PER_Z);
      if (rank > 0 && tests * smallestP / rank <= level) return Math.max(largestP, Number.MIN_VALUE);
      rank -= histogram[bin]!;
    }
    return Number.MIN_VALUE;
  }

  #test(progress: At<"test">, shouldPause: () => boolean): At<"test" | "describe"> {
    const { baseline, trades } = this.#input;
    const accumulator = BenjaminiHochbergAccumulator.fromJSON(progress.accumulator);
    const conjunction: Conjunction = new Int32Array(trades.dimensions.length);
    const cursor = this.#tradeSets.run((n, sums, slice) => {
      if (twoSidedNormalP(zScore(n, sums[0]! / n, baseline)) > accumulator.ceiling) {
        accumulator.addAbove(1);
        return;
      }
      const rows = this.#tradeSets.rowsOf(slice.conjunction(conjunction));
      const winsorisedMean = mean(gather(this.#columns.winsorised, rows));
      const z = zScore(n, winsorisedMean - baseline.winsorisedMean, baseline);
      accumulator.add(pValue(z, this.#tester?.test(rows, winsorisedMean) ?? null));
    }, { cursor: progress.cursor ?? undefined, shouldPause });

    return cursor === null
      ? { pass: "describe", kept: progress.kept, accumulator: accumulator.toJSON(), done: 0, described: [] }
      : { pass: "test", cursor, kept: progress.kept, accumulator: accumulator.toJSON() };
  }

  #describe(progress: At<"describe">, shouldPause: () => boolean): GroupStep {
    const { settings } = this.#input;
    const { kept } = progress;
    const described = new Map(progress.described.map((lesson) => [scopeKey(lesson.scope), lesson]));
    for (let done = progress.done; done < kept.slices.length; done++) {
      if (done > progress.done && shouldPause()) {
        return { progress: { ...progress, done, described: [...described.values()] } };
      }
      const name = this.#names.keptName(kept, done);
      if (name === null) continue;
      const scope = this.#names.scopeOf(name);
      const key = scopeKey(scope);
      if (!described.has(key)) described.set(key, this.#describeSlice(name, scope));
    }
    const lessons = [...described.values()];
    const accumulator = BenjaminiHochbergAccumulator.fromJSON(progress.accumulator);
    const { q } = accumulator.qValues(Float64Array.from(lessons, (lesson) => lesson.pValue));
    return {
      tests: accumulator.tests,
      lessons: lessons.map((lesson, i) => ({
        ...lesson,
        qValue: q[i]!,
        active: Math.abs(lesson.stats.edge_raw) >= settings.edge_min &&
          (settings.max_q_value === null || q[i]! <= settings.max_q_value) &&
          (settings.incremental_min === null ||
            Math.abs(lesson.stats.incremental_edge) >= settings.incremental_min),
      })),
    };
  }

  #describeSlice(name: Conjunction, scope: Readonly<Record<string, string>>): DescribedLesson {
    const { baseline, settings, ownDirection, history, trades } = this.#input;
    const rows = this.#tradeSets.rowsOf(name);
    const earlier = history === null
      ? null
      : history.get(scopeKey(scope)) ?? { times: new Float64Array(0), edges: new Float64Array(0) };
    const strength = computeStrength(this.#columns, rows, {
      baseline,
      roiScale: settings.steering.roi_scale,
      ownDirection,
      clusterTester: this.#tester,
    }, earlier);
    return {
      scope,
      stats: {
        ...strength.stats,
        incremental_edge: incrementalEdge(strength.stats.edge_before_decay, this.#parentEdges(name)),
        m_e: meanImprovementBucket(gather(trades.couldEnterBetter, rows)),
        m_x: meanImprovementBucket(gather(trades.couldExitBetter, rows)),
      },
      pValue: strength.pValue,
      lastEvidenceAt: rows.reduce((newest, row) => Math.max(newest, trades.tradedAt[row]!), -Infinity),
    };
  }

  /** Edges before decay of the scopes with one pair fewer. */
  *#parentEdges(name: Conjunction): Iterable<number> {
    for (let dimension = 0; dimension < name.length; dimension++) {
      if (name[dimension] === 0) continue;
      const parent = name.slice();
      parent[dimension] = 0;
      yield this.#edgeOf(parent);
    }
  }

  #edgeOf(conjunction: Conjunction): number {
    const key = conjunction.join();
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    const { n, mean: average, sampleVariance } = moments(
      gather(this.#columns.outcome, this.#tradeSets.rowsOf(conjunction)),
    );
    const edge = computeEdge({
      n,
      mean: average,
      variance: sampleVariance,
      baseline: this.#input.baseline.mean,
    });
    this.#edges.set(key, edge.beforeDecay);
    return edge.beforeDecay;
  }
}
