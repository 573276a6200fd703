/**
 * What each decision of a closed trade came to, from strands as they are written and by the plainest reading: adds by
 * their own return, trims by what they saved, exits by what was missed. Shares nothing with the product.
 *
 *     deno run -A scripts/testing/outcomes_oracle.ts FILE
 *
 * @module
 */

import { z } from "zod";
import { readStrandFile, type Strand } from "../strand_file.ts";

/** An action of a closed trade and its outcome. */
export interface ActionOutcome {
  readonly strandId: string;
  readonly tradeId: string;
  readonly module: string;
  readonly patternKey: string;
  readonly category: string;
  /** Whether it is its trade's first of its module, pattern key and category: the one that counts. */
  readonly decides: boolean;
  /** In the unit of ROI; null where unknown. Of an exit the regret, which is in R whatever is asked for. */
  readonly roi: number | null;
  /** In R; null where unknown. */
  readonly rr: number | null;
  /** ROI of the whole trade. */
  readonly tradeRoi: number;
}

const amount = z.number().positive().nullish().catch(null).transform((value) => value ?? null);
const terms = { side: z.string().nullish(), is_short: z.boolean().nullish(), leverage: amount };
const fill = z.looseObject({ price: amount, quantity: amount });

const actionContent = z.looseObject({
  trade_id: z.string().nullish(),
  pattern_key: z.string(),
  action_category: z.string().nullish(),
  decision_type: z.string().nullish(),
  price: amount,
  quantity: amount,
  execution_result: fill.nullish(),
  ...terms,
});
type Action = z.infer<typeof actionContent>;

const closeContent = z.looseObject({
  trade_id: z.string().nullish(),
  entry_context: z.looseObject(terms).nullish(),
  trade_summary: z.looseObject({
    rr: z.number(),
    rpnl_pct: z.number(),
    entry_price: amount,
    exit_price: amount,
    fees: z.number().nullish(),
    could_exit_better: z.union([z.number(), z.looseObject({ missed_rr: z.number().nullish() })]).nullish(),
    ...terms,
  }),
  ...terms,
});
type Close = z.infer<typeof closeContent>;

interface Step {
  readonly strand: Strand;
  readonly action: Action;
  readonly category: string;
  readonly price: number | null;
  readonly quantity: number | null;
}

const ENTERING = ["entry", "add"];
const LEAVING = ["trim", "exit"];

/** Earliest first, then by id in byte order. */
function inOrder<Item extends { readonly strand: Strand }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) =>
    Date.parse(a.strand.created_at ?? "") - Date.parse(b.strand.created_at ?? "") ||
    compareBytes(a.strand.id, b.strand.id)
  );
}

function compareBytes(a: string, b: string): number {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return (x[i] ?? 0) - (y[i] ?? 0);
  return x.length - y.length;
}

/** +1 long, −1 short: the first of these that says so. */
function sideOf(sources: readonly (Pick<Action, "side" | "is_short"> | null | undefined)[]): 1 | -1 {
  for (const source of sources) {
    if (source?.side === "short" || source?.side === "long") return source.side === "short" ? -1 : 1;
    if (typeof source?.is_short === "boolean") return source.is_short ? -1 : 1;
  }
  return 1;
}

