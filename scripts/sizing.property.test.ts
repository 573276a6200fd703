import { assert, assertEquals } from "@std/assert/mod.js";
import fc from "fast-check";
import {
  type ActionCategory,
  type OracleCandidate,
  type OracleConfig,
  type OracleOutcome,
  type OracleOverride,
  type OraclePosition,
  type OracleSizing,
  oracleSizing,
  type Scope,
  type StrengthMode,
} from "./testing/sizing_oracle.ts";
import type { Database } from "./stack/database.ts";
import { createTestDatabase, type Target, type TestDatabase, testOnEachTarget } from "./testing/databases.ts";

const EXACT = 1e-9;
const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const DIMENSIONS = ["curator", "chain", "mcap_bucket", "timeframe", "A_mode", "macro_phase", "session"];
const PATTERN_KEYS = ["pm.uptrend.S1.buy_flag", "pm.uptrend.S3.dx"];
const CATEGORIES: readonly ActionCategory[] = ["entry", "add", "trim", "exit"];
// Most of what is drawn is alike, or candidates would contain few overrides and positions few candidates.
const patternKey = fc.constantFrom(
  "pm.uptrend.S1.buy_flag",
  "pm.uptrend.S1.buy_flag",
  "pm.uptrend.S1.buy_flag",
  ...PATTERN_KEYS,
);
const actionCategory = fc.constantFrom<ActionCategory>("entry", "entry", "entry", "trim", ...CATEGORIES);

/** A value as a client may write it, and as a scope holds it. */
type Value = readonly [written: unknown, held: string];

const VALUES: readonly Value[] = [
  ["micro", "micro"],
  ["  micro\n", "micro"],
  [1.5, "1.5"],
  [1, "1"],
  [true, "true"],
  ['"quoted" \\ and {braced}', '"quoted" \\ and {braced}'],
  ["ﬁ 𝒳 Ω", "ﬁ 𝒳 Ω"],
  ['a","chain":"b', 'a","chain":"b'],
];

/** A context as a client may write it, and the scope it amounts to. */
interface Written {
  readonly written: Readonly<Record<string, unknown>>;
  readonly held: Scope;
}

interface World {
  readonly overrides:
    readonly (OracleOverride & { readonly written: Written["written"]; readonly former: Former })[];
  readonly positions: readonly WrittenPosition[];
  readonly candidates: readonly (OracleCandidate & { readonly written: Written["written"] })[];
  readonly config: OracleConfig;
  /** Whether the overrides are indexed as a large group's are. */
  readonly keyedByTwo: boolean;
}

/** What an override was before a statement made it what it is. */
interface Former {
  readonly multiplier: number;
  readonly enabled: boolean;
  readonly general: boolean;
}

interface WrittenPosition extends OraclePosition {
  readonly context: Written["written"];
  readonly chain: string;
  readonly timeframe: string;
  readonly formerAllocation: number;
  readonly formerStatus: OraclePosition["status"];
}

/** Numbers that a strategy could have; the ends of the range included. */
const between = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.integer({ min: 0, max: 1e9 }).map((share) => min + (max - min) * share / 1e9),
    },
    fc.constantFrom(min, max),
  );

const chance = (likelihood: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 0, max: 999 }).map((draw) => draw < 1000 * likelihood);

const time = fc.integer({ min: 0, max: 200 * DAY / 1000 }).map((seconds) => START + seconds * 1000);

function context(
  dimensions: readonly string[],
  values: readonly Value[],
  likelihood: number,
): fc.Arbitrary<Written> {
  return fc.tuple(...dimensions.map((dim) =>
    fc.record({
      present: chance(likelihood),
      value: fc.oneof(
        { weight: 2, arbitrary: fc.constantFrom(...values.slice(0, 2)) },
        fc.constantFrom(...values),
      ),
      alias: fc.boolean(),
    }).map(({ present, value, alias }) => ({ dim, present, value, alias }))
  )).map((entries) => {
    const written: Record<string, unknown> = {};
    const held: Record<string, string> = {};
    for (const { dim, present, value, alias } of entries) {
      if (!present) continue;
      written[dim === "mcap_bucket" && alias ? "bucket" : dim] = value[0];
      held[dim] = value[1];
    }
    return { written, held };
  });
}

