import { type Allowance, Budget } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import type { Store } from "../store/store.ts";
import type { Claim, ClaimedStrand } from "../store/strand_store.ts";
import { inHalves } from "./halves.ts";
import { faultsOf } from "./judge.ts";

/** Strands that a lane lets take effect at a time, at first, at least and at most. */
const FIRST_BATCH = 500;
const LEAST_BATCH = 125;
const LARGEST_BATCH = 2_000;
/** Batches grow until letting one take effect is worth the ways to the database, and shrink before it comes near its timeout. */
const QUICK_MS = 300;
const SLOW_MS = 1_500;
/** Parts of a claim that take effect side by side, each on a connection of its own. */
const LANES = 2;
/** Strands below which a lane of their own is not worth its calls. */
const LEAST_OF_A_LANE = 100;
/** Documents of a claim, as text, up to which the next claim is read while they take effect: both must fit the memory. */
const LIGHT_CHARACTERS = 4_000_000;
const ALLOWANCE: Allowance = { cpuMs: 1200, wallMs: 20_000 };
/** The doorbell is silent for a second after it rang: staying that long finds what came in the meantime. */
const LINGER_MS = 1100;
/** At so many claims a strand is to blame for what may have had another reason before. */
const PATIENCE = 3;

/** What one invocation did. */
export interface AggregationReport {
  accepted: number;
  rejected: number;
  failed: number;
  /** Whether another invocation was rung: the budget was spent before the inbox was empty, or others hold the trades. */
  handedOver: boolean;
}

/**
 * Drains the inbox (functions/README.md, "From strands to events"): claims due strands, judges them and lets
 * them take effect, until none is due or others are at work on the same trades. Where many are due the next are read
 * while these take effect.
 */
export async function aggregateStrands(
  store: Store,
  allowance: Allowance = ALLOWANCE,
): Promise<AggregationReport> {
  const budget = new Budget(store.stopwatch, allowance);
  const report: AggregationReport = { accepted: 0, rejected: 0, failed: 0, handedOver: false };
  let size = FIRST_BATCH;
  const claim = async (): Promise<Batch> => {
    const limit = size * LANES;
    const batch = new Batch(store, budget, report, await store.strands.claim(limit), limit);
    await batch.read();
    return batch;
  };
  let coming: Promise<Batch> | null = null;
  for (let isFirst = true;; isFirst = false) {
    const batch: Batch = await (coming ?? claim());
    coming = null;
    if (batch.claimed === 0) {
      const lingering = LINGER_MS - store.stopwatch.elapsedMs;
      if (lingering <= 0) return report;
      await store.stopwatch.waiting(new Promise((resolve) => setTimeout(resolve, lingering)));
      continue;
    }
    // Not before one has taken effect: while the database is in trouble as few as can be are claimed in vain.
    if (!isFirst && batch.moreAreDue && !budget.spent) {
      coming = claim();
      // It is awaited when these have taken effect; until then its failure is nobody's.
      coming.catch(() => {});
    }
    const { contended, slowestMs } = await batch.apply();
    size = sizeAfter(size, slowestMs);
    // Whoever holds these trades claims the strands next, and two would only hinder each other. In case that one has just
    // seen that none was due, it is asked for another invocation, which waits for both.
    if (contended || budget.spent) {
      await (await coming)?.apply();
      await store.ring("aggregate-strands", {});
      report.handedOver = true;
      return report;
    }
  }
}

/** How many strands a lane takes next, where the slowest just took so long. */
function sizeAfter(size: number, slowestMs: number): number {
  if (slowestMs > SLOW_MS) return Math.max(LEAST_BATCH, size >> 1);
  return slowestMs < QUICK_MS ? Math.min(LARGEST_BATCH, size << 1) : size;
}

/** Some claimed strands on their way from the claim to their effect. */
class Batch {
  readonly #store: Store;
  readonly #budget: Budget;
  readonly #report: AggregationReport;
  readonly #claims: ReadonlyMap<string, Claim>;
  readonly #isFull: boolean;
  /** Claims whose strands have not been read yet, in parts that are read at a time. */
  readonly #unread: (readonly Claim[])[];
  #strands: readonly ClaimedStrand[] = [];

  /** @param limit How many were asked for. */
  constructor(
    store: Store,
    budget: Budget,
    report: AggregationReport,
    claims: readonly Claim[],
    limit: number,
  ) {
    this.#store = store;
    this.#budget = budget;
    this.#report = report;
    this.#claims = new Map(claims.map((claim) => [claim.id, claim]));
    this.#isFull = claims.length === limit;
    const part = isWorthLanes(claims) ? Math.ceil(claims.length / LANES) : claims.length;
    this.#unread = [claims.slice(0, part), claims.slice(part)].filter(({ length }) => length > 0);
  }

  /** Number of strands that were claimed. */
  get claimed(): number {
    return this.#claims.size;
  }

