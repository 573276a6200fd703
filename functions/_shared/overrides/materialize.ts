import type { Allowance } from "../runtime/budget.ts";
import type { ReconciledOverrides } from "../store/override_store.ts";
import type { Store } from "../store/store.ts";
import { materializeTuning, type TuningMaterialization } from "../tuning/materialize.ts";

/** Groups reconciled at a time: few enough to fit the database's statement timeout. */
const BATCH = 50;
const ALLOWANCE: Allowance = { cpuMs: 1200, wallMs: 100_000 };

/** What one invocation did. */
export interface MaterializationReport {
  created: number;
  changed: number;
  disabled: number;
  /** The same of the gates' overrides, which are not in the counts above. */
  tuning: TuningMaterialization;
}

/**
 * Brings overrides in line with active lessons (functions/README.md, "Overrides") and simulated ones
 * (functions/README.md, "Tuning"). Each run begins anew or where the last one got to, so one that dies loses
 * nothing.
 */
export async function materializeOverrides(store: Store): Promise<MaterializationReport> {
  const report = { created: 0, changed: 0, disabled: 0 };
  let after: number | null = 0;
  while (after !== null) {
    const step: ReconciledOverrides = await store.overrides.reconcile(after, BATCH);
    report.created += step.created;
    report.changed += step.changed;
    report.disabled += step.disabled;
    after = step.next;
  }
  return { ...report, tuning: await materializeTuning(store, ALLOWANCE) };
}
