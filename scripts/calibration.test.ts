/**
 * Calibrated strength from strands to sizes, held against what the book says, read as plainly as can be: every slice found by
 * trying, every sum taken afresh (`testing/belief/calibration_oracle.ts`).
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { mineLessons } from "../functions/_shared/lessons/mine.ts";
import { Store } from "../functions/_shared/store/store.ts";
import { aggregateStrands } from "../functions/_shared/strands/aggregate.ts";
import type { Database } from "./stack/database.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";
import { cases } from "./testing/lanes.ts";
import { randomDecisions } from "./testing/belief/calibration_groups.ts";
import {
  calibrateByBruteForce,
  calibratedStrength,
  expectedOf,
  type OracleCalibration,
  type OracleDecision,
  workedExample,
} from "./testing/belief/calibration_oracle.ts";
import { uniform } from "./testing/slices/oracle.ts";
import { directClient } from "./testing/store/direct_client.ts";

/** Monday of the week that decisions are counted from, which is week 0 of the product's count. */
const FIRST_WEEK = Date.UTC(1969, 11, 29);
const WEEK = 7 * 86_400_000;
/** Weeks of the oracle begin here, so that nothing lies before strands may. */
const OFFSET = 2600;

type Scope = Readonly<Record<string, string>>;

interface Strand {
  readonly id: string;
  readonly kind: string;
  readonly created_at: string;
  readonly content: object;
}

/** The strands of a decision: a trade that was opened by it and closed an hour later. */
function strandsOf({ patternKey, scope, outcome, week }: OracleDecision, trade: string): Strand[] {
  const acted = new Date(FIRST_WEEK + (week < OFFSET ? week + OFFSET : week) * WEEK + 3_600_000);
  const closed = new Date(acted.getTime() + 3_600_000).toISOString();
  return [{
    id: `${trade} entry`,
    kind: "pm_action",
    created_at: acted.toISOString(),
    content: { trade_id: trade, pattern_key: patternKey, action_category: "entry", scope },
  }, {
    id: `${trade} close`,
    kind: "position_closed",
    created_at: closed,
    content: {
      trade_id: trade,
      trade_summary: {
        rr: outcome,
        rpnl_pct: 100 * outcome,
        entry_timestamp: acted.toISOString(),
        exit_timestamp: closed,
      },
    },
  }];
}

class Loop {
  readonly sql: Database;

  constructor(sql: Database) {
    this.sql = sql;
  }

  async configure(config: object): Promise<void> {
    await this.sql`
      insert into learning_configs (module_id, config_data) values ('pm', ${
      JSON.stringify(config)
    }::text::jsonb)
      on conflict (module_id) do update set config_data = excluded.config_data`;
  }

  async register(...dimensions: readonly string[]): Promise<void> {
    for (const [i, dim] of dimensions.entries()) {
      await this.sql`insert into scope_dimensions (dim, bit, source) values (${dim}, ${17 + i}, 'action')`;
    }
  }

  async feed(strands: readonly Strand[]): Promise<void> {
    await this.sql`
      insert into ad_strands (id, kind, created_at, content)
      select id, kind, created_at, content
      from jsonb_to_recordset(${JSON.stringify(strands)}::text::jsonb)
        as given(id text, kind text, created_at timestamptz, content jsonb)
      on conflict (id) do update set content = excluded.content, created_at = excluded.created_at`;
    // A slow machine needs several invocations.
    while ((await aggregateStrands(new Store(directClient(this.sql)))).handedOver);
  }

  /** Mines as the schedule does; returns how many invocations it took. */
  async mine(): Promise<number> {
    let report = await mineLessons(new Store(directClient(this.sql)), false);
    let invocations = 1;
    for (; report.handedOver; invocations++) {
      report = await mineLessons(new Store(directClient(this.sql)), true);
    }
    return invocations;
  }

  async strength(patternKey: string, scope: Scope, category = "entry"): Promise<number> {
    const [row] = await this.sql<{ strength: number }[]>`
      select pm_strength as strength from get_pm_sizing(${patternKey}, ${category}, ${
      JSON.stringify(scope)
    }::text::jsonb, as_of => '2000-01-01')`;
    return row?.strength ?? NaN;
  }

