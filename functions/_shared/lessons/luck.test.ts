/**
 * Whether mining tells luck from skill: whole groups, at a size that a test run can afford. `scripts/bench/luck.ts` does the
 * same with 5,000 trades in seventeen dimensions.
 */

import { assert, assertEquals } from "@std/assert/mod.js";
import {
  contains,
  drawEffect,
  drawLuck,
  type DrawnGroup,
  type Luck,
  luckInput,
  plant,
} from "../../../scripts/testing/lessons/luck_groups.ts";
import type { MinedLesson } from "./mine_group.ts";
import { DEFAULT_SETTINGS, mineAll } from "../../../scripts/testing/lessons/groups.ts";

const SIZE = { trades: 700, dimensions: 14 };
const RUNS = 20;

/** In how many of the runs any lesson is active. */
function runsThatBelieve(luck: Luck, cluster: "week" | "none"): number {
  let believing = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const lessons = mineAll(luckInput(drawLuck({ ...SIZE, seed, luck }), { ...DEFAULT_SETTINGS, cluster }));
    assert(lessons.length > 100);
    if (lessons.some(({ active }) => active)) believing++;
  }
  return believing;
}

Deno.test("where outcomes are heavy-tailed luck, few runs believe anything", () => {
  const believing = runsThatBelieve("heavy tails", "week");
  assert(believing <= 2, `${believing} of ${RUNS} runs have active lessons`);
});

Deno.test("where all trades of a week share their luck, few runs believe anything, and most would without clusters", () => {
  const believing = runsThatBelieve("weekly shock", "week");
  assert(believing <= 2, `${believing} of ${RUNS} runs have active lessons`);
  const unclustered = runsThatBelieve("weekly shock", "none");
  assert(unclustered > RUNS / 2, `Only ${unclustered} of ${RUNS} runs have active lessons without clusters`);
});

/** The lesson that stands for the trades of a scope, whatever it is called. */
function lessonOf(
  lessons: readonly MinedLesson[],
  group: DrawnGroup,
  scope: Record<string, string>,
): MinedLesson {
  const rows = (pairs: Readonly<Record<string, string>>): number[] =>
    group.trades.flatMap((drawn, row) => contains(drawn.scope, pairs) ? [row] : []);
  const wanted = rows(scope);
  const found = lessons.filter((lesson) =>
    lesson.stats.n === wanted.length && rows(lesson.scope).join() === wanted.join()
  );
  assertEquals(found.length, 1, JSON.stringify(scope));
  const [lesson] = found;
  if (lesson === undefined) throw new Error(`${JSON.stringify(scope)} has no lesson.`);
  return lesson;
}

Deno.test("an effect of one to three dimensions is found under its name, stronger than in any narrower scope", () => {
  for (const luck of ["heavy tails", "weekly shock"] as const) {
    for (const depth of [1, 2, 3]) {
      for (let seed = 1; seed <= 3; seed++) {
        const drawn = drawLuck({ ...SIZE, seed, luck });
        const effect = drawEffect(drawn, seed, depth, seed % 2 === 0 ? -0.2 : 0.2);
        const group = plant(drawn, effect);
        const lessons = mineAll(luckInput(group, DEFAULT_SETTINGS));
        const lesson = lessonOf(lessons, group, effect.scope);
        const what = `${luck}, seed ${seed}, ${JSON.stringify(effect)}: q ${lesson.qValue}`;
        assert(lesson.active, what);
        assertEquals(Math.sign(lesson.stats.edge_raw), Math.sign(effect.roi), what);
        for (const narrower of lessons.filter(({ scope }) => contains(scope, effect.scope))) {
          assert(
            Math.abs(narrower.stats.z) <= Math.abs(lesson.stats.z),
            `${what}, but ${JSON.stringify(narrower.scope)}`,
          );
        }
      }
    }
  }
});
