/**
 * Ask Edgeloop how large the next action should be, over supabase-js.
 *
 * One file: copy it beside the code that trades.
 *
 *     const edgeloop = new Edgeloop(createClient("https://<ref>.supabase.co", "sb_secret_…"));
 *     const answer = await edgeloop.size({
 *       pattern_key: "pm.uptrend.S1.buy_flag",
 *       action_category: "entry",
 *       scope: { timeframe: "15m", chain: "solana" },
 *       a_value: 0.6,
 *     });
 *     answer.size_frac, answer.pm_strength, answer.exposure_skew, answer.source
 *
 * Trading goes on whatever becomes of the service. Where it is down, hangs, refuses the key or answers nonsense, an
 * answer is the last known one of that candidate ("stale", up to `staleAfterMs`), then a neutral one ("fallback"), with
 * the reason, and `warn` is told. Only a candidate that is malformed rejects, for no waiting mends it.
 *
 * That holds for `size`, `sizeMany` and `levers`, which trading waits for. `explain`, `allocation`, `overrides`, `config`,
 * `unifiedScope` and `call`, which takes any other RPC by its name, have nothing neutral to say: they reject with
 * NoAnswerError where the service gives none.
 *
 * @module
 */

import type { SupabaseClient } from "@supabase/supabase-js";

/** What a size is asked for: the arguments of `get_pm_sizing`. */
export interface Candidate {
  readonly pattern_key: string;
  readonly action_category: "entry" | "add" | "trim" | "exit";
  readonly scope: Readonly<Record<string, string | number | boolean | null>>;
  readonly a_value?: number | null | undefined;
  readonly e_value?: number | null | undefined;
  readonly previous_strength?: number | null | undefined;
  readonly as_of?: Date | string | null | undefined;
}

/** What one override contributed to a size. */
export interface Contribution {
  readonly id: number;
  readonly scope_subset: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly share: number;
  readonly pull: number;
}

/** What all others contributed together, `rest` of them. */
export interface OtherContributions {
  readonly rest: number;
  readonly weight: number;
  readonly share: number;
  readonly pull: number;
}

/** A scope that is crowded. */
export interface CrowdedMask {
  readonly scope: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly exposure: number;
  readonly pattern_exposure: number;
}

/** All others together, `rest` of them. */
export interface OtherMasks {
  readonly rest: number;
  readonly concentration: number;
}

/** What made the skew of an entry or an add. */
export interface Crowding {
  readonly enabled: boolean;
  readonly alpha: number;
  readonly beta: number;
  readonly total: number;
  /** Null: no limit but the total. */
  readonly cap: number | null;
  readonly weight_sum: number;
  readonly concentration: number;
  /** Null where the scope fills no mask. */
  readonly crowding: number | null;
  readonly masks: readonly (CrowdedMask | OtherMasks)[];
}

/** Crowding does not act on trims and exits. */
export interface NoCrowding {
  readonly enabled: false;
  readonly masks: readonly never[];
}

/** What another strength mode would have made of the candidate. */
export interface ModeOutcome {
  readonly pm_strength: number;
  readonly size_frac: number;
  readonly max_alloc_pct: number;
  readonly a_final: number;
  readonly e_final: number;
}

/** A row of `get_pm_sizing`. */
export interface SizingRow {
  readonly mode: string;
  readonly base_alloc_pct: number;
  /** Null for a timeframe without a share. */
  readonly timeframe_share: number | null;
  readonly size_frac_raw: number;
  readonly pm_strength: number;
  readonly exposure_skew: number;
  readonly size_frac: number;
  readonly max_alloc_pct: number;
  readonly a_final: number;
  readonly e_final: number;
  readonly confidence: number;
  readonly steer_max: number;
  readonly overrides: readonly (Contribution | OtherContributions)[];
  readonly exposure: Crowding | NoCrowding;
  /** By mode, the configured one left out. */
  readonly shadow: Readonly<Record<string, ModeOutcome>>;
  readonly config_version: number;
  readonly computed_at: string;
  /** Keys of the scope that are no dimension, each with the nearest one there is; older databases do not say. */
  readonly ignored?: Readonly<Record<string, string | null>>;
}

