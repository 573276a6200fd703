/**
 * Random histories of trades and episodes: the strands that tell of them, ways in which they may arrive, and the events
 * they come to, straight from the definition (functions/README.md, "From strands to events").
 *
 * @module
 */

import { Random } from "../sample/random.ts";
import type { StrandRow } from "../strand_file.ts";

/** One strand on its way: written as it is, or brought up to date after it was written. */
export interface Delivery {
  readonly op: "insert" | "update";
  readonly strand: StrandRow;
}

/** Strands and what must become of them. */
export interface History {
  /** As they are in the end. */
  readonly strands: readonly StrandRow[];
  /** What some of them say before they are corrected, by id. */
  readonly drafts: ReadonlyMap<string, StrandRow>;
  /** Those that must be refused. */
  readonly invalid: ReadonlySet<string>;
}

/** What is known of an event without looking at the database. */
export interface ExpectedEvent {
  readonly action_strand_id: string;
  readonly trade_id: string;
  readonly module: string;
  readonly pattern_key: string;
  readonly action_category: string;
  readonly roi: number;
  readonly rr: number;
  readonly did_trim: boolean;
  readonly reached_s3: boolean;
  /** Milliseconds since 1970. */
  readonly traded_at: number;
}

type Content = Record<string, unknown>;

const START = Date.UTC(2026, 0, 5);
const HOUR = 3_600_000;
const TIMEFRAMES = ["15m", "1h", "4h", "1m"] as const;
const CURATORS = ["0xdetective", "sol_sleuth", "onchain_owl", ""] as const;
const PHASES = ["dip", "recover", "euphoria"] as const;
const STATES = ["S1", "S2", "S3"] as const;
const ENTRY_KEYS = [
  "pm.uptrend.S1.buy_flag",
  "module=pm|pattern_key=uptrend.S2.dip",
  "pm.uptrend.S3.retest",
] as const;

