/**
 * The lessons of one group, mined in passes (functions/README.md, "Slices and their names"): *count* finds
 * every distinct trade set, which is every test there is, and remembers the strongest; *select* looks for the
 * strongest among all subsets instead, where the selection is exhaustive; *test* gathers the p values that
 * false discovery control needs, *judge* those of the strongest; *describe* computes everything that is said of
 * the slices that may be kept; *relate* sorts what is believed into families, *prove* weighs the evidence.
 * Each pass can pause and go on in another process.
 *
 * @module
 */

import { type EffectColumns, effectOf } from "../belief/effect.ts";
import { continueFamilies } from "../belief/families.ts";
import { type EvidenceColumns, logEvidenceOf, selectProven } from "../belief/proven.ts";
import { testBurden } from "../statistics/false_discovery.ts";
import { FalseDiscoveryAccumulator } from "../statistics/false_discovery_accumulator.ts";
import type { Baseline } from "../statistics/baseline.ts";
import { meanImprovementBucket } from "../statistics/buckets.ts";
import { clusterTrades, utcDay } from "../statistics/clusters.ts";
import { computeEdge, incrementalEdge } from "../statistics/edge.ts";
import { evidenceOf } from "../statistics/evidence.ts";
import { mean, moments } from "../statistics/moments.ts";
import { twoSidedNormalP } from "../statistics/normal.ts";
import type { Direction } from "../statistics/posture.ts";
import { ClusterTester, pValue, zScore } from "../statistics/significance.ts";
import { computeStrength, type EdgeHistory, type StrengthColumns } from "../statistics/strength.ts";
import { gather } from "../statistics/gather.ts";
import { winsorise } from "../statistics/winsorise.ts";
import { type Conjunction, type Enumeration, prepare } from "../slices/mod.ts";
import { countNameDepths } from "../slices/name_depths.ts";
import type { GroupTrades } from "./group_trades.ts";
import { isBelieved } from "./belief.ts";
import { enters } from "./decisions.ts";
import type { MiningSettings } from "./settings.ts";
import { scopeKey } from "../mining/scope_key.ts";
import {
  depthOf,
  type KeptSlices,
  SliceNames,
  type StoredSlice,
  storedSlices,
} from "../mining/slice_names.ts";
import { compareConjunctions, type StrongestSlices } from "../mining/strongest_slices.ts";
import type { DescribedLesson, GroupProgress, JudgedLesson, SliceStats } from "./progress.ts";

export type { GroupProgress };

/** What a group is mined with. */
export interface GroupInput {
  readonly trades: GroupTrades;
  readonly baseline: Baseline;
  readonly settings: MiningSettings;
  /** What kind of action is mined. */
  readonly category: string;
  /** What deltas are measured in, above 0, in units of the outcome: the resolved `outcome_scale`. */
  readonly scale: number;
  /** The direction of all the module's decisions of the category where `steering.relative` is on, else `null`. */
  readonly ownDirection: Direction | null;
  /** Earlier edges by {@linkcode scopeKey}, where decay is fitted to them, else `null`. */
  readonly history: ReadonlyMap<string, EdgeHistory> | null;
  /** σ of the baseline when the group was mined first, in the outcome's unit: what ρ is made of. */
  readonly firstSigma: number;
  /** By UTC day, counted from 1970-01-01, the mean winsorised outcome of all decisions of the module and category closed then. */
  readonly categoryDays: ReadonlyMap<number, number>;
}

/** A mined lesson. */
export interface MinedLesson {
  readonly scope: Readonly<Record<string, string>>;
  readonly stats: SliceStats & { readonly proven: boolean };
  readonly pValue: number;
  readonly qValue: number;
  /** Whether it is believed. */
  readonly active: boolean;
  /** Scope of the lesson that represents its family; `null` where it is not believed. */
  readonly familyScope: Readonly<Record<string, string>> | null;
  /** Epoch milliseconds, to the microsecond. */
  readonly lastEvidenceAt: number;
}

/** A pause, or the end. */
export type GroupStep =
  | { readonly progress: GroupProgress }
  | { readonly lessons: readonly MinedLesson[]; readonly tests: number };

