import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import { type FalseDiscoveryMethod, falseDiscoveryQ } from "./false_discovery.ts";
import { type AccumulatorOptions, FalseDiscoveryAccumulator } from "./false_discovery_accumulator.ts";

/** p values of every sort: ties, tiny ones, uniform ones. */
const anyP = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: 0, max: 10 }).map((x) => x / 10),
  fc.double({ min: -40, max: 0, noNaN: true }).map(Math.exp),
);

const anyMethod = fc.constantFrom<FalseDiscoveryMethod[]>("by", "bh");

function accumulate(
  pValues: Iterable<number>,
  options: AccumulatorOptions = {},
): FalseDiscoveryAccumulator {
  const accumulator = new FalseDiscoveryAccumulator(options);
  for (const p of pValues) accumulator.add(p);
  return accumulator;
}

/** Through JSON text and back, as a run does that is paused. */
function pause(accumulator: FalseDiscoveryAccumulator): FalseDiscoveryAccumulator {
  return FalseDiscoveryAccumulator.fromJSON(JSON.parse(JSON.stringify(accumulator)));
}

/** Checks the class's promises for every test, and returns the q values. */
function assertPromises(
  accumulator: FalseDiscoveryAccumulator,
  pValues: Float64Array,
  method: FalseDiscoveryMethod = "bh",
): Float64Array {
  const truth = falseDiscoveryQ(pValues, method);
  const { q, exact } = accumulator.qValues(pValues, method);
  assertEquals(accumulator.tests, pValues.length);
  pValues.forEach((p, i) => {
    const expected = truth[i] ?? NaN;
    const reported = q[i] ?? NaN;
    const message = `p ${p}: q ${expected}, reported ${reported}`;
    if (exact[i]) assertEquals(reported, expected, message);
    assert(reported >= expected && reported <= 1, message);
    if (expected <= accumulator.ceiling) {
      assert(reported <= expected * (1 + 2 ** -10) * (1 + 1e-12) + 1e-300, message);
    } else assert(reported > accumulator.ceiling, message);
    if (accumulator.cut === Infinity && expected <= accumulator.ceiling) assert(exact[i], message);
  });
  return q;
}

Deno.test("while everything fits, every q is exact", () => {
  fc.assert(fc.property(fc.array(anyP, { maxLength: 200 }), anyMethod, (list, method) => {
    const pValues = Float64Array.from(list);
    const accumulator = accumulate(list);
    assertEquals(accumulator.cut, Infinity);
    assertEquals(accumulator.qValues(pValues, method), {
      q: falseDiscoveryQ(pValues, method),
      exact: list.map(() => true),
    });
  }));
});

Deno.test("with a ceiling, every q up to it is exact, and any other is above it as the true one is", () => {
  fc.assert(
    fc.property(
      fc.array(anyP, { maxLength: 200 }),
      fc.constantFrom(0.05, 0.1, 0.5),
      anyMethod,
      (list, ceiling, method) => {
        assertPromises(accumulate(list, { ceiling }), Float64Array.from(list), method);
      },
    ),
  );
});

Deno.test("tests above the ceiling need not say more than that they are", () => {
  const low = [0.001, 0.004, 0.02, 0.09];
  const high = [0.3, 0.2, 0.9, 0.11, 0.5];
  const accumulator = accumulate(low, { ceiling: 0.1 });
  accumulator.addAbove(high.length);
  assertEquals(accumulator.tests, 9);
  const truth = falseDiscoveryQ(Float64Array.from([...low, ...high]), "bh");
  const { q, exact } = accumulator.qValues(Float64Array.from(low), "bh");
  // 9 · 0.001/1, 9 · 0.004/2, 9 · 0.02/3; and 9 · 0.09/4 = 0.2025, of which only an upper bound is known.
  assertEquals(q.slice(0, 3), truth.slice(0, 3));
  assertEquals(exact, [true, true, true, false]);
  assert((q[3] ?? NaN) >= (truth[3] ?? NaN));
});

Deno.test("a ceiling where significance ends decides a level above it, without the tests beyond", () => {
  const level = 0.1;
  fc.assert(fc.property(fc.array(anyP, { minLength: 1, maxLength: 200 }), anyMethod, (list, method) => {
    const pValues = Float64Array.from(list);
    const truth = falseDiscoveryQ(pValues, method);
    const significant = list.filter((_, i) => (truth[i] ?? NaN) <= level);
    const ceiling = Math.max(Number.MIN_VALUE, ...significant);
    const accumulator = accumulate(significant, { ceiling });
    accumulator.addAbove(list.length - significant.length);
    accumulator.qValues(pValues, method).q.forEach((reported, i) => {
      const expected = truth[i] ?? NaN;
      if (expected <= level) assertEquals(reported, expected);
      else assert(reported > level);
    });
  }));
});

Deno.test("past the capacity q is exact or at most 0.1 % too high, never too low", () => {
  const options = fc.record({
    capacity: fc.integer({ min: 1, max: 60 }),
    ceiling: fc.constantFrom(0.1, 0.6, 1),
  });
  fc.assert(fc.property(fc.array(anyP, { maxLength: 300 }), options, (list, { capacity, ceiling }) => {
    for (const method of ["by", "bh"] as const) {
      assertPromises(accumulate(list, { capacity, ceiling }), Float64Array.from(list), method);
    }
  }));
});

