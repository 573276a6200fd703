import { assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import type { Conjunction, SliceView } from "../slices/mod.ts";
import { StrongestSlices } from "./strongest_slices.ts";

/** A slice of one dimension. */
function slice(code: number): SliceView {
  return {
    conjunction(target: Conjunction): Conjunction {
      target[0] = code;
      return target;
    },
  };
}

/** Names that run against the codes, so that it shows which of them decides. */
const nameOf = (conjunction: Conjunction): Conjunction => conjunction.map((code) => 10_000 - code);
const codesOf = (strongest: StrongestSlices): (number | undefined)[] =>
  strongest.entries().map(({ conjunction }) => conjunction[0]);

Deno.test("the strongest of any number are kept, strongest first, and names decide between equals", () => {
  const z = fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 0, max: 40, noNaN: true }));
  const strengthOf = ([z]: readonly [number, number]): number => Math.fround(z);
  fc.assert(
    fc.property(
      fc.array(z, { maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 30 }),
      (strengths, limit, slack) => {
        const strongest = new StrongestSlices(limit, 1, nameOf, slack);
        const offered = strengths.map((z, i) => [z, i + 1] as const);
        for (const [z, code] of offered) strongest.offer(z, slice(code));
        const kept = offered.toSorted((a, b) => strengthOf(b) - strengthOf(a) || b[1] - a[1]).slice(0, limit);
        const expected = kept.toSorted((a, b) => strengthOf(b) - strengthOf(a) || a[1] - b[1]);
        assertEquals(codesOf(strongest), expected.map(([, code]) => code));
      },
    ),
  );
});

Deno.test("a name is asked for only where it decides", () => {
  const asked: number[] = [];
  const strongest = new StrongestSlices(3, 1, (conjunction) => {
    asked.push(conjunction[0] ?? 0);
    return nameOf(conjunction);
  });
  for (const [code, z] of [[1, 3], [2, 3], [3, 2], [4, 2], [5, 1], [6, 1]] as const) {
    strongest.offer(z, slice(code));
  }
  assertEquals(codesOf(strongest), [1, 2, 4]);
  assertEquals(asked.sort(), [3, 4]);
  strongest.offer(2, slice(7));
  assertEquals(codesOf(strongest), [1, 2, 7]);
  assertEquals(asked, [3, 4, 7]);
});

Deno.test("what one process gave out another goes on with", () => {
  const z = fc.constantFrom(0, 0.5, 1, 1.5, 2, 3);
  fc.assert(fc.property(fc.array(z), fc.array(z), fc.integer({ min: 1, max: 5 }), (before, after, limit) => {
    const whole = new StrongestSlices(limit, 1, nameOf);
    const first = new StrongestSlices(limit, 1, nameOf);
    for (const [i, strength] of before.entries()) {
      whole.offer(strength, slice(1 + i));
      first.offer(strength, slice(1 + i));
    }
    const second = new StrongestSlices(limit, 1, nameOf);
    second.restore(first.entries());
    for (const [i, strength] of after.entries()) {
      whole.offer(strength, slice(1000 + i));
      second.offer(strength, slice(1000 + i));
    }
    assertEquals(codesOf(second), codesOf(whole));
  }));
});

Deno.test("the same trades summed in another order are as strong as each other", () => {
  const strongest = new StrongestSlices(2, 1, nameOf);
  const sum = 0.1 + 0.2 + 0.3;
  const inAnotherOrder = 0.3 + 0.2 + 0.1;
  for (const [code, strength] of [[3, sum], [2, inAnotherOrder], [1, sum]] as const) {
    strongest.offer(strength, slice(code));
  }
  assertEquals(codesOf(strongest), [2, 3]);
});
