/**
 * What a sizing costs: look-up and blend, the whole row and a batch of 100, at growing numbers of overrides, beside plain
 * containment behind an index, as the roles that ask (README.md, "What it costs").
 *
 * Fifty pattern keys share the overrides; each has up to six pairs of seventeen dimensions, drawn so that at a million of
 * them a candidate contains about 330. The book holds 300 positions, and a trade has closed.
 *
 * @module
 */

import { connect, type Database } from "../stack/database.ts";
import type { Stack } from "../stack/stack.ts";
import { startScratchStack } from "./scratch_stack.ts";
import type { BenchRow } from "./types.ts";

const SIZES = { postgres: [1_000, 100_000, 1_000_000], embedded: [1_000, 100_000] } as const;
const KEYS = 50;
const POSITIONS = 300;
const CANDIDATES = 200;
const BATCH = 100;
/** How often each candidate is asked for, and how many calls are timed together. */
interface Timing {
  readonly rounds: number;
  readonly repeats: number;
}
const TIMING: Readonly<Record<keyof typeof SIZES, Timing>> = {
  postgres: { rounds: 5, repeats: 1 },
  embedded: { rounds: 2, repeats: 10 },
};
/** Clients that ask over HTTP at once, each anew as soon as it has its answer, for so long. */
const CLIENTS = 50;
const CLIENTS_MS = 60_000;
/** At the largest size one pattern key has this many overrides of its own. */
const LARGE_KEY = 200_000;
const UPSERTED = 10_000;
/** How often batches and writes are timed, after once to warm up. */
const ROUNDS = 5;
/** Rows written per statement, within what a function may take on the platform and the embedded database's memory. */
const CHUNK = 20_000;

const ROLES = ["service_role", "authenticated"] as const;
type Role = typeof ROLES[number];
const CLAIMS = { role: "authenticated", app_metadata: { learning_role: "pm" } };

type Report = (metric: string, value: number, unit: string) => void;

/**
 * @param serverUrl Server for scratch databases; null for the embedded one.
 * @param sizes Numbers of overrides.
 */
export async function benchSizing(
  serverUrl: string | null,
  sizes: readonly number[] = serverUrl === null ? SIZES.embedded : SIZES.postgres,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startScratchStack(serverUrl, cleanup);
    // One connection: what was planned for the first call serves the others, as behind the data API.
    const sql = connect(stack.databaseUrl, { max: 1, applicationName: "bench" });
    cleanup.defer(() => sql.end({ timeout: 5 }));
    const row: Report = (metric, value, unit) => {
      rows.push({ bench: "sizing", size, metric, value, unit });
    };
    const largest = size === Math.max(...SIZES.postgres);
    await prepare(sql);
    await fill(sql, size);
    if (largest) await insertDistinct(sql, "pm.bench.S1.large", LARGE_KEY);
    await sql`vacuum analyze`;
    const timing = TIMING[serverUrl === null ? "embedded" : "postgres"];
    await measureCalls(sql, timing, row);
    await measureFading(sql, timing, row);
    await measureSlices(sql, size, timing, row);
    if (largest) await measureLargeKey(sql, timing, row);
    await measureBatch(sql, row);
    await measureHttp(stack, row, size === Math.max(...sizes));
    await measureWrites(sql, timing, row);
  }
  return rows;
}