/** Nearer to 0 a number counts as 0 when it is written. */
const LEAST = 1e-12;

const direction = fc.oneof({ weight: 6, arbitrary: between(-1, 1) }, fc.constantFrom(LEAST, -LEAST, -2, 2));

function override(values: readonly Value[], likelihood: number): fc.Arbitrary<World["overrides"][number]> {
  return fc.record({
    patternKey,
    actionCategory,
    scope: context(DIMENSIONS, values, likelihood),
    multiplier: fc.oneof({ weight: 6, arbitrary: between(0.3, 3) }, fc.constantFrom(null, 1e-6, 1e6)),
    dirA: direction,
    dirE: direction,
    edge: fc.oneof(
      { weight: 3, arbitrary: between(-0.5, 0.5) },
      { weight: 3, arbitrary: between(-5, 5) },
      fc.constantFrom(0, LEAST, -LEAST, 1e6, -1e6),
    ),
    n: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 500 }) }, fc.constant(2 ** 31 - 1)),
    variance: fc.oneof(
      { weight: 3, arbitrary: between(0, 0.5) },
      { weight: 3, arbitrary: between(0, 50) },
      fc.constantFrom(LEAST, 1e12),
    ),
    confidence: fc.oneof(
      { weight: 6, arbitrary: between(0, 1) },
      fc.constantFrom(null, 0, 0.4, 0.39999999, LEAST),
    ),
    lastEvidence: fc.option(time),
    halfLifeHours: fc.option(fc.oneof({ weight: 6, arbitrary: between(1, 5000) }, fc.constant(1e9))),
    enabled: chance(0.9),
    former: fc.record({ multiplier: between(0.3, 3), enabled: fc.boolean(), general: fc.boolean() }),
  }).map(({ scope, ...rest }) => ({ ...rest, scope: scope.held, written: scope.written }));
}

/** Held exposure is a running sum, exact to the rounding error of the most that was ever held. */
const allocation = fc.integer({ min: 0, max: 10_000 }).map((share) => 0.2 * share / 10_000);

const position: fc.Arbitrary<WrittenPosition> = fc.record({
  status: fc.constantFrom("dormant", "watchlist", "active", "active", "paused", "archived"),
  formerStatus: fc.constantFrom("dormant", "active", "watchlist"),
  patternKey: fc.option(patternKey, { freq: 4 }),
  allocation,
  formerAllocation: allocation,
  chain: fc.constantFrom("micro", "1", "ﬁ 𝒳 Ω"),
  timeframe: fc.constantFrom("micro", "1.5", "15m"),
  context: context(DIMENSIONS, VALUES, 0.5),
}).map(({ context: { written, held }, ...rest }) => ({
  ...rest,
  context: written,
  // The chain is the entry context's before the token's; the timeframe the position's before the context's.
  scope: { ...held, chain: held.chain ?? rest.chain, timeframe: rest.timeframe },
}));

const mask = fc.uniqueArray(fc.constantFrom(...DIMENSIONS), { minLength: 1, maxLength: 4 });

/** The least and the most that each number may be set to, by module and path. */
type Doors = ReadonlyMap<string, readonly [least: number, most: number]>;

async function readDoors(sql: Database): Promise<Doors> {
  const rows = await sql<{ setting: string; minimum: number; maximum: number }[]>`
    select module_id || '.' || path as setting, minimum, maximum
    from learning.settings where kind in ('number', 'integer')`;
  return new Map(rows.map(({ setting, minimum, maximum }) => [setting, [minimum, maximum]]));
}

/** The ends of what a number may be set to; one that may be 0 may also be next to it. */
function endsOf(doors: Doors, setting: string): number[] {
  const ends = doors.get(setting);
  if (ends === undefined) throw new Error(`There is no number "${setting}" in learning.settings.`);
  return ends.includes(0) ? [...ends, LEAST] : [...ends];
}

/** The default, what a strategy could have, or the ends of what may be. */
const setting = (
  usual: number,
  min: number,
  max: number,
  ends: readonly number[],
): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 4, arbitrary: between(min, max) },
    { weight: 1, arbitrary: fc.constantFrom(...ends) },
  );

