/**
 * Whether mining tells luck from skill, at full size: 50 runs over groups in which there is nothing to learn, with and
 * without clusters, and runs with effects planted in them. Seeds are fixed, so that every machine prints the same table.
 *
 *     deno run --allow-all scripts/bench/luck.ts [--runs 50] [--trades 5000] [--dimensions 17] [--only luck|planted]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import {
  contains,
  drawEffect,
  drawLuck,
  type Luck,
  luckInput,
  plant,
  type Planted,
} from "../testing/lessons/luck_groups.ts";
import { type MinedLesson, mineGroup } from "../../functions/_shared/lessons/mine_group.ts";
import { DEFAULT_SETTINGS, type Trade } from "../testing/lessons/groups.ts";

const LUCK: readonly Luck[] = ["heavy tails", "weekly shock"];
const EFFECT = 0.2;

const options = parseArgs(Deno.args, { string: ["runs", "trades", "dimensions", "only"] });
const size = (name: "runs" | "trades" | "dimensions", standard: number): number => {
  const value = Number(options[name] ?? standard);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`--${name} takes a whole number, got "${options[name]}".`);
  }
  return value;
};
const runs = size("runs", 50);
const trades = size("trades", 5000);
const dimensions = size("dimensions", 17);

function print(...cells: readonly (string | number)[]): void {
  const line = cells.map((cell, i) => i === 0 ? String(cell).padEnd(46) : String(cell).padStart(12)).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function mine(input: Parameters<typeof mineGroup>[0]): { lessons: readonly MinedLesson[]; tests: number } {
  const step = mineGroup(input, null, () => false);
  if ("progress" in step) throw new Error("Mining paused though it was not asked to.");
  return step;
}

/** Where a planted effect ended up among the lessons. */
function find(
  lessons: readonly MinedLesson[],
  group: readonly Trade[],
  { scope }: Planted,
): { active: boolean; strongest: boolean } {
  const n = group.filter((trade) => contains(trade.scope, scope)).length;
  const same = lessons.find((lesson) =>
    lesson.stats.n === n &&
    group.every((trade) => contains(trade.scope, scope) === contains(trade.scope, lesson.scope))
  );
  if (same === undefined) return { active: false, strongest: false };
  const strongest = lessons.every((other) =>
    !contains(other.scope, scope) || Math.abs(other.stats.z) <= Math.abs(same.stats.z)
  );
  return { active: same.active, strongest };
}

if (options.only !== "planted") {
  print(
    `Nothing to learn: ${trades} trades, ${dimensions} dimensions`,
    "runs",
    "believing",
    "active",
    "tests/run",
  );
  for (const luck of LUCK) {
    for (const cluster of ["auto", "none"] as const) {
      let [believing, active, tests] = [0, 0, 0];
      for (let seed = 1; seed <= runs; seed++) {
        const group = drawLuck({ seed, trades, dimensions, luck });
        const mined = mine(luckInput(group, { ...DEFAULT_SETTINGS, cluster }));
        const count = mined.lessons.filter((lesson) => lesson.active).length;
        believing += Math.sign(count);
        active += count;
        tests += mined.tests;
      }
      print(
        `${luck}, ${cluster === "none" ? "not clustered" : "clustered"}`,
        runs,
        believing,
        active,
        Math.round(tests / runs),
      );
    }
  }
}

if (options.only !== "luck") {
  const plantedRuns = Math.max(1, Math.round(runs / 10));
  print(`One effect of ±${EFFECT} planted`, "runs", "active", "strongest");
  for (const luck of LUCK) {
    for (const depth of [1, 2, 3]) {
      let [active, strongest] = [0, 0];
      for (let seed = 1; seed <= plantedRuns; seed++) {
        const drawn = drawLuck({ seed, trades, dimensions, luck });
        const effect = drawEffect(drawn, seed, depth, seed % 2 === 0 ? -EFFECT : EFFECT);
        const group = plant(drawn, effect);
        const found = find(mine(luckInput(group, DEFAULT_SETTINGS)).lessons, group.trades, effect);
        active += Number(found.active);
        strongest += Number(found.active && found.strongest);
      }
      print(
        `${luck}, on ${depth} ${depth === 1 ? "dimension" : "dimensions"}`,
        plantedRuns,
        active,
        strongest,
      );
    }
  }
}
