/**
 * What the runs answered, compared at equal capital.
 *
 * @module
 */

import { z } from "zod";
import type { Database } from "../stack/database.ts";
import { weekOf } from "./calendar.ts";
import { type Curve, type Earned, type Mode, MODES, type WayFigures } from "./proof.ts";
import { deflatedSharpe } from "./statistics/deflated_sharpe.ts";
import { probabilityOfOverfitting } from "./statistics/overfitting.ts";
import { measurePerformance, weeklyReturns } from "./statistics/performance.ts";
import { type KeptPromise, keptPromise } from "./statistics/promise.ts";
import { type Close, trailingFactors } from "./statistics/trailing.ts";
import { levelSizes, outcomePerCapital, type Uplift, upliftOver } from "./statistics/uplift.ts";

export type Unit = "roi" | "rr";

const answerRows = z.array(z.object({
  module: z.string(),
  pattern_key: z.string(),
  action_category: z.string(),
  timeframe: z.string().nullable(),
  at: z.number(),
  mode: z.enum(MODES),
  raw: z.number(),
  sizes: z.array(z.number()),
  crowded: z.array(z.number().nullable()),
  outcome: z.number().nullable(),
  share: z.number().nullable(),
  promised: z.number().nullable(),
}));

/** A decision and what a run made of it. */
export type Answer = z.infer<typeof answerRows>[number];

/** The seed of all draws: a proof is the same whenever it is made. */
const SEED = 20_240_229;

/** What a run answered, with outcomes in one unit, in the order of time. */
export async function readAnswers(sql: Database, run: string, book: string, unit: Unit): Promise<Answer[]> {
  return answerRows.parse([
    ...await sql`
      select module, pattern_key, action_category, timeframe, extract(epoch from acted_at)::float8 * 1000 as at, mode,
        raw, sizes, crowded, outcome, share, promised
      from prove.answers(${run}, ${book}, ${unit})`,
  ]);
}

/** All closed trades in the order in which they became known. */
export async function readCloses(sql: Database, unit: Unit): Promise<Close[]> {
  const rows = z.array(z.object({
    timeframe: z.string().nullable(),
    exit: z.number(),
    known: z.number(),
    roi: z.number(),
    rr: z.number(),
  })).parse([
    ...await sql`
      select timeframe, extract(epoch from exit_at)::float8 * 1000 as exit, extract(epoch from known_at)::float8 * 1000
        as known, roi, rr
      from prove.closes order by known_at`,
  ]);
  return rows.map((row) => ({
    timeframe: row.timeframe,
    exitAt: row.exit,
    knownAt: row.known,
    outcome: row[unit],
  }));
}

/** A way of sizing: its sizes, one for each decision. */
export interface Way {
  readonly name: string;
  readonly sizes: Float64Array;
}

/** The ways that one run tells of. */
export function waysOf(answers: readonly Answer[], closes: readonly Close[]): Way[] {
  const base = Float64Array.from(answers, ({ raw }) => raw);
  const factors = trailingFactors(closes, answers);
  return [
    { name: "base", sizes: base },
    { name: "equal", sizes: new Float64Array(answers.length).fill(1) },
    { name: "trailing", sizes: base.map((size, i) => size * (factors[i] ?? 1)) },
    { name: "allocation", sizes: base.map((size, i) => size * (answers[i]?.share ?? 1)) },
    { name: "exposure alone", sizes: crowdedSizes(answers, MODES.length) },
    ...MODES.flatMap((mode) => [
      { name: mode, sizes: learnedSizes(answers, mode) },
      { name: `${mode} + exposure`, sizes: crowdedSizes(answers, MODES.indexOf(mode)) },
    ]),
  ];
}

/** What a mode of strength makes of the base, the book left aside. */
export function learnedSizes(answers: readonly Answer[], mode: Mode): Float64Array {
  const place = MODES.indexOf(mode);
  return Float64Array.from(answers, ({ sizes, raw }) => sizes[place] ?? raw);
}

/** The size that the database answers with, in a configured mode. */
export function configuredSizes(answers: readonly Answer[]): Float64Array {
  return Float64Array.from(answers, ({ crowded, raw, mode }) => crowded[MODES.indexOf(mode)] ?? raw);
}

function crowdedSizes(answers: readonly Answer[], place: number): Float64Array {
  return Float64Array.from(answers, ({ crowded, raw }) => crowded[place] ?? raw);
}

const kindOf = ({ pattern_key, timeframe }: Answer): string => `${pattern_key} ${timeframe ?? ""}`;

/** What a way earned in one unit, over the decisions whose outcome in it is known. */
export function earnedBy(sizes: Float64Array, answers: readonly Answer[]): Earned {
  const known = [...answers.keys()].filter((i) => answers[i]?.outcome !== null);
  const of = known.map((i) => answers[i]!);
  const way = Float64Array.from(known, (i) => sizes[i] ?? NaN);
  const base = {
    sizes: Float64Array.from(of, ({ raw }) => raw),
    outcomes: Float64Array.from(of, ({ outcome }) => outcome ?? NaN),
    weeks: Int32Array.from(of, ({ at }) => weekOf(at)),
  };
  return {
    per_unit: outcomePerCapital(way, base.outcomes),
    uplift: upliftOver(way, base, SEED),
    level: upliftOver(levelSizes(way, of.map(kindOf)), base, SEED),
  };
}

