import { type Allowance, Budget } from "../runtime/budget.ts";
import type { Store } from "../store/store.ts";
import { faultsOf } from "./judge.ts";

/** Strands claimed at a time: few enough that letting them take effect fits the database's statement timeout. */
const BATCH = 500;
const ALLOWANCE: Allowance = { cpuMs: 1200, wallMs: 20_000 };
/** The doorbell is silent for a second after it rang: staying that long finds what came in the meantime. */
const LINGER_MS = 1100;

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
    const claimed = await store.strands.claim(BATCH);
    if (claimed.length === 0) {
      const lingering = LINGER_MS - store.stopwatch.elapsedMs;
      if (lingering <= 0) return report;
      await store.stopwatch.waiting(new Promise((resolve) => setTimeout(resolve, lingering)));
      continue;
    }
    const judged = claimed.map((strand) => ({ ...strand, errors: faultsOf(strand) }));
    const applied = await store.strands.apply(
      judged.filter(({ errors }) => errors.length === 0),
      judged.filter(({ errors }) => errors.length > 0),
    );
    report.accepted += applied.accepted;
    report.rejected += applied.rejected;
    report.failed += applied.failed;
    // Whoever holds these trades claims the strands next; one more that waits keeps connections from the others.
    if (applied.contended) return report;
    if (budget.spent) {
      await store.ring("aggregate-strands", {});
      report.handedOver = true;
      return report;
    }
  }
}