interface WhatToTradeBy {
  /** Factor from what was learned; 1 in a fallback. */
  readonly pm_strength: number;
  /** Factor from crowding; in a fallback the last known one, at most 1. */
  readonly exposure_skew: number;
  /** Size to use, with both factors applied, 0 to 1. */
  readonly size_frac: number;
  /** Appetite after steering; in a fallback as it was given. */
  readonly a_final: number;
  /** Assertiveness after steering; in a fallback as it was given. */
  readonly e_final: number;
}

/** The service said so. */
interface Live {
  readonly source: "live";
  readonly reason: null;
  readonly age_ms: 0;
}

/** The service said so a while ago. */
interface Stale {
  readonly source: "stale";
  /** Why it is not live. */
  readonly reason: string;
  readonly age_ms: number;
}

/** The service could not be asked. */
interface Fallback {
  readonly source: "fallback";
  /** Why it is not live. */
  readonly reason: string;
  readonly age_ms: null;
}

/** How large an action should be, by what, and all that the service said. */
export type Size =
  & WhatToTradeBy
  & ((Live | Stale) & { readonly row: SizingRow } | Fallback & { readonly row: null });

/** Levers that are a factor on the PM's own number. */
export type Multiplier =
  | "entry_aggression_mult"
  | "exit_aggression_mult"
  | "panic_trigger_mult"
  | "phase1_frac_mult"
  | "phase_scaling_s1_mult"
  | "phase_scaling_s2_mult"
  | "phase_scaling_s3_mult"
  | "size_mult"
  | "trail_mult"
  | "trim_delay_mult";

/** Levers that are added to the PM's own number. */
export type Addend =
  | "entry_delay_bars"
  | "tuning_dx_min"
  | "tuning_halo"
  | "tuning_slope"
  | "tuning_ts_min"
  | "wait_n_bars_after_trim";

/** Levers that take the place of the PM's own number. */
export type Target =
  | "max_edx_for_add"
  | "min_dx_for_add"
  | "min_ox_for_trim"
  | "min_ts_for_add"
  | "wait_for_signal_x";

/** Where a lever stands, and which override put it there; null where it is neutral. */
export interface Lever {
  readonly multiplier: number | null;
  readonly value: number | null;
  readonly override_id: number | null;
  readonly scope_subset: Readonly<Record<string, string>> | null;
}

/** Every lever; those that a project added are in `Record<string, Lever>`. */
export type LeverStands =
  & { readonly [name in Multiplier]: Lever & { readonly multiplier: number; readonly value: null } }
  & { readonly [name in Addend]: Lever & { readonly value: number } }
  & { readonly [name in Target]: Lever }
  & Readonly<Record<string, Lever>>;

/** Where every lever stands for a candidate; neutral in a fallback. */
export type Levers = (Live | Stale | Fallback) & { readonly levers: LeverStands };

/** How an `Edgeloop` asks. */
export interface Options {
  /** Bounds each question, connecting and trying again included (300). */
  readonly timeoutMs?: number;
  /** How long the last known answer stands in (15 minutes). */
  readonly staleAfterMs?: number;
  /** So many candidates, those answered last, are remembered (5,000). */
  readonly remember?: number;
  /** Told what is wrong when it changes, and once a minute while it lasts (`console.warn`). */
  readonly warn?: (message: string) => void;
}

/** A candidate that cannot be sized, with every reason; what a batch made of the others is in `answers`. */
export class MalformedCandidateError extends Error {
  override readonly name = "MalformedCandidateError";

  constructor(readonly reasons: readonly string[], readonly answers: readonly (Size | null)[] = []) {
    super(reasons.join("; "));
  }
}

/** Why the service gave no answer to a question that has no neutral one. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** What an approved token gets on one timeframe, and why: a row of `get_dm_allocation`. */
export interface Allocation {
  readonly base: number;
  /** Null for a timeframe without a share, as is the product. */
  readonly share: number | null;
  readonly multiplier: number;
  readonly product: number | null;
  readonly overrides: readonly unknown[];
  readonly config_version: number;
  readonly computed_at: string;
}

/** A row of `match_pm_overrides`; its columns are those of the database. */
export type OverrideMatch = Readonly<Record<string, unknown>>;