/** What is asked over and over, timed by the database's own clock so that the driver's work is not part of it. */
async function prepare(sql: Database): Promise<void> {
  await sql.unsafe(`
    create schema bench;
    grant usage on schema bench to authenticated, service_role;
    create table bench.dims as select dim, bit, 3 + (bit * 7) % 10 as cardinality from scope_dimensions;
    create function bench.value(dim text, cardinality integer, draw float8) returns text language sql immutable
      as $$ select dim || '_v' || floor(cardinality * power(draw, 3.2))::integer $$;
    create function bench.scope(depth integer) returns jsonb language sql volatile as $$
      select coalesce(jsonb_object_agg(drawn.dim, bench.value(drawn.dim, drawn.cardinality, random())), '{}')
      from (select * from bench.dims order by random() limit depth) as drawn $$;
    create table bench.candidates (place integer primary key, pattern_key text not null, scope jsonb not null);
    create index bench_containment_idx on pm_overrides (pattern_key, action_category);

    -- As its owner, as get_pm_sizing does.
    create function bench.blend(candidate learning.candidate, config jsonb) returns learning.strength_blend language plpgsql stable
      security definer as $$
    begin
      return learning.blend_overrides(candidate, config, false);
    end $$;

    -- The same sums over what jsonb containment finds.
    create function bench.blend_by_containment(p_pattern_key text, p_scope jsonb) returns record language plpgsql stable
      set plan_cache_mode = force_generic_plan as $$
    declare
      blended record;
    begin
      with matches as materialized (
        select power(cardinality(array(select jsonb_object_keys(made.scope_subset))) + 1, 1.5) as specificity,
          coalesce(made.confidence_score, 0.5) as confidence, made.dir_a, made.dir_e, made.edge_raw, made.multiplier, made.n,
          made.variance, made.half_life_hours,
          greatest(0, extract(epoch from now() - made.last_evidence_at)::float8 / 3600) as age_hours
        from pm_overrides made
        where made.override_type = 'pm_strength' and made.pattern_key = p_pattern_key and made.action_category = 'entry'
          and made.enabled and made.scope_subset <@ p_scope
      ),
      faded as (
        select matches.*, matches.specificity * matches.confidence as weight, power(2, -matches.age_hours / 720) as fade,
          tanh(abs(matches.edge_raw)) * (1 - exp(-matches.n / 25.0)) / (1 + matches.variance)
            * exp(-matches.age_hours / coalesce(matches.half_life_hours, 720))
            * matches.specificity / max(matches.specificity) over () as edged,
          max(matches.confidence) over () as most_confident
        from matches
      )
      select sum(faded.weight) filter (where faded.confidence >= 0.4 or faded.most_confident < 0.4) as weight,
        sum(faded.weight * faded.dir_a * faded.fade) filter (where faded.confidence >= 0.4 or faded.most_confident < 0.4) as dir_a,
        sum(faded.weight * faded.dir_e * faded.fade) filter (where faded.confidence >= 0.4 or faded.most_confident < 0.4) as dir_e,
        sum(faded.weight * faded.confidence) filter (where faded.confidence >= 0.4 or faded.most_confident < 0.4) as confidence,
        sum(faded.weight * (faded.multiplier - 1) * faded.fade) as gain,
        sum(faded.edged * ln(faded.multiplier)) filter (where faded.edged >= 0.02) as log_multiplier
      into blended
      from faded;
      return blended;
    end $$;

    -- How much is left of each override that a candidate contains: by the arithmetic that the blend has, or by calls.
    create function bench.fade_matches(candidate learning.candidate, by_call boolean) returns float8 language plpgsql stable
      security definer set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
    declare
      probe constant learning.override_probe :=
        learning.probe_overrides('pm_strength', candidate.pattern_key, 'entry', candidate.scope);
      fade_rate constant float8 := ln(2::float8) / 3.6e9 / 720;
      as_of constant timestamptz := candidate.as_of;
      as_of_us constant float8 := candidate.as_of_us;
    begin
      return (
        select sum(index_entry.specificity * index_entry.confidence * case
          when by_call then learning.fade(as_of, to_timestamp(least(index_entry.evidence_us, 1e16) / 1e6), 720)
          else exp(greatest(-500, least(0, (index_entry.evidence_us - as_of_us) * fade_rate)))
        end)
        from learning.override_index_entries index_entry
        where index_entry.bucket = any (probe.buckets)
          and index_entry.pairs_1 & probe.lacking_1 = 0 and index_entry.pairs_2 & probe.lacking_2 = 0
      );
    end $$;

    -- Milliseconds of each call. The embedded database's clock ticks once a millisecond: there, several calls count as one.
    create function bench.time_calls(what text, repeats integer, p_pattern_key text default null) returns float8[]
      language plpgsql volatile as $$
    declare
      asked record;
      config jsonb := learning.config();
      candidate learning.candidate;
      started timestamptz;
      times float8[] := '{}';
    begin
      for asked in select one.pattern_key, one.scope from bench.candidates one order by one.place loop
        candidate := learning.check_candidate(coalesce(p_pattern_key, asked.pattern_key), 'entry', asked.scope, 0.5, 0.5, 1, now());
        started := clock_timestamp();
        for turn in 1 .. repeats loop
          case what
            when 'blend' then perform bench.blend(candidate, config);
            when 'containment' then perform bench.blend_by_containment(candidate.pattern_key, asked.scope);
            when 'faded inline' then perform bench.fade_matches(candidate, false);
            when 'faded by call' then perform bench.fade_matches(candidate, true);
            when 'slices' then perform learning.ask_slices(candidate.pattern_key, 'entry', asked.scope, now(), config, true);
            when 'row' then perform public.get_pm_sizing(candidate.pattern_key, 'entry', asked.scope);
          end case;
        end loop;
        times := times || extract(epoch from clock_timestamp() - started)::float8 * 1000 / repeats;
      end loop;
      return times;
    end $$;
    grant execute on all functions in schema bench to authenticated, service_role;
    grant select on all tables in schema bench to authenticated, service_role;
  `).simple();
}