  /** Whether it is likely that more are due, and there is room to read them before these have taken effect. */
  get moreAreDue(): boolean {
    return this.#isFull && this.#strands.length === this.claimed &&
      charactersOf(this.#strands) <= LIGHT_CHARACTERS;
  }

  /** Reads what was claimed, unless it is too much to be held at once: the rest is read when this has taken effect. */
  async read(): Promise<void> {
    const strands: ClaimedStrand[] = [];
    for (let part; charactersOf(strands) <= LIGHT_CHARACTERS && (part = this.#unread.shift());) {
      strands.push(...(await this.#inHalves(part, (some) => this.#store.strands.read(some))).flat());
    }
    this.#strands = strands;
  }

  /** Lets all of them take effect: whether others are at work on their trades, and how long the slowest took at a time. */
  async apply(): Promise<{ readonly contended: boolean; readonly slowestMs: number }> {
    const { stopwatch } = this.#store;
    let contended = false;
    let slowestMs = 0;
    for (;;) {
      const from = stopwatch.elapsedMs;
      const lanes = isWorthLanes(this.#strands) ? lanesOf(this.#strands) : [this.#strands];
      const applied = await Promise.all(
        lanes.filter((lane) => lane.length > 0)
          .map((lane) => this.#inHalves(lane, (part) => this.#apply(part))),
      );
      contended ||= applied.flat().includes(true);
      slowestMs = Math.max(slowestMs, stopwatch.elapsedMs - from);
      if (this.#unread.length === 0) return { contended, slowestMs };
      await this.read();
    }
  }

  /** Judges strands and lets them take effect; true where others are at work on their trades. */
  async #apply(strands: readonly ClaimedStrand[]): Promise<boolean> {
    const judged = this.#store.stopwatch.working(() =>
      strands.map((strand) => ({
        ...strand,
        errors: faultsOf(strand, Date.parse(strand.received_at)),
      }))
    );
    const accepted = judged.filter(({ errors }) => errors.length === 0);
    const applied = await this.#store.strands.apply(
      accepted,
      judged.filter(({ errors }) => errors.length > 0),
    );
    this.#report.accepted += applied.accepted;
    this.#report.rejected += applied.rejected;
    this.#report.failed += applied.failed;
    const [only] = accepted;
    const [failure] = applied.failures ?? [];
    if (accepted.length === 1 && only !== undefined && failure !== undefined) {
      const error = new StoreError("apply_strands", { code: failure.code, message: failure.reason });
      // The database has made it due again already.
      if (error.blamesData !== "no" && this.#attemptsOf(only) >= PATIENCE) await this.#reject(only, error);
    }
    return applied.contended === true;
  }

  async #inHalves<Item extends Pick<Claim, "id" | "revision">, Result>(
    items: readonly Item[],
    work: (items: readonly Item[]) => Promise<Result>,
  ): Promise<Result[]> {
    return await inHalves(items, {
      work,
      isRefusal: (error): error is StoreError => error instanceof StoreError && error.blamesData !== "no",
      onCulprit: (item, error) => this.#blame(item, error),
      mayGoOn: () => !this.#budget.spent,
    });
  }

  /** Rejects a strand that the database refuses by itself, or leaves it to a later claim where that may be bad luck. */
  async #blame(strand: Pick<Claim, "id" | "revision">, error: StoreError): Promise<void> {
    if (error.blamesData === "surely" || this.#attemptsOf(strand) >= PATIENCE) {
      return await this.#reject(strand, error);
    }
    this.#report.failed += 1;
    await this.#store.log([{
      level: "ERROR",
      component: "aggregate-strands",
      event: "strands_failed",
      message: `Strand ${strand.id} could not be applied and is tried again: ${error.message}`,
      details: { strand_ids: [strand.id], sqlstate: error.code },
    }]);
  }

  async #reject(strand: Pick<Claim, "id" | "revision">, error: StoreError): Promise<void> {
    const errors = [{ path: "", message: `The database refuses it: ${error.reason}` }];
    const { rejected } = await this.#store.strands.apply([], [{ ...strand, errors }]);
    this.#report.rejected += rejected;
  }

  #attemptsOf({ id }: Pick<Claim, "id">): number {
    return this.#claims.get(id)?.attempts ?? 0;
  }
}

function isWorthLanes({ length }: { readonly length: number }): boolean {
  return length >= LANES * LEAST_OF_A_LANE;
}

function charactersOf(strands: readonly ClaimedStrand[]): number {
  return strands.reduce((sum, { characters }) => sum + characters, 0);
}

/** Strands parted so that those of a trade or an episode stay together, and the parts are about as large. */
function lanesOf(strands: readonly ClaimedStrand[]): ClaimedStrand[][] {
  const lanes: ClaimedStrand[][] = Array.from({ length: LANES }, () => []);
  const laneOf = new Map<string, ClaimedStrand[]>();
  for (const strand of strands) {
    const lane = laneOf.get(strand.subject) ??
      lanes.reduce((shortest, each) => each.length < shortest.length ? each : shortest);
    laneOf.set(strand.subject, lane);
    lane.push(strand);
  }
  return lanes;
}