function config(doors: Doors): fc.Arbitrary<OracleConfig> {
  const pm = (path: string, usual: number, min: number, max: number): fc.Arbitrary<number> =>
    setting(usual, min, max, endsOf(doors, `pm.${path}`));
  return fc.record({
    mode: fc.constantFrom<StrengthMode>("posture", "multiplier", "edge_weighted"),
    edgeScale: pm("edge_scale", 0.1, 0.01, 2),
    stalenessHalfLifeHours: pm("staleness_half_life_hours", 720, 1, 5000),
    steering: fc.oneof(
      fc.constant({ base: 0.03, gain: 0.2, max: 0.22, confidenceMin: 0.4, baseBias: 0 }),
      fc.record({
        base: pm("steering.base", 0.03, 0, 1),
        gain: pm("steering.gain", 0.2, 0, 1),
        max: pm("steering.max", 0.22, 0, 1),
        confidenceMin: pm("steering.confidence_min", 0.4, 0, 1),
        baseBias: pm("steering.base_bias", 0, -1, 1),
      }),
    ),
    exposure: fc.record({
      masks: fc.oneof(
        fc.constant(null),
        fc.array(fc.oneof(fc.constantFrom("singles" as const, "pairs" as const, "full" as const), mask), {
          minLength: 1,
          maxLength: 5,
        }),
      ),
      alpha: pm("exposure.alpha", 1, 0.1, 5),
      beta: pm("exposure.beta", 0.5, 0, 5),
      weightExponent: pm("exposure.weight_exponent", 0.5, 0, 3),
      cap: fc.option(pm("exposure.cap", 0.5, 0.01, 1)),
    }),
    overridesEnabled: chance(0.95),
    overridesEnabledRegimes: fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      fc.subarray(["micro", "1.5", "recover"]),
    ),
    exposureSkewEnabled: chance(0.9),
    baseAllocation: setting(0.1, 0.01, 1, endsOf(doors, "decision_maker.default_allocation_pct")),
    dimensions: fc.tuple(...DIMENSIONS.map(() => setting(1, 0.1, 10, [1e-6, 1e6])))
      .map((weights) => new Map(DIMENSIONS.map((dim, place) => [dim, weights[place] ?? 1]))),
  });
}

function worlds(
  doors: Doors,
  values: readonly Value[],
  overrideCount: number,
  likelihood: number,
): fc.Arbitrary<World> {
  return fc.record({
    overrides: fc.uniqueArray(override(values, likelihood), {
      maxLength: overrideCount,
      minLength: Math.floor(overrideCount / 2),
      selector: ({ patternKey, actionCategory, scope }) =>
        JSON.stringify([patternKey, actionCategory, inOrder(scope)]),
    }),
    positions: fc.array(position, { maxLength: 12 }),
    candidates: fc.array(
      fc.record({
        patternKey,
        actionCategory,
        scope: context(DIMENSIONS, values, 0.75),
        a: fc.oneof({ weight: 6, arbitrary: between(0, 1) }, fc.constant(LEAST)),
        e: fc.oneof({ weight: 6, arbitrary: between(0, 1) }, fc.constant(LEAST)),
        previousStrength: fc.oneof({ weight: 6, arbitrary: between(0.5, 2) }, fc.constantFrom(1e-6, 1e6)),
        asOf: time,
      }).map(({ scope, ...rest }) => ({ ...rest, scope: scope.held, written: scope.written })),
      { minLength: 8, maxLength: 12 },
    ),
    config: config(doors),
    keyedByTwo: fc.boolean(),
  });
}

function inOrder(scope: Scope): [string, string][] {
  return Object.entries(scope).sort(([one], [other]) => one < other ? -1 : 1);
}

/** Candidates asked, and those that contained several overrides or were partly crowded: without them nothing is tested. */
interface Seen {
  candidates: number;
  blended: number;
  crowded: number;
}