const COLUMNS =
  "override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw, n, variance, " +
  "confidence_score, dir_a, dir_e, last_evidence_at, half_life_hours";

/** Depths one to six as mining finds them: few pairs in few scopes, most in the middle. */
const DEPTH = "(array[1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6])[1 + floor(random() * 17)::integer]";

/** Draws scopes until a key has that many different ones; few dimensions do not make many. */
async function insertDistinct(sql: Database, patternKey: string, count: number): Promise<void> {
  let inserted = 0;
  while (inserted < count) {
    const drawn = await sql.unsafe(
      `insert into pm_overrides (${COLUMNS})
       select 'pm_strength', $1::text, 'entry', drawn.scope, exp((random() - 0.5) * 0.6), (random() - 0.5) * 0.6,
         33 + (random() * 500)::integer, random() * 0.3, case when random() < 0.95 then random() end, random() * 2 - 1,
         random() * 2 - 1, now() - random() * interval '60 days', case when random() < 0.5 then 100 + random() * 2000 end
       from (select bench.scope(${DEPTH}) as scope from generate_series(1, $2::integer)) as drawn
       on conflict do nothing`,
      [patternKey, Math.min(CHUNK, count - inserted)],
    );
    inserted += drawn.count;
  }
}

async function fill(sql: Database, size: number): Promise<void> {
  await sql`select setseed(0.42)`;
  for (let key = 1; key <= KEYS; key++) {
    await insertDistinct(sql, `pm.bench.S1.key${key}`, Math.ceil(size / KEYS));
  }
  await sql.unsafe(`
    insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, pattern_key, entry_context)
    select bench.value('chain', 10, random()), 'contract ' || place, bench.value('timeframe', 9, random()), 'active', random() * 0.01,
      'pm.bench.S1.key' || 1 + place % ${KEYS},
      (
        select jsonb_object_agg(drawn.dim, bench.value(drawn.dim, drawn.cardinality, random()))
        from bench.dims drawn where drawn.bit < 8 and place > 0
      )
    from generate_series(1, ${POSITIONS}) as place`);
  await sql.unsafe(`
    insert into timeframe_allocation_steps
    select state.* from jsonb_populate_record(
      learning.allocation_state(), '{"trade_id": "bench", "module": "pm", "exit_at": "2026-01-01", "roi": 0.1, "outcome": "settled"}'
    ) as state`);
  await sql.unsafe(`
    insert into bench.candidates
    select place, 'pm.bench.S1.key' || 1 + place % ${KEYS}, bench.scope(17) from generate_series(1, ${CANDIDATES}) as place`);
}

