/** Every table, view, sequence and function against everybody who may come, for every verb, from the one written matrix. */

import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import {
  type Actor,
  ACTORS,
  DEFINER_FUNCTIONS,
  FORGED_CLAIMS,
  FUNCTIONS,
  RELATIONS,
  SEQUENCES,
  VERBS,
} from "./testing/access_matrix.ts";
import { fastForward } from "./demo/fast_forward.ts";
import { Cluster, findPostgres } from "./guarantees/cluster.ts";
import { createTemplate } from "./guarantees/exactly_once.ts";
import { arrivalsOf, generateHistory } from "./guarantees/history.ts";
import { Rig } from "./guarantees/rig.ts";
import type { Database } from "./stack/database.ts";
import { connect } from "./stack/database.ts";
import { installStandIns } from "./stack/standins.ts";
import { createScratchDatabase } from "./stack/scratch.ts";
import { createTestDatabase, type Target, testOnEachTarget } from "./testing/databases.ts";
import { push } from "./supabase_cli.ts";

const ROLES = ["anon", "authenticated", "service_role"] as const;
const DENIED = "42501";

interface Pushed extends AsyncDisposable {
  readonly sql: Database;
  readonly databaseUrl: string;
}

async function createPushed(target: Target, before = ""): Promise<Pushed> {
  const database = await createTestDatabase(target);
  try {
    await installStandIns(database.sql);
    await database.sql.unsafe(before).simple();
    await push(database.databaseUrl);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
  return database;
}

/** Runs statements as somebody and takes everything back; returns the SQLSTATE of the one that fails, else what it answers. */
async function attempt(
  sql: Database,
  actor: { readonly role: string; readonly claims: unknown },
  statement: string,
): Promise<string | readonly object[]> {
  let outcome: string | readonly object[] = "";
  const undo = new Error("undo");
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`set local role ${actor.role}`);
    await transaction`select set_config('request.jwt.claims', ${JSON.stringify(actor.claims)}, true)`;
    try {
      outcome = [...await transaction.savepoint((inner) => inner.unsafe(statement))];
    } catch (error) {
      outcome = String((error as { code?: string }).code);
    }
    throw undo;
  }).catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  return outcome;
}

async function namesOf(sql: Database, query: string): Promise<string[]> {
  return (await sql.unsafe<{ name: string }[]>(query)).map(({ name }) => name).sort();
}

const OURS = "('public'::regnamespace, 'learning'::regnamespace)";

