import { calibrate } from "../belief/calibration.ts";
import type { StoredCalibration, SumsOfCategory } from "../store/calibration_store.ts";
import type { Store } from "../store/store.ts";

/**
 * Calibrates every module and category whose groups changed (functions/README.md, "Calibration"). What changes meanwhile
 * is calibrated by whoever mines it.
 */
export async function calibrateCategories(store: Store): Promise<void> {
  const due = await store.calibrations.readSums();
  if (due.length === 0) return;
  const nMin = Number((await store.readConfig())["n_min"]);
  const written = await store.calibrations.write(due.map((from) => calibrateCategory(from, nMin)));
  await store.log([{
    level: "INFO",
    component: "mine-lessons",
    event: "calibrated",
    message: `Calibrated ${written} categories`,
    details: { due: due.map(({ module, action_category }) => ({ module, action_category })), written },
  }]);
}

/** With fewer than `n_min` decisions, or where all came to the same, there is nothing to calibrate. */
function calibrateCategory(
  { module, action_category, sums_digest, basis, sums }: SumsOfCategory,
  nMin: number,
): StoredCalibration {
  const of = { module, action_category, sums_digest };
  if (basis === null || sums === null || basis.n < nMin || !(basis.sigma > 0)) {
    return { ...of, calibration: null };
  }
  const { kappa, tau2, halfLife, n, weeks, regimes, regimesAct } = calibrate([{
    n: sums.n,
    cells: sums.cells,
    memories: sums.memories.map(({ half_life, tau_above, tau_below, told, squares }) => ({
      halfLife: half_life,
      tauAbove: tau_above,
      tauBelow: tau_below,
      told,
      squares,
    })),
  }]);
  return {
    ...of,
    calibration: {
      mean: basis.mean,
      sigma: basis.sigma,
      kappa,
      tau2,
      half_life_weeks: halfLife,
      n,
      weeks,
      regimes_act: regimesAct,
      regimes,
    },
  };
}
