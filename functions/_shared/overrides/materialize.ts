import { measureExperiment } from "./experiment.ts";
import { type Allowance, Budget } from "../runtime/budget.ts";
import type { ReconciledOverrides } from "../store/override_store.ts";
import type { Store } from "../store/store.ts";
import { watchOverrides, type WatchReport } from "./watch.ts";
import { materializeTuning, type TuningMaterialization } from "../tuning/materialize.ts";

const ALLOWANCE: Allowance = { cpuMs: 1200, wallMs: 100_000 };

/** What one invocation did. */
export interface MaterializationReport {
  created: number;
  changed: number;
  disabled: number;
  /** Whether the budget was spent before the pass was over, so that another invocation was rung. */
  handedOver: boolean;
  /** What became of those that act; `null` where the next one looks at them. */
  live: WatchReport | null;
  /** The same of the gates' overrides, which are not in the counts above; `null` where they are the next one's. */
  tuning: TuningMaterialization | null;
}

/**
 * Brings overrides in line with active lessons (functions/README.md, "Overrides"), holds those that act against
 * what they promised ("While it acts"), reckons what a live experiment shows, and follows simulated lessons
 * ("Tuning"). The database knows how far the pass has got, so an invocation that dies
 * loses nothing, and one whose budget is spent rings the next.
 */
export async function materializeOverrides(
  store: Store,
  allowance: Allowance = ALLOWANCE,
): Promise<MaterializationReport> {
  const budget = new Budget(store.stopwatch, allowance);
  const report = { created: 0, changed: 0, disabled: 0 };
  let pass: number | null = 0;
  while (pass !== null) {
    const step: ReconciledOverrides = await store.overrides.reconcile(pass);
    report.created += step.created;
    report.changed += step.changed;
    report.disabled += step.disabled;
    pass = step.next;
    if (pass !== null && budget.spent) {
      await store.ring("materialize-overrides", { continue: true });
      return { ...report, handedOver: true, live: null, tuning: null };
    }
  }
  const live = await watchOverrides(store, budget);
  if (live.handedOver) {
    await store.ring("materialize-overrides", { continue: true });
    return { ...report, handedOver: true, live, tuning: null };
  }
  await measureExperiment(store);
  return { ...report, handedOver: false, live, tuning: await materializeTuning(store, allowance) };
}
