/**
 * How much of what slices say is luck: κ, τ², regimes and memory of strand files (functions/README.md, "Calibration"),
 * and how far the sizes they lead to are moved on what was measured and on the same weeks shuffled.
 *
 *     deno run --allow-all scripts/bench/calibration.ts FILE... [--shuffles 10] [--first-seed 1] [--category entry] [--until 2021-01-01]
 *
 * Shuffled are the outcomes of whole weeks: the j-th of m decisions of a week takes that of number ⌈j·m′/m⌉ of the week
 * that takes its place, in the order in which they were decided. Seeds are fixed, so that every machine prints the same.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { z } from "zod";
import { calibrate, type Calibration, regimesGain } from "../../functions/_shared/belief/calibration.ts";
import { type GroupEffects, measureGroupEffects } from "../../functions/_shared/belief/group_effects.ts";
import { utcWeek } from "../../functions/_shared/statistics/clusters.ts";
import { type NamedGroup, packDecisions } from "../testing/belief/calibration_groups.ts";
import type { OracleDecision } from "../testing/belief/calibration_oracle.ts";
import { outcomesOf } from "../testing/outcomes_oracle.ts";
import { uniform } from "../testing/slices/oracle.ts";
import { readStrandFile, type Strand } from "../strand_file.ts";

/** A decision and when it was made. */
interface Decided extends OracleDecision {
  readonly at: number;
}

const scope = z.record(z.string(), z.unknown()).nullish().catch(null);
const actionContext = z.looseObject({ scope });
const closeContext = z.looseObject({ entry_context: scope });

/** What a decision was made in; values as text, those of its own scope before what was there when the trade began. */
function scopeOf(...contexts: readonly z.infer<typeof scope>[]): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const context of contexts) {
    for (const [name, value] of Object.entries(context ?? {})) {
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
        if (`${value}` !== "") merged[name] ??= `${value}`;
      }
    }
  }
  return merged;
}

async function readDecisions(file: string, category: string, until: number): Promise<Decided[]> {
  const strands: Strand[] = [];
  for await (const { strand } of readStrandFile(file)) strands.push(strand);
  const byId = new Map(strands.map((strand) => [strand.id, strand]));
  const contexts = new Map(
    strands.filter(({ kind }) => kind === "position_closed").map((strand) => [
      strand.trade_id ?? "",
      closeContext.parse(strand.content).entry_context,
    ]),
  );
  return outcomesOf(strands).flatMap((action): Decided[] => {
    const strand = byId.get(action.strandId);
    const at = Date.parse(strand?.created_at ?? "");
    if (strand === undefined || !action.decides || action.category !== category || !(at < until)) return [];
    // A regime that lasts is told by the week, not by the outcome's unit.
    if (action.roi === null) return [];
    return [{
      patternKey: action.patternKey,
      scope: scopeOf(
        actionContext.parse(strand.content).scope,
        scope.parse(strand.regime_context),
        contexts.get(action.tradeId),
      ),
      outcome: action.roi,
      week: utcWeek(at),
      at,
    }];
  }).toSorted((a, b) => a.at - b.at);
}

/** The same decisions with the outcomes of other weeks. */
function shuffled(decisions: readonly Decided[], seed: number): Decided[] {
  const random = uniform(seed);
  const weeks = [...Map.groupBy(decisions, ({ week }) => week).values()];
  const order = weeks.map((own) => ({ own, place: random() })).sort((a, b) => a.place - b.place);
  return weeks.flatMap((own, week) => {
    const source = order[week]?.own ?? [];
    return own.map((decision, i) => {
      const taken = source[Math.ceil((i + 1) * source.length / own.length) - 1];
      if (taken === undefined) throw new Error(`Week ${decision.week} takes the outcomes of none.`);
      return { ...decision, outcome: taken.outcome };
    });
  });
}

interface Measured {
  readonly calibration: Calibration;
  readonly gain: number;
  readonly error: number;
  /** Standard deviation of the strength under κ, under the regimes' weights, and as it acts. */
  readonly plain: number;
  readonly regimes: number;
  readonly acting: number;
}