testOnEachTarget("A size is what a plain reading of the formulas gives, in every mode", async (target) => {
  await using database = await databaseWithSchema(target);
  const doors = await readDoors(database.sql);
  const seen: Seen = { candidates: 0, blended: 0, crowded: 0 };
  await fc.assert(
    fc.asyncProperty(worlds(doors, VALUES, 48, 0.14), (world) => agrees(database.sql, world, seen)),
    { numRuns: target === "postgres" ? 1_000 : 30, seed: 4 },
  );
  assert(
    seen.blended > seen.candidates / 4,
    `${seen.blended} of ${seen.candidates} candidates contained several overrides`,
  );
  assert(
    seen.crowded > seen.candidates / 8,
    `${seen.crowded} of ${seen.candidates} candidates were partly crowded`,
  );
});

testOnEachTarget(
  "A size is exact where a behaviour's overrides have more pairs than an index entry has bits",
  async (target) => {
    await using database = await databaseWithSchema(target);
    const doors = await readDoors(database.sql);
    const values = Array.from({ length: 90 }, (_, place): Value => [`v${place}`, `v${place}`]);
    const seen: Seen = { candidates: 0, blended: 0, crowded: 0 };
    await fc.assert(
      fc.asyncProperty(
        worlds(doors, values, 700, 0.2),
        (world) => agrees(database.sql, world, seen),
      ),
      { numRuns: target === "postgres" ? 12 : 4, seed: 4 },
    );
    assert(
      seen.blended > seen.candidates / 4,
      `${seen.blended} of ${seen.candidates} candidates contained several overrides`,
    );
  },
);