testOnEachTarget(
  "the matrix names every table, view, sequence and function there is, and nothing else",
  async (target) => {
    await using database = await createPushed(target);
    const { sql } = database;
    assertEquals(
      await namesOf(
        sql,
        `select c.relnamespace::regnamespace || '.' || c.relname as name from pg_class c
       where c.relnamespace in ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
      ),
      Object.keys(RELATIONS).sort(),
    );
    assertEquals(
      await namesOf(
        sql,
        `select p.pronamespace::regnamespace || '.' || p.proname as name from pg_proc p where p.pronamespace in ${OURS}`,
      ),
      Object.keys(FUNCTIONS).sort(),
    );
    assertEquals(
      await namesOf(
        sql,
        `select p.pronamespace::regnamespace || '.' || p.proname as name from pg_proc p
       where p.pronamespace in ${OURS} and p.prosecdef`,
      ),
      [...DEFINER_FUNCTIONS].sort(),
    );
  },
);

/** Default privileges of older projects, which give everything new away. */
const GENEROUS = `
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role`;

for (const [kind, before] of [["newer", ""], ["older", GENEROUS]] as const) {
  testOnEachTarget(
    `what is granted is what the matrix says, in a project of the ${kind} kind`,
    async (target) => {
      await using database = await createPushed(target, before);
      const { sql } = database;
      const relations = await sql.unsafe<{ name: string; role: string; verbs: string[] }[]>(
        `select c.relnamespace::regnamespace || '.' || c.relname as name, role.name as role,
              array(select verb.name from unnest($2::text[]) with ordinality as verb(name, place)
                where has_table_privilege(role.name, c.oid, verb.name)
                  or verb.name in ('select', 'insert', 'update', 'references') and has_any_column_privilege(role.name, c.oid, verb.name)
                order by verb.place) as verbs
       from pg_class c cross join unnest($1::text[]) as role(name)
       where c.relnamespace in ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
        [[...ROLES], [...VERBS]],
      );
      for (const { name, role, verbs } of relations) {
        const wanted = role === "anon" ? [] : RELATIONS[name]?.[role as "authenticated" | "service_role"];
        assertEquals(verbs, wanted, `${role} on ${name}`);
      }
      assertEquals(relations.length, 3 * Object.keys(RELATIONS).length);

      const functions = await sql.unsafe<
        { name: string; anon: boolean; authenticated: boolean; service_role: boolean }[]
      >(
        `select p.pronamespace::regnamespace || '.' || p.proname as name, has_function_privilege('anon', p.oid, 'execute') as anon,
              has_function_privilege('authenticated', p.oid, 'execute') as authenticated,
              has_function_privilege('service_role', p.oid, 'execute') as service_role
       from pg_proc p where p.pronamespace in ${OURS}`,
      );
      for (const { name, ...granted } of functions) {
        const { authenticated, service_role } = FUNCTIONS[name] ?? {};
        assertEquals(granted, { anon: false, authenticated, service_role } as typeof granted, name);
      }

      const sequences = await namesOf(
        sql,
        `select distinct c.relnamespace::regnamespace || '.' || c.relname as name
       from pg_class c cross join unnest(array['anon', 'authenticated', 'service_role']) as role(name)
       where c.relnamespace in ${OURS} and c.relkind = 'S' and has_sequence_privilege(role.name, c.oid, 'usage, select, update')
         and (role.name <> 'service_role' or c.relnamespace <> 'learning'::regnamespace)`,
      );
      assertEquals(
        sequences,
        [],
        "nobody uses a sequence of public, nobody but the service role one of learning",
      );
      assertEquals(
        await namesOf(
          sql,
          `select c.relnamespace::regnamespace || '.' || c.relname as name from pg_class c
         where c.relnamespace = 'learning'::regnamespace and c.relkind = 'S'`,
        ),
        [...SEQUENCES].sort(),
      );
      assertEquals([
        ...await sql`
        select role, has_schema_privilege(role, 'learning', 'usage') as uses, has_schema_privilege(role, 'learning', 'create') as creates
        from unnest(array['anon', 'authenticated', 'service_role']) as role`,
      ], [
        { role: "anon", uses: false, creates: false },
        { role: "authenticated", uses: true, creates: false },
        { role: "service_role", uses: true, creates: false },
      ]);
    },
  );
}

testOnEachTarget(
  "row security is on for every table, every view asks as its caller, and no function looks for names",
  async (target) => {
    await using database = await createPushed(target);
    const { sql } = database;
    assertEquals(
      await namesOf(
        sql,
        `select c.oid::regclass::text as name from pg_class c
       where c.relnamespace in ${OURS} and c.relkind in ('r', 'p') and not c.relrowsecurity`,
      ),
      [],
    );
    assertEquals(
      await namesOf(
        sql,
        `select c.oid::regclass::text as name from pg_class c
       where c.relnamespace in ${OURS} and c.relkind = 'v'
         and coalesce('security_invoker=true' <> all (c.reloptions), true) and coalesce('security_invoker=on' <> all (c.reloptions), true)`,
      ),
      [],
    );
    assertEquals(
      await namesOf(
        sql,
        `select p.oid::regprocedure::text as name from pg_proc p
       where p.pronamespace in ${OURS} and coalesce('search_path=pg_catalog, pg_temp' <> all (p.proconfig), true)`,
      ),
      [],
    );
    assertEquals(
      await namesOf(
        sql,
        `select format('%s on %s: %s', p.polname, p.polrelid::regclass, pg_get_expr(p.polqual, p.polrelid)) as name from pg_policy p
       join pg_class c on c.oid = p.polrelid
       where c.relnamespace in ${OURS} and not (p.polcmd = 'r' and p.polpermissive and p.polroles = array['authenticated'::regrole::oid]
         and pg_get_expr(p.polqual, p.polrelid) = '( SELECT learning.may_read() AS may_read)')`,
      ),
      [],
      "one policy for all: those with a learning role read",
    );
  },
);