async function measureCalls(sql: Database, timing: Timing, row: Report): Promise<void> {
  for (const role of ROLES) {
    const containment = await timeCalls(sql, role, "containment", { ...timing, rounds: 1 });
    const blend = await timeCalls(sql, role, "blend", timing);
    const whole = await timeCalls(sql, role, "row", timing);
    report(row, role, "", whole);
    report(row, `${role}_blend`, "", blend);
    row(`${role}_containment_p50_ms`, quantile(containment.all, 0.5), "ms");
    row(`${role}_blend_ratio_to_containment`, quantile(blend.all, 0.5) / quantile(containment.all, 0.5), "×");
  }
}

/** Why the blend fades by arithmetic of its own and does not call `learning.fade` for each override. */
async function measureFading(sql: Database, timing: Timing, row: Report): Promise<void> {
  const inline = await timeCalls(sql, "service_role", "faded inline", timing);
  const called = await timeCalls(sql, "service_role", "faded by call", timing);
  row("fading_by_call_ratio_to_inline", quantile(called.all, 0.5) / quantile(inline.all, 0.5), "×");
}

/** Ten times as many effects as overrides, under the same keys: each slice by its key, and the whole row in mode calibrated. */
async function measureSlices(sql: Database, size: number, timing: Timing, row: Report): Promise<void> {
  const perKey = Math.ceil(10 * size / KEYS);
  // Values that no candidate has make up for what the dimensions lack, as many as it takes to have that many pairs.
  await sql.unsafe(`
    insert into learning.scope_values (dim, value)
    select drawn.dim, drawn.dim || '_v' || place
    from bench.dims drawn, generate_series(0, greatest(12, ceil(sqrt(${perKey} * 2.2) / 17)::integer)) as place
    on conflict do nothing;
    create table bench.pairs as
    select one.dim as dim_1, one.code as code_1, other.dim as dim_2, other.code as code_2,
      (1 << first.bit) | (1 << second.bit) as mask, row_number() over () as place
    from learning.scope_values one
    join learning.scope_values other on one.dim collate "C" < other.dim collate "C"
    join bench.dims first on first.dim = one.dim
    join bench.dims second on second.dim = other.dim
    -- Those that candidates have come first.
    order by greatest(length(one.value) - length(one.dim), length(other.value) - length(other.dim)), one.code
    limit ${perKey};
    insert into public.learning_calibration
    values ('pm', 'entry', 0.01, 0.1, 0.4, 0.01, null, 100000, 100, now(), false);
    insert into public.learning_effect_groups
    select key, 'pm', 'pm.bench.S1.key' || key, 'entry', 5000, 0.01, 0.1, 0, 0, 0, 0, now(), 1, 0.1, now(), ''
    from generate_series(1, ${KEYS}) as key`).simple();
  for (let key = 1; key <= KEYS; key++) {
    await sql.unsafe(`
      insert into public.learning_effects
      select ${key}, 'pm', 'pm.bench.S1.key${key}', 'entry', dim_1, code_1, dim_2, code_2, mask, 40, random() * 40 * 0.02,
        null, null
      from bench.pairs order by code_1, code_2`);
  }
  await sql`vacuum analyze public.learning_effects`;
  const posture = await timeCalls(sql, "authenticated", "row", timing);
  const slices = await timeCalls(sql, "authenticated", "slices", timing);
  await sql`insert into learning_configs (module_id, config_data) values ('pm', '{"strength_mode": "calibrated"}')`;
  const calibrated = await timeCalls(sql, "authenticated", "row", timing);
  await sql`delete from learning_configs where true`;
  const [effects] = await sql<
    { count: number }[]
  >`select count(*)::integer as count from public.learning_effects`;
  row("effects", effects?.count ?? NaN, "slices");
  report(row, "authenticated", "_beside_effects", posture);
  report(row, "slices", "_of_effects", slices);
  report(row, "authenticated_calibrated", "_of_effects", calibrated);
}

async function measureLargeKey(sql: Database, timing: Timing, row: Report): Promise<void> {
  for (const role of ROLES) {
    report(
      row,
      role,
      "_of_a_key_with_200k",
      await timeCalls(sql, role, "row", timing, "pm.bench.S1.large"),
    );
  }
}

