import { assert, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import { familiesByBruteForce } from "../../../scripts/testing/belief/families_oracle.ts";
import { uniform } from "../../../scripts/testing/slices/oracle.ts";
import {
  type BelievedLesson,
  continueFamilies,
  type Families,
  type FamilyInput,
  type FamilyProgress,
  findFamilies,
} from "./families.ts";

function lesson(scope: Record<string, string>, rows: readonly number[]): BelievedLesson {
  return { scope, rows: Uint32Array.from(rows) };
}

/** Twenty decisions, two a week for ten weeks: 0, 2, 4, … and 1, 3, 5, …. */
const WEEKS = Int32Array.from({ length: 20 }, (_, row) => Math.floor(row / 2));
const even = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, week) => 2 * (from + week));
const odd = (from: number, to: number): number[] => even(from, to).map((row) => row + 1);

/** The first of each week earned 1 more than the baseline, the second of the last five weeks 2 less. */
function deviations(rest: readonly number[] = [0, 0, 0, 0, 0]): Float64Array {
  return Float64Array.from(
    { length: 20 },
    (_, row) => row % 2 === 0 ? 1 : row > 10 ? -2 : rest[(row - 1) / 2] ?? 0,
  );
}

function find(lessons: readonly BelievedLesson[], outcomes = deviations()): Families {
  return findFamilies({ deviations: outcomes, weeks: WEEKS, weekCount: 10, lessons });
}

function shown(
  { representatives, representedBy }: Families,
): { representatives: number[]; representedBy: number[] } {
  return { representatives: [...representatives], representedBy: [...representedBy] };
}

Deno.test("what one effect explains is one family, and what is left is another", () => {
  const found = find([
    lesson({ b: "q", c: "z" }, odd(5, 10)), // S = −10, V = 5 · 4, t = −√5, which reaches 0.8 · √5
    lesson({ a: "x", b: "p" }, even(0, 6)), // t = √6
    lesson({ a: "x" }, even(0, 10)), // S = 10, V = 10, t = √10: the furthest
    lesson({ b: "q" }, odd(5, 10)), // the trades of the first, in fewer words
  ]);
  assertEquals(shown(found), { representatives: [2, 3], representedBy: [3, 2, 2, 3] });
});

Deno.test("of lessons that are about as far the one of fewest pairs represents, then the first by name", () => {
  const all = even(0, 10);
  // One decision that says nothing more: t is the same √10.
  const wider = [...all, 1];
  assertEquals(
    find([lesson({ a: "x", b: "p" }, all), lesson({ d: "v" }, wider), lesson({ c: "w" }, all)])
      .representatives,
    [2],
  );
  // Without two of the ten weeks t is √8 = 2.83, more than 0.1 below √10 = 3.16.
  assertEquals(find([lesson({ a: "x", b: "p" }, all), lesson({ a: "x" }, even(0, 8))]).representatives, [0]);
  // One of 1 and a hundredth: 10.01/√(9 + 1.0201) = 3.1623, the furthest by far less than 0.1.
  const outcomes = deviations().with(18, 1.01);
  assertEquals(find([lesson({ a: "x", b: "p" }, all), lesson({ "": "x" }, all)], outcomes).representatives, [
    1,
  ]);
});

Deno.test("a lesson that no family explains a tenth of is one of its own, however little it says", () => {
  // 1 + 1 + 1 + 0 − 1 = 2, V = 4: t = 1 is below 0.8 · √5.
  const found = find(
    [lesson({ a: "x" }, even(0, 10)), lesson({ e: "u" }, odd(0, 5)), lesson({ e: "u", f: "t" }, odd(0, 4))],
    deviations([1, 1, 1, 0, -1]),
  );
  // {e, f} has 3/√3 = √3 = 1.73, which reaches 0.8 · √4 = 1.6: it represents before its own parent does, whose rest,
  // −1, has 1 of the 4 that S² was.
  assertEquals(shown(found), { representatives: [0, 2], representedBy: [0, 2, 2] });
  const alone = find(
    [lesson({ a: "x" }, even(0, 10)), lesson({ e: "u" }, odd(0, 5))],
    deviations([1, 1, 1, 0, -1]),
  );
  assertEquals(shown(alone), { representatives: [0, 1], representedBy: [0, 1] });
});