function leverageOf(sources: readonly (Pick<Action, "leverage"> | null | undefined)[]): number {
  return sources.map((source) => source?.leverage ?? null).find((leverage) => leverage !== null) ?? 1;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Quantity-weighted price of fills; null where one lacks a figure or there are none. */
function meanPrice(steps: readonly Step[]): number | null {
  const value = valueOf(steps);
  return value === null || steps.length === 0
    ? null
    : value / total(steps.map(({ quantity }) => quantity ?? NaN));
}

/** Σ price · quantity; null where a figure is lacking. */
function valueOf(steps: readonly Step[]): number | null {
  if (steps.some(({ price, quantity }) => price === null || quantity === null)) return null;
  return total(steps.map(({ price, quantity }) => (price ?? NaN) * (quantity ?? NaN)));
}

/** The trade's costs as a fraction of its capital. */
function costsOf(close: Close, steps: readonly Step[], side: 1 | -1, leverage: number): number {
  const { trade_summary: summary } = close;
  if (typeof summary.fees === "number") return summary.fees;
  const opened = valueOf(steps.filter(({ category }) => ENTERING.includes(category)));
  const closed = valueOf(steps.filter(({ category }) => LEAVING.includes(category)));
  if (opened === null || closed === null || opened === 0 || closed === 0) return 0;
  const gross = side === 1 ? leverage * (closed / opened - 1) : leverage * (1 - closed / opened);
  const costs = gross - summary.rpnl_pct / 100;
  return costs >= 0 && costs <= 0.02 * leverage ? costs : 0;
}

/** The outcomes of all actions of closed trades. */
export function outcomesOf(strands: readonly Strand[]): ActionOutcome[] {
  const tradeOf = (strand: Strand, content: { readonly trade_id?: string | null | undefined }): string =>
    content.trade_id ?? strand.trade_id ?? "";
  const closes = new Map<string, { strand: Strand; close: Close }[]>();
  const actions = new Map<string, Step[]>();
  for (const strand of strands) {
    if (strand.kind === "position_closed") {
      const close = closeContent.parse(strand.content);
      const trade = tradeOf(strand, close);
      closes.set(trade, [...closes.get(trade) ?? [], { strand, close }]);
    } else if (strand.kind === "pm_action") {
      const action = actionContent.parse(strand.content);
      const trade = tradeOf(strand, action);
      const type = action.decision_type === "emergency_exit" ? "exit" : action.decision_type;
      const step: Step = {
        strand,
        action,
        category: action.action_category ?? type ?? "",
        price: action.price ?? action.execution_result?.price ?? null,
        quantity: action.quantity ?? action.execution_result?.quantity ?? null,
      };
      actions.set(trade, [...actions.get(trade) ?? [], step]);
    }
  }
  return [...closes].flatMap(([tradeId, versions]) => {
    const newest = inOrder(versions).at(-1);
    return newest === undefined
      ? []
      : tradeOutcomes(tradeId, newest.close, inOrder(actions.get(tradeId) ?? []));
  });
}

function tradeOutcomes(tradeId: string, close: Close, steps: readonly Step[]): ActionOutcome[] {
  const { trade_summary: summary } = close;
  const roi = summary.rpnl_pct / 100;
  const rest = [summary, close, close.entry_context];
  const perRoi = summary.rr / roi > 0 && Math.abs(roi) >= 0.001 ? summary.rr / roi : null;
  const inR = (own: number | null): number | null => own === null || perRoi === null ? null : own * perRoi;
  const decided = new Set<string>();

  return steps.map((step, place): ActionOutcome => {
    const side = sideOf([step.action, ...rest]);
    const leverage = leverageOf([step.action, ...rest]);
    const sellsAfter = steps.slice(place + 1).filter(({ category }) => LEAVING.includes(category));
    const soldAt = meanPrice(sellsAfter) ?? summary.exit_price;
    const { price } = step;
    const moved = price === null || soldAt === null ? null : leverage * side * (soldAt / price - 1);

    let outcome: { roi: number | null; rr: number | null } = { roi, rr: summary.rr };
    if (step.category === "add") {
      const own = moved === null ? null : moved - costsOf(close, steps, side, leverage);
      outcome = { roi: own, rr: inR(own) };
    } else if (step.category === "trim") {
      const saved = moved === null ? null : -moved;
      outcome = { roi: saved, rr: summary.entry_price === null ? null : inR(saved) };
    } else if (step.category === "exit") {
      const missed = summary.could_exit_better;
      const figure = typeof missed === "number" ? missed : missed?.missed_rr ?? null;
      outcome = figure === null ? { roi: null, rr: null } : { roi: -figure, rr: -figure };
    }
    const module = step.strand.module ?? "pm";
    const decision = JSON.stringify([module, step.action.pattern_key, step.category]);
    const decides = !decided.has(decision);
    decided.add(decision);
    return {
      strandId: step.strand.id,
      tradeId,
      module,
      patternKey: step.action.pattern_key,
      category: step.category,
      decides,
      ...outcome,
      tradeRoi: roi,
    };
  });
}

/** How many, their mean and their median. */
export interface OutcomeSummary {
  readonly n: number;
  readonly mean: number;
  readonly median: number;
}

/** Summary of figures that are known. */
export function summaryOf(figures: readonly (number | null)[]): OutcomeSummary {
  const known = figures.filter((figure) => figure !== null).sort((a, b) => a - b);
  const middle = known.length / 2;
  return {
    n: known.length,
    mean: total(known) / known.length,
    median: known.length % 2 === 1
      ? known[Math.floor(middle)] ?? NaN
      : ((known[middle - 1] ?? NaN) + (known[middle] ?? NaN)) / 2,
  };
}

/** The outcomes of a strand file. */
export async function outcomesOfFile(path: string): Promise<ActionOutcome[]> {
  const strands: Strand[] = [];
  for await (const { strand } of readStrandFile(path)) strands.push(strand);
  return outcomesOf(strands);
}

if (import.meta.main) {
  const [path = ""] = Deno.args;
  const outcomes = await outcomesOfFile(path);
  const lines = [...new Set(outcomes.map(({ category }) => category))].flatMap((category) => {
    const actions = outcomes.filter((outcome) => outcome.category === category);
    const decisions = actions.filter(({ decides }) => decides);
    return [
      [category, "actions", summaryOf(actions.map(({ roi }) => roi))],
      [category, "actions, whole trade", summaryOf(actions.map(({ tradeRoi }) => tradeRoi))],
      [category, "decisions", summaryOf(decisions.map(({ roi }) => roi))],
      [category, "decisions in R", summaryOf(decisions.map(({ rr }) => rr))],
    ].map((line) => JSON.stringify(line));
  });
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}
