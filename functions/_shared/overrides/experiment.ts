import { experimentOf } from "../belief/uplift.ts";
import type { Store } from "../store/store.ts";
import type { StoredUplift } from "../store/live_store.ts";
import { watchSettings } from "./watch.ts";

/**
 * Reckons what the live experiment shows so far (functions/README.md, "A live experiment").
 *
 * @returns how many categories have one.
 */
export async function measureExperiment(store: Store): Promise<number> {
  const categories = await store.live.readExperiment();
  if (categories.length === 0) return 0;
  const { nMin } = await watchSettings(store);
  const figures: Record<string, StoredUplift> = {};
  for (const { category, outcome, size, strength, acted_at, held_out } of categories) {
    const found = experimentOf(
      { outcomes: outcome, sizes: size, strengths: strength, heldOut: held_out, actedAt: acted_at },
      nMin,
    );
    figures[category] = {
      learned: found.learned,
      held_out: found.heldOut,
      weeks: found.weeks,
      difference: found.difference,
      low: found.low,
      high: found.high,
      e_value: found.eValue,
      promised: found.promised,
      weeks_to_know: found.weeksToKnow,
    };
  }
  await store.live.saveUplift(figures);
  return categories.length;
}
