/**
 * Small random histories, as strands, for proofs.
 *
 * @module
 */

import { Random } from "../../sample/random.ts";
import type { Strand } from "../../strand_file.ts";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
/** A Monday. */
const START = Date.UTC(2024, 0, 1);

/** What is drawn. */
export interface DrawnHistory {
  readonly seed: number;
  readonly weeks: number;
  readonly perWeek: number;
  /** What trades of curator good earn more, and those of curator bad less. */
  readonly effect: number;
}

/** A trade by its strands: an entry, sometimes an add, the close. */
export interface DrawnTrade {
  readonly id: string;
  readonly closedAt: number;
  readonly strands: readonly Strand[];
}

/** Trades in the order of their entries; some closes arrive late. */
export function drawTrades({ seed, weeks, perWeek, effect }: DrawnHistory): DrawnTrade[] {
  const random = new Random(seed);
  const luck = Array.from({ length: weeks + 2 }, () => 0.02 * random.normal());
  return Array.from({ length: weeks * perWeek }, (_, i) => {
    const enteredAt = START + Math.floor((i + random.uniform()) * WEEK / perWeek / HOUR) * HOUR;
    const closedAt = enteredAt + HOUR * (2 + Math.floor(random.exponential(60)));
    const arrivedAt = closedAt + (random.chance(0.1) ? HOUR * Math.floor(random.exponential(200)) : 0);
    const curator = random.pick([["good", 1], ["bad", 1], ["plain", 2]]);
    const roi = (curator === "good" ? effect : curator === "bad" ? -effect : 0) +
      (luck[Math.floor((enteredAt - START) / WEEK)] ?? 0) + 0.1 * random.normal();
    const id = `${seed} ${String(i).padStart(4, "0")}`;
    const timeframe = random.pick([["15m", 1], ["1h", 2], ["4h", 1]]);
    const scope = { timeframe, A_mode: random.pick([["patient", 1], ["normal", 1]]) };
    const action = (category: string, at: number, price: number): Strand => ({
      id: `${id} ${category}`,
      kind: "pm_action",
      module: "pm",
      timeframe,
      created_at: new Date(at).toISOString(),
      content: {
        trade_id: id,
        pattern_key: category === "add" ? "pm.uptrend.S2.dip" : "pm.uptrend.S1.buy_flag",
        action_category: category,
        scope,
        a_value: 0.3 + Math.round(random.uniform() * 40) / 100,
        price,
        quantity: 1,
      },
      regime_context: { macro_phase: random.pick([["bull", 1], ["bear", 1]]) },
    });
    const price = 100;
    const strands: Strand[] = [action("entry", enteredAt, price)];
    if (random.chance(0.4)) {
      strands.push(action("add", enteredAt + HOUR, price * (1 + 0.05 * random.normal())));
    }
    strands.push({
      id: `${id} close`,
      kind: "position_closed",
      module: "pm",
      timeframe,
      created_at: new Date(arrivedAt).toISOString(),
      content: {
        trade_id: id,
        entry_context: { curator, chain: random.pick([["solana", 1], ["base", 1]]) },
        trade_summary: {
          rr: roi / 0.05,
          rpnl_pct: 100 * roi,
          entry_price: price,
          exit_price: price * (1 + roi),
          entry_timestamp: new Date(enteredAt).toISOString(),
          exit_timestamp: new Date(closedAt).toISOString(),
        },
      },
    });
    return { id, closedAt: arrivedAt, strands };
  }).sort((a, b) => (a.strands[0]?.created_at ?? "") < (b.strands[0]?.created_at ?? "") ? -1 : 1);
}

/** The strands of trades. */
export function strandsOf(trades: readonly DrawnTrade[]): Strand[] {
  return trades.flatMap(({ strands }) => strands);
}

/** The trades with other outcomes for those that became known at a moment or later. */
export function withOtherOutcomes(trades: readonly DrawnTrade[], from: number, seed: number): DrawnTrade[] {
  const random = new Random(seed);
  return trades.map((trade) => {
    if (trade.closedAt < from) return trade;
    const roi = random.normal();
    return {
      ...trade,
      strands: trade.strands.map((strand) => {
        if (strand.kind !== "position_closed") return strand;
        const content = strand.content as { trade_summary: object };
        return {
          ...strand,
          content: {
            ...content,
            trade_summary: {
              ...content.trade_summary,
              rr: roi / 0.05,
              rpnl_pct: 100 * roi,
              exit_price: 100 * Math.exp(roi),
            },
          },
        };
      }),
    };
  });
}
