/**
 * Whether mining tells luck from skill: groups that grow and are looked at again and again. Null runs have nothing to
 * learn but luck; in the others an effect is planted. Seeds are fixed, so that every machine prints the same table.
 *
 *     deno run --allow-all scripts/bench/luck.ts [--runs 30] [--trades 3000] [--dimensions 12] [--looks 40]
 *       [--only luck|planted]
 *
 * The last look sees all 39 weeks. Wanted: of the null runs at most 2 of 90 ever believe anything and none calls
 * anything proven; of nine planted effects at least 8 are found under shared luck, and 6 under heavy tails.
 */

import { parseArgs } from "@std/cli/parse_args.js";
import {
  contains,
  drawEffect,
  drawLuck,
  type DrawnGroup,
  type Luck,
  luckInput,
  plant,
  type Planted,
  seenBy,
} from "../testing/lessons/luck_groups.ts";
import { type MinedLesson, mineGroup } from "../../functions/_shared/lessons/mine_group.ts";
import { DEFAULT_SETTINGS } from "../testing/lessons/groups.ts";

const LUCK: readonly Luck[] = ["weekly shock", "heavy tails", "daily shock"];
/** What is planted where, in ROI: both are what a strategy would like to know. */
const EFFECTS = [["weekly shock", 0.10], ["heavy tails", 0.03]] as const;
const DEPTHS = [1, 2, 3];
const SEEDS = [1, 2, 3];

const options = parseArgs(Deno.args, { string: ["runs", "trades", "dimensions", "looks", "only"] });
const size = (name: "runs" | "trades" | "dimensions" | "looks", standard: number): number => {
  const value = Number(options[name] ?? standard);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`--${name} takes a whole number, got "${options[name]}".`);
  }
  return value;
};
const runs = size("runs", 30);
const trades = size("trades", 3000);
const dimensions = size("dimensions", 12);
const looks = size("looks", 40);

function print(...cells: readonly (string | number)[]): void {
  const line = cells.map((cell, i) => i === 0 ? String(cell).padEnd(46) : String(cell).padStart(14)).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function mine(
  group: DrawnGroup,
  firstSigma: number | null,
): { lessons: readonly MinedLesson[]; sigma: number } {
  const input = luckInput(group, DEFAULT_SETTINGS);
  const sigma = firstSigma ?? input.baseline.sigma;
  const step = mineGroup({ ...input, firstSigma: sigma }, null, () => false);
  if ("progress" in step) throw new Error("Mining paused though it was not asked to.");
  return { lessons: step.lessons, sigma };
}

/** Looks again and again while the group grows. */
function* look(group: DrawnGroup, from = 1): Iterable<readonly MinedLesson[]> {
  let firstSigma: number | null = null;
  for (let i = from; i <= looks; i++) {
    const seen = seenBy(group, i / looks);
    if (seen.trades.length === 0) continue;
    const { lessons, sigma } = mine(seen, firstSigma);
    firstSigma = sigma;
    yield lessons;
  }
}

/** The lesson of exactly the trades that an effect was planted in. */
function find(
  lessons: readonly MinedLesson[],
  group: DrawnGroup,
  { scope }: Planted,
): MinedLesson | undefined {
  const n = group.trades.filter((trade) => contains(trade.scope, scope)).length;
  return lessons.find((lesson) =>
    lesson.stats.n === n &&
    group.trades.every((trade) => contains(trade.scope, scope) === contains(trade.scope, lesson.scope))
  );
}

const share = (part: number, whole: number): string => `${part} of ${whole}`;

if (options.only !== "planted") {
  print(
    `Nothing to learn: ${trades} trades, ${dimensions} dimensions`,
    "believed ever",
    "at the end",
    "proven ever",
  );
  for (const luck of LUCK) {
    let [believed, atTheEnd, proven] = [0, 0, 0];
    for (let seed = 1; seed <= runs; seed++) {
      let [everBelieved, everProven, last] = [false, false, false];
      for (const lessons of look(drawLuck({ seed, trades, dimensions, luck }))) {
        last = lessons.some(({ active }) => active);
        everBelieved ||= last;
        everProven ||= lessons.some(({ stats }) => stats.proven);
      }
      believed += Number(everBelieved);
      atTheEnd += Number(last);
      proven += Number(everProven);
    }
    print(luck, share(believed, runs), share(atTheEnd, runs), share(proven, runs));
  }
}

if (options.only !== "luck") {
  print("An effect planted", "found", "represents", "proven", "families");
  for (const [luck, roi] of EFFECTS) {
    for (const depth of DEPTHS) {
      let [found, represents, proven, families] = [0, 0, 0, 0];
      for (const seed of SEEDS) {
        const drawn = drawLuck({ seed, trades, dimensions, luck });
        const effect = drawEffect(drawn, seed, depth, seed % 2 === 0 ? -roi : roi);
        const group = plant(drawn, effect);
        for (const lessons of look(group, looks)) {
          const lesson = find(lessons, seenBy(group, 1), effect);
          found += Number(lesson?.active === true);
          represents += Number(lesson?.active === true && lesson.familyScope === lesson.scope);
          proven += Number(lesson?.stats.proven === true);
          families += lessons.filter(({ active, familyScope, scope }) =>
            active && familyScope === scope
          ).length;
        }
      }
      print(
        `±${roi} of ROI, ${luck}, on ${depth} ${depth === 1 ? "dimension" : "dimensions"}`,
        share(found, SEEDS.length),
        share(represents, SEEDS.length),
        share(proven, SEEDS.length),
        families,
      );
    }
  }
}