/** A database in which every table has rows. */
async function startInhabited(target: Target, cleanup: AsyncDisposableStack): Promise<Rig> {
  const database = target === "embedded" ? undefined : cleanup.use(await createPushed(target));
  const rig = cleanup.use(
    await Rig.start(database === undefined ? {} : { databaseUrl: database.databaseUrl }),
  );
  await rig.query(`
    insert into public.learning_configs (module_id, config_data)
    values ('pm', '{"n_min": 5, "edge_min": 0, "max_q_value": null, "record_sizings": "all", "tuning": {"min_gain": 0, "min_ratio": 0, "confirm": false}}')`);
  // Before the first release there would be none.
  await rig.query("insert into learning.releases (version, released_at) values ('0.0.1', '2026-01-01')");
  await rig.query(
    "insert into learning.guest_columns (relation, column_name, is_guest) values ('ad_strands', 'status', true)",
  );
  await rig.query(`
    insert into public.lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context, pattern_key)
    values (gen_random_uuid(), 'solana', 'A', '1h', 'active', 0.1, '{"curator": "x"}', 'pm.uptrend.S1.buy_flag')`);
  await rig.feed(arrivalsOf(generateHistory(5, 60), 1));
  await rig.drain();
  await fastForward({ ...rig.stack, settle: () => rig.settle() }, () => {});
  await rig.query("select public.prune_strands('2026-03-01')");
  await rig.query("select public.take_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{}')");
  await rig.query('select public.save_uplift(\'{"entry": {"learned": 1}}\')');
  await rig.query(
    "insert into learning.live_records (override_id, n) select max(id), 0 from public.pm_overrides on conflict do nothing",
  );
  await rig.query("insert into public.learning_alerts (kind, message) values ('inbox', 'is not well')");
  await rig.query("insert into learning.alert_requests (request_id) values (1)");
  await rig.query(`
    insert into public.learning_proofs (source, from_at, to_at, decisions, config, config_version, ways, verdict)
    values ('sample', '2026-01-01', '2026-02-01', 0, '{}', 0, '{}', 'not shown')`);
  await rig.query("delete from public.ad_strands where id like 'trade-1-%' or id like 'trade-2-%'");
  return rig;
}