  /** Everything that calibration keeps, by names and not by codes. */
  async kept(): Promise<Record<string, unknown[]>> {
    const named = (dim: string, code: string): string =>
      `(select jsonb_build_array(${dim}, value) from learning.scope_values where scope_values.code = effect.${code})`;
    const read = async (query: string): Promise<unknown[]> => {
      const rows = await this.sql.unsafe(query);
      return rows.map((row) => ({ ...row })).sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
    };
    return {
      effects: await read(`
        select module, pattern_key, action_category, ${named("dim_1", "code_1")} as pair_1,
          ${named("dim_2", "code_2")} as pair_2, scope_mask, n, total, faded_n, faded_total
        from learning_effects effect`),
      groups: await read(`
        select module, pattern_key, action_category, n, mean, sigma, kappa_above, kappa_below, tau_above, tau_below,
          last_evidence_at::text
        from learning_effect_groups`),
      calibrations: await read(`
        select module, action_category, mean, sigma, kappa, tau2, half_life_weeks, n, weeks, regimes_act
        from learning_calibration`),
      regimes: await read(`
        select module, action_category, regime_signature, kappa, n, weeks, confidence
        from learning_regime_weights`),
    };
  }
}

/** By what a row is told from others. */
function nameOf(row: Readonly<Record<string, unknown>>): string {
  const { module, pattern_key, action_category, pair_1, pair_2, regime_signature } = row;
  return JSON.stringify([module, pattern_key, action_category, pair_1, pair_2, regime_signature]);
}

/** A test on a database of its own. */
function testLoop(name: string, test: (loop: Loop) => Promise<void>): void {
  testOnEachTarget(name, async (target) => {
    await using database = await createTestDatabase(target, "sql");
    await test(new Loop(database.sql));
  });
}

testLoop("the worked example is mined, calibrated and sized as the book says", async (loop) => {
  await loop.register("a", "b");
  await loop.configure({ strength_mode: "calibrated" });
  await loop.feed(workedExample().flatMap((decision, i) => strandsOf(decision, `trade ${i}`)));
  await loop.mine();
  const { calibrations, regimes, effects } = await loop.kept();
  const [calibration] = calibrations as { kappa: number; tau2: number; sigma: number; weeks: number }[];
  assertEquals([calibration?.kappa, calibration?.weeks, regimes, effects?.length], [1, 20, [], 12]);
  assertAlmostEquals(calibration?.tau2 ?? NaN, 0.3535991091438881, 1e-12);
  assertAlmostEquals(calibration?.sigma ?? NaN, 1.1867310375799376, 1e-12);
  const key = "pm.uptrend.S1.retest";
  assertAlmostEquals(await loop.strength(key, { a: "y", b: "p" }), 1.2847457898765076, 1e-12);
  assertAlmostEquals(await loop.strength(key, { a: "x" }), 0.7181800813717099, 1e-12);
  assertEquals(await loop.strength(key, { a: "y" }, "exit"), 1);
  assertEquals(await loop.strength("pm.unknown", { a: "y" }), 1);
});

/** Names that a dimension may have, for those that are drawn. */
const DIMENSIONS = new Map([["market", "market"], ["Z", "zeta"], ["é", "alpha"], ["phase", "phase"], [
  "\u{1f600}",
  "omega",
]]);

interface Hand {
  readonly scope: Scope;
  readonly multiplier: number;
  readonly confidence: number;
}

/** What overrides by hand make of a strength: their multipliers by specificity and confidence. */
function byHand(hands: readonly Hand[], scope: Scope): number {
  let [weights, sum] = [0, 0];
  for (const hand of hands) {
    if (!Object.entries(hand.scope).every(([dim, value]) => scope[dim] === value)) continue;
    const weight = (Object.keys(hand.scope).length + 1) ** 1.5 * hand.confidence;
    weights += weight;
    sum += weight * hand.multiplier;
  }
  return weights === 0 ? 1 : sum / weights;
}

function kappaOf(wanted: OracleCalibration, act: boolean, dims: readonly string[], scope: Scope): number {
  const values = dims.flatMap((dim) => scope[dim] ?? []);
  const regime = values.length === dims.length ? wanted.regimes[values.join("|")] : undefined;
  return act ? regime?.kappa ?? wanted.kappa : wanted.kappa;
}

/** What moves most comes first, so that a part of them shows something. */
const SEEDS = [21, 3, 8, 14, 25, 30, 42];

