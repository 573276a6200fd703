import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import type { Strand } from "../strand_file.ts";
import {
  type ActionOutcome,
  outcomesOf,
  outcomesOfFile,
  type OutcomeSummary,
  summaryOf,
} from "./outcomes_oracle.ts";
import { isThere, SHARED_DATA } from "./shared_data.ts";

const MARKET = new URL("market/strands-spot-early.ndjson.gz", SHARED_DATA);

type Fill = readonly [category: string, price: number | null, quantity: number | null];

/** One trade: its actions, an hour apart, and its close. */
function trade(
  fills: readonly Fill[],
  summary: Readonly<Record<string, unknown>>,
  terms: Readonly<Record<string, unknown>> = {},
): Strand[] {
  return [
    ...fills.map(([action_category, price, quantity], hour): Strand => ({
      id: `action-${hour}`,
      module: "pm",
      kind: "pm_action",
      created_at: new Date(hour * 3_600_000).toISOString(),
      content: { trade_id: "t", pattern_key: "pm.u.S1.x", action_category, price, quantity },
    })),
    {
      id: "close",
      module: "pm",
      kind: "position_closed",
      created_at: new Date(1e9).toISOString(),
      content: {
        trade_id: "t",
        entry_context: terms,
        trade_summary: { rr: 1, rpnl_pct: 10, entry_price: 100, ...summary },
      },
    },
  ];
}

function outcomeOf(strands: readonly Strand[], place: number): ActionOutcome {
  const found = outcomesOf(strands).find(({ strandId }) => strandId === `action-${place}`);
  if (found === undefined) throw new Error(`The trade has no action ${place}.`);
  return found;
}

Deno.test("an add earns from its own fill to what is sold after it", () => {
  // 100 and 120 in, 130 out of both: 130/120 − 1. By value 260/220 − 1 = 18.18 %, which is what the trade earned: no costs.
  const fills: Fill[] = [["entry", 100, 1], ["add", 120, 1], ["exit", 130, 2]];
  const plain = trade(fills, { rpnl_pct: 100 * (260 / 220 - 1), rr: 2 });
  assertAlmostEquals(outcomeOf(plain, 1).roi ?? NaN, 130 / 120 - 1, 1e-15);
  // R is what it is to the trade: 2 R for 18.18 %.
  assertAlmostEquals(outcomeOf(plain, 1).rr ?? NaN, (130 / 120 - 1) * 2 / (260 / 220 - 1), 1e-12);
  // Half out at 150, an add at 120, the rest out at 90: what was sold before the add is not its own. 330/320 in all.
  const trimmed = trade([["entry", 100, 2], ["trim", 150, 1], ["add", 120, 1], ["exit", 90, 2]], {
    rpnl_pct: 3.125,
  });
  assertAlmostEquals(outcomeOf(trimmed, 2).roi ?? NaN, -0.25, 1e-15);
});

Deno.test("a short earns as the price falls, as often as it is leveraged", () => {
  const fills: Fill[] = [["entry", 105, 1], ["add", 100, 1], ["exit", 95, 2]];
  for (const terms of [{ side: "short", leverage: 3 }, { is_short: true, leverage: 3 }]) {
    assertAlmostEquals(outcomeOf(trade(fills, { rpnl_pct: 99 }, terms), 1).roi ?? NaN, 0.15, 1e-15);
  }
});

Deno.test("costs are those that are stated, else what the fills earned beyond the trade, where that is plausible", () => {
  const fills: Fill[] = [["entry", 100, 1], ["add", 100, 1], ["exit", 110, 2]];
  const add = (summary: Record<string, unknown>, terms = {}): number =>
    outcomeOf(trade(fills, { rr: 1, ...summary }, terms), 1).roi ?? NaN;
  assertAlmostEquals(add({ rpnl_pct: 9, fees: 0.004 }), 0.096, 1e-15);
  // The fills earned 10 %, the trade 9 %: 1 % of costs. At 7.9 % it is more than costs can be, at 10.1 % less.
  assertAlmostEquals(add({ rpnl_pct: 9 }), 0.09, 1e-15);
  assertAlmostEquals(add({ rpnl_pct: 7.9 }), 0.10, 1e-15);
  assertAlmostEquals(add({ rpnl_pct: 10.1 }), 0.10, 1e-15);
  // Three times leveraged up to 6 %: 30 % of fills, 26 % of the trade. Short it lost 30 %, and 31 % with costs.
  assertAlmostEquals(add({ rpnl_pct: 26 }, { leverage: 3 }), 0.26, 1e-15);
  assertAlmostEquals(add({ rpnl_pct: -31 }, { leverage: 3, side: "short" }), -0.31, 1e-15);
  const lacking = trade([["entry", 100, null], ["add", 100, 1], ["exit", 110, 2]], { rpnl_pct: 9 });
  assertAlmostEquals(outcomeOf(lacking, 1).roi ?? NaN, 0.10, 1e-15);
});