/** For how long a question may take. */
export interface Patience {
  readonly timeoutMs?: number;
}

/** Asks one project. */
export class Edgeloop {
  readonly #supabase: Asked;
  readonly #timeoutMs: number;
  readonly #sizes: Memory<KnownSizing>;
  readonly #levers: Memory<LeverStands>;
  readonly #news: News;

  constructor(supabase: SupabaseClient, options: Options = {}) {
    const { timeoutMs = 300, staleAfterMs = 900_000, remember = 5_000 } = options;
    if (!(timeoutMs > 0 && Number.isFinite(timeoutMs))) {
      throw new RangeError(`timeoutMs must be a number of milliseconds and is ${timeoutMs}`);
    }
    if (!(staleAfterMs >= 0)) {
      throw new RangeError(`staleAfterMs must be a number of milliseconds and is ${staleAfterMs}`);
    }
    if (!(remember >= 1)) throw new RangeError(`remember must be at least 1 and is ${remember}`);
    this.#supabase = supabase;
    this.#timeoutMs = timeoutMs;
    this.#sizes = new Memory(remember, staleAfterMs);
    this.#levers = new Memory(remember, staleAfterMs);
    // deno-lint-ignore no-console -- where nobody else listens
    this.#news = new News(options.warn ?? ((message): void => console.warn(message)));
  }

  /** How large the candidate's action should be. Rejects with MalformedCandidateError, and nothing else. */
  async size(candidate: Candidate, options: { readonly timeoutMs?: number } = {}): Promise<Size> {
    const question = checked(candidate);
    const row = await this.#ask("get_pm_sizing", { ...question }, options.timeoutMs, readSizing);
    return row instanceof Unanswered ? this.#rememberedSize(question, row) : this.#liveSize(question, row);
  }

  /**
   * The same for many, in their order, a hundred in each question; `timeoutMs` is that of a question, and once one is not
   * answered no other is asked. Malformed candidates reject at the end, with what became of the others.
   */
  async sizeMany(
    candidates: readonly Candidate[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<Size[]> {
    const reasons: string[] = [];
    const sound: { place: number; question: Question }[] = [];
    candidates.forEach((candidate, place) => {
      try {
        sound.push({ place, question: checked(candidate) });
      } catch (error) {
        if (!(error instanceof MalformedCandidateError)) throw error;
        reasons.push(...error.reasons.map((reason) => `candidates[${place}]: ${reason}`));
      }
    });
    const answers: (Size | null)[] = candidates.map(() => null);
    let fault: Unanswered | undefined;
    for (let begin = 0; begin < sound.length; begin += PIECE) {
      const piece = sound.slice(begin, begin + PIECE);
      let rows: readonly (SizingRow | string)[] = [];
      try {
        const told = fault ?? await this.#ask(
          "get_pm_sizing_batch",
          { candidates: piece.map(({ question }) => question) },
          options.timeoutMs,
          (answer) => readBatch(answer, piece.length),
        );
        if (told instanceof Unanswered) fault = told;
        else rows = told;
      } catch (error) {
        if (!(error instanceof MalformedCandidateError)) throw error;
        reasons.push(`candidates[${piece[0]?.place}] to [${piece.at(-1)?.place}]: ${error.message}`);
        continue;
      }
      for (const [i, { place, question }] of piece.entries()) {
        const row = rows[i];
        if (typeof row === "string") reasons.push(`candidates[${place}]: ${row}`);
        else if (row !== undefined) answers[place] = this.#liveSize(question, row);
        else if (fault !== undefined) answers[place] = this.#rememberedSize(question, fault);
      }
    }
    const sizes = answers.filter((answer) => answer !== null);
    if (reasons.length > 0) throw new MalformedCandidateError(reasons, answers);
    return sizes;
  }

  /** Where every lever stands for the candidate. Rejects with MalformedCandidateError, and nothing else. */
  async levers(candidate: Candidate, options: { readonly timeoutMs?: number } = {}): Promise<Levers> {
    const { pattern_key, action_category, scope } = checked(candidate);
    const question = { pattern_key, action_category, scope };
    const key = keyOf(question);
    const levers = await this.#ask("get_pm_levers", question, options.timeoutMs, readLevers);
    if (!(levers instanceof Unanswered)) {
      this.#levers.keep(key, levers);
      return { source: "live", reason: null, age_ms: 0, levers };
    }
    const { message: reason } = levers;
    const known = this.#levers.recall(key);
    return known?.isFresh === true
      ? { source: "stale", reason, age_ms: known.ageMs, levers: known.value }
      : { source: "fallback", reason, age_ms: null, levers: NEUTRAL_LEVERS };
  }

  /** A size in sentences, from the base step by step. Rejects with NoAnswerError or MalformedCandidateError. */
  async explain(candidate: Candidate, options: Patience = {}): Promise<readonly string[]> {
    return await this.#told("explain_pm_sizing", { ...checked(candidate) }, options, isTexts);
  }

  /** The overrides that contain a candidate's scope. Rejects with NoAnswerError or MalformedCandidateError. */
  async overrides(candidate: Candidate, options: Patience = {}): Promise<readonly OverrideMatch[]> {
    const { pattern_key, action_category, scope } = checked(candidate);
    return await this.#told(
      "match_pm_overrides",
      { pattern_key, action_category, scope },
      options,
      areObjects,
    );
  }

