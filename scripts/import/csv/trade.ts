/**
 * A row of a table as a trade, or every reason why it is none.
 *
 * @module
 */

import type { Trade } from "../trade.ts";
import { bucketOf } from "./buckets.ts";
import { readDate, Zone } from "./dates.ts";
import type { Mapping } from "./mapping.ts";
import { isBlank, readNumber } from "./numbers.ts";
import type { Role } from "./roles.ts";
import type { Row } from "./rows.ts";
import { sideOf } from "./survey.ts";

/** A trade, that it has not ended yet, or every reason why there is none. */
export type RowReading =
  | { readonly trade: Trade; readonly reasons?: never; readonly isOpen?: never }
  | { readonly trade?: never; readonly reasons?: never; readonly isOpen: true }
  | { readonly trade?: never; readonly reasons: readonly string[]; readonly isOpen?: never };

/** |rpnl_pct| ≤ 1e6 (functions/README.md, "From strands to events"), as a fraction. */
const MAX_ABS_ROI = 1e4;
const MAX_SCOPE_LENGTH = 200;
const OPEN = /^(open|opened|active|running|pending|offen)$/i;
/** As far as a profit may be from what prices say before size is taken to be in lots, not in units. */
const LOTS_APART = 0.5;
const FEES = 0.01;

/** Reads rows under one mapping. */
export class RowReader {
  readonly #header: readonly string[];
  readonly #mapping: Mapping;
  readonly #edges: ReadonlyMap<number, readonly number[]>;
  readonly #zone: Zone;
  /** What a trade risks whose row does not say it. */
  #usualRisk = NaN;

  /** @param edges Where the buckets of columns of figures begin. */
  constructor(header: readonly string[], mapping: Mapping, edges: ReadonlyMap<number, readonly number[]>) {
    this.#header = header;
    this.#mapping = mapping;
    this.#edges = edges;
    this.#zone = new Zone(mapping.zone ?? "UTC");
    this.#usualRisk = mapping.stoploss ?? NaN;
  }