/** A progress of one of the passes. */
type At<Pass extends GroupProgress["pass"]> = Extract<GroupProgress, { pass: Pass }>;

/** The clustered p of every slice takes hundredths of a second while all slices together have no more rows than this. */
const EXACT_ROW_VISITS = 200_000;
/** Where max_q_value is off, q is only information, and exact up to this. */
const INFORMATIVE_Q = 0.1;
const BINS_PER_Z = 64;
const BINS = 40 * BINS_PER_Z;

/** What a lesson takes from being described to being written, in milliseconds. */
const LESSON_MS = 0.12;

/**
 * Whether to pause: asked every few milliseconds, and with the milliseconds of the work ahead where that is better not
 * parted.
 */
export type ShouldPause = (aheadMs?: number) => boolean;

/**
 * Mines one group, or goes on with it.
 *
 * @param progress Where an earlier call over the same input paused, `null` at the beginning.
 * @param exactRowVisits While all trade sets together have no more trades than this, every q is exact; beyond it those above
 *   `max_q_value` are upper bounds. What is active is the same either way.
 * @throws RangeError when the progress belongs to other trades.
 */
export function mineGroup(
  input: GroupInput,
  progress: GroupProgress | null,
  shouldPause: ShouldPause,
  exactRowVisits = EXACT_ROW_VISITS,
): GroupStep {
  return new GroupMiner(input, exactRowVisits).run(progress, shouldPause);
}

class GroupMiner {
  readonly #input: GroupInput;
  readonly #exactRowVisits: number;
  readonly #columns: StrengthColumns;
  readonly #tester: ClusterTester | null;
  readonly #beliefs: EffectColumns & EvidenceColumns;
  /** Every distinct trade set once. */
  readonly #tradeSets: Enumeration;
  /** Every subset under its own name; `null` where the selection is distinct. */
  readonly #subsets: Enumeration | null;
  readonly #names: SliceNames;
  /** Edge before decay by conjunction: siblings share parents. */
  readonly #edges = new Map<string, number>();