const text = fc.string({ unit: "grapheme", maxLength: 300 }).filter((value) =>
  value.isWellFormed() && !value.includes("\0")
);
const anything = fc.jsonValue({ depthSize: "medium", noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes("\\u0000"));
const number = fc.oneof(
  fc.double().map(String),
  fc.constantFrom("NaN", "Infinity", "-Infinity", "-0", "0", "1", "1e308", "5e-324", null),
);

/** Configurations whose numbers all are as small, and as large, as they may be; and the default. */
function extremesOf(doors: Doors): Readonly<Record<"pm" | "decision_maker", Record<string, unknown>>>[] {
  return [() => undefined, Math.min, Math.max].map((choose) => {
    const extreme: { pm: Record<string, unknown>; decision_maker: Record<string, unknown> } = {
      pm: {},
      decision_maker: {},
    };
    for (const [setting, ends] of doors) {
      const [module, key, nested] = setting.split(".");
      const value = choose(...ends);
      if (value === undefined || key === undefined) continue;
      const keys = module === "pm" ? extreme.pm : extreme.decision_maker;
      if (nested === undefined) keys[key] = value;
      else keys[key] = { ...keys[key] as Record<string, unknown> | undefined, [nested]: value };
    }
    return extreme;
  });
}

testOnEachTarget("Whatever is asked is answered, or refused with 22023 and a hint", async (target) => {
  await using database = await databaseWithSchema(target);
  const { sql } = database;
  await sql`insert into pm_overrides
      (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, confidence_score, edge_raw, n, variance, last_evidence_at)
    values ('pm_strength', 'pm.a', 'entry', '{}', 1e-6, 1e-12, 1e-12, 1e-12, 1, 1e12, '4713-01-01 BC'),
      ('pm_strength', 'pm.a', 'entry', '{"chain": "micro"}', 1e6, 1, 1e-30, -1e6, 1, 5e-324, '294276-01-01'),
      ('pm_strength', 'pm.a', 'entry', '{"timeframe": "micro"}', 1, 1, 1, 1e-40, 2147483647, 0, '4000-01-01 BC')`;
  await sql`insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
    values ('micro', 'a', 'micro', 'active', 5e-324), ('micro', 'b', '15m', 'active', 1e-40)`;
  const scope = fc.oneof(
    anything,
    fc.dictionary(fc.oneof(text, fc.constantFrom(...DIMENSIONS, "bucket")), anything, { maxKeys: 30 }),
  );
  const candidate = fc.record({
    pattern_key: fc.oneof(fc.constant("pm.a"), text, fc.constant(null)),
    action_category: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...CATEGORIES) },
      text,
      fc.constant(null),
    ),
    scope: fc.oneof(fc.constant({ chain: "micro" }), scope),
    a_value: fc.oneof(fc.constant("0.5"), number),
    e_value: fc.oneof(fc.constant("0.5"), number),
    previous_strength: fc.oneof(fc.constant("1"), number),
    as_of: fc.constantFrom("2026-01-01", "infinity", "-infinity", "4000-01-01 BC", "294276-12-31", null),
  });
  const refused = async (ask: Promise<unknown>): Promise<void> => {
    try {
      await ask;
    } catch (error) {
      const { code, hint, message } = error as { code?: string; hint?: string; message: string };
      assertEquals(code, "22023", message);
      assert(hint !== undefined && hint !== "", message);
    }
  };
  for (const [place, extreme] of extremesOf(await readDoors(sql)).entries()) {
    for (const [module, given] of Object.entries(extreme)) {
      await sql`insert into learning_configs (module_id, config_data) values (${module}, ${
        asJson(given)
      }::jsonb)
        on conflict (module_id) do update set config_data = excluded.config_data`;
    }
    for (const mode of ["posture", "multiplier", "edge_weighted"]) {
      await sql`
        update learning_configs set config_data = config_data || ${asJson({ strength_mode: mode })}::jsonb
        where module_id = 'pm'`;
      const [answer] = await sql<Answer[]>`
        select * from get_pm_sizing('pm.a', 'entry', '{"chain": "micro", "timeframe": "micro"}')`;
      for (const size of [answer?.size_frac, answer?.max_alloc_pct, answer?.a_final, answer?.pm_strength]) {
        assert(Number.isFinite(size) && (size ?? -1) >= 0, `Extreme ${place} in mode ${mode}: ${size}`);
      }
    }
  }
  await fc.assert(
    fc.asyncProperty(candidate, async (asked) => {
      const { pattern_key, action_category, a_value, e_value, previous_strength, as_of } = asked;
      const given = [pattern_key, action_category, asJson(asked.scope)];
      await refused(sql.unsafe("select * from get_pm_sizing($1, $2, $3::jsonb, $4, $5, $6, $7)", [
        ...given,
        a_value,
        e_value,
        previous_strength,
        as_of,
      ]));
      await refused(sql.unsafe("select * from match_pm_overrides($1, $2, $3::jsonb)", given));
      await refused(sql.unsafe("select * from get_pm_levers($1, $2, $3::jsonb)", given));
      await refused(sql.unsafe("select * from explain_pm_sizing($1, $2, $3::jsonb)", given));
    }),
    { numRuns: target === "postgres" ? 300 : 100, seed: 4 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(anything, fc.array(fc.oneof(candidate, anything), { maxLength: 20 })),
      async (candidates) => {
        await refused((async (): Promise<void> => {
          const answers = await sql<{ error: { code: string; hint: string } | null }[]>`
          select error from get_pm_sizing_batch(${asJson(candidates)}::jsonb)`;
          assertEquals(answers.length, Array.isArray(candidates) ? candidates.length : 0);
          for (const { error } of answers) {
            if (error !== null) assertEquals([error.code, error.hint === ""], ["22023", false]);
          }
        })());
      },
    ),
    { numRuns: target === "postgres" ? 300 : 100, seed: 4 },
  );
  // A megabyte, under names that nobody registered and under ones that are.
  const long = "x".repeat(1_000_000);
  const many = Object.fromEntries(
    Array.from({ length: 40_000 }, (_, place) => [`key ${place}`, `value ${place}`]),
  );
  for (const wide of [{ junk: long }, many, { chain: long }, { [long]: "x" }]) {
    await refused(sql`select * from get_pm_sizing('pm.a', 'entry', ${asJson(wide)}::jsonb)`);
  }
});

/** Builds the world in a transaction, asks for every candidate and rolls back. */
async function agrees(sql: Database, world: World, seen: Seen): Promise<void> {
  const finished = new Error("Rolled back on purpose.");
  try {
    await sql.begin(async (transaction) => {
      await build(transaction as unknown as Database, world);
      await compare(transaction as unknown as Database, world, seen);
      throw finished;
    });
  } catch (error) {
    if (error !== finished) throw error;
  }
}

