/**
 * Mining and materialisation under disturbances: lessons and overrides must be the same each time
 * (functions/README.md, "Budget" and "Overrides").
 */

import { delay } from "@std/async/delay.js";
import { Random } from "../sample/random.ts";
import type { Fate } from "./gateway.ts";
import { arrivalsOf, generateHistory } from "./history.ts";
import type { Outcome } from "./outcome.ts";
import type { Rig } from "./rig.ts";

/** Many small groups, worked off in many short invocations, and every lesson an override. */
const CONFIGURATION = {
  n_min: 8,
  edge_min: 0.01,
  max_q_value: null,
  near_misses: null,
  representatives_only: false,
  add_outcome: "trade",
  trim_outcome: "trade",
  exit_outcome: "trade",
  refuse_selected: false,
  cpu_budget_ms: 50,
  tuning: { min_gain: 0, min_ratio: 0, confirm: false },
};
const MOST_ROUNDS = 100;

/** What may happen to the functions while they learn. */
export type LearningTrouble = "none" | "every ring comes twice" | "functions are killed";

/** Lets a history in, then learns from it; returns lessons and overrides as comparable lines. */
export async function learn(rig: Rig, trades: number, trouble: LearningTrouble): Promise<Outcome> {
  await rig.query("insert into public.learning_configs (module_id, config_data) values ('pm', $1::jsonb)", [
    JSON.stringify(CONFIGURATION),
  ]);
  await rig.feed(arrivalsOf(generateHistory(trades, trades), 1));
  await rig.drain();
  if (trouble === "every ring comes twice") rig.doorbells.fate = (): Fate => "double";
  const random = new Random(trades);
  for (const component of ["mine-lessons", "mine-tuning", "materialize-overrides"]) {
    await rig.query("select learning.ring($1)", [component]);
    if (trouble === "functions are killed") {
      for (let kills = 0; kills < 6; kills++) {
        await delay(random.between(20, 300));
        await rig.stack.killFunctions();
        await lapse(rig);
        await rig.sweep();
      }
      // What did not even begin is rung again an hour later.
      await rig.query("select learning.ring($1)", [component]);
    }
    await rig.settle();
    for (let round = 0; await underWay(rig) > 0; round++) {
      if (round === MOST_ROUNDS) throw new Error(`${component} does not come to an end.`);
      await lapse(rig);
      await rig.sweep();
      await rig.settle();
    }
  }
  return await readLearned(rig);
}

/** Groups that are not mined or simulated to the end. */
async function underWay(rig: Rig): Promise<number> {
  const [row] = await rig.query<{ groups: number }>(`
    select count(*)::integer as groups
    from (select run from learning.mining_groups union all select run from learning.tuning_groups) as held
    where held.run is not null`);
  return row?.groups ?? 0;
}

/** Lets the leases of dead invocations run out. */
async function lapse(rig: Rig): Promise<void> {
  for (const table of ["learning.mining_groups", "learning.tuning_groups"]) {
    await rig.query(`update ${table} set leased_until = now() where leased_until > now()`);
  }
}

/** Lessons and overrides as comparable lines. */
export async function readLearned(rig: Rig): Promise<Outcome> {
  const parts: Readonly<Record<string, string>> = {
    lessons:
      `select to_jsonb(lesson) - array['id', 'updated_at', 'first_active_at'] as line from public.learning_lessons lesson`,
    overrides: `
      select to_jsonb(held) - array['id', 'lesson_id', 'last_updated_at', 'first_active_at', 'evidence_from'] as line from public.pm_overrides held`,
  };
  const outcome = new Map<string, string[]>();
  for (const [part, sql] of Object.entries(parts)) {
    const rows = await rig.query<{ line: unknown }>(sql);
    outcome.set(part, rows.map(({ line }) => JSON.stringify(line, rounded)).sort());
  }
  return outcome;
}

/** Sums differ in their last digits by the order in which rows happen to lie. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(9)) : value;
}