Deno.test("past the capacity the test that decides a q of dependent tests may be a counted one, at most 0.1 % too high", () => {
  // 100 tests, H = 5.187…: the last of them, 0.02, has rank 100 and q 0.02 · H; all before it that same q.
  const all = Float64Array.from({ length: 100 }, (_, i) => 0.01 + (i + 1) / 10_000);
  const accumulator = accumulate(all, { capacity: 10 });
  assert(accumulator.cut < 0.012);
  const harmonic = Array.from({ length: 100 }, (_, i) => 1 / (i + 1)).reduce((sum, term) => sum + term, 0);
  const q = assertPromises(accumulator, all, "by");
  q.forEach((value) => assert(value >= 0.02 * harmonic * (1 - 1e-12) && value < 0.02 * harmonic * 1.001));
});

Deno.test("past the capacity small p values that decide for themselves keep an exact q", () => {
  // 990 p values spread over (0, 1] and ten far below all others: their q, about 1e-5, is settled among
  // themselves.
  const rest = Array.from({ length: 990 }, (_, i) => (i + 1) / 990);
  const strong = Array.from({ length: 10 }, (_, i) => (i + 1) * 1e-8);
  const all = Float64Array.from([...rest, ...strong]);
  const accumulator = accumulate(all, { capacity: 100 });
  assert(accumulator.cut < 0.2);
  const { q, exact } = accumulator.qValues(Float64Array.from(strong), "bh");
  assertEquals(exact, strong.map(() => true));
  assertEquals(q, falseDiscoveryQ(all, "bh").slice(-10));
  assertPromises(accumulator, all);
});

Deno.test("past the capacity a q that the counted ones decide is at most 0.1 % too high", () => {
  // A hundred between 0.5 and 0.6: the last, of rank m, has q = p, and all before it that same q.
  const all = Float64Array.from({ length: 100 }, (_, i) => 0.5 + (i + 1) / 1000);
  const accumulator = accumulate(all, { capacity: 10 });
  assert(accumulator.cut < 0.52);
  const q = assertPromises(accumulator, all);
  q.forEach((value) => assert(value >= 0.6 && value < 0.601));
});

Deno.test("pausing, splitting and merging in any order answer as one uninterrupted run does", () => {
  const part = fc.array(anyP, { maxLength: 120 });
  fc.assert(fc.property(
    fc.array(part, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 5, max: 400 }),
    fc.constantFrom(0.3, 1),
    (parts, capacity, ceiling) => {
      const options = { capacity, ceiling };
      const all = Float64Array.from(parts.flat());
      let resumed = new FalseDiscoveryAccumulator(options);
      for (const list of parts) {
        for (const p of list) resumed.add(p);
        resumed = pause(resumed);
      }
      const once = accumulate(all, options);
      for (const method of ["by", "bh"] as const) {
        assertEquals(resumed.qValues(all, method), once.qValues(all, method));
      }

      const merged = new FalseDiscoveryAccumulator(options);
      for (const list of parts.toReversed()) merged.merge(pause(accumulate(list, options)));
      assertPromises(merged, all);
    },
  ));
});

Deno.test("an accumulator may be merged with itself and leaves the other one as it was", () => {
  const accumulator = accumulate([0.1, 0.2], { capacity: 3 });
  const other = accumulate([0.3, 0.4, 0.5, 0.6], { capacity: 3 });
  const before = JSON.stringify(other);
  accumulator.merge(other);
  assertEquals(JSON.stringify(other), before);
  accumulator.merge(accumulator);
  assertEquals(accumulator.tests, 12);
  assertPromises(accumulator, Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6));
});

Deno.test("a hundred thousand tests in a thousand places differ from all kept by a hair at the level", () => {
  // Most p values tiny, as where a whole group is better than the baseline: even the cut is far below the
  // level.
  const all = Float64Array.from({ length: 100_000 }, (_, i) => ((i * 7919) % 100_000 / 100_000) ** 8);
  const accumulator = accumulate(all, { capacity: 1000, ceiling: 0.1 });
  assert(accumulator.cut < 1e-6);
  const q = assertPromises(accumulator, all);
  const truth = falseDiscoveryQ(all, "bh");
  const differ = all.filter((_, i) => ((q[i] ?? NaN) <= 0.05) !== ((truth[i] ?? NaN) <= 0.05));
  assert(differ.length <= 20, `${differ.length} of 100,000 are on the other side of the level`);
});

Deno.test("what cannot be a test or an accumulator is refused with what was given", () => {
  const accumulator = new FalseDiscoveryAccumulator();
  assertThrows(() => accumulator.add(1.5), RangeError, "1.5");
  assertThrows(() => accumulator.add(NaN), RangeError, "NaN");
  assertThrows(() => accumulator.addAbove(-1), RangeError, "-1");
  assertThrows(() => new FalseDiscoveryAccumulator({ ceiling: 0 }), RangeError, "got 0");
  assertThrows(() => new FalseDiscoveryAccumulator({ capacity: 0.5 }), RangeError, "0.5");
  const narrow = new FalseDiscoveryAccumulator({ ceiling: 0.1 });
  assertThrows(() => accumulator.merge(narrow), RangeError, "Ceilings 1 and 0.1");
});