  /**
   * Takes the mean loss of some trades for what one risks that does not say it, as long as nobody named a stop; where none
   * lost, the mean of what they won.
   *
   * @returns what a trade is taken to risk; null where nothing tells.
   */
  learnRisk(samples: readonly Row[]): number | null {
    if (!Number.isNaN(this.#usualRisk)) return this.#usualRisk;
    const outcomes = samples.filter((row) => this.read(row).isOpen === undefined)
      .map((row) => this.#outcomeOf(row, this.#sideOf(row))).filter((roi) => Math.abs(roi) > 0);
    const losses = outcomes.filter((roi) => roi < 0);
    const told = losses.length > 0 ? losses : outcomes;
    if (told.length === 0) return null;
    this.#usualRisk = told.reduce((sum, roi) => sum + Math.abs(roi), 0) / told.length;
    return this.#usualRisk;
  }

  #text(row: Row, role: Role): string {
    const column = this.#mapping.roles[role];
    const text = column === undefined ? "" : row.cells[column] ?? "";
    return isBlank(text) ? "" : text.trim();
  }

  /** NaN where there is no such figure. */
  #figure(row: Row, role: Role): number {
    return readNumber(this.#text(row, role), this.#mapping.decimal) ?? NaN;
  }

  #name(role: Role): string {
    const column = this.#mapping.roles[role];
    return column === undefined ? role : this.#header[column] ?? role;
  }

  #timeOf(
    row: Row,
    role: "opened" | "closed",
    reasons: string[],
    notBefore = -Infinity,
  ): { at: number; isTimed: boolean } {
    const date = this.#text(row, role);
    const time = this.#text(row, `${role}_time`);
    if (date === "") {
      reasons.push(`${this.#name(role)}: missing`);
      return { at: NaN, isTimed: false };
    }
    const read = readDate(time === "" ? date : `${date} ${time}`, this.#mapping.dates);
    if (read === null) {
      reasons.push(`${this.#name(role)}: "${date}${time && ` ${time}`}" is no date`);
      return { at: NaN, isTimed: false };
    }
    const first = this.#zone.instantOf(read);
    const at = first < notBefore ? this.#zone.laterInstantOf(read) : first;
    return { at, isTimed: typeof read === "number" || read.hasTime };
  }

  #sideOf(row: Row): Trade["side"] {
    const told = sideOf(this.#text(row, "side"));
    if (told !== null) return told;
    if (this.#figure(row, "quantity") < 0) return "short";
    const moved = this.#figure(row, "exit_price") - this.#figure(row, "entry_price");
    const won = Number.isNaN(this.#figure(row, "profit"))
      ? this.#figure(row, "return")
      : this.#figure(row, "profit");
    return this.#mapping.roles.side === undefined && moved * won < 0 ? "short" : "long";
  }

  #leverageOf(row: Row): number {
    const leverage = this.#figure(row, "leverage");
    return leverage > 0 ? leverage : 1;
  }

  /** Outcome as a fraction of the stake; NaN where nothing tells it. */
  #outcomeOf(row: Row, side: Trade["side"]): number {
    const told = this.#figure(row, "return");
    if (!Number.isNaN(told)) return this.#mapping.unit === "percent" ? told / 100 : told;
    const profit = this.#figure(row, "profit");
    const byStake = profit / this.#figure(row, "stake");
    if (Number.isFinite(byStake)) return byStake;
    const [entry, exit] = [this.#figure(row, "entry_price"), this.#figure(row, "exit_price")];
    const byPrice = (exit / entry - 1) * (side === "short" ? -1 : 1) * this.#leverageOf(row);
    const bySize = profit / (entry * Math.abs(this.#figure(row, "quantity"))) * this.#leverageOf(row);
    if (!Number.isFinite(bySize)) return byPrice;
    const areLots = Math.abs(bySize - byPrice) > Math.max(FEES, LOTS_APART * Math.abs(byPrice));
    return areLots ? byPrice : bySize;
  }

  #riskOf(row: Row, side: Trade["side"], roi: number): number {
    const profit = this.#figure(row, "profit");
    const amount = this.#figure(row, "risk");
    if (amount > 0 && Number.isFinite(profit) && profit !== 0) return Math.abs(amount * roi / profit);
    const entry = this.#figure(row, "entry_price");
    const distance = (entry - this.#figure(row, "stop")) / entry * (side === "short" ? -1 : 1);
    // A stop that was drawn beyond the entry no longer tells what was risked.
    return distance > 0 && distance < 1 ? distance * this.#leverageOf(row) : this.#usualRisk;
  }

  #contextOf(row: Row, reasons: string[]): Record<string, string> {
    return Object.fromEntries(this.#mapping.dimensions.flatMap(({ column, dim }) => {
      const text = (row.cells[column] ?? "").trim();
      if (isBlank(text)) return [];
      const edges = this.#edges.get(column);
      if (edges === undefined) return [[dim, text]];
      const value = readNumber(text, this.#mapping.decimal);
      if (value !== null && !Number.isNaN(value)) return [[dim, bucketOf(value, edges)]];
      reasons.push(`${this.#header[column]}: "${text}" is no figure`);
      return [];
    }));
  }

  #checkFigures(row: Row, reasons: string[]): void {
    for (const role of ["return", "profit", "entry_price", "exit_price", "stake", "quantity"] as const) {
      const text = this.#text(row, role);
      if (text !== "" && Number.isNaN(this.#figure(row, role))) {
        reasons.push(`${this.#name(role)}: "${text}" is no figure`);
      }
    }
    if (this.#mapping.roles.side !== undefined && this.#text(row, "side") !== "") {
      const side = this.#text(row, "side");
      if (sideOf(side) === null) reasons.push(`${this.#name("side")}: "${side}" says neither long nor short`);
    }
  }

  /** Reads a row; one that is no trade to learn from comes back as every reason why not. */
  read(row: Row): RowReading {
    const isUnended = this.#mapping.roles.closed !== undefined && this.#text(row, "closed") === "" &&
      this.#text(row, "opened") !== "" && Number.isNaN(this.#figure(row, "exit_price"));
    const status = this.#mapping.roles.status;
    const saysOpen = OPEN.test(this.#text(row, "status")) ||
      (status !== undefined && /is.?open/i.test(this.#header[status] ?? "") &&
        /^(true|1|yes)$/i.test(this.#text(row, "status")));
    if (saysOpen || (isUnended && !/^closed$/i.test(this.#text(row, "status")))) return { isOpen: true };
    const reasons: string[] = [];
    const [hasOpened, hasClosed] = [
      this.#mapping.roles.opened !== undefined,
      this.#mapping.roles.closed !== undefined,
    ];
    const opened = this.#timeOf(row, hasOpened ? "opened" : "closed", reasons);
    const closed = hasClosed && hasOpened ? this.#timeOf(row, "closed", reasons, opened.at) : opened;
    if (closed.at < opened.at) reasons.push(`${this.#name("closed")}: before ${this.#name("opened")}`);
    this.#checkFigures(row, reasons);
    const side = this.#sideOf(row);
    const roi = this.#outcomeOf(row, side);
    if (Number.isNaN(roi) && reasons.length === 0) {
      reasons.push("nothing tells what the trade came to: no return, no profit with a stake, no prices");
    }
    if (Math.abs(roi) > MAX_ABS_ROI) {
      reasons.push(`${this.#name("return")}: ${roi} is beyond ±${MAX_ABS_ROI}`);
    }
    const context = this.#contextOf(row, reasons);
    const trade = this.#tradeOf(row, {
      side,
      roi,
      openedAt: opened.at,
      closedAt: closed.at,
      isTimed: opened.isTimed,
    }, context);
    const names = { ...context, strategy: trade.strategy, pair: trade.pair, enter_tag: trade.enterTag ?? "" };
    for (const [dim, text] of Object.entries(names)) {
      if (text.length > MAX_SCOPE_LENGTH) {
        reasons.push(`${dim}: ${text.length} characters, and a scope holds at most ${MAX_SCOPE_LENGTH}`);
      }
    }
    if (reasons.length === 0 && Number.isNaN(trade.rr ?? trade.roi / trade.risk)) {
      reasons.push(
        "nothing tells what it risked, to measure R/R by: no stop, no R, no loss. Pass --stoploss, e.g. 0.05",
      );
    }
    return reasons.length > 0 ? { reasons } : { trade };
  }

  #tradeOf(
    row: Row,
    known: Pick<Trade, "side" | "roi" | "openedAt" | "closedAt"> & { readonly isTimed: boolean },
    context: Readonly<Record<string, string>>,
  ): Trade {
    const orNull = (figure: number): number | null => figure > 0 ? figure : null;
    const strategy = this.#text(row, "strategy") || this.#mapping.strategy;
    const pair = this.#text(row, "symbol") || this.#mapping.symbol || "unnamed";
    const [entry, exit] = [this.#figure(row, "entry_price"), this.#figure(row, "exit_price")].map(orNull);
    const amount = orNull(Math.abs(this.#figure(row, "quantity")));
    const profit = this.#figure(row, "profit");
    const r = this.#figure(row, "r");
    const { side, roi, openedAt, closedAt } = known;
    const order = (isEntry: boolean, filledAt: number, price: number): Trade["orders"][number] => ({
      filledAt,
      isEntry,
      amount: amount ?? 1,
      price,
      tag: null,
    });
    const hasFills = amount !== null && typeof entry === "number" && typeof exit === "number";
    return {
      strategy,
      botTrade: null,
      key: JSON.stringify([
        "csv",
        strategy,
        pair,
        side,
        openedAt,
        closedAt,
        entry,
        exit,
        amount,
        profit || null,
        roi,
      ]),
      pair,
      side,
      timeframe: this.#text(row, "timeframe") || this.#mapping.timeframe,
      enterTag: this.#text(row, "entry_tag") || null,
      context,
      exitReason: this.#text(row, "exit_reason") || null,
      openedAt,
      closedAt,
      openRate: entry ?? null,
      closeRate: exit ?? null,
      leverage: this.#leverageOf(row),
      feeOpen: null,
      feeClose: null,
      isTimed: known.isTimed,
      roi,
      ...(Number.isNaN(r) ? {} : { rr: r }),
      risk: this.#riskOf(row, side, roi),
      profitAbs: Number.isNaN(profit) ? null : profit,
      stakeCurrency: /USD[TC]?$/i.exec(pair)?.[0]?.toUpperCase() ?? null,
      orders: hasFills ? [order(true, openedAt, entry), order(false, closedAt, exit)] : [],
    };
  }
}