async function build(sql: Database, world: World): Promise<void> {
  await sql`
    update scope_dimensions known set weight = given.weight
    from jsonb_to_recordset(${
    asJson([...world.config.dimensions].map(([dim, weight]) => ({ dim, weight })))
  }::jsonb)
      as given(dim text, weight float8)
    where known.dim = given.dim`;
  // Written once as something else, so that what is kept beside the tables has to follow.
  const overrides = world.overrides.map((made, place) => ({
    id: place + 1,
    pattern_key: made.patternKey,
    action_category: made.actionCategory,
    scope_subset: made.written,
    multiplier: made.multiplier,
    dir_a: made.dirA,
    dir_e: made.dirE,
    edge_raw: made.edge,
    n: made.n,
    variance: made.variance,
    confidence_score: made.confidence,
    last_evidence_at: made.lastEvidence === null ? null : new Date(made.lastEvidence).toISOString(),
    half_life_hours: made.halfLifeHours,
    enabled: made.enabled,
    former_multiplier: made.former.multiplier,
    former_enabled: made.former.enabled,
    former_scope: made.former.general ? { session: `former ${place}` } : made.written,
  }));
  const columns =
    `id bigint, pattern_key text, action_category text, scope_subset jsonb, multiplier float8, dir_a float8,
    dir_e float8, edge_raw float8, n integer, variance float8, confidence_score float8, last_evidence_at timestamptz,
    half_life_hours float8, enabled boolean, former_multiplier float8, former_enabled boolean, former_scope jsonb`;
  await sql.unsafe(
    `insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset, multiplier, enabled)
    select id, 'pm_strength', pattern_key, action_category, former_scope, former_multiplier, former_enabled
    from jsonb_to_recordset($1::jsonb) as given(${columns})
    union all
    select -1, 'pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"session": "gone"}', 3, true`,
    [asJson(overrides)],
  );
  await sql.unsafe(
    `update pm_overrides held set scope_subset = given.scope_subset, multiplier = given.multiplier, dir_a = given.dir_a,
      dir_e = given.dir_e, edge_raw = given.edge_raw, n = given.n, variance = given.variance,
      confidence_score = given.confidence_score, last_evidence_at = given.last_evidence_at,
      half_life_hours = given.half_life_hours, enabled = given.enabled
    from jsonb_to_recordset($1::jsonb) as given(${columns})
    where held.id = given.id`,
    [asJson(overrides)],
  );
  await sql`delete from pm_overrides where id = -1`;
  if (world.keyedByTwo) {
    await sql`update learning.override_index_groups set entry_count = entry_count + 40000 where true`;
    await sql`select learning.reindex_group(id, '{}') from learning.override_index_groups`;
  }

  const positions = world.positions.map((held, place) => ({
    place,
    token_chain: held.chain,
    timeframe: held.timeframe,
    status: held.status,
    former_status: held.formerStatus,
    allocation: held.allocation,
    former_allocation: held.formerAllocation,
    pattern_key: held.patternKey,
    entry_context: held.context,
  }));
  await sql`
    insert into lowcap_positions (token_contract, token_chain, timeframe, status, total_allocation_pct, pattern_key)
    select 'contract ' || place, token_chain, timeframe, former_status, former_allocation, pattern_key
    from jsonb_to_recordset(${asJson(positions)}::jsonb)
      as given(place integer, token_chain text, timeframe text, former_status text, former_allocation float8, pattern_key text)
    union all
    select 'gone', 'micro', 'micro', 'active', 0.5, ${PATTERN_KEYS[0] ?? ""}`;
  await sql`
    update lowcap_positions held
    set status = given.status, total_allocation_pct = given.allocation, entry_context = given.entry_context
    from jsonb_to_recordset(${asJson(positions)}::jsonb)
      as given(place integer, status text, allocation float8, entry_context jsonb)
    where held.token_contract = 'contract ' || given.place`;
  await sql`delete from lowcap_positions where token_contract = 'gone'`;
  await configure(sql, world.config);
}