testOnEachTarget(
  "whoever comes reads, writes and calls what the matrix says, and what looks like a role is none",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const rig = await startInhabited(target, cleanup);
    const sql = connect(rig.stack.databaseUrl, { max: 1 });
    cleanup.defer(() => sql.end({ timeout: 5 }));
    const empty: string[] = [];
    for (const name of Object.keys(RELATIONS)) {
      const [row] = await sql.unsafe<{ filled: boolean }[]>(`select exists (select from ${name}) as filled`);
      if (row?.filled !== true) empty.push(name);
    }
    assertEquals(empty, [], "a table without rows shows nobody what it hides");

    const tables = new Set(
      await namesOf(
        sql,
        `select c.relnamespace::regnamespace || '.' || c.relname as name from pg_class c
     where c.relnamespace in ${OURS} and c.relkind in ('r', 'p')`,
      ),
    );
    const strangers = FORGED_CLAIMS.map((claims) => ({
      role: "authenticated",
      claims: { role: "authenticated", ...claims },
    }));
    for (const [name, { authenticated }] of Object.entries(RELATIONS)) {
      for (const [actor, who] of Object.entries(ACTORS)) {
        const seen = await attempt(sql, who, `select from ${name} limit 1`);
        const wanted = actor === "anon" || (who.role === "authenticated" && authenticated.length === 0)
          ? DENIED
          : actor === "authenticated"
          ? 0
          : 1;
        assertEquals(typeof seen === "string" ? seen : seen.length, wanted, `${actor} reads ${name}`);
      }
      for (const stranger of authenticated.length === 0 ? [] : strangers) {
        assertEquals(
          await attempt(sql, stranger, `select from ${name} limit 1`),
          [],
          `${JSON.stringify(stranger)} reads ${name}`,
        );
      }
      if (!tables.has(name)) continue;
      const [column] = await sql.unsafe<{ name: string }[]>(
        `select quote_ident(attname) as name from pg_attribute where attrelid = '${name}'::regclass and attnum > 0
       and attidentity = '' and attgenerated = '' and not attisdropped limit 1`,
      );
      const writes = [
        `insert into ${name} default values`,
        `update ${name} set ${column?.name} = ${column?.name} where false`,
        `delete from ${name} where false`,
      ];
      for (const statement of writes) {
        for (const actor of ["anon", "authenticated", "viewer", "pm"] as const) {
          assertEquals(await attempt(sql, ACTORS[actor], statement), DENIED, `${actor}: ${statement}`);
        }
        assert(await attempt(sql, ACTORS.service_role, statement) !== DENIED, `service_role: ${statement}`);
      }
      assertEquals(
        await attempt(sql, ACTORS.service_role, `truncate ${name} cascade`),
        DENIED,
        `service_role truncates ${name}`,
      );
    }

    const functions = await sql.unsafe<{ name: string; call: string }[]>(`
    select 'public.' || p.proname as name, format('select public.%I(%s)', p.proname, (
      select string_agg(format('null::%s', format_type(argument.type, null)), ', ' order by argument.place)
      from unnest(p.proargtypes) with ordinality as argument(type, place)
    )) as call
    from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype`);
    for (const { name, call } of functions) {
      const rights = FUNCTIONS[name];
      if (rights === undefined) throw new Error(`${name} is not in the matrix.`);
      const mayCall: Readonly<Record<Actor, boolean>> = {
        anon: false,
        authenticated: rights.authenticated && !rights.pmOnly,
        viewer: rights.authenticated && !rights.pmOnly,
        pm: rights.authenticated && rights.operatorOnly !== true,
        operator: rights.authenticated,
        service_role: rights.service_role,
      };
      for (const [actor, who] of Object.entries(ACTORS) as [Actor, typeof ACTORS[Actor]][]) {
        assertEquals(await attempt(sql, who, call) !== DENIED, mayCall[actor], `${actor}: ${call}`);
      }
      for (const stranger of rights.pmOnly ? strangers : []) {
        assertEquals(await attempt(sql, stranger, call), DENIED, `${JSON.stringify(stranger)}: ${call}`);
      }
    }
  },
);