function oneOf<T>(random: Random, values: readonly T[]): T {
  return random.pick(values.map((value) => [value, 1]));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

/** Everything that is drawn for one history. */
class Chronicle implements History {
  readonly strands: StrandRow[] = [];
  readonly drafts = new Map<string, StrandRow>();
  readonly invalid = new Set<string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  write(id: string, kind: string, at: number, content: Content, timeframe: string | null = null): StrandRow {
    const strand: StrandRow = {
      id,
      module: this.#random.chance(0.9) ? (kind === "dm_action" ? "dm" : "pm") : null,
      kind,
      position_id: null,
      trade_id: typeof content["trade_id"] === "string" ? content["trade_id"] : null,
      parent_id: null,
      symbol: null,
      timeframe,
      content,
      regime_context: this.#random.chance(0.7) ? { macro_phase: oneOf(this.#random, PHASES) } : {},
      tags: [],
      created_at: iso(at),
    };
    this.strands.push(strand);
    return strand;
  }

  /** Sometimes the strand first arrives otherwise: unusable, or telling something else. */
  maybeDraft(strand: StrandRow, otherwise: Content): void {
    if (this.#random.chance(0.04)) this.drafts.set(strand.id, { ...strand, content: otherwise });
  }

  /** Makes the strand one that must be refused; half of these arrive sound and are spoilt later. */
  spoil(strand: StrandRow, content: Content): void {
    this.invalid.add(strand.id);
    if (this.#random.chance(0.5)) this.drafts.set(strand.id, strand);
    this.strands[this.strands.lastIndexOf(strand)] = { ...strand, content };
  }

  trade(number: number): void {
    const random = this.#random;
    const trade_id = `trade-${number}`;
    const timeframe = oneOf(random, TIMEFRAMES);
    const openedAt = START + Math.floor(random.between(0, 180 * 24)) * HOUR;
    const closedAt = openedAt + (1 + Math.floor(random.exponential(30))) * HOUR;
    const entry_context = {
      curator: oneOf(random, CURATORS),
      chain: oneOf(random, ["solana", "base"]),
      mcap_bucket: oneOf(random, ["<500k", "500k-1m", 3]),
    };

    const act = (name: string, category: string, at: number): void => {
      const content: Content = {
        trade_id,
        pattern_key: oneOf(random, ENTRY_KEYS),
        action_category: category,
        scope: { timeframe, A_mode: oneOf(random, ["patient", "normal"]), unregistered: random.uniform() },
        state: oneOf(random, STATES),
        price: 1 + at % 7 / 100,
        quantity: 1 + at % 3,
      };
      const strand = this.write(
        `${trade_id}-${name}`,
        category === "allocation" ? "dm_action" : "pm_action",
        at,
        content,
      );
      if (random.chance(0.06)) {
        this.spoil(strand, { ...content, action_category: "hold" });
      } else {
        this.maybeDraft(
          strand,
          random.chance(0.5) ? { ...content, pattern_key: "pm.draft" } : { ...content, scope: null },
        );
      }
    };
    const during = (): number => openedAt + Math.floor(random.uniform() * (closedAt - openedAt));
    if (random.chance(0.95)) act("entry", "entry", openedAt);
    if (random.chance(0.3)) act("add", "add", during());
    for (let trims = 0; random.chance(0.3) && trims < 3; trims++) act(`trim-${trims}`, "trim", during());
    if (random.chance(0.15)) act("allocation", "allocation", openedAt);
    if (random.chance(0.7)) act("exit", "exit", closedAt);
    if (random.chance(0.2)) return; // Still open.

    const closes = random.chance(0.2) ? 1 + Math.ceil(random.uniform() * 2) : 1;
    for (let close = 0; close < closes; close++) {
      // Corrections come later, or at the same moment, when the greater id holds.
      const writtenAt = closedAt + (random.chance(0.5) ? close * HOUR : 0);
      const exitAt = closedAt + (random.chance(0.3) ? close * 36 * HOUR : 0);
      const reached = random.chance(0.5) ? { reached_s3: random.chance(0.3) } : {};
      const content: Content = {
        trade_id,
        entry_context,
        trade_summary: {
          rr: rounded(random.studentT4()),
          pnl_usd: rounded(100 * random.studentT4()),
          rpnl_pct: rounded(8 * random.studentT4()),
          entry_price: 1,
          exit_price: 1.1,
          ...(number % 3 === 0 ? {} : { could_exit_better: number % 5 / 2 }),
          entry_timestamp: iso(openedAt),
          exit_timestamp: iso(exitAt),
          ...reached,
        },
        completed_trades: [],
      };
      const strand = this.write(
        `${trade_id}-close-${close}`,
        "position_closed",
        writtenAt,
        content,
        random.chance(0.8) ? timeframe : null,
      );
      if (random.chance(0.08)) {
        this.spoil(strand, {
          ...content,
          trade_summary: { ...content["trade_summary"] as Content, rpnl_pct: null },
        });
      } else {
        this.maybeDraft(strand, {
          ...content,
          trade_summary: {
            ...content["trade_summary"] as Content,
            ...(random.chance(0.5)
              ? { rr: "high" }
              : { rpnl_pct: -50, exit_timestamp: iso(exitAt + 24 * HOUR) }),
          },
        });
      }
    }
  }

  episode(number: number): void {
    const random = this.#random;
    const episode_id = `episode-${number}`;
    const seenAt = START + Math.floor(random.between(0, 180 * 24)) * HOUR;
    for (let place = 0; place < 1 + random.uniform() * 3; place++) {
      const content: Content = {
        episode_id,
        pattern_key: "pm.uptrend.S1.entry",
        scope: { timeframe: oneOf(random, TIMEFRAMES) },
        decision: random.chance(0.4) ? "acted" : "skipped",
        factors: {
          ts_score: rounded(random.uniform()),
          ts_min: 0.5,
          halo_distance: rounded(random.between(0, 2)),
          halo_max: 1,
          slope: rounded(random.between(-0.01, 0.01)),
          slope_min: 0,
        },
      };
      this.maybeDraft(
        this.write(`${episode_id}-window-${place}`, "episode_window", seenAt + place * HOUR, content),
        {
          ...content,
          decision: "maybe",
        },
      );
    }
    for (let place = 0; random.chance(0.8) && place < 2; place++) {
      this.write(`${episode_id}-outcome-${place}`, "episode_outcome", seenAt + 24 * HOUR + place, {
        episode_id,
        outcome: oneOf(random, ["success", "failure", "neutral"]),
      });
    }
  }
}

/** The history of so many trades, and of a fifth as many episodes; the same seed gives the same one. */
export function generateHistory(seed: number, trades: number): History {
  const chronicle = new Chronicle(new Random(seed));
  for (let number = 0; number < trades; number++) chronicle.trade(number);
  for (let number = 0; number < trades / 5; number++) chronicle.episode(number);
  return chronicle;
}

/**
 * One way in which the strands may arrive: in any order, a quarter of them more than once. Only a correction never comes
 * before what it corrects.
 */
export function arrivalsOf(history: History, seed: number): Delivery[] {
  const random = new Random(seed);
  const arrivals: Delivery[] = [];
  for (const strand of history.strands) {
    for (let copies = 1; copies > 0; copies = random.chance(0.2) ? 1 : 0) {
      arrivals.push({ op: "insert", strand });
    }
    if (history.drafts.has(strand.id)) arrivals.push({ op: "update", strand });
  }
  for (let last = arrivals.length - 1; last > 0; last--) {
    const other = Math.floor(random.uniform() * (last + 1));
    [arrivals[last], arrivals[other]] = [arrivals[other] as Delivery, arrivals[last] as Delivery];
  }
  // What arrives first of a strand with a draft is the draft.
  const written = new Set<string>();
  return arrivals.map(({ strand }) => {
    const draft = history.drafts.get(strand.id);
    if (draft === undefined) return { op: "insert", strand };
    if (written.has(strand.id)) return { op: "update", strand };
    written.add(strand.id);
    return { op: "insert", strand: draft };
  });
}

interface Summary {
  readonly rr: number;
  readonly rpnl_pct: number;
  readonly exit_timestamp: string;
  readonly reached_s3?: boolean;
}

interface TradeContent {
  readonly trade_id: string;
  readonly pattern_key: string;
  readonly action_category: string;
  readonly state?: string;
  readonly trade_summary: Summary;
}

function dotted(patternKey: string): string {
  return patternKey.replace(/^module=([^|]+)\|pattern_key=/, "$1.");
}

/** The events of a history, ordered by action: of the newest valid close of a trade, one for each of its valid actions. */
export function expectedEvents({ strands, invalid }: History): ExpectedEvent[] {
  const trades = new Map<string, { actions: StrandRow[]; close: StrandRow | undefined }>();
  for (const strand of strands) {
    if (invalid.has(strand.id) || strand.trade_id === null) continue;
    const trade = trades.get(strand.trade_id) ?? { actions: [], close: undefined };
    trades.set(strand.trade_id, trade);
    if (strand.kind !== "position_closed") trade.actions.push(strand);
    else if (
      trade.close === undefined || strand.created_at > trade.close.created_at ||
      (strand.created_at === trade.close.created_at && strand.id > trade.close.id)
    ) trade.close = strand;
  }
  return [...trades].flatMap(([trade_id, { actions, close }]): ExpectedEvent[] => {
    if (close === undefined) return [];
    const summary = (close.content as TradeContent).trade_summary;
    const contents = actions.map((action) => action.content as TradeContent);
    return actions.map((action, place) => {
      const content = contents[place] as TradeContent;
      return {
        action_strand_id: action.id,
        trade_id,
        module: action.module ?? (action.kind === "dm_action" ? "dm" : "pm"),
        pattern_key: dotted(content.pattern_key),
        action_category: content.action_category,
        roi: summary.rpnl_pct / 100,
        rr: summary.rr,
        did_trim: contents.some((other) => other.action_category === "trim"),
        reached_s3: summary.reached_s3 ??
          actions.some((other, at) =>
            Date.parse(other.created_at) <= Date.parse(summary.exit_timestamp) &&
            (contents[at]?.state === "S3" || dotted(contents[at]?.pattern_key ?? "").split(".")[2] === "S3")
          ),
        traded_at: Date.parse(summary.exit_timestamp),
      };
    });
  }).sort((a, b) => (a.action_strand_id < b.action_strand_id ? -1 : 1));
}