/** Milliseconds of every call, and of each candidate's fastest: what it takes when nothing else runs on the machine. */
interface CallTimes {
  readonly all: readonly number[];
  readonly fastest: readonly number[];
}

function report(row: Report, what: string, when: string, { all, fastest }: CallTimes): void {
  row(`${what}_p50_ms${when}`, quantile(all, 0.5), "ms");
  row(`${what}_p95_ms${when}`, quantile(all, 0.95), "ms");
  row(`${what}_undisturbed_p50_ms${when}`, quantile(fastest, 0.5), "ms");
}

async function timeCalls(
  sql: Database,
  role: Role,
  what: string,
  timing: Timing,
  patternKey?: string,
): Promise<CallTimes> {
  return await asRole(sql, role, async (transaction) => {
    const timed: number[][] = [];
    // The first calls of a session plan.
    for (let round = -1; round < timing.rounds; round++) {
      const [row] = await transaction.unsafe<{ times: number[] }[]>(
        "select bench.time_calls($1, $2, $3) as times",
        [what, timing.repeats, patternKey ?? null],
      );
      if (round >= 0) timed.push(row?.times ?? []);
    }
    const [first = []] = timed;
    return {
      all: timed.flat(),
      fastest: first.map((_, place) => Math.min(...timed.map((times) => times[place] ?? Infinity))),
    };
  });
}

/** A hundred calls, each in a transaction of its own with role and claims set as the data API sets them, and one batch. */
async function measureBatch(sql: Database, row: Report): Promise<void> {
  const asked = await askedFor(sql);
  const singles = await medianSeconds(async () => {
    for (const { pattern_key, scope } of asked) {
      await asRole(
        sql,
        "authenticated",
        (transaction) =>
          transaction.unsafe("select * from public.get_pm_sizing($1, 'entry', $2::jsonb)", [
            pattern_key,
            JSON.stringify(scope),
          ]),
      );
    }
  });
  const batched = await medianSeconds(async () => {
    await asRole(
      sql,
      "authenticated",
      (transaction) =>
        transaction.unsafe("select * from public.get_pm_sizing_batch($1::jsonb)", [JSON.stringify(asked)]),
    );
  });
  row("batch_of_100_ms", batched * 1000, "ms");
  row("batch_ratio_to_100_singles", batched / singles, "×");
}

async function measureHttp(stack: Stack, row: Report, withClients: boolean): Promise<void> {
  const sql = connect(stack.databaseUrl, { max: 1 });
  const asked = await askedFor(sql).finally(() => sql.end({ timeout: 5 }));
  const headers = {
    apikey: stack.publishableKey,
    authorization: `Bearer ${await stack.signJwt(CLAIMS)}`,
    "content-type": "application/json",
  };
  const ask = async (rpc: string, body: unknown): Promise<void> => {
    const url = `${stack.apiUrl}/rest/v1/rpc/${rpc}`;
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`"${rpc}" answered ${response.status}: ${text.slice(0, 300)}`);
  };
  const singles = await medianSeconds(async () => {
    for (const one of asked) await ask("get_pm_sizing", one);
  });
  const batched = await medianSeconds(() => ask("get_pm_sizing_batch", { candidates: asked }));
  row("http_single_ms", singles * 1000 / BATCH, "ms");
  row("http_batch_ratio_to_100_singles", batched / singles, "×");
  if (withClients) await measureClients(asked, (one) => ask("get_pm_sizing", one), row);
}

/** What was not answered with a size counts as an error and is not timed. */
async function measureClients(
  asked: readonly Asked[],
  ask: (one: Asked) => Promise<void>,
  row: Report,
): Promise<void> {
  const times: number[] = [];
  const errors: unknown[] = [];
  const end = performance.now() + CLIENTS_MS;
  const client = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() < end; turn++) {
      const one = asked[turn % asked.length];
      if (one === undefined) throw new Error("There is nothing to ask for.");
      const from = performance.now();
      try {
        await ask(one);
        times.push(performance.now() - from);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, place) => client(place)));
  row("clients_answers", times.length, "answers");
  row("clients_errors", errors.length, "errors");
  row("clients_p50_ms", quantile(times, 0.5), "ms");
  row("clients_p95_ms", quantile(times, 0.95), "ms");
  if (errors.length > 0) {
    Deno.stderr.writeSync(new TextEncoder().encode(`The first of ${errors.length} errors: ${errors[0]}\n`));
  }
}

