import { z } from "zod";
import {
  evidenceAgainst,
  GATES_BY_LUCK,
  KEPT_BY_GATES,
  KEPT_BY_STRENGTH,
  type ReturnSettings,
  speakForReturn,
} from "../belief/live_record.ts";
import { evidenceOf } from "../statistics/evidence.ts";
import { mean } from "../statistics/moments.ts";
import { winsorise } from "../statistics/winsorise.ts";
import type { Budget } from "../runtime/budget.ts";
import type { LivePlace, StoredLiveRecord, WatchedKey } from "../store/live_store.ts";
import type { Store } from "../store/store.ts";

/** What was made of the overrides that act. */
export interface WatchReport {
  /** Overrides that were held against their promises. */
  watched: number;
  /** Switched off because they broke them. */
  disabled: number;
  /** That broke them once and act again. */
  returned: number;
  /** Whether the budget was spent before all were looked at. */
  handedOver: boolean;
}

/** What watching reads of the PM's effective configuration. */
const config = z.object({
  n_min: z.number(),
  max_q_value: z.number().nullable().transform((level) => level ?? 0.1),
  cluster: z.enum(["week", "day", "span", "none"]),
});

/**
 * Holds the overrides whose groups were mined anew against what they promised (functions/README.md, "While it
 * acts"), until the budget is spent.
 */
export async function watchOverrides(store: Store, budget: Budget): Promise<WatchReport> {
  const report: WatchReport = { watched: 0, disabled: 0, returned: 0, handedOver: false };
  let settings: ReturnSettings | null = null;
  let place: LivePlace | null = { group: 0, override: 0 };
  while (place !== null) {
    const { keys, now, next } = await store.live.read(place);
    if (keys.length > 0) {
      settings ??= await watchSettings(store);
      const records: StoredLiveRecord[] = [];
      const watched: Record<string, string> = {};
      for (const key of keys) {
        records.push(...recordsOf(key, settings, now));
        if (key.last_override === null) Object.assign(watched, key.mined);
      }
      const saved = await store.live.save(records, watched);
      report.watched += records.length;
      report.disabled += saved.disabled;
      report.returned += saved.returned;
    }
    place = next;
    if (place !== null && budget.spent) return { ...report, handedOver: true };
  }
  return report;
}

/** What evidence is weighed by, from the effective configuration. */
export async function watchSettings(store: Store): Promise<ReturnSettings> {
  const { n_min, max_q_value, cluster } = config.parse(await store.readConfig());
  return { nMin: n_min, maxQValue: max_q_value, cluster };
}

function recordsOf(
  { family, overrides, basis }: WatchedKey,
  settings: ReturnSettings,
  now: number,
): StoredLiveRecord[] {
  const isGate = family === "tuning";
  const kept = isGate ? KEPT_BY_GATES : KEPT_BY_STRENGTH;
  const present = isGate ? GATES_BY_LUCK : basis === null ? null : {
    n: basis.n,
    winsorisedMean: basis.winsorised_mean,
    sigma: basis.sigma,
  };
  return overrides.map(({ id, promised, baseline, sigma, broken, decisions }) => {
    const outcomes = basis === null
      ? decisions.outcome
      : winsorise(decisions.outcome, { lower: basis.lower_bound, upper: basis.upper_bound });
    const live = { outcomes, actedAt: decisions.acted_at };
    const evidence = promised === null || baseline === null || sigma === null || sigma === 0 || promised === 0
      ? null
      : evidenceAgainst(live, { promised, kept, baseline, sigma }, settings.nMin, now);
    const returns = broken && promised !== null && present !== null &&
      speakForReturn(live, promised, present, settings);
    return {
      override_id: id,
      n: outcomes.length,
      mean: outcomes.length === 0 ? null : mean(outcomes),
      e_value: evidence === null ? null : evidenceOf(evidence.logE),
      verdict: broken ? (returns ? "returns" : null) : evidence?.refuted === true ? "broken" : null,
    };
  });
}
