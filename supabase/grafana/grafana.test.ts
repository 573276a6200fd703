/** Every query of the dashboard and of the alert rules, on Postgres, as the login that role.sql makes. */

import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { parse as parseYaml } from "@std/yaml/parse.js";
import { z } from "zod";
import type { Database } from "../../scripts/stack/database.ts";
import { createTestDatabase, testOnRealPostgres } from "../../scripts/testing/databases.ts";

const HERE = new URL("./", import.meta.url);
const ROLE = new URL("role.sql", HERE);
/** The relations that may be built on. */
const STABLE = [
  "public.allocation_daily",
  "public.exposure_now",
  "public.health_now",
  "public.learning_alerts",
  "public.lesson_families",
  "public.override_performance",
  "public.sizing_daily",
];

const Target = z.object({ rawSql: z.string(), format: z.enum(["table", "time_series"]) });
const Dashboard = z.object({
  uid: z.literal("edgeloop"),
  annotations: z.object({ list: z.array(z.object({ name: z.string(), target: Target })) }),
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.string() })) }),
  panels: z.array(z.object({
    id: z.number(),
    title: z.string(),
    type: z.string(),
    datasource: z.object({ uid: z.literal("edgeloop") }),
    targets: z.tuple([Target]),
    fieldConfig: z.object({
      overrides: z.array(z.object({ matcher: z.object({ id: z.literal("byName"), options: z.string() }) })),
    }),
    options: z.object({ xField: z.string().optional() }),
  })),
});
const Rules = z.object({
  apiVersion: z.literal(1),
  groups: z.tuple([z.object({
    rules: z.array(z.object({
      uid: z.string().max(40),
      title: z.string(),
      condition: z.literal("C"),
      data: z.tuple([
        z.object({ refId: z.literal("A"), datasourceUid: z.literal("edgeloop"), model: Target }),
        z.object({ refId: z.literal("B"), datasourceUid: z.literal("__expr__") }),
        z.object({ refId: z.literal("C"), datasourceUid: z.literal("__expr__") }),
      ]),
    })),
  })]),
});

interface Query {
  readonly where: string;
  readonly kind: "table" | "time_series" | "annotation" | "rule" | "values";
  readonly sql: string;
  /** Columns that the panel speaks of. */
  readonly named: readonly string[];
}

async function readQueries(): Promise<Query[]> {
  const dashboard = Dashboard.parse(
    JSON.parse(await Deno.readTextFile(new URL("dashboards/edgeloop.json", HERE))),
  );
  const [{ rules }] = Rules.parse(
    parseYaml(await Deno.readTextFile(new URL("provisioning/alerting/edgeloop.yaml", HERE))),
  ).groups;
  return [
    ...dashboard.panels.map(({ title, targets: [target], fieldConfig, options }): Query => ({
      where: title,
      kind: target.format,
      sql: target.rawSql,
      named: [
        ...fieldConfig.overrides.map(({ matcher }) => matcher.options),
        ...options.xField === undefined ? [] : [options.xField],
      ],
    })),
    ...dashboard.annotations.list.map(({ name, target }): Query => ({
      where: name,
      kind: "annotation",
      sql: target.rawSql,
      named: [],
    })),
    ...dashboard.templating.list.map(({ name, query }): Query => ({
      where: name,
      kind: "values",
      sql: query,
      named: [],
    })),
    ...rules.map(({ title, data: [{ model }] }): Query => ({
      where: title,
      kind: "rule",
      sql: model.rawSql,
      named: [],
    })),
  ];
}

/** As Grafana puts in what it knows: the range of time that is looked at, and the chosen dimension. */
function filledIn(sql: string): string {
  const filled = sql
    .replaceAll(
      /\$__timeFilter\((.*?)\)(?=\n| and\b|$)/g,
      "$1 between now() - interval '90 days' and now() + interval '1 day'",
    )
    .replaceAll("${dimension}", "timeframe");
  assertEquals(filled.includes("$"), false, `Something is not filled in: ${filled}`);
  return filled;
}

/** Types by their number in pg_type. */
const TIMES = [1114, 1184];
const NUMBERS = [20, 21, 23, 700, 701, 1700];
const TEXT = 25;

function assertColumns(
  { where, kind, named }: Query,
  columns: readonly { name: string; type: number }[],
): void {
  const typeOf = (name: string): number | undefined => columns.find((column) => column.name === name)?.type;
  const others = columns.filter(({ name }) => name !== "time" && name !== "metric");
  const names = columns.map(({ name }) => name);
  assertEquals(names.length, new Set(names).size, where);
  for (const name of named) assert(names.includes(name), `${where} speaks of ${name} and has ${names}.`);
  if (kind === "time_series" || kind === "rule") {
    assert(TIMES.includes(typeOf("time") ?? 0), `${where} has no time.`);
    assert(others.length > 0 && others.every(({ type }) => NUMBERS.includes(type)), `${where} has ${names}.`);
    const metric = typeOf("metric");
    assert(metric === undefined || metric === TEXT, `${where} names its series by no text.`);
    // A series of its own for each metric needs one value, or Grafana names it by both.
    if (metric !== undefined) assertEquals(others.map(({ name }) => name), ["value"], where);
  } else if (kind === "annotation") {
    assertEquals(names, ["time", "timeend", "text", "tags"], where);
  } else if (kind === "values") assertEquals(names.length, 1, where);
}