  /** What an approved token gets on a timeframe. Rejects with NoAnswerError, or MalformedCandidateError for the scope. */
  allocation(timeframe: string, scope: Candidate["scope"] = {}, options: Patience = {}): Promise<Allocation> {
    return this.#told("get_dm_allocation", { timeframe, scope }, options, isAllocation);
  }

  /** The configuration in force. Rejects with NoAnswerError. */
  config(options: Patience = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#told("get_pm_config", {}, options, isObject);
  }

  /** The scope that learning makes of an action's contexts. Rejects with NoAnswerError. */
  unifiedScope(
    contexts: {
      readonly entry_context: Readonly<Record<string, unknown>>;
      readonly action_scope: Readonly<Record<string, unknown>>;
      readonly regime_context: Readonly<Record<string, unknown>>;
    },
    options: Patience = {},
  ): Promise<Readonly<Record<string, string>>> {
    return this.#told("unified_scope", { ...contexts }, options, isScope);
  }

  /**
   * Any other RPC by its name, its answer as it is. Rejects with NoAnswerError where there is none, and with
   * MalformedCandidateError where the database blames the arguments.
   */
  call(rpc: string, args: Readonly<Record<string, unknown>> = {}, options: Patience = {}): Promise<unknown> {
    return this.#told(rpc, args, options, (told): told is unknown => told !== undefined);
  }

  async #told<T>(
    rpc: string,
    args: Readonly<Record<string, unknown>>,
    { timeoutMs }: Patience,
    is: (told: unknown) => told is T,
  ): Promise<T> {
    const answer = await this.#ask(rpc, args, timeoutMs, (told) => {
      if (is(told)) return { told };
      throw nonsense(`an answer of ${rpc}`, told);
    });
    if (answer instanceof Unanswered) throw new NoAnswerError(answer.message);
    return answer.told;
  }

  /** The answer as it is read, or why there is none; rejects with MalformedCandidateError. */
  async #ask<T>(
    rpc: string,
    args: Readonly<Record<string, unknown>>,
    timeoutMs = this.#timeoutMs,
    read: (told: unknown) => T,
  ): Promise<T | Unanswered> {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Beside the signal, which does not end waiting for a token.
    const over = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Unanswered(`No answer within ${timeoutMs} ms`));
        abort.abort();
      }, timeoutMs);
    });
    try {
      const answer = read(
        readAnswer(await Promise.race([exchange(this.#supabase, rpc, args, abort.signal), over])),
      );
      this.#news.answer();
      return answer;
    } catch (error) {
      if (error instanceof MalformedCandidateError) this.#news.answer();
      if (!(error instanceof Unanswered)) throw error;
      this.#news.fault(error);
      return error;
    } finally {
      clearTimeout(timer);
    }
  }

  #liveSize(question: Question, row: SizingRow): Size {
    // With what was asked, which tells how far the answer moved it.
    const { a_value = MIDDLE, e_value = MIDDLE } = question;
    this.#sizes.keep(keyOf(question), { row, a_value, e_value });
    return { source: "live", reason: null, age_ms: 0, ...whatToTradeBy(row), row };
  }

  #rememberedSize(question: Question, { message: reason }: Unanswered): Size {
    const { a_value = MIDDLE, e_value = MIDDLE } = question;
    const known = this.#sizes.recall(keyOf(question));
    if (known?.isFresh === true) {
      const { row, a_value: formerA, e_value: formerE } = known.value;
      const told = whatToTradeBy(row);
      return {
        source: "stale",
        reason,
        age_ms: known.ageMs,
        ...told,
        size_frac: formerA === a_value
          ? told.size_frac
          : appliedSize(a_value, told.pm_strength, told.exposure_skew),
        a_final: movedAlike(a_value, formerA, told.a_final),
        e_final: movedAlike(e_value, formerE, told.e_final),
        row,
      };
    }
    const skew = Math.min(1, known?.value.row.exposure_skew ?? 1);
    return {
      source: "fallback",
      reason,
      age_ms: null,
      pm_strength: 1,
      exposure_skew: skew,
      size_frac: appliedSize(a_value, 1, skew),
      a_final: a_value,
      e_final: e_value,
      row: null,
    };
  }
}