testLoop("tables and sizes are those of the plainest reading, whatever is drawn", async (loop) => {
  await loop.register(...DIMENSIONS.values());
  let [compared, moved] = [0, 0];
  const drawn = SEEDS.slice(0, cases(SEEDS.length));
  for (const seed of drawn) {
    const named = (dim: string): string => DIMENSIONS.get(dim) ?? dim;
    const raw = randomDecisions(seed);
    const drawn = { ...raw, regimeDimensions: raw.regimeDimensions.map(named) };
    const decisions = drawn.decisions.map((decision) => ({
      ...decision,
      scope: Object.fromEntries(Object.entries(decision.scope).map(([dim, value]) => [named(dim), value])),
      patternKey: `${decision.patternKey}.of${seed}`,
    }));
    await loop.sql`truncate pattern_trade_events, learning.closed_trades, learning_lessons,
      pm_overrides, learning.mining_groups, learning_effect_groups cascade`;
    await loop.configure({
      strength_mode: "calibrated",
      n_min: drawn.nMin,
      regime_dimensions: drawn.regimeDimensions,
      memory: drawn.memory,
    });
    await loop.feed(decisions.flatMap((decision, i) => strandsOf(decision, `${seed} ${i}`)));
    await loop.mine();
    const wanted = calibrateByBruteForce({ ...drawn, decisions });
    const [row] = await loop.sql<
      { kappa: number; tau2: number; half_life_weeks: number | null; act: boolean }[]
    >`
      select kappa, tau2, half_life_weeks, regimes_act as act from learning_calibration`;
    assertEquals(row === undefined, wanted === null, `seed ${seed}`);
    if (wanted === null || row === undefined) continue;
    assertAlmostEquals(row.kappa, wanted.kappa, 1e-9);
    assertAlmostEquals(row.tau2, wanted.tau2, 1e-9);
    assertEquals(row.half_life_weeks, wanted.halfLife);
    const effects = (await loop.kept()).effects as {
      pattern_key: string;
      pair_1: [string, string] | null;
      pair_2: [string, string] | null;
      n: number;
      total: number;
    }[];
    assertEquals(
      effects.map(({ pattern_key, pair_1, pair_2 }) =>
        JSON.stringify([pattern_key, [pair_1, pair_2].filter((pair) => pair !== null)])
      ).sort(),
      wanted.slices.map(({ patternKey, pairs }) => JSON.stringify([patternKey, pairs])).sort(),
    );
    const random = uniform(seed);
    const keys = [...new Set(decisions.map(({ patternKey }) => patternKey))];
    const hands = decisions.filter(() => random() < 0.03).map(({ scope }): Hand => ({
      scope: Object.fromEntries(Object.entries(scope).filter(() => random() < 0.4)),
      multiplier: 0.5 + random(),
      confidence: random(),
    }));
    const placed = new Map(hands.map((hand) => [JSON.stringify(Object.entries(hand.scope).sort()), hand]));
    const [handKey = ""] = keys;
    for (const { scope, multiplier, confidence } of placed.values()) {
      await loop.sql`
        insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score)
        values ('pm_strength', ${handKey}, 'entry', ${
        JSON.stringify(scope)
      }::text::jsonb, ${multiplier}, ${confidence})`;
    }
    const lessons = await loop.sql<{ key: string; scope: Scope; edge: number }[]>`
      select pattern_key as key, scope_subset as scope, edge_raw as edge from learning_lessons where status = 'active'`;
    for (const { patternKey, scope } of decisions.filter(() => random() < 0.1)) {
      const strength = calibratedStrength({
        kappa: kappaOf(wanted, row.act, drawn.regimeDimensions, scope),
        p: expectedOf(wanted, patternKey, scope),
        fading: 1,
        byHand: patternKey === handKey ? byHand([...placed.values()], scope) : 1,
        believed: lessons.filter((lesson) =>
          lesson.key === patternKey &&
          Object.entries(lesson.scope).every(([dim, value]) => scope[dim] === value)
        ).map(({ edge }) => edge),
      });
      assertAlmostEquals(await loop.strength(patternKey, scope), strength, 1e-9, `seed ${seed}`);
      compared++;
      if (Math.abs(strength - 1) > 1e-6) moved++;
    }
  }
  assert(compared > 4 * drawn.length && moved > drawn.length, `${moved} of ${compared} moved`);
});