Deno.test("a trim saved what the rest was sold for less", () => {
  // The rest went half at 120 and half at 90: 105 on average; 1 − 105/150.
  const fills: Fill[] = [["entry", 100, 4], ["trim", 150, 2], ["trim", 120, 1], ["exit", 90, 1]];
  const strands = trade(fills, { rpnl_pct: 27.5, rr: 5.5 });
  assertAlmostEquals(outcomeOf(strands, 1).roi ?? NaN, 0.3, 1e-15);
  assertAlmostEquals(outcomeOf(strands, 1).rr ?? NaN, 6, 1e-12);
  assertAlmostEquals(outcomeOf(strands, 2).roi ?? NaN, 0.25, 1e-15);
  assertEquals([outcomeOf(strands, 1).decides, outcomeOf(strands, 2).decides], [true, false]);
  assertEquals(outcomeOf(trade(fills, { rr: 5.5, entry_price: null }), 1).rr, null);
});

Deno.test("where later sells lack a figure the exit price speaks, and where there is none nothing is known", () => {
  const fills: Fill[] = [["entry", 100, 1], ["add", 100, 1], ["exit", 110, null]];
  assertAlmostEquals(outcomeOf(trade(fills, { exit_price: 104 }), 1).roi ?? NaN, 0.04, 1e-15);
  assertEquals(outcomeOf(trade(fills, {}), 1).roi, null);
  assertEquals(outcomeOf(trade([["add", null, 1], ["exit", 110, 1]], {}), 0).roi, null);
});

Deno.test("R is unknown where the trade's own R and ROI disagree or say next to nothing", () => {
  const fills: Fill[] = [["entry", 100, 1], ["add", 100, 1], ["exit", 110, 2]];
  for (const summary of [{ rpnl_pct: 10, rr: -1 }, { rpnl_pct: 0.09, rr: 1 }, { rpnl_pct: 0, rr: 0 }]) {
    const outcome = outcomeOf(trade(fills, summary), 1);
    assertEquals(outcome.rr, null);
    assertEquals(typeof outcome.roi, "number");
  }
});

Deno.test("an exit regrets what it missed, in R, and an entry has the whole trade's outcome", () => {
  const fills: Fill[] = [["entry", 100, 1], ["exit", 110, 1]];
  const exit = (missed: unknown): unknown => {
    const { roi, rr } = outcomeOf(trade(fills, { could_exit_better: missed }), 1);
    return [roi, rr];
  };
  assertEquals(exit(2.5), [-2.5, -2.5]);
  assertEquals(exit({ missed_rr: 1.5 }), [-1.5, -1.5]);
  assertEquals(exit(null), [null, null]);
  const { roi, rr } = outcomeOf(trade(fills, { rpnl_pct: 9, rr: 0.7 }), 0);
  assertEquals([roi, rr], [0.09, 0.7]);
});

Deno.test({
  name: "the shared market strands are reckoned as by whoever made them",
  ignore: !isThere(MARKET),
  fn: async () => {
    const outcomes = await outcomesOfFile(MARKET.pathname);
    const of = (category: string, decides: boolean): ActionOutcome[] =>
      outcomes.filter((outcome) => outcome.category === category && (outcome.decides || !decides));
    const percent = ({ n, mean, median }: OutcomeSummary): (number | string)[] => [
      n,
      (100 * mean).toFixed(3),
      (100 * median).toFixed(3),
    ];
    const shown = (category: string, decides: boolean): (number | string)[] =>
      percent(summaryOf(of(category, decides).map(({ roi }) => roi)));
    assertEquals(shown("add", false), [2381, "4.330", "-1.574"]);
    assertEquals(percent(summaryOf(of("add", false).map(({ tradeRoi }) => tradeRoi))), [
      2381,
      "8.327",
      "2.326",
    ]);
    assertEquals(shown("add", true), [2063, "3.910", "-1.709"]);
    assertEquals(shown("trim", false), [3139, "-10.740", "0.094"]);
    assertEquals(shown("trim", true), [2114, "-7.747", "-0.410"]);
    const exits = summaryOf(of("exit", true).map(({ rr }) => rr));
    assertEquals([exits.n, exits.mean.toFixed(3)], [3642, "-3.994"]);
  },
});