/** Something in each of them. */
async function furnish(sql: Database): Promise<void> {
  await sql`
    insert into public.learning_alerts (kind, opened_at, closed_at, message)
    values ('silence', now() - interval '2 days', null, 'nothing arrived'), ('overrides', now(), now(), 'one')`;
  await sql`
    insert into public.pm_sizings (taken_at, holdout, held_out, pattern_key, action_category, scope, a_value, e_value,
      mode, size_frac_raw, pm_strength, learned_strength, exposure_skew, size_frac, max_alloc_pct, a_final, e_final,
      overrides, config_version)
    values (now(), 0, false, 'pm.x', 'entry', '{}', 0.5, 0.5, 'posture', 0.35, 1.1, 1.1, 1, 0.4, 0.1, 0.5, 0.5, '[]', 1)`;
  await sql`
    insert into public.ad_strands (id, kind, module, created_at, content)
    values ('s1', 'pm_action', 'pm', now(), '{"trade_id": "t1", "pattern_key": "pm.x", "action_category": "entry",
      "size_frac": 0.4, "pm_strength_applied": 1.2}')`;
  await sql`
    insert into public.timeframe_allocation_steps (exit_at, trade_id, timeframe, roi, outcome, timeframes, shares,
      desired, n, last_exit_at, roi_short, roi_long, weight_short, weight_long)
    values (now(), 't1', '15m', 0.05, 'moved', '{15m,1h}', '{0.5,0.5}', '{0.5,0.5}', '{1,1}',
      array_fill(now(), array[2]), '{0.01,0.02}', '{0.04,0.05}', '{1,1}', '{1,1}')`;
  await sql`
    insert into public.lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct)
    values (gen_random_uuid(), 'solana', 'c1', '1h', 'active', 0.06)`;
  const [lesson] = await sql<{ id: string }[]>`
    insert into public.learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n,
      stats, edge_raw, status, family_scope)
    values ('pm', 'pm.x', 'entry', '{}', 0, 'pm_strength', 40, '{"effect": 0.01, "effect_low": 0.002,
      "effect_high": 0.018, "effect_error2": 0.00001, "weeks": 12, "z": 3}', 0.2, 'active', '{}') returning id`;
  const [override] = await sql<{ id: string }[]>`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, lesson_id)
    values ('pm_strength', 'pm.x', 'entry', '{}', 1.2, ${lesson?.id ?? ""}) returning id`;
  await sql`
    insert into learning.live_records (override_id, n, mean, e_value) values (${
    override?.id ?? ""
  }, 30, 0.01, 12)`;
}

/** Roles belong to the whole server, so that what is done here is rolled back. */
async function asGrafana(
  check: (sql: Database, becomeGrafana: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await using database = await createTestDatabase("postgres", "sql");
  const rolledBack = new Error("rolled back");
  await assertRejects(
    () =>
      database.sql.begin(async (transaction) => {
        const sql = transaction as unknown as Database;
        const role = await Deno.readTextFile(ROLE);
        await sql.unsafe(role).simple();
        await sql.unsafe(role).simple();
        await check(sql, async () => {
          await sql`set local role grafana`;
        });
        throw rolledBack;
      }),
    Error,
    rolledBack.message,
  );
}

testOnRealPostgres(
  "every query runs as the login of Grafana, finds something and has the columns it is shown by",
  async () => {
    const queries = await readQueries();
    assert(queries.length > 12);
    await asGrafana(async (sql, becomeGrafana) => {
      await furnish(sql);
      await becomeGrafana();
      for (const query of queries) {
        const result = await sql.unsafe(filledIn(query.sql));
        assertColumns(query, result.columns);
        assert(result.length > 0, `${query.where} finds nothing.`);
      }
    });
  },
);

testOnRealPostgres(
  "the login reads what a viewer reads, writes nothing and calls nothing that does",
  async () => {
    await asGrafana(async (sql, becomeGrafana) => {
      await becomeGrafana();
      assertEquals([...await sql`select learning.learning_role() as role`], [{ role: "viewer" }]);
      assertEquals([
        ...await sql`
        select relation.oid::regclass::text as name from pg_class relation
        where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace)
          and relation.relkind in ('r', 'v')
          and has_table_privilege(relation.oid, 'insert, update, delete, truncate')`,
      ], []);
      assertEquals([
        ...await sql`
        select routine.oid::regprocedure::text as name from pg_proc routine
        where routine.pronamespace in ('public'::regnamespace, 'learning'::regnamespace)
          and routine.provolatile = 'v' and has_function_privilege(routine.oid, 'execute')`,
      ], []);
      const unread = await sql<{ name: string }[]>`
      select relation.oid::regclass::text as name from pg_class relation
      join pg_policy policy on policy.polrelid = relation.oid and policy.polname = 'read_with_learning_role'
      where not has_table_privilege(relation.oid, 'select')`;
      assertEquals([...unread], []);
    });
  },
);

Deno.test("the files of Grafana speak of the stable views alone, and each of them is shown", async () => {
  const read = (await readQueries()).flatMap(({ sql }) => [...sql.matchAll(/\b(?:public|learning)\.\w+/g)])
    .map(([name]) => name);
  assertEquals([...new Set(read)].sort(), STABLE);
});