testOnEachTarget("a role made from authenticated is a user, however he came", async (target) => {
  await using database = await createPushed(target);
  const { sql } = database;
  const role = `analyst_${crypto.randomUUID().slice(0, 8)}`;
  const size = `select (learning.size_candidates(
    array[learning.check_candidate('pm.a', 'entry', '{}', null, null, null, null)]))[1].size_frac`;
  const health = "select stage from learning.health()";
  const asked = async (become: string, claims: unknown, question = size): Promise<string> => {
    const undo = new Error("undo");
    let outcome = "answered";
    await sql.begin(async (transaction) => {
      await transaction.unsafe(`create role ${role}; grant authenticated to ${role}`).simple();
      await transaction`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
      await transaction.unsafe(become);
      try {
        const rows = await transaction.savepoint((inner) => inner.unsafe(question));
        if (rows.length === 0) outcome = "nothing";
      } catch (error) {
        outcome = String((error as { code?: string }).code);
      }
      throw undo;
    }).catch((error: unknown) => {
      if (error !== undo) throw error;
    });
    return outcome;
  };
  for (
    const become of [
      `set local role ${role}`,
      `set local session authorization ${role}`,
      "set local session authorization authenticated",
    ]
  ) {
    assertEquals(await asked(become, { role }), DENIED, become);
    assertEquals(await asked(become, ACTORS.viewer.claims), DENIED, `${become} as a viewer`);
    assertEquals(await asked(become, ACTORS.pm.claims), "answered", `${become} as a pm`);
    assertEquals(await asked(become, { role }, health), "nothing", `${become}, health`);
    assertEquals(
      await asked(become, ACTORS.viewer.claims, health),
      "answered",
      `${become} as a viewer, health`,
    );
  }
  assertEquals(await asked("set local session authorization service_role", {}), "answered");
});

/** What Postgres says then has the whole row in its detail. */
const REFUSE_REQUESTS =
  "alter table net.http_request_queue add constraint requests_are_refused check (url is null) not valid";

testOnEachTarget("over the data API it is the same, and secrets stay where they belong", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const rig = await startInhabited(target, cleanup);
  const { stack } = rig;
  const heard: string[] = [];
  const ask = async (
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<{ status: number; body: string }> => {
    const response = await fetch(stack.apiUrl + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    heard.push(text, JSON.stringify([...response.headers]));
    return { status: response.status, body: text };
  };
  const as = async (claims: Readonly<Record<string, unknown>>): Promise<Record<string, string>> => ({
    apikey: stack.publishableKey,
    authorization: `Bearer ${await stack.signJwt(claims)}`,
  });
  const callers: [string, Record<string, string>, wanted: "refused" | "nothing" | "rows"][] = [
    ["anon", { apikey: stack.publishableKey }, "refused"],
    ["authenticated", await as(ACTORS.authenticated.claims), "nothing"],
    ...await Promise.all(
      FORGED_CLAIMS.map(async (claims): Promise<[string, Record<string, string>, "nothing"]> => [
        JSON.stringify(claims),
        await as(claims),
        "nothing",
      ]),
    ),
    ["viewer", await as(ACTORS.viewer.claims), "rows"],
    ["pm", await as(ACTORS.pm.claims), "rows"],
    ["service_role", { apikey: stack.secretKey }, "rows"],
  ];
  for (const name of Object.keys(RELATIONS)) {
    const [schema, relation] = name.split(".");
    for (const [caller, headers, wanted] of callers) {
      const { status, body } = await ask(`/rest/v1/${relation}?limit=1`, headers);
      if (schema !== "public") {
        assert(status >= 400, `${caller} reached ${name}`);
        continue;
      }
      const got = status >= 400 ? "refused" : JSON.parse(body).length === 0 ? "nothing" : "rows";
      assertEquals(got, wanted, `${caller} reads ${name}: ${status} ${body.slice(0, 200)}`);
    }
  }
  const candidate = {
    pattern_key: "pm.uptrend.S1.buy_flag",
    action_category: "entry",
    scope: { timeframe: "1h" },
  };
  for (const [caller, headers] of callers) {
    const { status, body } = await ask("/rest/v1/rpc/get_pm_sizing", headers, candidate);
    assertEquals(
      status === 200,
      caller === "pm" || caller === "service_role",
      `${caller} asks for a size: ${status} ${body}`,
    );
    assertEquals(
      (await ask("/rest/v1/rpc/claim_strands", headers, {})).status === 200,
      caller === "service_role",
      caller,
    );
    assert(
      (await ask("/rest/v1/ad_strands", headers, { kind: "note" })).status === 201 ===
        (caller === "service_role"),
      caller,
    );
  }
  const forged = (await as(ACTORS.pm.claims))["authorization"]?.replace(/.{6}$/, "AAAAAA") ?? "";
  assertEquals(
    (await ask("/rest/v1/ad_strands", { apikey: stack.publishableKey, authorization: forged })).status,
    401,
  );

  // Everything goes wrong that can: a wrong key, a wrong address, a function that fails, an argument that does.
  for (const headers of [{}, { apikey: "sb_secret_guessed" }, { apikey: stack.publishableKey }]) {
    for (const name of ["aggregate-strands", "mine-lessons", "mine-tuning", "materialize-overrides"]) {
      const { status } = await ask(`/functions/v1/${name}`, headers, {});
      assertEquals(status, 401, name);
    }
  }
  rig.calls.fate = (): "lose" => "lose";
  await rig.query("insert into public.ad_strands (id, kind) values ('late', 'pm_action')");
  await rig.sweep();
  await rig.settle();
  rig.calls.fate = (): "deliver" => "deliver";
  await rig.query(
    "select vault.update_secret(id, 'http://127.0.0.1:1/nobody') from vault.secrets where name = 'project_url'",
  );
  await rig.sweep();
  await rig.query(
    "select vault.update_secret(id, 'not an address') from vault.secrets where name = 'project_url'",
  );
  await rig.sweep();
  await rig.settle();
  await rig.query(REFUSE_REQUESTS);
  const { status } = await ask("/rest/v1/rpc/ring_edge_function", { apikey: stack.secretKey }, {
    p_name: "aggregate-strands",
  });
  assert(status >= 400, `${status}`);
  await rig.sweep();
  const written = await rig.query<{ text: string }>(`
    select to_jsonb(line)::text as text from public.learning_log line
    union all select to_jsonb(receipt)::text from public.strand_receipts receipt
    union all select to_jsonb(health)::text from public.learning_health health
    union all select to_jsonb(answer)::text from net._http_response answer
    union all select to_jsonb(run)::text from cron.job_run_details run
    union all select to_jsonb(rung)::text from learning.doorbells rung`);
  const problem = await rig.query<{ problem: string }>(
    "select problem from public.learning_health where stage = 'doorbell'",
  );
  assert(problem[0]?.problem !== null, "what went wrong was not noticed");
  const everything = [...heard, ...rig.consoleLines, ...written.map(({ text }) => text)];
  assert(everything.length > 500);
  assertEquals(
    everything.filter((text) => text.includes(stack.secretKey)).map((text) => text.slice(0, 300)),
    [],
  );
});

Deno.test({
  name:
    "a doorbell that cannot be rung is told without the key, to whoever rang it and in the server's log (initdb on this machine)",
  ignore: findPostgres() === null,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const cluster = cleanup.use(await Cluster.create());
    const template = await createTemplate(cluster.url, cleanup);
    const sql = connect(await createScratchDatabase(cluster.url, cleanup, template), { max: 1 });
    cleanup.defer(() => sql.end({ timeout: 5 }));
    const key = "sb_secret_of_this_test";
    await sql`select vault.create_secret('http://127.0.0.1:1', 'project_url'), vault.create_secret(${key}, 'edge_function_secret_key')`;
    await sql.unsafe(REFUSE_REQUESTS);
    const error = await assertRejects(() => sql`select learning.ring('aggregate-strands')`.then(), Error);
    await sql`insert into public.ad_strands (id, kind) values ('s', 'pm_action')`;
    const lines =
      (await sql<{ line: unknown }[]>`select to_jsonb(written) as line from public.learning_log written`)
        .map(({ line }) => JSON.stringify(line));
    const told = [
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
      ...lines,
      await cluster.readLog(),
    ];
    assertEquals(told.length, 3);
    for (const text of told) {
      assertEquals([text.includes("requests_are_refused"), text.includes(key)], [true, false], text);
    }
  },
});

testOnEachTarget(
  "a new key in Vault goes out with the next ring, without a change of the schema",
  async (target) => {
    await using database = await createPushed(target);
    const { sql } = database;
    await sql`select vault.create_secret('http://127.0.0.1:1', 'project_url')`;
    await sql`select vault.create_secret('sb_secret_former', 'edge_function_secret_key')`;
    const keyOfNextRing = async (): Promise<unknown> => {
      await sql`select learning.sweep()`;
      const [request] =
        await sql`select headers ->> 'apikey' as apikey from net.http_request_queue order by id desc limit 1`;
      return request?.apikey;
    };
    assertEquals(await keyOfNextRing(), "sb_secret_former");
    await sql`select vault.update_secret(id, 'sb_secret_current') from vault.secrets where name = 'edge_function_secret_key'`;
    assertEquals(await keyOfNextRing(), "sb_secret_current");
    const definitions = await namesOf(
      sql,
      `select pg_get_functiondef(p.oid) as name from pg_proc p where p.pronamespace in ${OURS} and p.prokind = 'f'`,
    );
    assertEquals(
      definitions.filter((definition) =>
        definition.includes("sb_secret_f") || definition.includes("sb_secret_c")
      ),
      [],
    );
  },
);
