/**
 * Decisions as the groups that are measured, and random ones.
 *
 * @module
 */

import { COMPETING_MEMORIES, type Memory } from "../../../functions/_shared/belief/calibration.ts";
import type { EffectContext, EffectGroup } from "../../../functions/_shared/belief/group_effects.ts";
import { nameDimension } from "../../../functions/_shared/mining/dimensions.ts";
import { uniform } from "../slices/oracle.ts";
import { type OracleDecision, type OracleInput, winsorised } from "./calibration_oracle.ts";

/** A group by its pattern key. */
export interface NamedGroup {
  readonly patternKey: string;
  readonly group: EffectGroup;
}

/** Packs decisions by pattern key, with what all groups share. */
export function packDecisions(
  { decisions, nMin, regimeDimensions, memory }: OracleInput,
): { groups: NamedGroup[]; context: EffectContext } {
  const y = winsorised(decisions.map(({ outcome }) => outcome));
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  const sigma = Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length);
  const memories: readonly Memory[] = memory === "auto" ? COMPETING_MEMORIES : [null];
  const names = [...new Set(decisions.flatMap(({ scope }) => Object.keys(scope)))];
  const groups = [...Map.groupBy(decisions.keys(), (row) => decisions[row]?.patternKey ?? "")].map(
    ([patternKey, rows]): NamedGroup => ({
      patternKey,
      group: {
        outcomes: Float64Array.from(rows, (row) => y[row] ?? NaN),
        weeks: Int32Array.from(rows, (row) => decisions[row]?.week ?? NaN),
        dimensions: names.map((name, bit) => {
          const values = [...new Set(rows.flatMap((row) => decisions[row]?.scope[name] ?? []))];
          const codes = Int32Array.from(
            rows,
            (row) => values.indexOf(decisions[row]?.scope[name] ?? "\0") + 1,
          );
          return nameDimension(bit, name, codes, new Map(values.map((value, i) => [i + 1, value])));
        }),
      },
    }),
  );
  const calendar = Int32Array.from([...new Set(decisions.map(({ week }) => week))].sort((a, b) => a - b));
  return { groups, context: { mean, sigma, calendar, minSupport: nMin, regimeDimensions, memories } };
}

/** Decisions of every sort: few weeks or many, one key or several, gaps, copies of dimensions, effects that end. */
export function randomDecisions(seed: number): OracleInput {
  const random = uniform(seed);
  const pick = <T>(...choices: readonly T[]): T => {
    const choice = choices[Math.floor(random() * choices.length)];
    if (choice === undefined) throw new Error("There is nothing to pick from.");
    return choice;
  };
  const rows = 20 + Math.floor(random() * 180);
  const weeks = pick(1, 2, 5, 12, 30, 60);
  const keys = pick(1, 1, 2, 3);
  const dimensions = ["market", "Z", "é", "phase", "\u{1f600}"].slice(0, pick(1, 3, 5));
  const gaps = pick(0, 0, 0.3);
  const effect = pick(0, 0.5, 2);
  const ends = pick(0.3, 2);
  const decisions = Array.from({ length: rows }, (): OracleDecision => {
    const scope: Record<string, string> = {};
    for (const [i, name] of dimensions.entries()) {
      if (random() < gaps) continue;
      // The third says what the first says, in other words: slices of the same trades.
      const value = i === 2 && random() < 0.95 ? scope["market"] : `v${Math.floor(random() ** 1.5 * 3)}`;
      if (value !== undefined) scope[name] = value;
    }
    const week = Math.floor(random() * weeks) * pick(1, 1, 1, 2);
    const holds = scope["market"] === "v0" && week < ends * weeks;
    return {
      patternKey: `pm.key${Math.floor(random() * keys)}`,
      scope,
      outcome: (holds ? effect : 0) + random() + random() - 1,
      week: 2600 + week,
    };
  });
  return {
    decisions,
    nMin: pick(3, 10, 33),
    regimeDimensions: pick<readonly string[]>(["phase"], ["market", "Z"], ["curator"], []),
    memory: pick("auto", "auto", "none"),
  };
}
