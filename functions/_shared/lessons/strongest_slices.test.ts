import { assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import type { Conjunction, SliceView } from "../slices/mod.ts";
import { StrongestSlices } from "./strongest_slices.ts";

/** A slice of one dimension, named by its code. */
function slice(code: number): SliceView {
  return {
    conjunction(target: Conjunction): Conjunction {
      target[0] = code;
      return target;
    },
  };
}

const byCode = (a: Conjunction, b: Conjunction): number => (a[0] ?? 0) - (b[0] ?? 0);
const codesOf = (strongest: StrongestSlices): (number | undefined)[] =>
  strongest.entries().map(({ conjunction }) => conjunction[0]);

Deno.test("the strongest of any number are kept, strongest first, and names decide between equals", () => {
  const z = fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 0, max: 40, noNaN: true }));
  fc.assert(
    fc.property(fc.array(z, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (strengths, limit) => {
      const strongest = new StrongestSlices(limit, 1, byCode);
      for (const [code, strength] of strengths.entries()) strongest.offer(strength, slice(code));
      const expected = [...strengths.keys()]
        .sort((a, b) => Math.fround(strengths[b] ?? 0) - Math.fround(strengths[a] ?? 0) || a - b).slice(
          0,
          limit,
        );
      assertEquals(codesOf(strongest), expected);
    }),
  );
});

Deno.test("what one process gave out another goes on with", () => {
  const z = fc.constantFrom(0, 0.5, 1, 1.5, 2, 3);
  fc.assert(fc.property(fc.array(z), fc.array(z), fc.integer({ min: 1, max: 5 }), (before, after, limit) => {
    const whole = new StrongestSlices(limit, 1, byCode);
    const first = new StrongestSlices(limit, 1, byCode);
    for (const [code, strength] of before.entries()) {
      whole.offer(strength, slice(code));
      first.offer(strength, slice(code));
    }
    const second = new StrongestSlices(limit, 1, byCode);
    second.restore(first.entries());
    for (const [i, strength] of after.entries()) {
      whole.offer(strength, slice(1000 + i));
      second.offer(strength, slice(1000 + i));
    }
    assertEquals(second.entries(), whole.entries());
  }));
});

Deno.test("the same trades summed in another order are as strong as each other", () => {
  const strongest = new StrongestSlices(2, 1, byCode);
  const sum = 0.1 + 0.2 + 0.3;
  const inAnotherOrder = 0.3 + 0.2 + 0.1;
  for (const [code, strength] of [[3, sum], [2, inAnotherOrder], [1, sum]] as const) {
    strongest.offer(strength, slice(code));
  }
  assertEquals(codesOf(strongest), [1, 2]);
});
