import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import fc from "fast-check";
import {
  computePosture,
  type Direction,
  type Posture,
  type PostureInput,
  withoutContradiction,
} from "./posture.ts";

/** The posture at a ROI scale of 0.1. */
function postureOf(trades: PostureInput, own: Direction | null = null): Posture {
  return computePosture(trades, 0.1, own);
}

const flags = (values: readonly boolean[]): Uint8Array => Uint8Array.from(values, Number);

Deno.test("directions are the means of the votes weighted by tanh of the ROI", () => {
  // roi_scale 0.1. Losers of −10 % weigh tanh 1 = 0.761594155955765: one trimmed votes (−1, +1), one did not
  // (−1, 0). A winner of +10 % that reached S3 votes (+1, −1); one of +20 %, weight tanh 2 =
  // 0.964027580075817, that did not (0, 0); a trade of exactly 0 neither votes nor weighs. A:
  // −0.761594155955765/3.248810047943113; E: 0.
  const posture = postureOf({
    roi: Float64Array.of(-0.1, -0.1, 0.1, 0.2, 0),
    didTrim: Uint8Array.of(1, 0, 1, 0, 0),
    reachedS3: Uint8Array.of(0, 1, 1, 0, 1),
  });
  assertAlmostEquals(posture.dirA, -0.234422494610895, 1e-14);
  assertAlmostEquals(posture.dirE, 0, 1e-15);
  assertAlmostEquals(posture.pTrim, 2 / 5, 1e-15);
  assertAlmostEquals(posture.pS3, 3 / 5, 1e-15);
});

Deno.test("one trade of each kind votes as the rules say", () => {
  const cases: [roi: number, trimmed: number, s3: number, dirA: number, dirE: number][] = [
    [-0.02, 0, 0, -1, 0],
    [-0.02, 0, 1, -1, 0],
    [-0.02, 1, 0, -1, 1],
    [-0.02, 1, 1, -1, 1],
    [0.02, 0, 0, 0, 0],
    [0.02, 1, 0, 0, 0],
    [0.02, 0, 1, 1, -1],
    [0.02, 1, 1, 1, -1],
    [0, 1, 1, 0, 0],
  ];
  for (const [roi, trimmed, s3, dirA, dirE] of cases) {
    const posture = postureOf({
      roi: Float64Array.of(roi),
      didTrim: Uint8Array.of(trimmed),
      reachedS3: Uint8Array.of(s3),
    });
    assertEquals([posture.dirA, posture.dirE], [dirA, dirE], `roi ${roi}, trimmed ${trimmed}, S3 ${s3}`);
  }
});

Deno.test("relative steering subtracts the module's own direction, from a neutral slice too", () => {
  const slice = { roi: Float64Array.of(0.5), didTrim: Uint8Array.of(0), reachedS3: Uint8Array.of(1) };
  const relative = postureOf(slice, { dirA: 0.25, dirE: -0.5 });
  assertEquals([relative.dirA, relative.dirE], [0.75, -0.5]);
  const neutral = { ...slice, roi: Float64Array.of(0) };
  const relativeNeutral = postureOf(neutral, { dirA: 0.25, dirE: -0.5 });
  assertEquals([relativeNeutral.dirA, relativeNeutral.dirE], [-0.25, 0.5]);
});

Deno.test("directions are in [−1, 1], shares in [0, 1], and doubling every trade changes nothing", () => {
  const trade = fc.record({
    roi: fc.double({ min: -1, max: 50, noNaN: true }),
    trimmed: fc.boolean(),
    s3: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(trade, { minLength: 1, maxLength: 50 }), (trades) => {
    const posture = (list: typeof trades): Posture =>
      postureOf({
        roi: Float64Array.from(list, ({ roi }) => roi),
        didTrim: flags(list.map(({ trimmed }) => trimmed)),
        reachedS3: flags(list.map(({ s3 }) => s3)),
      });
    const once = posture(trades);
    const twice = posture([...trades, ...trades]);
    assert(Math.abs(once.dirA) <= 1 && Math.abs(once.dirE) <= 1);
    assert(once.pTrim >= 0 && once.pTrim <= 1 && once.pS3 >= 0 && once.pS3 <= 1);
    assertAlmostEquals(twice.dirA, once.dirA, 1e-12);
    assertAlmostEquals(twice.dirE, once.dirE, 1e-12);
    assertAlmostEquals(twice.pTrim, once.pTrim, 1e-12);
  }));
});

Deno.test("a posture without trades is refused", () => {
  const nothing = { roi: new Float64Array(), didTrim: new Uint8Array(), reachedS3: new Uint8Array() };
  assertThrows(() => postureOf(nothing), RangeError, "at least one trade");
});

Deno.test("what is worse neither adds nor stays, what is better neither shrinks nor leaves", () => {
  const direction = (dirA: number, dirE: number, edge: number): number[] => {
    const kept = withoutContradiction({ dirA, dirE }, edge);
    return [kept.dirA, kept.dirE];
  };
  assertEquals(direction(0.3, -0.2, -0.1), [0, 0]);
  assertEquals(direction(-0.3, 0.2, -0.1), [-0.3, 0.2]);
  assertEquals(direction(0.3, 0.2, -0.1), [0, 0.2]);
  assertEquals(direction(-0.3, 0.2, 0.1), [0, 0]);
  assertEquals(direction(0.3, -0.2, 0.1), [0.3, -0.2]);
  assertEquals(direction(-0.3, -0.2, 0.1), [0, -0.2]);
  assertEquals(direction(-0.3, 0.2, 0), [-0.3, 0.2]);
});