Deno.test("a lesson belongs to the family that explains most of it", () => {
  // Even rows +1, odd ones of the last five weeks −2: over both of weeks 5 to 9, S = 5 − 10 = −5. Without the first
  // effect it is −10, which is worse; without the second 0.
  const found = find([
    lesson({ a: "x" }, even(0, 10)),
    lesson({ b: "q" }, odd(5, 10)),
    lesson({ c: "late" }, [...even(5, 10), ...odd(5, 10)].sort((a, b) => a - b)),
  ]);
  assertEquals(found.representedBy, Int32Array.of(0, 1, 1));
});

Deno.test("no lessons have no families, and outcomes that do not vary one", () => {
  assertEquals(shown(find([])), { representatives: [], representedBy: [] });
  const still = find([lesson({ b: "p" }, even(0, 10)), lesson({ a: "x" }, even(0, 5))], new Float64Array(20));
  assertEquals(shown(still), { representatives: [1], representedBy: [1, 1] });
});

/** Lessons as a miner finds them: conjunctions of random columns, effects planted in some. */
function randomFamilies(seed: number): FamilyInput {
  const random = uniform(seed);
  const rows = 40 + Math.floor(random() * 160);
  const weekCount = 2 + Math.floor(random() * 30);
  const dimensions = 2 + Math.floor(random() * 4);
  const codes = Array.from(
    { length: dimensions },
    () => Array.from({ length: rows }, () => Math.floor(random() ** 1.5 * 3)),
  );
  const shocks = Array.from({ length: weekCount }, () => random() - 0.5);
  const weeks = Int32Array.from({ length: rows }, () => Math.floor(random() * weekCount));
  const coarse = random() < 0.3;
  const outcomes = Float64Array.from({ length: rows }, (_, row) => {
    const effect = (codes[0]?.[row] === 0 ? 0.5 : 0) -
      (codes[1]?.[row] === 1 && codes[0]?.[row] === 1 ? 0.8 : 0);
    const value = effect + (shocks[weeks[row] ?? 0] ?? 0) + random() - 0.5;
    return coarse ? Math.round(value) : value;
  });
  const lessons: BelievedLesson[] = [];
  const names = ["z", "é", "a", "\u{1f600}", "\uffee"];
  for (let i = 0; i < 30; i++) {
    const scope: Record<string, string> = {};
    const members = [...Array(rows).keys()].filter(() => true);
    let chosen = members;
    for (let dimension = 0; dimension < dimensions; dimension++) {
      if (random() < 0.6) continue;
      const code = Math.floor(random() * 3);
      scope[names[dimension] ?? ""] = `v${code}`;
      chosen = chosen.filter((row) => codes[dimension]?.[row] === code);
    }
    if (chosen.length >= 5) lessons.push(lesson(scope, chosen));
  }
  return { deviations: outcomes, weeks, weekCount, lessons };
}

Deno.test("families are those of the plainest reading", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const input = randomFamilies(seed);
      const expected = familiesByBruteForce(
        [...input.deviations],
        [...input.weeks],
        input.lessons.map(({ scope, rows }) => ({ pairs: Object.entries(scope), rows: [...rows] })),
      );
      assertEquals(shown(findFamilies(input)), expected);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a search that pauses after each family finds the same", () => {
  let pauses = 0;
  for (let seed = 0; seed < 60; seed++) {
    const input = randomFamilies(seed);
    let progress: FamilyProgress | null = null;
    while (true) {
      const step = continueFamilies(input, progress, () => true);
      if ("families" in step) {
        assertEquals(shown(step.families), shown(findFamilies(input)), `Seed ${seed}`);
        break;
      }
      progress = JSON.parse(JSON.stringify(step.progress));
      pauses++;
    }
  }
  assert(pauses > 100, String(pauses));
});

Deno.test("every lesson has a representative, which represents itself; the order of the lessons does not matter", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const input = randomFamilies(seed);
      const distinct = [...new Map(input.lessons.map((it) => [JSON.stringify(it.scope), it])).values()];
      const { representatives, representedBy } = findFamilies({ ...input, lessons: distinct });
      assertEquals(new Set(representedBy), new Set(representatives));
      for (const representative of representatives) {
        assertEquals(representedBy[representative], representative);
      }
      const reversed = findFamilies({ ...input, lessons: distinct.toReversed() });
      const last = distinct.length - 1;
      assertEquals(reversed.representatives.map((index) => last - index), [...representatives]);
      assertEquals(
        Array.from(reversed.representedBy, (index) => last - index).toReversed(),
        [...representedBy],
      );
    }),
    { numRuns: 100 },
  );
});
