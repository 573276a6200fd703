import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { normal } from "../../../scripts/testing/lessons/groups.ts";
import { uniform } from "../../../scripts/testing/slices/oracle.ts";
import { evidenceAgainst, type LiveDecisions, speakForReturn } from "./live_record.ts";

const WEEK_MS = 7 * 86_400_000;
/** A Monday. */
const START = Date.UTC(2024, 0, 1);

/** Decisions with these outcomes, those of one list in one week. */
function decisionsOf(weeks: readonly (readonly number[])[]): LiveDecisions {
  const all = weeks.flatMap((outcomes, week) =>
    outcomes.map((outcome, i) => ({ outcome, at: START + week * WEEK_MS + i * 3_600_000 }))
  );
  return {
    outcomes: Float64Array.from(all, ({ outcome }) => outcome),
    actedAt: Float64Array.from(all, ({ at }) => at),
  };
}

/** After all weeks. */
const LATER = START + 1_000 * WEEK_MS;

Deno.test("evidence against a promise is what a calculation by hand gives", () => {
  // Promised 2, baseline 1, σ = 1, n_min 1: h = 1 − (y − 1) = 2 − y. Weeks of h 1 + 2 = 3 and 1.
  // S = 4, V = 10: e = 2 · sqrt(1/11) · e^(16/22) · Φ(4/√11), Φ(1.2060453783) = 0.8861000030.
  const { logE, refuted } = evidenceAgainst(
    decisionsOf([[1, 0], [1]]),
    { promised: 2, kept: 0.5, baseline: 1, sigma: 1 },
    1,
    LATER,
  );
  assertAlmostEquals(Math.exp(logE), 2 * Math.sqrt(1 / 11) * Math.exp(16 / 22) * 0.8861000030, 1e-9);
  assertEquals(refuted, false);
});

Deno.test("a promise of worse outcomes is broken by better ones", () => {
  const promise = { kept: 0.5, baseline: 1, sigma: 1 };
  // Mirrored about the baseline: what was 1, 0 and 1 is 1, 2 and 1.
  const mirrored = evidenceAgainst(decisionsOf([[1, 2], [1]]), { ...promise, promised: -2 }, 1, LATER);
  const plain = evidenceAgainst(decisionsOf([[1, 0], [1]]), { ...promise, promised: 2 }, 1, LATER);
  assertAlmostEquals(mirrored.logE, plain.logE, 1e-15);
});

Deno.test("good weeks are no credit: after them evidence begins anew", () => {
  const promise = { promised: 2, kept: 0.5, baseline: 0, sigma: 1 };
  const bad = [[0], [0], [0]];
  const fresh = evidenceAgainst(decisionsOf(bad), promise, 33, LATER);
  const after = evidenceAgainst(decisionsOf([[9], [9], ...bad]), promise, 33, LATER);
  assertEquals(after.logE, fresh.logE);
  // A sum of exactly 0 is no evidence either.
  assertEquals(evidenceAgainst(decisionsOf([[0], [2]]), promise, 33, LATER).logE, 0);
});

Deno.test("a promise stays refuted whatever comes after, and a week counts once it is over", () => {
  const promise = { promised: 2, kept: 0.5, baseline: 0, sigma: 1 };
  const bad = Array.from({ length: 40 }, () => [-1, -1]);
  assert(evidenceAgainst(decisionsOf(bad), promise, 33, LATER).refuted);
  assert(evidenceAgainst(decisionsOf([...bad, [1000]]), promise, 33, LATER).refuted);
  const worst = decisionsOf([[-1000]]);
  assertEquals(evidenceAgainst(worst, promise, 33, START + 6 * WEEK_MS / 7).logE, 0);
  assert(evidenceAgainst(worst, promise, 33, START + WEEK_MS).logE !== 0);
});

Deno.test("without decisions there is no evidence", () => {
  assertEquals(
    evidenceAgainst(decisionsOf([]), { promised: 1, kept: 0.5, baseline: 0, sigma: 1 }, 33, LATER),
    {
      logE: 0,
      refuted: false,
    },
  );
});

const TRADES_A_WEEK = 5;
const PROMISE = { promised: 0.3, kept: 0.5, baseline: 0, sigma: 1 };

/** How often, of so many runs, a promise of 0.3 σ is refuted, and how often within 40 weeks of its turn. */
function simulate(
  runs: number,
  weeks: number,
  effectInWeek: (week: number) => number,
  turn: number,
): { refuted: number; inTime: number } {
  let refuted = 0;
  let inTime = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const draw = normal(uniform(seed));
    const outcomes = Array.from(
      { length: weeks },
      (_, week) => Array.from({ length: TRADES_A_WEEK }, () => effectInWeek(week) + draw()),
    );
    if (evidenceAgainst(decisionsOf(outcomes), PROMISE, 33, LATER).refuted) refuted++;
    if (evidenceAgainst(decisionsOf(outcomes.slice(0, turn + 40)), PROMISE, 33, LATER).refuted) inTime++;
  }
  return { refuted, inTime };
}

Deno.test("an effect that holds is kept for two years in 99 of 100 runs", () => {
  const { refuted } = simulate(400, 104, () => 0.3, 0);
  assert(refuted <= 4, `${refuted} of 400 were refuted`);
});

Deno.test("an effect that held for 0, 26 or 52 weeks and turns is refuted within 40 weeks in 95 of 100 runs", () => {
  for (const held of [0, 26, 52]) {
    const { inTime } = simulate(400, held + 40, (week) => week < held ? 0.3 : -0.3, held);
    assert(inTime >= 380, `${inTime} of 400 that turned after ${held} weeks were refuted in time`);
  }
});

Deno.test("an effect that was never there is refuted within two years in most runs", () => {
  const { refuted } = simulate(400, 104, () => 0, 0);
  assert(refuted >= 320, `${refuted} of 400 were refuted`);
});

const GATE = { nMin: 33, maxQValue: 0.1, cluster: "week" } as const;
const BASELINE = { n: 2_000, winsorisedMean: 0, sigma: 1 };

/** Forty decisions in eight weeks around a mean, with a spread of 1 within each week. */
function around(centre: number): LiveDecisions {
  return decisionsOf(
    Array.from({ length: 8 }, (_, week) => [-1, -0.5, 0, 0.5, 1].map((x) => centre + x + (week % 2) * 0.02)),
  );
}

Deno.test("decisions bring an override back when they say the same beyond luck", () => {
  assert(speakForReturn(around(0.5), 0.3, BASELINE, GATE));
  assert(speakForReturn(around(-0.5), -0.3, BASELINE, GATE));
  // z = 0.04/√(1/40 − 1/2000) = 0.26.
  assert(!speakForReturn(around(0.03), 0.3, BASELINE, GATE));
});

Deno.test("the other sign, too few decisions and too few weeks bring nothing back", () => {
  assert(!speakForReturn(around(-0.5), 0.3, BASELINE, GATE));
  const { outcomes, actedAt } = around(0.5);
  const few = { outcomes: outcomes.slice(0, 32), actedAt: actedAt.slice(0, 32) };
  assert(!speakForReturn(few, 0.3, BASELINE, GATE));
  // Forty decisions of four weeks.
  const narrow = decisionsOf(Array.from({ length: 4 }, () => Array.from({ length: 10 }, () => 0.5)));
  assert(!speakForReturn(narrow, 0.3, BASELINE, GATE));
  assert(speakForReturn(narrow, 0.3, BASELINE, { ...GATE, cluster: "none" }));
});
