import { Budget } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import type { ClaimedGroup, MiningFamily } from "../store/mining_store.ts";
import type { LogLine, Store } from "../store/store.ts";

const WALL_MS = 40_000;

/** What one invocation did. */
export interface MiningReport {
  /** Groups whose lessons were written. */
  groups: number;
  /** Trades or windows behind them. */
  events: number;
  lessons: number;
  active: number;
  /** Groups that could not be mined; each is tried again when its lease has lapsed. */
  failed: number;
  /** Whether the budget was spent while work was left, so that another invocation was rung. */
  handedOver: boolean;
}

/** A group whose lessons were written. */
export type MinedGroup = Pick<MiningReport, "events" | "lessons" | "active">;

/** What is mined, and how. */
export interface MiningCycle {
  readonly family: MiningFamily;
  /** Edge function that mines it, for its log lines and for ringing it. */
  readonly component: "mine-lessons" | "mine-tuning";
  readonly events: "trades" | "windows";
  /** Does a piece of what must be done before the cycle begins; returns whether all of it is done. */
  readonly prepare?: () => Promise<boolean>;
  /**
   * Mines a claimed group as far as the budget goes and writes the lessons, or the progress.
   *
   * @param isFirst Whether the invocation has done nothing else yet: what takes most of a budget waits for one that has not.
   * @returns `null` when it paused.
   * @throws RangeError when the events no longer fit the progress of an earlier invocation.
   */
  readonly mine: (group: ClaimedGroup, budget: Budget, isFirst: boolean) => Promise<MinedGroup | null>;
  /** What is done when no group is left to claim, by whichever worker finds that; it may be done again at any time. */
  readonly conclude?: () => Promise<void>;
}

/**
 * Mines due groups until none is left or the budget is spent (functions/README.md, "Budget").
 *
 * @param continues False for the invocation that the schedule rings: it begins the cycle and calls the other workers.
 */
export async function runMiningCycle(
  store: Store,
  cycle: MiningCycle,
  continues: boolean,
): Promise<MiningReport> {
  const { component, family } = cycle;
  const config = await store.readConfig();
  const budget = new Budget(store.stopwatch, { cpuMs: Number(config["cpu_budget_ms"]), wallMs: WALL_MS });
  const report: MiningReport = { groups: 0, events: 0, lessons: 0, active: 0, failed: 0, handedOver: false };
  if (!continues) {
    while (!await (cycle.prepare?.() ?? true)) {
      if (!budget.spent) continue;
      await store.ring(component, {});
      return { ...report, handedOver: true };
    }
    const due = await store.mining.start(family);
    await store.log([{
      level: "INFO",
      component,
      event: "mining_started",
      message: `Mining started: ${due} groups are due`,
      details: { due },
    }]);
    const helpers = Math.min(Number(config["mining_workers"]), due) - 1;
    if (helpers > 0) await store.ring(component, { continue: true }, helpers);
  }
  let longestMs = 0;
  for (let isFirst = true;; isFirst = false) {
    const from = store.stopwatch.workedMs;
    const group = await store.mining.claimGroup(family);
    if (group === null) {
      await cycle.conclude?.();
      break;
    }
    try {
      const mined = await mineClaimed(store, cycle, group, budget, isFirst);
      if (mined !== null) {
        report.groups++;
        report.events += mined.events;
        report.lessons += mined.lessons;
        report.active += mined.active;
      }
    } catch (error) {
      // Groups are independent: what is wrong with one keeps no other from being mined.
      report.failed++;
      await store.log([failureLine(component, group, error)]);
    }
    longestMs = Math.max(longestMs, store.stopwatch.workedMs - from);
    // A group that pauses is read and its progress carried once more, which costs more than what is left is worth.
    if (budget.spentWithin(longestMs)) {
      await store.ring(component, { continue: true });
      report.handedOver = true;
      break;
    }
  }
  if (report.groups > 0) {
    await store.log([{
      level: "INFO",
      component,
      event: "mining_completed",
      message: `Mined ${report.groups} groups: ${report.events} ${cycle.events}, ` +
        `${report.lessons} lessons, ${report.active} of them active`,
      details: { ...report, duration_ms: Math.round(store.stopwatch.elapsedMs) },
    }]);
  }
  return report;
}

function failureLine(component: string, group: ClaimedGroup, error: unknown): LogLine {
  const { pattern_key, action_category } = group;
  const reason = error instanceof Error ? error.message : String(error);
  return {
    level: "ERROR",
    component,
    event: "mining_failed",
    message: `${pattern_key} ${action_category} could not be mined and is tried again: ${reason}`,
    details: { pattern_key, action_category, stack: error instanceof Error ? error.stack ?? null : null },
  };
}

async function mineClaimed(
  store: Store,
  cycle: MiningCycle,
  group: ClaimedGroup,
  budget: Budget,
  isFirst: boolean,
): Promise<MinedGroup | null> {
  try {
    return await cycle.mine(group, budget, isFirst);
  } catch (error) {
    if (error instanceof StoreError && error.isLeaseLost) return null;
    // Events were corrected under way, so that what was saved no longer fits them.
    if (error instanceof RangeError && group.progress !== null) {
      await store.mining.restartGroup(group);
      return null;
    }
    throw error;
  }
}