async function configure(sql: Database, given: OracleConfig): Promise<void> {
  const { steering, exposure } = given;
  await sql`insert into learning_configs (module_id, config_data) values ('pm', ${
    asJson({
      strength_mode: given.mode,
      edge_scale: given.edgeScale,
      staleness_half_life_hours: given.stalenessHalfLifeHours,
      steering: {
        base: steering.base,
        gain: steering.gain,
        max: steering.max,
        confidence_min: steering.confidenceMin,
        base_bias: steering.baseBias,
      },
      exposure: {
        masks: exposure.masks,
        alpha: exposure.alpha,
        beta: exposure.beta,
        weight_exponent: exposure.weightExponent,
        cap: exposure.cap,
      },
      flags: {
        learning_overrides_enabled: given.overridesEnabled,
        learning_overrides_enabled_regimes: given.overridesEnabledRegimes,
        exposure_skew_enabled: given.exposureSkewEnabled,
      },
    })
  }::jsonb), ('decision_maker', ${asJson({ default_allocation_pct: given.baseAllocation })}::jsonb)`;
}

interface Answer {
  readonly mode: StrengthMode;
  readonly size_frac_raw: number;
  readonly pm_strength: number;
  readonly exposure_skew: number;
  readonly size_frac: number;
  readonly max_alloc_pct: number;
  readonly a_final: number;
  readonly e_final: number;
  readonly confidence: number;
  readonly steer_max: number;
  readonly overrides: readonly {
    id?: number;
    scope_subset?: Scope;
    share: number;
    pull: number;
    rest?: number;
  }[];
  readonly exposure: Crowding;
  readonly shadow: Readonly<Partial<Record<StrengthMode, Shadow>>>;
  readonly error: unknown;
}

interface Shadow {
  readonly pm_strength: number;
  readonly size_frac: number;
  readonly max_alloc_pct: number;
  readonly a_final: number;
  readonly e_final: number;
}

interface Crowding {
  readonly enabled: boolean;
  readonly alpha: number;
  readonly beta: number;
  readonly total: number;
  readonly cap: number | null;
  readonly weight_sum: number;
  readonly concentration: number;
  readonly crowding: number | null;
  readonly masks: readonly (
    | { readonly weight: number; readonly exposure: number; readonly pattern_exposure: number }
    | { readonly rest: number; readonly concentration: number }
  )[];
}

async function compare(sql: Database, world: World, seen: Seen): Promise<void> {
  const asked = world.candidates.map((candidate) => ({
    pattern_key: candidate.patternKey,
    action_category: candidate.actionCategory,
    scope: candidate.written,
    a_value: candidate.a,
    e_value: candidate.e,
    previous_strength: candidate.previousStrength,
    as_of: new Date(candidate.asOf).toISOString(),
  }));
  const answers = await sql<Answer[]>`select * from get_pm_sizing_batch(${asJson(asked)}::jsonb)`;
  assertEquals(answers.length, world.candidates.length);
  for (const [place, candidate] of world.candidates.entries()) {
    const answer = answers[place];
    if (answer === undefined) throw new Error(`Candidate ${place} was not answered.`);
    assertEquals(answer.error, null, `candidate ${place}`);
    const expected = oracleSizing(candidate, world.overrides, world.positions, world.config);
    compareOne(answer, expected, candidate, world.config, `candidate ${place}`);
    for (const { id, scope_subset } of answer.overrides) {
      if (id === undefined) continue;
      assertEquals(
        scope_subset,
        world.overrides[id - 1]?.scope,
        `candidate ${place}: scope of override ${id}`,
      );
    }
    seen.candidates += 1;
    if (answer.overrides.length > 1) seen.blended += 1;
    if (answer.exposure_skew > 0.33 && answer.exposure_skew < 1.33 && answer.exposure_skew !== 1) {
      seen.crowded += 1;
    }
  }
  const [first] = asked;
  if (first !== undefined) {
    const [single] = await sql<Answer[]>`
      select * from get_pm_sizing(${first.pattern_key}, ${first.action_category}, ${
      asJson(first.scope)
    }::jsonb,
        ${first.a_value}, ${first.e_value}, ${first.previous_strength}, ${first.as_of})`;
    const { position: _position, error: _error, ...batched } = answers[0] as unknown as Record<
      string,
      unknown
    >;
    assertEquals({ ...single }, batched, "Asked alone a candidate gets the same answer");
  }
}

