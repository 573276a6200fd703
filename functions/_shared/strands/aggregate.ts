import { type Allowance, Budget } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import type { Store } from "../store/store.ts";
import type { Claim, ClaimedStrand } from "../store/strand_store.ts";
import { inHalves } from "./halves.ts";
import { faultsOf } from "./judge.ts";

/** Strands claimed at a time: few enough that letting them take effect fits the database's statement timeout. */
const BATCH = 500;
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
  /** Whether the budget was spent before the inbox was empty, so that another invocation was rung. */
  handedOver: boolean;
}

/**
 * Drains the inbox (functions/README.md, "From strands to events"): claims due strands, judges them and lets
 * them take effect, until none is due or others are at work on the same trades.
 */
export async function aggregateStrands(
  store: Store,
  allowance: Allowance = ALLOWANCE,
): Promise<AggregationReport> {
  const budget = new Budget(store.stopwatch, allowance);
  const report: AggregationReport = { accepted: 0, rejected: 0, failed: 0, handedOver: false };
  while (true) {
    const claims = await store.strands.claim(BATCH);
    if (claims.length === 0) {
      const lingering = LINGER_MS - store.stopwatch.elapsedMs;
      if (lingering <= 0) return report;
      await store.stopwatch.waiting(new Promise((resolve) => setTimeout(resolve, lingering)));
      continue;
    }
    // Whoever holds these trades claims the strands next; one more that waits keeps connections from the others.
    if (await new Batch(store, budget, report, claims).work() === "contended") return report;
    if (budget.spent) {
      await store.ring("aggregate-strands", {});
      report.handedOver = true;
      return report;
    }
  }
}

/** Some claimed strands on their way from the claim to their effect. */
class Batch {
  readonly #store: Store;
  readonly #budget: Budget;
  readonly #report: AggregationReport;
  readonly #claims: ReadonlyMap<string, Claim>;

  constructor(store: Store, budget: Budget, report: AggregationReport, claims: readonly Claim[]) {
    this.#store = store;
    this.#budget = budget;
    this.#report = report;
    this.#claims = new Map(claims.map((claim) => [claim.id, claim]));
  }

  async work(): Promise<"contended" | "done"> {
    const read = await this.#inHalves(
      [...this.#claims.values()],
      (claims) => this.#store.strands.read(claims),
    );
    const strands = read.flat();
    if (strands.length === 0) return "done";
    const contended = await this.#inHalves(strands, (part) => this.#apply(part));
    return contended.includes(true) ? "contended" : "done";
  }

  /** Judges strands and lets them take effect; true where others are at work on their trades. */
  async #apply(strands: readonly ClaimedStrand[]): Promise<boolean> {
    const judged = strands.map((strand) => ({
      ...strand,
      errors: faultsOf(strand, Date.parse(strand.received_at)),
    }));
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