interface Asked {
  readonly pattern_key: string;
  readonly action_category: "entry";
  readonly scope: Readonly<Record<string, string>>;
}

async function askedFor(sql: Database): Promise<Asked[]> {
  return await sql<Asked[]>`
    select pattern_key, 'entry' as action_category, scope from bench.candidates order by place limit ${BATCH}`;
}

/** What an hourly materialisation does: the same overrides with other values; then new ones; both against a bare table. */
async function measureWrites(sql: Database, timing: Timing, row: Report): Promise<void> {
  await sql.unsafe(`
    create table bench.bare (like pm_overrides including all) with (fillfactor = 85);
    insert into bench.bare (${COLUMNS}) select ${COLUMNS} from pm_overrides;
    create table bench.upserted as select ${COLUMNS} from pm_overrides order by md5(id::text) limit ${UPSERTED}`)
    .simple();
  await sql`vacuum analyze bench.bare`;
  const upsert = async (table: string, key: string): Promise<void> => {
    await sql.unsafe(
      `insert into ${table} as held (${COLUMNS})
       select override_type, ${key}, action_category, scope_subset, multiplier * (0.9 + random() * 0.2), edge_raw, n + 1, variance,
         confidence_score, dir_a, dir_e, last_evidence_at, half_life_hours
       from bench.upserted
       on conflict (override_type, pattern_key, action_category, scope_digest)
       do update set multiplier = excluded.multiplier, n = excluded.n`,
    );
  };
  const changed = await timeWrites((table) => upsert(table, "pattern_key"));
  row("upsert_of_10k_ms", changed.kept * 1000, "ms");
  row("upsert_ratio_to_bare_table", changed.ratio, "×");

  await sql`vacuum analyze`;
  await sql`
    update pm_overrides set multiplier = multiplier * 1.01
    where id in (select id from pm_overrides tablesample bernoulli (2))`;
  for (const role of ROLES) {
    report(row, role, "_after_2_percent_changed", await timeCalls(sql, role, "row", timing));
  }
  const inserted = await timeWrites((table, round) => upsert(table, `pattern_key || '.new${round}'`));
  row("insert_ratio_to_bare_table", inserted.ratio, "×");
}

/**
 * What a write takes on `pm_overrides`, and against the bare table: median of some rounds, after one to warm up. Both in turn,
 * as the machine's speed drifts, and because an hour later neither table's pages would be in Postgres' cache.
 */
async function timeWrites(
  write: (table: string, round: number) => Promise<void>,
): Promise<{ kept: number; ratio: number }> {
  const times: { bare: number; kept: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    times.push({
      bare: await seconds(() => write("bench.bare", round)),
      kept: await seconds(() => write("public.pm_overrides", round)),
    });
  }
  const [, ...counted] = times;
  return {
    kept: quantile(counted.map(({ kept }) => kept), 0.5),
    ratio: quantile(counted.map(({ bare, kept }) => kept / bare), 0.5),
  };
}

async function asRole<T>(
  sql: Database,
  role: Role,
  run: (transaction: Database) => PromiseLike<T>,
): Promise<T> {
  return await sql.begin(async (transaction) => {
    await transaction.unsafe(
      "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
      [
        role,
        JSON.stringify(role === "authenticated" ? CLAIMS : { role }),
      ],
    );
    return await run(transaction as unknown as Database);
  }) as T;
}

async function seconds(run: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await run();
  return (performance.now() - from) / 1000;
}

/** Of some rounds, after one to warm up. */
async function medianSeconds(run: () => Promise<void>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await seconds(run));
  return quantile(times, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