function compareOne(
  answer: Answer,
  expected: OracleSizing,
  candidate: OracleCandidate,
  given: OracleConfig,
  subject: string,
): void {
  same(answer.size_frac_raw, expected.sizeFracRaw, `${subject}: size_frac_raw`);
  same(answer.exposure_skew, expected.exposureSkew, `${subject}: exposure_skew`);
  same(answer.confidence, expected.confidence, `${subject}: confidence`);
  same(answer.steer_max, expected.steerMax, `${subject}: steer_max`);
  sameOutcome(answer, expected, subject);
  for (const [mode, outcome] of Object.entries(expected.byMode) as [StrengthMode, OracleOutcome][]) {
    const shadow = answer.shadow[mode];
    if (mode === given.mode) assertEquals(shadow, undefined, `${subject}: the shadow of the mode itself`);
    else if (shadow === undefined) throw new Error(`${subject}: no shadow of ${mode}`);
    else sameOutcome(shadow, outcome, `${subject}: shadow of ${mode}`);
  }
  explainsItself(answer, expected, candidate, given, subject);
}

/** Multiplied out, the contributions and the masks give the numbers back. */
function explainsItself(
  answer: Answer,
  expected: OracleSizing,
  candidate: OracleCandidate,
  given: OracleConfig,
  subject: string,
): void {
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const pull = total(answer.overrides.map((one) => one.pull));
  const adds = candidate.actionCategory === "entry" || candidate.actionCategory === "add";
  if (answer.overrides.length > 0) {
    same(total(answer.overrides.map(({ share }) => share)), 1, `${subject}: shares of the overrides`);
    if (given.mode === "posture") {
      const from = adds ? candidate.a : candidate.e;
      const moved = Math.min(1, Math.max(0, pull >= 0 ? from + pull * (1 - from) : from + pull * from));
      same(moved, adds ? expected.aFinal : expected.eFinal, `${subject}: pulls`);
    } else if (adds && given.mode === "multiplier") {
      same(Math.min(3, Math.max(0.3, 1 + pull)), expected.strength, `${subject}: pulls`);
    } else if (adds) {
      const stepped = Math.min(
        candidate.previousStrength * 1.02,
        Math.max(candidate.previousStrength / 1.02, Math.exp(pull)),
      );
      same(Math.min(1.3, Math.max(0.7, stepped)), expected.strength, `${subject}: pulls`);
    }
  }
  const { crowding, alpha, beta, masks, weight_sum, cap } = answer.exposure;
  if (!answer.exposure.enabled || crowding === null || answer.exposure.total === 0) return;
  const concentration = total(
    masks.map((entry) =>
      "rest" in entry
        ? entry.concentration
        : entry.weight * (alpha * entry.exposure + beta * entry.pattern_exposure)
    ),
  );
  const full = alpha * weight_sum * Math.min(answer.exposure.total, cap ?? Infinity);
  same(Math.min(1, concentration / full), crowding, `${subject}: masks`);
  same(Math.min(1.33, Math.max(0.33, 1.33 - crowding)), answer.exposure_skew, `${subject}: crowding`);
}

function sameOutcome(have: Shadow, want: OracleOutcome, subject: string): void {
  same(have.pm_strength, want.strength, `${subject}: pm_strength`);
  same(have.size_frac, want.sizeFrac, `${subject}: size_frac`);
  same(have.max_alloc_pct, want.maxAlloc, `${subject}: max_alloc_pct`);
  same(have.a_final, want.aFinal, `${subject}: a_final`);
  same(have.e_final, want.eFinal, `${subject}: e_final`);
}

function same(have: number, want: number, subject: string): void {
  if (!(Math.abs(have - want) <= EXACT * Math.max(1, Math.abs(want)))) {
    throw new Error(`${subject} is ${have} and should be ${want}`);
  }
}

function asJson(value: unknown): string {
  return JSON.stringify(value);
}

async function databaseWithSchema(target: Target): Promise<TestDatabase> {
  const database = await createTestDatabase(target, "sql");
  try {
    // Only these, so that weights are theirs alone; one of them is not among those that every project starts with.
    await database.sql`delete from scope_dimensions where not dim = any (${DIMENSIONS})`;
    await database.sql`insert into scope_dimensions (dim, bit, source) values ('session', 30, 'entry')`;
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
  return database;
}
