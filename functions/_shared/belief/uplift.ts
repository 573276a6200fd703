import { evidenceOf, logEvidence } from "../statistics/evidence.ts";
import { utcWeek } from "../statistics/clusters.ts";
import { moments } from "../statistics/moments.ts";

/** Decisions of an experiment, one entry per decision in every column. */
export interface ExperimentColumns {
  /** What each decision by itself came to. */
  readonly outcomes: Float64Array;
  /** With which size. */
  readonly sizes: Float64Array;
  /** The factor that learning had, or would have had. */
  readonly strengths: Float64Array;
  /** 1 where its subject was held out of what was learned. */
  readonly heldOut: Int32Array;
  /** Epoch milliseconds. */
  readonly actedAt: Float64Array;
}

/** What an experiment shows so far (functions/README.md, "A live experiment"). */
export interface ExperimentResult {
  readonly learned: number;
  readonly heldOut: number;
  readonly weeks: number;
  /** Outcome per unit of size, learned less held out; `null` while an arm has none. */
  readonly difference: number | null;
  /** The 95 % interval; `null` where weeks cannot tell. */
  readonly low: number | null;
  readonly high: number | null;
  /** Evidence of a difference of either sign, however often one looks; 1 is none. */
  readonly eValue: number;
  /** The difference that the strengths promise. */
  readonly promised: number | null;
  /** After how many weeks so large a difference would be seen in 80 of 100 cases. */
  readonly weeksToKnow: number | null;
}

const DRAWS = 2_000;
/** Standard errors at which 80 of 100 draws of a normal lie beyond 1.96 of them: 1.96 + 0.84. */
const SEEN_IN_80 = 2.8015;

interface Week {
  /** Σ size · outcome, Σ size and number, of what was learned and what was held out. */
  readonly earned: [number, number];
  readonly size: [number, number];
  readonly n: [number, number];
}

/** What decisions show of the difference between sizes as learned and sizes without. */
export function experimentOf(columns: ExperimentColumns, nMin: number): ExperimentResult {
  const weeks = weeksOf(columns);
  const difference = differenceOf(weeks);
  const drawn = difference === null ? [] : resampled(weeks);
  const spread = drawn.length < 2 ? null : Math.sqrt(moments(Float64Array.from(drawn)).populationVariance);
  const promised = promisedBy(columns.strengths);
  const arms = [0, 1].map((arm) => weeks.reduce((sum, { n }) => sum + n[arm === 0 ? 0 : 1], 0));
  const tells = weeks.length >= 2 && drawn.length > 0;
  return {
    learned: arms[0] ?? 0,
    heldOut: arms[1] ?? 0,
    weeks: weeks.length,
    difference,
    low: tells ? percentile(drawn, 0.025) : null,
    high: tells ? percentile(drawn, 0.975) : null,
    eValue: evidence(columns.outcomes, weeks, nMin),
    promised,
    weeksToKnow: !tells || spread === null || promised === null || promised === 0
      ? null
      : Math.ceil((SEEN_IN_80 * spread / promised) ** 2 * weeks.length),
  };
}

function weeksOf({ outcomes, sizes, heldOut, actedAt }: ExperimentColumns): Week[] {
  const byWeek = new Map<number, Week>();
  for (let i = 0; i < outcomes.length; i++) {
    const number = utcWeek(actedAt[i]!);
    const week = byWeek.get(number) ?? { earned: [0, 0], size: [0, 0], n: [0, 0] };
    byWeek.set(number, week);
    const arm = heldOut[i] === 1 ? 1 : 0;
    week.earned[arm] += sizes[i]! * outcomes[i]!;
    week.size[arm] += sizes[i]!;
    week.n[arm]++;
  }
  return [...byWeek].sort(([a], [b]) => a - b).map(([, week]) => week);
}

function differenceOf(weeks: readonly Week[]): number | null {
  const earned = [0, 0];
  const size = [0, 0];
  for (const week of weeks) {
    for (const arm of [0, 1] as const) {
      earned[arm] = earned[arm]! + week.earned[arm];
      size[arm] = size[arm]! + week.size[arm];
    }
  }
  if (!(size[0]! > 0 && size[1]! > 0)) return null;
  return earned[0]! / size[0]! - earned[1]! / size[1]!;
}

/** The difference in draws of as many whole weeks, with replacement, in ascending order; the same each time. */
function resampled(weeks: readonly Week[]): number[] {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const drawn: number[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    const difference = differenceOf(weeks.map(() => weeks[Math.floor(uniform() * weeks.length)]!));
    if (difference !== null) drawn.push(difference);
  }
  return drawn.sort((a, b) => a - b);
}

function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))]!;
}

/** Weeks in which both arms traded: the difference of their means, times as many pairs as that is worth. */
function evidence(outcomes: Float64Array, weeks: readonly Week[], nMin: number): number {
  const variance = outcomes.length === 0 ? 0 : moments(outcomes).populationVariance;
  if (!(variance > 0)) return 1;
  let sum = 0;
  let squares = 0;
  for (const { earned, size, n } of weeks) {
    if (!(size[0] > 0 && size[1] > 0)) continue;
    const excess = (earned[0] / size[0] - earned[1] / size[1]) * n[0] * n[1] / (n[0] + n[1]);
    sum += excess;
    squares += excess * excess;
  }
  return evidenceOf(logEvidence(sum, squares, nMin * variance));
}

/** A strength less 1 is the outcome that it expects above the average: sized by it, capital earns var/mean more. */
function promisedBy(strengths: Float64Array): number | null {
  if (strengths.length === 0) return null;
  const { mean, populationVariance } = moments(strengths);
  return mean > 0 ? populationVariance / mean : null;
}
