/**
 * Where everything that is believed of a candidate says one thing, no size says the other: groups with effects in them are
 * mined, their lessons become overrides, and every candidate is asked for.
 */

import { assert } from "@std/assert/mod.js";
import { z } from "zod";
import { type MinedLesson, mineGroup } from "../functions/_shared/lessons/mine_group.ts";
import type { GroupInput } from "../functions/_shared/lessons/mine_group.ts";
import type { MiningSettings } from "../functions/_shared/lessons/settings.ts";
import { computePosture } from "../functions/_shared/statistics/posture.ts";
import type { Database } from "./stack/database.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";
import { DAY_MS, DEFAULT_SETTINGS, groupInput, trade, uniform } from "./testing/lessons/groups.ts";

const VALUES: Readonly<Record<string, readonly string[]>> = {
  chain: ["solana", "base", "bsc"],
  timeframe: ["15m", "1h", "4h"],
  A_mode: ["patient", "normal", "aggressive"],
};
const DIMENSIONS = Object.keys(VALUES);
const MODES = ["posture", "multiplier", "edge_weighted", "calibrated"] as const;
const START = Date.UTC(2025, 0, 6);
const WEEKS = 30;
const ROUNDING = 1e-9;

type Scope = Readonly<Record<string, string>>;

/** More is believed than by default, so that much of it is wrong: signs must agree all the same. */
const SETTINGS: MiningSettings = { ...DEFAULT_SETTINGS, max_q_value: 0.5, edge_min: 0.01, n_min: 10 };

/** A strategy that earns in every scope, in some more than in others; what directions are judged by is drawn by itself. */
function drawGroup(seed: number, category: string): GroupInput {
  const random = uniform(seed);
  const pick = (values: readonly string[]): string => values[Math.floor(random() * values.length)] ?? "";
  const effects = new Map(
    DIMENSIONS.flatMap((dim) =>
      (VALUES[dim] ?? []).map((value) => [`${dim}=${value}`, 0.1 * (random() - 0.5)])
    ),
  );
  const trades = Array.from({ length: 400 }, (_, i) => {
    const scope = Object.fromEntries(DIMENSIONS.map((dim) => [dim, pick(VALUES[dim] ?? [])]));
    const effect = Object.entries(scope).reduce(
      (sum, [dim, value]) => sum + (effects.get(`${dim}=${value}`) ?? 0),
      0,
    );
    return trade({
      scope,
      roi: 0.05 + effect + 0.3 * (random() + random() + random() - 1.5),
      actedAt: START + (i % WEEKS) * 7 * DAY_MS,
      didTrim: random() < 0.5,
      reachedS3: random() < 0.4,
    });
  });
  const input = groupInput(trades, DIMENSIONS, SETTINGS);
  const { dirA, dirE } = computePosture({
    roi: input.trades.steeringRoi,
    didTrim: input.trades.didTrim,
    reachedS3: input.trades.reachedS3,
  }, SETTINGS.steering.roi_scale);
  return { ...input, category, ownDirection: { dirA, dirE } };
}

function believedOf(input: GroupInput): MinedLesson[] {
  const step = mineGroup(input, null, () => false);
  return "lessons" in step ? step.lessons.filter(({ active }) => active) : [];
}

async function learn(
  sql: Database,
  patternKey: string,
  category: string,
  lessons: readonly MinedLesson[],
): Promise<void> {
  const rows = lessons.map((lesson) => ({
    scope: lesson.scope,
    family: lesson.familyScope,
    n: lesson.stats.n,
    stats: lesson.stats,
    edge: lesson.stats.edge_raw,
    q: lesson.qValue,
    newest: new Date(lesson.lastEvidenceAt).toISOString(),
  }));
  await sql`select learning.mark_groups_changed(array[row('pm', ${patternKey}, ${category})::learning.group_key])`;
  await sql`
    insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats,
      edge_raw, p_value, q_value, status, first_active_at, last_evidence_at, family_scope)
    select 'pm', ${patternKey}, ${category}, given.scope, learning.scope_mask(given.scope), 'pm_strength', given.n, given.stats,
      given.edge, given.q, given.q, 'active', now(), given.newest, given.family
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as given(scope jsonb, family jsonb, n integer, stats jsonb, edge float8, q float8, newest timestamptz)`;
}

/** Every scope that names some of the dimensions. */
function candidates(): Scope[] {
  let scopes: Scope[] = [{}];
  for (const dim of DIMENSIONS) {
    scopes = scopes.flatMap((
      scope,
    ) => [scope, ...(VALUES[dim] ?? []).map((value) => ({ ...scope, [dim]: value }))]);
  }
  return scopes;
}

const contains = (scope: Scope, candidate: Scope): boolean =>
  Object.entries(scope).every(([dim, value]) => candidate[dim] === value);

const sizings = z.array(z.object({ position: z.number(), pm_strength: z.number() }));

testOnEachTarget("a size is not on the other side of 1 than all that is believed of it", async (target) => {
  await using database = await createTestDatabase(target, "migrations");
  const { sql } = database;
  const drawn = Array.from({ length: 6 }, (_, seed) => {
    const category = seed % 3 === 2 ? "add" : "entry";
    return { patternKey: `pm.drawn.${seed}`, category, lessons: believedOf(drawGroup(seed + 1, category)) };
  });
  for (const { patternKey, category, lessons } of drawn) await learn(sql, patternKey, category, lessons);
  for (let pass: number | null = 0; pass !== null;) {
    const [row]: { next: number | null }[] = await sql`
      select (reconcile_overrides(${pass}) ->> 'next')::integer as next`;
    pass = row?.next ?? null;
  }
  let [asked, decided] = [0, 0];
  for (const mode of MODES) {
    await sql`
      insert into learning_configs (module_id, config_data) values ('pm', ${
      JSON.stringify({ strength_mode: mode })
    }::text::jsonb)
      on conflict (module_id) do update set config_data = excluded.config_data`;
    for (const { patternKey, category, lessons } of drawn) {
      const acting = lessons.filter(({ scope, familyScope }) =>
        JSON.stringify(scope) === JSON.stringify(familyScope)
      );
      const scopes = candidates();
      const batch = scopes.map((scope) => ({
        pattern_key: patternKey,
        action_category: category,
        scope,
        as_of: new Date(START + WEEKS * 7 * DAY_MS).toISOString(),
      }));
      const answers = sizings.parse([
        ...await sql`
          select position, pm_strength from get_pm_sizing_batch(${
          JSON.stringify(batch)
        }::text::jsonb) order by position`,
      ]);
      for (const [place, { pm_strength }] of answers.entries()) {
        asked++;
        const candidate = scopes[place] ?? {};
        const signs = new Set(
          acting.filter(({ scope }) => contains(scope, candidate)).map(({ stats }) =>
            Math.sign(stats.edge_raw)
          ),
        );
        const [sign] = signs;
        if (signs.size !== 1 || sign === undefined) continue;
        decided++;
        assert(
          sign * (pm_strength - 1) >= -ROUNDING,
          `${mode} ${patternKey} ${JSON.stringify(candidate)}: ${pm_strength} against edges of sign ${sign}`,
        );
      }
    }
  }
  assert(decided > asked / 10, `Only ${decided} of ${asked} candidates have beliefs of one sign`);
});