/** The uplift alone, for placebos. */
export function upliftOf(sizes: Float64Array, answers: readonly Answer[]): Uplift | null {
  return earnedBy(sizes, answers).uplift;
}

/** At equal capital: the share of sizes that are not the base's, and the deviation of size over base. */
export function movement(sizes: Float64Array, base: Float64Array): { moved: number; spread: number } {
  const factors = sizes.map((size, i) => size / (base[i] ?? NaN));
  const mean = factors.reduce((sum, factor) => sum + factor, 0) / factors.length;
  const squares = factors.reduce((sum, factor) => sum + (factor - mean) ** 2, 0);
  return {
    moved: factors.filter((factor) => Math.abs(factor / mean - 1) > 0.001).length / factors.length,
    spread: Math.sqrt(squares / factors.length),
  };
}

/** Figures of every way, by their answers in either unit. */
export function figuresOf(
  ways: readonly Way[],
  byRoi: readonly Answer[],
  byRisk: readonly Answer[],
): { ways: WayFigures[]; overfitting: number | null; curves: Curve[] } {
  const base = Float64Array.from(byRoi, ({ raw }) => raw);
  const known = [...byRoi.keys()].filter((i) => byRoi[i]?.outcome !== null);
  const of = known.map((i) => byRoi[i]!);
  const outcomes = Float64Array.from(of, ({ outcome }) => outcome ?? NaN);
  const weeks = Int32Array.from(of, ({ at }) => weekOf(at));
  const sized = ways.map(({ sizes }) => ({
    sizes: Float64Array.from(known, (i) => sizes[i] ?? NaN),
    outcomes,
    weeks,
  }));
  const returns = sized.map(weeklyReturns);
  const deflated = deflatedSharpe(returns);
  return {
    ways: ways.map(({ name, sizes }, i): WayFigures => {
      const { profitFactor, drawdown, sharpe, sortino } = measurePerformance(sized[i]!);
      return {
        name,
        roi: earnedBy(sizes, byRoi),
        rr: earnedBy(sizes, byRisk),
        ...movement(sizes, base),
        profit_factor: profitFactor,
        drawdown,
        sharpe,
        sortino,
        deflated_sharpe: deflated[i] ?? null,
      };
    }),
    overfitting: probabilityOfOverfitting(returns),
    curves: ways.map(({ name }, i) => ({ name, earned: cumulated(returns[i] ?? new Float64Array(0)) })),
  };
}

function cumulated(returns: Float64Array): number[] {
  let sum = 0;
  return Array.from(returns, (earned) => sum += earned);
}

/** How the promises of slices were kept: what was promised at a decision against what it earned more than its category. */
export function promisesOf(answers: readonly Answer[]): KeptPromise {
  const known = answers.filter(({ outcome }) => outcome !== null);
  const means = new Map(
    [...Map.groupBy(known, ({ action_category }) => action_category)].map(([category, of]) => [
      category,
      of.reduce((sum, { outcome }) => sum + (outcome ?? 0), 0) / of.length,
    ]),
  );
  return keptPromise(
    Float64Array.from(known, ({ promised }) => promised ?? 0),
    Float64Array.from(
      known,
      ({ outcome, action_category }) => (outcome ?? 0) - (means.get(action_category) ?? 0),
    ),
  );
}

const signRow = z.object({ believed: z.number(), kept: z.number() });
/** Fewer decisions in a period say nothing of a lesson's sign. */
const LEAST_DECISIONS = 5;

/** Of the lessons believed at each cut, how many had their sign in the decisions of the next period. */
export async function keptSigns(sql: Database, run: string, unit: Unit): Promise<z.infer<typeof signRow>> {
  const [row] = await sql`
    with outcomes as materialized (
      select decision.cut, decision.pattern_key, decision.action_category, decision.scope, judged.outcome,
        judged.outcome - avg(judged.outcome) over (partition by decision.cut, decision.action_category) as excess
      from prove.decisions decision
      join prove.answers(${run}, '', ${unit}) as judged on judged.place = decision.place
      where judged.outcome is not null
    ),
    periods as (
      select believed.sign, count(*) as n, avg(outcomes.excess) as excess
      from prove.believed believed
      join outcomes on outcomes.cut = believed.cut and outcomes.pattern_key = believed.pattern_key
        and outcomes.action_category = believed.action_category and outcomes.scope @> believed.scope_subset
      where believed.run = ${run}
      group by believed.cut, believed.pattern_key, believed.action_category, believed.scope_subset, believed.sign
    )
    select count(*)::integer as believed, count(*) filter (where sign(periods.excess) = periods.sign)::integer as kept
    from periods where periods.n >= ${LEAST_DECISIONS}`;
  return signRow.parse(row);
}