/** Sums in another order differ in their last digits. */
function assertSameTables(
  found: Readonly<Record<string, unknown[]>>,
  wanted: Readonly<Record<string, unknown[]>>,
): void {
  const rounded = (tables: unknown): unknown =>
    JSON.parse(JSON.stringify(
      tables,
      (_, value: unknown) => typeof value === "number" ? Number(value.toPrecision(9)) : value,
    ));
  assertEquals(rounded(found), rounded(wanted));
}

testOnEachTarget(
  "mined in pieces, with late and corrected trades, the tables are those of all at once",
  async (target) => {
    const random = uniform(11);
    const final = Array.from({ length: 600 }, (_, i): OracleDecision => {
      const week = OFFSET + Math.floor(i / 20);
      const market = ["up", "down", "flat"][Math.floor(random() * 3)] ?? "";
      const phase = Math.floor(week / 4) % 2 === 0 ? "bull" : "bear";
      return {
        patternKey: `pm.key${Math.floor(random() * 3)}`,
        scope: { market, macro_phase: phase },
        outcome: (market === "up" && phase === "bull" ? 1 : 0) + random() - 0.5,
        week,
      };
    });
    const trade = (i: number): string => `trade ${i}`;
    await using once = await createTestDatabase(target, "sql");
    const batch = new Loop(once.sql);
    await batch.register("market");
    await batch.feed(final.flatMap((decision, i) => strandsOf(decision, trade(i))));
    await batch.mine();

    await using pieces = await createTestDatabase(target, "sql");
    const streamed = new Loop(pieces.sql);
    await streamed.register("market");
    // One budget after the other is spent at once, so that every step is an invocation of its own.
    await streamed.configure({ cpu_budget_ms: 50 });
    const order = final.map((decision, i) => ({ decision, i, at: random() })).sort((a, b) => a.at - b.at);
    for (const part of [order.slice(0, 200), order.slice(200, 420)]) {
      // What comes first is wrong half of the time: another result, another scope, another week.
      await streamed.feed(part.flatMap(({ decision, i }) =>
        strandsOf(
          i % 2 === 0
            ? { ...decision, outcome: -3, week: decision.week + 1, scope: { market: "lost" } }
            : decision,
          trade(i),
        )
      ));
      await streamed.mine();
    }
    await streamed.feed(final.flatMap((decision, i) => strandsOf(decision, trade(i))));
    await streamed.sql`delete from scope_dimensions where dim = 'curator'`;
    await streamed.mine();
    await batch.sql`delete from scope_dimensions where dim = 'curator'`;
    await batch.mine();
    assertSameTables(await streamed.kept(), await batch.kept());

    // What nothing touches stays where it lies.
    const places = async (loop: Loop): Promise<unknown[]> => [
      // Without what a result says of its connection, which may be another.
      ...await loop.sql`
      select 'effect' as what, group_id, code_1, code_2, ctid::text, xmin::text from learning_effects
      union all select 'group', group_id, 0, 0, ctid::text, xmin::text from learning_effect_groups
      union all select 'calibration', 0, 0, 0, ctid::text, xmin::text from learning_calibration
      order by 1, 2, 3, 4`,
    ];
    const before = await places(streamed);
    await streamed.mine();
    assertEquals(await places(streamed), before);
  },
);

testLoop(
  "a group that loses its trades loses its effects, and its category what it was calibrated to",
  async (loop) => {
    await loop.register("a", "b");
    const decisions = workedExample();
    await loop.feed(decisions.flatMap((decision, i) => strandsOf(decision, `trade ${i}`)));
    await loop.mine();
    assertEquals((await loop.kept())["calibrations"]?.length, 1);
    // Too few are left to say anything.
    await loop.sql`delete from pattern_trade_events where trade_id > 'trade 12'`;
    await loop.sql`select learning.mark_groups_changed(array[row('pm', ${
      decisions[0]?.patternKey ?? ""
    }, 'entry')::learning.group_key])`;
    await loop.mine();
    assertEquals([(await loop.kept())["calibrations"], (await loop.kept())["effects"]], [[], []]);
    await loop.sql`delete from pattern_trade_events`;
    await loop.sql`select learning.mark_groups_changed(array[row('pm', ${
      decisions[0]?.patternKey ?? ""
    }, 'entry')::learning.group_key])`;
    await loop.mine();
    assertEquals(await loop.kept(), { effects: [], groups: [], calibrations: [], regimes: [] });
    assertEquals([...await loop.sql`select from learning.calibrated_sums`], []);
  },
);