  constructor(input: GroupInput, exactRowVisits: number) {
    const { trades, baseline, settings } = input;
    const winsorised = winsorise(trades.outcome, baseline.bounds);
    const clusters = clusterTrades(trades.actedAt, settings.cluster);
    this.#input = input;
    this.#exactRowVisits = exactRowVisits;
    this.#columns = { ...trades, winsorised };
    this.#tester = clusters && new ClusterTester(winsorised, clusters, baseline);
    this.#beliefs = beliefColumns(input, winsorised);
    const slices = {
      rows: trades.rows,
      dimensions: trades.dimensions,
      measures: [this.#beliefs.deviations],
      minSupport: settings.n_min,
    };
    this.#tradeSets = prepare({ ...slices, selection: "distinct" });
    this.#subsets = settings.selection === "exhaustive"
      ? prepare({ ...slices, selection: "exhaustive" })
      : null;
    this.#names = new SliceNames(this.#tradeSets, trades.dimensions, settings.selection);
  }

  run(progress: GroupProgress | null, shouldPause: ShouldPause): GroupStep {
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
    if (at.pass === "judge") {
      const judged = this.#judge(at, shouldPause);
      if (judged.pass === "judge") return { progress: judged };
      at = judged;
    }
    if (at.pass === "describe") {
      // What was described travels with the progress: thousands of documents, that would come back with the next call.
      if (at !== progress && shouldPause(LESSON_MS * this.#toDescribe(at))) return { progress: at };
      const described = this.#describe(at, shouldPause);
      if (described.pass === "describe") return { progress: described };
      at = described;
    }
    if (at.pass === "relate") {
      const related = this.#relate(at, shouldPause);
      if (related.pass === "relate") return { progress: related };
      at = related;
    }
    return this.#prove(at, shouldPause);
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
    const accumulator = new FalseDiscoveryAccumulator({ ceiling }).toJSON();
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
    const burden = testBurden(tests, this.#input.settings.fdr);
    let rank = tests;
    for (let bin = 0; bin < BINS; bin++) {
      const largestP = twoSidedNormalP(bin / BINS_PER_Z);
      const smallestP = bin === BINS - 1 ? 0 : twoSidedNormalP((bin + 1) / BINS_PER_Z);
      if (rank > 0 && burden * smallestP / rank <= level) return Math.max(largestP, Number.MIN_VALUE);
      rank -= histogram[bin]!;
    }
    return Number.MIN_VALUE;
  }

  #test(progress: At<"test">, shouldPause: () => boolean): At<"test" | "judge"> {
    const { baseline, trades } = this.#input;
    const accumulator = FalseDiscoveryAccumulator.fromJSON(progress.accumulator);
    const conjunction: Conjunction = new Int32Array(trades.dimensions.length);
    const cursor = this.#tradeSets.run((n, sums, slice) => {
      if (twoSidedNormalP(zScore(n, sums[0]! / n, baseline)) > accumulator.ceiling) {
        accumulator.addAbove(1);
        return;
      }
      accumulator.add(this.#significance(this.#tradeSets.rowsOf(slice.conjunction(conjunction))).p);
    }, { cursor: progress.cursor ?? undefined, shouldPause });

    const gathered = { kept: progress.kept, accumulator: accumulator.toJSON() };
    return cursor === null
      ? { pass: "judge", ...gathered, pValues: [], strengths: [] }
      : { pass: "test", ...gathered, cursor };
  }

  #significance(rows: Uint32Array): { readonly z: number; readonly p: number } {
    const { baseline } = this.#input;
    const winsorisedMean = mean(gather(this.#columns.winsorised, rows));
    const z = zScore(rows.length, winsorisedMean - baseline.winsorisedMean, baseline);
    return { z, p: pValue(z, this.#tester?.test(rows, winsorisedMean) ?? null) };
  }

  /** p of the slices that may be kept, where it can be below the ceiling: few of them are worth describing. */
  #judge(progress: At<"judge">, shouldPause: () => boolean): At<"judge" | "describe"> {
    const { kept } = progress;
    const accumulator = FalseDiscoveryAccumulator.fromJSON(progress.accumulator);
    const pValues = [...progress.pValues];
    const strengths = [...progress.strengths];
    for (let place = pValues.length; place < kept.slices.length; place++) {
      if (place > progress.pValues.length && shouldPause()) return { ...progress, pValues, strengths };
      const strength = kept.strengths[place];
      if (strength !== undefined && twoSidedNormalP(strength) > accumulator.ceiling) {
        pValues.push(1);
        strengths.push(strength);
        continue;
      }
      const { z, p } = this.#significance(this.#tradeSets.rowsOf(Int32Array.from(kept.slices[place]!)));
      pValues.push(p);
      strengths.push(Math.fround(Math.abs(z)));
    }
    return {
      pass: "describe",
      kept,
      accumulator: progress.accumulator,
      qValues: this.#qValues(accumulator, pValues),
      strengths,
      done: 0,
      described: [],
    };
  }

  #qValues(accumulator: FalseDiscoveryAccumulator, pValues: readonly number[]): number[] {
    return [...accumulator.qValues(Float64Array.from(pValues), this.#input.settings.fdr).q];
  }

  /**
   * Describes what passes the test, what has at most one pair, and of the rest the strongest, with all that are as strong
   * as the last of these.
   */
  #describe(progress: At<"describe">, shouldPause: () => boolean): At<"describe" | "relate"> {
    const { kept, qValues, strengths } = progress;
    const limit = this.#input.settings.near_misses ?? Infinity;
    const described = new Map(progress.described.map((lesson) => [scopeKey(lesson.scope), lesson]));
    const nearMisses = progress.described.filter((lesson) => this.#isNearMiss(lesson));
    const { certain, rest } = this.#inOrder(progress);
    const order = [...certain, ...rest];
    for (let done = progress.done; done < order.length; done++) {
      const place = order[done]!;
      const isEnough = done >= certain.length && nearMisses.length >= limit &&
        !(strengths[place]! >= (nearMisses[limit - 1]?.strength ?? Infinity));
      if (isEnough) break;
      if (done > progress.done && shouldPause()) {
        return { ...progress, done, described: [...described.values()] };
      }
      const name = this.#names.keptName(kept, place);
      if (name === null) continue;
      const scope = this.#names.scopeOf(name);
      const key = scopeKey(scope);
      if (described.has(key)) continue;
      const lesson = {
        ...this.#describeSlice(name, scope),
        qValue: qValues[place]!,
        strength: strengths[place]!,
      };
      described.set(key, lesson);
      if (this.#isNearMiss(lesson)) nearMisses.push(lesson);
    }
    const lessons = [...described.values()];
    const accumulator = FalseDiscoveryAccumulator.fromJSON(progress.accumulator);
    const exact = this.#qValues(accumulator, lessons.map(({ pValue }) => pValue));
    return {
      pass: "relate",
      tests: accumulator.tests,
      lessons: this.#worthKeeping(lessons.map((lesson, i) => ({ ...lesson, qValue: exact[i]! }))),
      families: null,
    };
  }

  /** About how many slices will be described. */
  #toDescribe(progress: At<"describe">): number {
    const { certain, rest } = this.#inOrder(progress);
    return certain.length + Math.min(rest.length, this.#input.settings.near_misses ?? Infinity);
  }

  /** Places of kept slices: those that are described in any case, and the rest, strongest first. */
  #inOrder({ kept, qValues, strengths }: At<"describe">): { certain: number[]; rest: number[] } {
    const certain: number[] = [];
    const rest: number[] = [];
    for (let place = 0; place < kept.slices.length; place++) {
      (place >= kept.strengths.length || this.#passes(qValues[place]!) ? certain : rest).push(place);
    }
    return { certain, rest: rest.sort((a, b) => strengths[b]! - strengths[a]! || a - b) };
  }

  #passes(qValue: number): boolean {
    const { max_q_value } = this.#input.settings;
    return max_q_value === null || qValue <= max_q_value;
  }

  #isNearMiss({ name, qValue }: Pick<DescribedLesson, "name" | "qValue">): boolean {
    return depthOf(name) > 1 && !this.#passes(qValue);
  }

  /** What is believed, what has at most one pair, and of the rest the strongest (functions/README.md, "What is kept"). */
  #worthKeeping(lessons: readonly DescribedLesson[]): JudgedLesson[] {
    const { settings, category } = this.#input;
    const judged = lessons.map((lesson) => ({ ...lesson, active: isBelieved(lesson, settings, category) }));
    const isKept = ({ active, name }: JudgedLesson): boolean => active || depthOf(name) <= 1;
    const nearest = judged.filter((lesson) => !isKept(lesson))
      .sort((a, b) => b.strength - a.strength || compareConjunctions(a.name, b.name))
      .slice(0, this.#input.settings.near_misses ?? Infinity);
    return [...judged.filter(isKept), ...nearest];
  }

  #relate(progress: At<"relate">, shouldPause: () => boolean): At<"relate" | "prove"> {
    const { lessons, tests } = progress;
    const believed = lessons.filter(({ active }) => active);
    const step = continueFamilies(
      {
        ...this.#beliefs,
        lessons: believed.map(({ scope, name }) => ({
          scope,
          rows: this.#tradeSets.rowsOf(Int32Array.from(name)),
        })),
      },
      progress.families,
      shouldPause,
    );
    if ("progress" in step) return { ...progress, families: step.progress };
    const { representedBy } = step.families;
    const scopes = new Map(
      believed.map((lesson, i) => [lesson, believed[representedBy[i]!]!.scope]),
    );
    return {
      pass: "prove",
      tests,
      lessons: lessons.map((lesson) => ({ ...lesson, familyScope: scopes.get(lesson) ?? null })),
      depths: null,
    };
  }

  #prove(progress: At<"prove">, shouldPause: () => boolean): GroupStep {
    const { trades, settings } = this.#input;
    const { tests, lessons } = progress;
    const step = countNameDepths(
      {
        rows: trades.rows,
        dimensions: trades.dimensions,
        minSupport: settings.n_min,
        enumeration: this.#tradeSets,
      },
      progress.depths,
      shouldPause,
    );
    if ("progress" in step) return { progress: { ...progress, depths: step.progress } };
    const shallow = step.counts.reduce((sum, count) => sum + count, 0);
    const proven = this.#proven(lessons, [...step.counts, tests - shallow]);
    return {
      tests,
      lessons: lessons.map((
        { scope, stats, pValue, qValue, active, familyScope, lastEvidenceAt, tradeSet },
      ) => ({
        scope,
        stats: { ...stats, proven: proven.has(tradeSet.join()) },
        pValue,
        qValue,
        active,
        familyScope,
        lastEvidenceAt,
      })),
    };
  }

  /** The trade sets that are proven: a test is one, however many lessons it has. */
  #proven(lessons: readonly DescribedLesson[], testsByClass: readonly number[]): ReadonlySet<string> {
    const level = this.#input.settings.max_q_value ?? INFORMATIVE_Q;
    if (level === 0) return new Set();
    const candidates = [...new Map(lessons.map((lesson) => [lesson.tradeSet.join(), lesson]))];
    const chosen = selectProven(
      candidates.map(([, { stats, tradeSet }]) => ({ logE: stats.ln_e, depth: depthOf(tradeSet) })),
      testsByClass,
      level,
    );
    return new Set(candidates.flatMap(([tradeSet], i) => chosen[i] ? [tradeSet] : []));
  }

  #describeSlice(
    name: Conjunction,
    scope: Readonly<Record<string, string>>,
  ): Omit<DescribedLesson, "qValue" | "strength"> {
    const { baseline, settings, category, scale, ownDirection, history, trades } = this.#input;
    const rows = this.#tradeSets.rowsOf(name);
    const earlier = history === null
      ? null
      : history.get(scopeKey(scope)) ?? { times: new Float64Array(0), edges: new Float64Array(0) };
    const strength = computeStrength(this.#columns, rows, {
      baseline,
      scale,
      roiScale: settings.steering.roi_scale,
      ownDirection,
      followsEdge: settings.steering.relative && enters(category),
      clusterTester: this.#tester,
    }, earlier);
    const effect = effectOf(this.#beliefs, rows, baseline.sigma);
    const rho = settings.n_min * this.#input.firstSigma ** 2;
    const logE = rho > 0 ? logEvidenceOf(this.#beliefs, rows, rho) : 0;
    return {
      scope,
      name: [...name],
      tradeSet: [...(settings.selection === "distinct" ? name : this.#tradeSets.canonicalName(name))],
      stats: {
        ...strength.stats,
        incremental_edge: incrementalEdge(strength.stats.edge_before_decay, this.#parentEdges(name)),
        m_e: meanImprovementBucket(gather(trades.couldEnterBetter, rows)),
        m_x: meanImprovementBucket(gather(trades.couldExitBetter, rows)),
        effect: effect.difference,
        effect_low: effect.low,
        effect_high: effect.high,
        effect_error2: effect.error2,
        weeks: effect.weeks,
        ln_e: logE,
        e_value: evidenceOf(logE),
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
      scale: this.#input.scale,
    });
    this.#edges.set(key, edge.beforeDecay);
    return edge.beforeDecay;
  }
}

/** What effects, families and evidence are summed from, by UTC weeks whatever trades are clustered by. */
function beliefColumns(
  { trades, baseline, categoryDays }: GroupInput,
  winsorised: Float64Array,
): EffectColumns & EvidenceColumns {
  const deviations = winsorised.map((value) => value - baseline.winsorisedMean);
  const weeks = clusterTrades(trades.actedAt, "week");
  const days = clusterTrades(trades.tradedAt, "day");
  return {
    deviations,
    weekDeviations: deviations,
    weeks: weeks?.index ?? new Int32Array(),
    weekCount: weeks?.count ?? 0,
    // A decision whose day nobody measured, because its trade was corrected under way, says nothing against others.
    dayDeviations: winsorised.map((value, row) =>
      value - (categoryDays.get(utcDay(trades.tradedAt[row]!)) ?? value)
    ),
    days: days?.index ?? new Int32Array(),
    dayCount: days?.count ?? 0,
  };
}