function measure(decisions: readonly Decided[]): Measured {
  const { groups, context } = packDecisions({
    decisions,
    nMin: 33,
    regimeDimensions: ["macro_phase"],
    memory: "auto",
  });
  const effects = groups.map(({ group }) => measureGroupEffects(group, context));
  const calibration = calibrate(effects.map(({ sums }) => sums));
  const memory = context.memories.indexOf(calibration.halfLife);
  const cells = effects.flatMap(({ sums }) =>
    sums.cells.map(({ week, regime }, i) => ({
      week,
      regime,
      told: sums.memories[memory]?.told[i] ?? NaN,
      squares: sums.memories[memory]?.squares[i] ?? NaN,
    }))
  );
  const said = groups.flatMap((group, i) => saidOf(group, effects[i], memory, context));
  const kappas = new Map(calibration.regimes.map(({ signature, kappa }) => [signature, kappa]));
  const kept = (regime: string | null): number =>
    regime === null ? calibration.kappa : kappas.get(regime) ?? calibration.kappa;
  const plain = spread(said.map(({ p }) => calibration.kappa * p));
  const regimes = spread(said.map(({ p, regime }) => kept(regime) * p));
  return {
    calibration,
    ...regimesGain(cells),
    plain,
    regimes,
    acting: calibration.regimesAct ? regimes : plain,
  };
}

/** What the slices say of each decision of a group, with its regime. */
function saidOf(
  { group }: NamedGroup,
  effects: GroupEffects | undefined,
  memory: number,
  { mean, sigma }: { readonly mean: number; readonly sigma: number },
): { p: number; regime: string | null }[] {
  const sums = new Float64Array(group.outcomes.length);
  const sizes = new Float64Array(group.outcomes.length);
  for (const { pairs, n, total } of effects?.effects ?? []) {
    const size = n[memory] ?? NaN;
    for (let row = 0; row < sums.length; row++) {
      if (pairs.some(({ dimension, code }) => group.dimensions[dimension]?.codes[row] !== code)) continue;
      sums[row] = (sums[row] ?? 0) + ((total[memory] ?? NaN) - size * mean) / sigma;
      sizes[row] = (sizes[row] ?? 0) + size;
    }
  }
  const phase = group.dimensions.find(({ name }) => name === "macro_phase");
  return Array.from(sums, (sum, row) => {
    const code = phase?.codes[row] ?? 0;
    return {
      p: sizes[row] === 0 ? 0 : sum / (sizes[row] ?? NaN),
      regime: code === 0 ? null : phase?.values[code - 1] ?? null,
    };
  });
}

function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function print(...cells: readonly string[]): void {
  const line = cells.map((cell, i) => i === 0 ? cell.padEnd(28) : cell.padStart(10)).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function printMeasured(name: string, { calibration, gain, error, plain, regimes, acting }: Measured): void {
  const { kappa, tau2, halfLife, n, weeks } = calibration;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  print(
    name,
    `${n}`,
    `${weeks}`,
    kappa.toFixed(3),
    tau2.toFixed(5),
    `${halfLife ?? "none"}`,
    (gain / error).toFixed(2),
    calibration.regimesAct ? "yes" : "no",
    percent(plain),
    percent(regimes),
    percent(acting),
  );
}

const options = parseArgs(Deno.args, { string: ["shuffles", "first-seed", "category", "until"] });
const shuffles = Number(options.shuffles ?? 10);
const firstSeed = Number(options["first-seed"] ?? 1);
const until = options.until === undefined ? Infinity : Date.parse(options.until);
print(
  "",
  "decisions",
  "weeks",
  "κ",
  "τ²",
  "memory",
  "regimes",
  "they act",
  "sd by κ",
  "by regime",
  "as it acts",
);
for (const file of options._) {
  for (const category of (options.category ?? "entry,add").split(",")) {
    const decisions = await readDecisions(`${file}`, category, until);
    if (decisions.length < 33) continue;
    const name = `${file}`.split("/").at(-1)?.slice(0, 18) ?? "";
    const real = measure(decisions);
    printMeasured(`${name} ${category}`, real);
    for (const { signature, kappa, n, weeks, confidence } of real.calibration.regimes) {
      print(`  ${signature}`, `${n}`, `${weeks}`, kappa.toFixed(3), "confidence", confidence.toFixed(2));
    }
    const drawn = Array.from({ length: shuffles }, (_, i) => measure(shuffled(decisions, firstSeed + i)));
    for (const [i, own] of drawn.entries()) printMeasured(`  shuffled, seed ${firstSeed + i}`, own);
    const mean = (of: (own: Measured) => number): string =>
      `${(100 * drawn.reduce((sum, own) => sum + of(own), 0) / drawn.length).toFixed(2)} %`;
    print(
      "  mean of the shuffled",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      mean((own) => own.plain),
      mean((own) => own.regimes),
      mean((own) => own.acting),
    );
  }
}