// Candidates.

const ARGUMENTS = [
  "pattern_key",
  "action_category",
  "scope",
  "a_value",
  "e_value",
  "previous_strength",
  "as_of",
];
const CATEGORIES: readonly unknown[] = ["entry", "add", "trim", "exit"];
/** What get_pm_sizing takes for an appetite or an assertiveness that is not given. */
const MIDDLE = 0.5;
/** So many candidates that the default timeout is enough for them. */
const PIECE = 100;

/** A candidate as it is sent. */
interface Question {
  readonly pattern_key: string;
  readonly action_category: string;
  readonly scope: Candidate["scope"];
  readonly a_value?: number;
  readonly e_value?: number;
  readonly previous_strength?: number;
  readonly as_of?: string;
}

/** What is sent for a candidate; throws with every reason why it cannot be. */
function checked(candidate: unknown): Question {
  if (!isObject(candidate)) {
    throw new MalformedCandidateError([`A candidate must be an object and is ${shown(candidate)}`]);
  }
  const reasons = Object.keys(candidate).filter((name) => !ARGUMENTS.includes(name)).map((name) =>
    `A candidate has no argument ${shown(name)}; the arguments are ${ARGUMENTS.join(", ")}`
  );
  const take = <T>(
    name: string,
    expected: string,
    read: (given: unknown) => T | undefined,
  ): T | undefined => {
    const value = read(candidate[name]);
    if (value === undefined) {
      reasons.push(`Argument ${name} must be ${expected} and is ${shown(candidate[name])}`);
    }
    return value;
  };
  const takeAny = <T>(
    name: string,
    expected: string,
    read: (given: unknown) => T | undefined,
  ): T | undefined =>
    candidate[name] === undefined || candidate[name] === null ? undefined : take(name, expected, read);
  const fraction = (given: unknown): number | undefined =>
    isNumber(given) && given >= 0 && given <= 1 ? given : undefined;

  const pattern_key = take("pattern_key", "a behaviour such as pm.uptrend.S1.buy_flag", readText);
  const action_category = take(
    "action_category",
    "entry, add, trim or exit",
    (given) => CATEGORIES.includes(given) ? readText(given) : undefined,
  );
  const scope = take("scope", "an object of dimensions and texts, numbers, booleans and null", readScope);
  const a_value = takeAny("a_value", "a number from 0 to 1", fraction);
  const e_value = takeAny("e_value", "a number from 0 to 1", fraction);
  const previous_strength = takeAny(
    "previous_strength",
    "a number greater than 0 and at most 1e6",
    (given) => isNumber(given) && given > 0 && given <= 1e6 ? given : undefined,
  );
  const as_of = takeAny("as_of", "a time", readTime);
  if (
    reasons.length > 0 || pattern_key === undefined || action_category === undefined || scope === undefined
  ) {
    throw new MalformedCandidateError(reasons);
  }
  return {
    pattern_key,
    action_category,
    scope,
    ...(a_value === undefined ? {} : { a_value }),
    ...(e_value === undefined ? {} : { e_value }),
    ...(previous_strength === undefined ? {} : { previous_strength }),
    ...(as_of === undefined ? {} : { as_of }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function readText(given: unknown): string | undefined {
  return typeof given === "string" && given.trim() !== "" ? given : undefined;
}

function readScope(given: unknown): Candidate["scope"] | undefined {
  if (!isObject(given)) return undefined;
  const scope: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (value !== null && typeof value !== "string" && typeof value !== "boolean" && !isNumber(value)) {
      return undefined;
    }
    scope[name] = value;
  }
  return scope;
}

function readTime(given: unknown): string | undefined {
  if (!(given instanceof Date)) return readText(given);
  return Number.isNaN(given.getTime()) ? undefined : given.toISOString();
}

function shown(given: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(given) ?? String(given);
  } catch {
    text = String(given);
  }
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

function keyOf({ pattern_key, action_category, scope }: Question): string {
  const pairs = Object.entries(scope).sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify([pattern_key, action_category, pairs]);
}

// What stands in for an answer.

/** A sizing, and the posture that it was asked for. */
interface KnownSizing {
  readonly row: SizingRow;
  readonly a_value: number;
  readonly e_value: number;
}

function whatToTradeBy(
  { pm_strength, exposure_skew, size_frac, a_final, e_final }: SizingRow,
): WhatToTradeBy {
  return { pm_strength, exposure_skew, size_frac, a_final, e_final };
}

/** What the database makes of an appetite and both factors (functions/README.md, "Sizing"). */
function appliedSize(aValue: number, strength: number, skew: number): number {
  return Math.max(0, Math.min(1, (0.10 + 0.50 * aValue) * strength * skew));
}

/** What is given, moved as far as the answer to what was given then. */
function movedAlike(given: number, former: number, formerMoved: number): number {
  return given === former ? formerMoved : Math.max(0, Math.min(1, given + formerMoved - former));
}

const FACTOR = { multiplier: 1, value: null, override_id: null, scope_subset: null } as const;
const NOTHING_ADDED = { multiplier: 1, value: 0, override_id: null, scope_subset: null } as const;
const NO_TARGET = FACTOR;
const NEUTRAL_BY_NAME = {
  entry_aggression_mult: FACTOR,
  entry_delay_bars: NOTHING_ADDED,
  exit_aggression_mult: FACTOR,
  max_edx_for_add: NO_TARGET,
  min_dx_for_add: NO_TARGET,
  min_ox_for_trim: NO_TARGET,
  min_ts_for_add: NO_TARGET,
  panic_trigger_mult: FACTOR,
  phase1_frac_mult: FACTOR,
  phase_scaling_s1_mult: FACTOR,
  phase_scaling_s2_mult: FACTOR,
  phase_scaling_s3_mult: FACTOR,
  size_mult: FACTOR,
  trail_mult: FACTOR,
  trim_delay_mult: FACTOR,
  tuning_dx_min: NOTHING_ADDED,
  tuning_halo: NOTHING_ADDED,
  tuning_slope: NOTHING_ADDED,
  tuning_ts_min: NOTHING_ADDED,
  wait_for_signal_x: NO_TARGET,
  wait_n_bars_after_trim: NOTHING_ADDED,
} as const;
const NEUTRAL_LEVERS: LeverStands = NEUTRAL_BY_NAME;

/** The last answer for each candidate; beyond `most` the one whose answer is oldest is forgotten. */
class Memory<T> {
  readonly #answers = new Map<string, { readonly at: number; readonly value: T }>();

  constructor(readonly most: number, readonly staleAfterMs: number) {}

  keep(key: string, value: T): void {
    this.#answers.delete(key);
    this.#answers.set(key, { at: performance.now(), value });
    if (this.#answers.size <= this.most) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      return;
    }
  }

  recall(key: string): { value: T; ageMs: number; isFresh: boolean } | undefined {
    const known = this.#answers.get(key);
    if (known === undefined) return undefined;
    const ageMs = performance.now() - known.at;
    return { value: known.value, ageMs, isFresh: ageMs < this.staleAfterMs };
  }
}

// Answers.

/** What is used of supabase-js. */
interface Asked {
  rpc(name: string, args: Readonly<Record<string, unknown>>): {
    abortSignal(signal: AbortSignal): PromiseLike<Answer>;
  };
}

interface Answer {
  readonly data: unknown;
  readonly error: unknown;
  readonly status: number;
}

/** Why there is no answer to use; of what `sort` it is, where the reason has figures that differ each time. */
class Unanswered extends Error {
  constructor(reason: string, readonly sort = reason) {
    super(reason);
  }
}

function readAnswer({ data, error, status }: Answer): unknown {
  const said = isObject(error) ? error : {};
  if (status === 200) {
    if (error === null) return data;
    throw new Unanswered(`The service answered no JSON: ${shown(said["message"])}`, "no JSON");
  }
  const words = wordsOf(said) || "nothing else";
  if (blamesCandidate(said["code"]) && status >= 400 && status < 500) {
    throw new MalformedCandidateError([words]);
  }
  const where = [401, 403, 404].includes(status) ? ", look at url and key" : "";
  throw new Unanswered(`The service answered ${status}${where}: ${words.slice(0, 300)}`, `status ${status}`);
}

function wordsOf(error: Readonly<Record<string, unknown>>): string {
  return ["message", "hint"].flatMap((part) => error[part] ? [String(error[part])] : []).join(". ");
}

/** Whether an SQLSTATE is about the data that was given (22) or its size (54). */
function blamesCandidate(code: unknown): boolean {
  return typeof code === "string" && /^(22|54)...$/.test(code);
}

const NOT_NEGATIVE = (x: number): boolean => x >= 0;
const FRACTION = (x: number): boolean => x >= 0 && x <= 1;
const SIZING_NUMBERS = Object.entries({
  base_alloc_pct: NOT_NEGATIVE,
  size_frac_raw: FRACTION,
  pm_strength: (x: number): boolean => x > 0,
  exposure_skew: NOT_NEGATIVE,
  size_frac: FRACTION,
  max_alloc_pct: NOT_NEGATIVE,
  a_final: FRACTION,
  e_final: FRACTION,
  confidence: NOT_NEGATIVE,
  steer_max: NOT_NEGATIVE,
});

/** Which column of a sizing is none; undefined where all are. */
function faultOfSizing(told: Readonly<Record<string, unknown>>): string | undefined {
  const strange = SIZING_NUMBERS.find(([name, holds]) => {
    const value = told[name];
    return !(isNumber(value) && holds(value));
  });
  if (strange !== undefined) return strange[0];
  const sound = {
    mode: typeof told["mode"] === "string",
    timeframe_share: told["timeframe_share"] === null || isNumber(told["timeframe_share"]),
    overrides: Array.isArray(told["overrides"]),
    exposure: isObject(told["exposure"]) && Array.isArray(told["exposure"]["masks"]),
    shadow: isObject(told["shadow"]),
    config_version: isNumber(told["config_version"]),
    computed_at: typeof told["computed_at"] === "string",
  };
  return Object.entries(sound).find(([, isSound]) => !isSound)?.[0];
}

/** Every column is looked at; what explains the size, no further than that it is a list or an object. */
function isSizing(told: Readonly<Record<string, unknown>>): told is Record<string, unknown> & SizingRow {
  return faultOfSizing(told) === undefined;
}

function readSizing(told: unknown): SizingRow {
  if (!isObject(told)) throw nonsense("a sizing", told);
  if (isSizing(told)) return told;
  const column = faultOfSizing(told) ?? "a sizing";
  throw nonsense(column, told[column]);
}

/** For each candidate its row, or why it was refused. */
function readBatch(told: unknown, number: number): (SizingRow | string)[] {
  if (!Array.isArray(told) || told.length !== number) throw nonsense(`${number} sizings`, told);
  return told.map((row: unknown, place) => {
    if (!isObject(row) || row["position"] !== place + 1) throw nonsense(`sizing ${place + 1}`, row);
    const { position: _position, error, ...sizing } = row;
    if (error === null) return readSizing(sizing);
    if (!isObject(error)) throw nonsense("error", error);
    return wordsOf(error) || shown(error);
  });
}

/** Every lever by its name; one that an older database does not have is neutral. */
function readLevers(told: unknown): LeverStands {
  if (!Array.isArray(told) || told.length === 0) throw nonsense("levers", told);
  const levers: Record<string, Lever> = { ...NEUTRAL_BY_NAME };
  for (const row of told) {
    if (!isObject(row) || typeof row["lever"] !== "string") throw nonsense("a lever", row);
    if (!isLever(row)) throw nonsense(`lever ${row["lever"]}`, row);
    const { multiplier, value, override_id, scope_subset } = row;
    levers[row["lever"]] = { multiplier, value, override_id, scope_subset };
  }
  if (areLeverStands(levers)) return levers;
  throw nonsense("levers with all that their kind has", told);
}

function isLever(row: Readonly<Record<string, unknown>>): row is Record<string, unknown> & Lever {
  return (row["multiplier"] === null || isNumber(row["multiplier"])) &&
    (row["value"] === null || isNumber(row["value"])) &&
    (row["override_id"] === null || isNumber(row["override_id"])) &&
    (row["scope_subset"] === null || isObject(row["scope_subset"]));
}

function areLeverStands(levers: Readonly<Record<string, Lever>>): levers is LeverStands {
  return Object.entries(NEUTRAL_BY_NAME).every(([name, neutral]) =>
    neutral === NOTHING_ADDED
      ? typeof levers[name]?.value === "number"
      : !name.endsWith("_mult") || typeof levers[name]?.multiplier === "number"
  );
}

function isTexts(told: unknown): told is string[] {
  return Array.isArray(told) && told.every((each) => typeof each === "string");
}

function areObjects(told: unknown): told is Record<string, unknown>[] {
  return Array.isArray(told) && told.every(isObject);
}

function isScope(told: unknown): told is Record<string, string> {
  return isObject(told) && Object.values(told).every((each) => typeof each === "string");
}

function isAllocation(told: unknown): told is Allocation {
  return isObject(told) && isNumber(told["base"]) && isNumber(told["multiplier"]) &&
    (told["share"] === null || isNumber(told["share"])) &&
    (told["product"] === null || isNumber(told["product"])) && Array.isArray(told["overrides"]) &&
    isNumber(told["config_version"]) && typeof told["computed_at"] === "string";
}

function nonsense(expected: string, told: unknown): Unanswered {
  return new Unanswered(`The service answered nonsense: ${shown(told)} for ${expected}`, "nonsense");
}

// Asking.

const PAUSE_BEFORE_RETRY_MS = 50;

/** As Deno, Node.js and Bun say that a connection was not made; a browser does not tell. */
const NEVER_CONNECTED =
  /client error \(Connect\)|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket/;

/** Asks once; a second time only where there was no connection to ask over. */
async function exchange(
  supabase: Asked,
  rpc: string,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Answer> {
  for (let isRetry = false;; isRetry = true) {
    let answer: Answer;
    try {
      answer = await supabase.rpc(rpc, args).abortSignal(signal);
    } catch (error) {
      // A fetch or an access token of the caller's own.
      throw new Unanswered(`Asking failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (answer.status !== 0) return answer;
    const { message, details } = isObject(answer.error) ? answer.error : {};
    const cause = /^Caused by: (.*)$/m.exec(String(details))?.[1] ?? String(message);
    if (!NEVER_CONNECTED.test(`${message} ${details}`)) {
      throw new Unanswered(`The answer broke off: ${cause}`, "broken");
    }
    if (isRetry || signal.aborted) throw new Unanswered(`No connection: ${cause}`, "unconnected");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_BEFORE_RETRY_MS));
    if (signal.aborted) throw new Unanswered(`No connection: ${cause}`, "unconnected");
  }
}

const SAY_AGAIN_AFTER_MS = 60_000;

/** Tells what is wrong when it changes, and once a minute while it lasts. */
class News {
  #told: string | undefined;
  #toldAt = 0;

  constructor(readonly warn: (message: string) => void) {}

  fault({ message: reason, sort }: Unanswered): void {
    const now = performance.now();
    if (sort === this.#told && now < this.#toldAt + SAY_AGAIN_AFTER_MS) return;
    this.#told = sort;
    this.#toldAt = now;
    this.warn(`${reason}; sizes are the last known ones, then neutral`);
  }

  answer(): void {
    this.#told = undefined;
  }
}
