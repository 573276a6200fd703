/** Whole adoptions: of a guest that the tests invent, and, where a folder holds one (EDGELOOP_GUEST_DATA), of a real one. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { runAdoption } from "../adopt.ts";
import type { Database } from "../stack/database.ts";
import { compareSnapshots, snapshotSchema } from "../stack/schema_snapshot.ts";
import { type Stack, startStack } from "../stack/stack.ts";
import { createGuest, fillGuest, type GuestRows, guestSchema } from "../testing/adopt/guest.ts";
import {
  createTestDatabase,
  type Target,
  TEST_DATABASE_VARIABLE,
  testOnEachTarget,
  testOnRealPostgres,
} from "../testing/databases.ts";
import { createProject } from "../testing/projects.ts";
import { readSizings } from "./prove.ts";
import { type StepName, STEPS, type Workplace } from "./state.ts";
import { isThere, SHARED_DATA } from "../testing/shared_data.ts";

const FEW: GuestRows = { trades: 60, others: 20, positions: 40, episodes: 30, forgotten: 4 };
/** A folder with the schema and strands of a real guest. */
const GUEST_DATA = Deno.env.get("EDGELOOP_GUEST_DATA") ??
  new URL("pm", SHARED_DATA).pathname;
const PLAN = { thresholds: {}, crowdingByValue: false };

/** Runs as the task does and keeps what it says. */
class Task {
  readonly said: string[] = [];
  readonly work: Workplace;

  constructor(sql: Database, databaseUrl: string, checkpoint?: (step: StepName | "undo") => void) {
    this.work = {
      sql,
      databaseUrl,
      say: (sentence) => this.said.push(sentence),
      progress: () => {},
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
  }

  get text(): string {
    return this.said.join("\n");
  }

  run(
    does: "look" | "apply" | "act" | "undo",
    plan: Parameters<typeof runAdoption>[1]["plan"] = PLAN,
  ): Promise<number> {
    this.said.length = 0;
    return runAdoption(this.work, { does, discard: false, plan });
  }
}

/** Everything that the guest's tables hold and are, wherever they are. */
async function contents(sql: Database, schema: string): Promise<string[]> {
  const relations = await sql<{ name: string }[]>`
    select relname::text as name from pg_class
    where relnamespace = ${schema}::regnamespace and relkind in ('r', 'v') and relname <> all (
      array(select 'adoption' union all select 'adoption_' || part
        from unnest('{steps,progress,left_behind,relations,foreign_keys,digests,made_strands,histories,migrations}'::text[]) part)
    ) order by relname`;
  const lines: string[] = [];
  for (const { name } of relations) {
    const [row] = await sql<{ n: number; digest: string }[]>`
      select count(*) as n, md5(string_agg(md5(guest::text), '' order by md5(guest::text))) as digest
      from ${sql(schema)}.${sql(name)} guest`;
    lines.push(`${name} ${row?.n} ${row?.digest}`);
  }
  return lines;
}

/** What an adoption came to, without what differs from run to run. */
async function outcome(sql: Database): Promise<unknown> {
  const [row] = await sql`
    select
      (select md5(string_agg(md5((to_jsonb(strand) - case when made.id is null then '' else 'updated_at' end)::text), ''
          order by strand.id))
        from public.ad_strands strand left join before_edgeloop.adoption_made_strands made using (id)) as strands,
      (select md5(string_agg(md5(to_jsonb(position)::text), '' order by position.id)) from public.lowcap_positions position)
        as positions,
      (select md5(string_agg(md5((to_jsonb(episode) - 'scope_codes')::text), '' order by episode.id))
        from public.pattern_episode_events episode) as episodes,
      (select count(*) from public.strand_receipts) as receipts,
      (select jsonb_object_agg(config.module_id, config.config_data) from public.learning_configs config) as configs,
      (select jsonb_agg(dimension.dim order by dimension.bit) from public.scope_dimensions dimension) as dimensions,
      (select jsonb_agg(left_behind.thing || ': ' || left_behind.reason order by left_behind.id)
        from before_edgeloop.adoption_left_behind left_behind) as left_behind,
      (select count(*) from before_edgeloop.adoption_made_strands) as made,
      (select jsonb_agg(to_jsonb(guest) order by guest.relation, guest.column_name) from learning.guest_columns guest)
        as columns`;
  return row;
}

async function schemas(sql: Database): Promise<unknown> {
  const [row] = await sql`
    select array(select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1) as schemas,
      array(select relname::text from pg_class where relnamespace = 'public'::regnamespace order by 1) as relations`;
  return row;
}

async function postAsGuest(stack: Stack, path: string, method: string, body: unknown): Promise<Response> {
  return await fetch(`${stack.apiUrl}/rest/v1/${path}`, {
    method,
    headers: {
      apikey: stack.secretKey,
      "Content-Type": "application/json",
      Prefer: "return=representation",
    },
    body: JSON.stringify(body),
  });
}

testOnEachTarget(
  "a stack that would be started where another system lives says so and leaves nothing behind",
  async (target) => {
    await using database = await createTestDatabase(target);
    await createGuest(database.sql);
    const before = await schemas(database.sql);
    const error = await assertRejects(() => startStack({ databaseUrl: database.databaseUrl }), Error);
    assertMatch(error.message, /Another system lives here \(ad_strands, .*`task adopt` can move it/);
    assertEquals(await schemas(database.sql), before);
  },
);

testOnEachTarget("a database is adopted, written to as before, undone, and adopted again", async (target) => {
  await using database = await createTestDatabase(target);
  const { sql, databaseUrl } = database;
  await createGuest(sql);
  await fillGuest(sql, FEW);
  await sql`create table public.unrelated (id bigint primary key)`;
  const before = await contents(sql, "public");
  const schemaBefore = (await snapshotSchema(sql)).filter((line) =>
    !line.startsWith("schema ") && !line.startsWith("row of")
  );
  const task = new Task(sql, databaseUrl);

  assertEquals(await task.run("look"), 0);
  assertMatch(task.text, /Nothing was changed\. --apply does it/);
  assertEquals(await contents(sql, "public"), before, "a look changes nothing");

  assertEquals(await task.run("apply"), 0);
  assertMatch(task.text, /Archived 8 tables and 1 view /);
  assertMatch(task.text, /Strands: 200 before, 200 here\./);
  assertMatch(task.text, /Closes among them: 60 before, 60 here\./);
  assertMatch(task.text, /8 strands were made besides/);
  assertMatch(task.text, /Positions: 40 before, 40 here\./);
  assertMatch(task.text, /Episode rows: 30 before, 30 here\./);
  assertMatch(task.text, /Left behind: 1 setting \(pm\.half_life\); half_life is not a known key\./);
  assertMatch(task.text, /Receipts: 188 pending\./);
  assertEquals(
    (await contents(sql, "before_edgeloop")).filter((line) => !line.startsWith("open_strands")),
    before.filter((line) => !/^(?:open_strands|paths_of_positions|unrelated) /.test(line)),
    "the archive is what was there",
  );

  // Until --act nothing acts, and what was set is kept.
  const flags = async (): Promise<unknown> =>
    (await sql`select (public.get_pm_config() -> 'flags') - 'learning_overrides_enabled_regimes' as flags`)[0]
      ?.flags;
  assertEquals(await flags(), {
    learning_overrides_enabled: false,
    tuning_overrides_enabled: false,
    exposure_skew_enabled: false,
    require_proof: false,
    rescale_positions: false,
    dm_alloc_overrides_enabled: false,
    ae_v2_enabled: true,
  });
  assertEquals(
    [...await sql`select module_id, config_data - 'flags' as config from public.learning_configs order by 1`],
    [
      { module_id: "decision_maker", config: { global_roi: { x: 1 }, allocation_unit: "percent" } },
      {
        module_id: "pm",
        config: { feature_flags: { learning_overrides_enabled: false, own: 1 }, n_min: 40 },
      },
      { module_id: "scout", config: { anything: [1] } },
    ],
  );
  // Of 40 positions 16 are on the watchlist or active, with 1, 2 and 3 per cent by turns.
  const [held] = await sql<{ held: number; scopes: number }[]>`
    select sum(exposure) as held, count(*) filter (where scope ? 'book_id') as scopes from learning.position_scopes`;
  const expected = Array.from({ length: 40 }, (_, i) => i % 5 < 2 ? (1 + i % 3) / 100 : 0)
    .reduce((sum, share) => sum + share, 0);
  assert(Math.abs((held?.held ?? 0) - expected) < 1e-12, `${held?.held} is not ${expected}`);
  assertEquals(held?.scopes, 16);

  const sizings = await readSizings(sql);
  assertEquals(sizings.length, 10);
  assertEquals(sizings[0]?.applied, { strength: 1.05, skew: 0.9 });
  assert(sizings.every(({ answered }) => answered !== null && answered.skew !== 1), "asked as if it acted");

  // The guest writes as it did.
  await using cleanup = new AsyncDisposableStack();
  const stack = await startStack({ databaseUrl, push: false });
  cleanup.defer(() => stack.close());
  const strand = {
    id: "since",
    module: "pm",
    kind: "pm_action",
    symbol: "T1",
    timeframe: "15m",
    tags: null,
    recipient: "learning",
    created_at: "2026-02-01T00:00:00+00:00",
    updated_at: "2026-02-01T00:00:00+00:00",
    position_id: "00000001-1111-4111-8111-111111111111",
    trade_id: "00000001-0000-4000-8000-000000000000",
    parent_id: null,
    content: { trade_id: "t", pattern_key: "pm.a", action_category: "entry", scope: { timeframe: "15m" } },
    regime_context: null,
    standing: "fresh",
  };
  assertEquals((await postAsGuest(stack, "ad_strands", "POST", strand)).status, 201);
  const position = await postAsGuest(stack, "lowcap_positions", "POST", {
    token_chain: "solana",
    token_contract: "new",
    timeframe: "1d",
    total_quantity: 3,
    held_usd: 4,
    total_allocation_pct: null,
    entry_context: null,
  });
  assertEquals(position.status, 201);
  const [made] = await position.json();
  assertEquals(
    [made.status, made.state, made.book_id, made.current_usd_value, made.is_new],
    ["watchlist", "S4", "social", 0, false],
    "what the guest leaves out is what it was",
  );
  const episode = await postAsGuest(stack, "pattern_episode_events", "POST", {
    scope: { timeframe: "4h", chain: "solana", ticker: "T1", book_id: "social" },
    pattern_key: "module=pm|pattern_key=uptrend.S1.entry",
    episode_id: "s1win",
    decision: "skipped",
    factors: { sample_count: 1, ts_score: { min: 0.5, max: 0.5, median: 0.5 } },
    outcome: null,
    timestamp: "2026-01-10T13:00:00+00:00",
    trade_id: null,
  });
  assertEquals(episode.status, 201);
  const [row] = await episode.json();
  assert(row.id > 30, "its ids go on");
  const set = await postAsGuest(stack, `pattern_episode_events?id=eq.${row.id}`, "PATCH", {
    outcome: "success",
    updated_at: "2026-01-11T00:00:00+00:00",
  });
  assertEquals(set.status, 200);
  const [windows] = await sql`
    select outcome, scope, occurred_at = '2026-01-10T13:00:00Z' as then, factors -> 'ts_score' as ts from public.pattern_episode_events
    where episode_id = 's1win'`;
  assertEquals(windows, {
    outcome: "success",
    scope: { timeframe: "4h", chain: "solana", ticker: "T1", book_id: "social" },
    then: true,
    ts: { min: 0.5, max: 0.5, median: 0.5 },
  });
  const carried = await postAsGuest(stack, "pattern_episode_events?id=eq.5", "PATCH", { outcome: "success" });
  assertEquals((await carried.json())[0].episode_id, "window_5", "rows keep the ids that the guest knows");
  const viewed = await postAsGuest(stack, "lowcap_positions?token_contract=eq.contract-1", "PATCH", {
    held_usd: 77,
  });
  assertEquals(viewed.status, 200);
  assertEquals(
    (await sql`select count(*) as n from public.open_strands`)[0]?.n,
    200 + 8 + 1,
    "its views show it",
  );
  await sql`insert into public.paths_of_positions (position_id, roi) select id, 1 from public.lowcap_positions limit 1`;
  await assertRejects(
    async () =>
      await sql`insert into public.paths_of_positions (position_id, roi) values (gen_random_uuid(), 1)`,
    Error,
    "foreign key",
  );

  // What it has beside a release is not drift.
  await using fresh = await createTestDatabase(target, "migrations");
  const schemaOf = async (database: Database): Promise<string[]> =>
    (await snapshotSchema(database)).filter((line) =>
      // What has the dimensions written into it, the guest's other tables, and what a copy of a template has not.
      !/^(?:row of|job) /.test(line) && !/^[^:]*(?:unrelated|paths_of_positions)/.test(line) &&
      !/^function learning\.(?:normal_scope_mask|scopes_within|normalise_override)\(/.test(line)
    );
  assertEquals(compareSnapshots(await schemaOf(fresh.sql), await schemaOf(sql)), []);

  assertEquals(await task.run("undo"), 1);
  assertMatch(
    task.text,
    /Not undone\. This would be lost: 1 strand that came since, 1 position that came since, 1 position that changed since or went, 1 episode row that came since, 1 episode row that changed/,
  );
  await cleanup.disposeAsync();
  await sql`truncate public.paths_of_positions`;
  assertEquals(await runAdoption(task.work, { does: "undo", discard: true, plan: PLAN }), 0);
  assertEquals(await contents(sql, "public"), before, "everything is back");
  assertEquals(
    (await snapshotSchema(sql)).filter((line) => !line.startsWith("schema ") && !line.startsWith("row of")),
    schemaBefore,
  );
  assertEquals(
    (await sql`select to_regnamespace('learning') is null and to_regnamespace('before_edgeloop') is null as gone`)[
      0
    ]?.gone,
    true,
  );
  assertEquals([...await sql`select jobname from cron.job`], []);

  assertEquals(await task.run("apply"), 0);
  assertEquals(await task.run("act"), 0);
  assertMatch(
    task.text,
    /learning_overrides_enabled is false, flags\.tuning_overrides_enabled is true, flags\.exposure_skew_enabled is true/,
  );
  assertEquals(await task.run("undo"), 0, "nothing newer, nothing lost");
  assertEquals(await contents(sql, "public"), before);
});

testOnEachTarget(
  "an adoption that is killed in the middle of any step goes on and comes to the same",
  async (target) => {
    await using whole = await createTestDatabase(target);
    await using broken = await createTestDatabase(target);
    for (const { sql } of [whole, broken]) {
      // Their own ids and times would differ.
      await createGuest(sql);
      await fillGuest(sql, FEW);
      await sql`update public.ad_strands set updated_at = created_at`;
      await sql`update public.lowcap_positions set created_at = '2026-01-01', updated_at = '2026-01-01'`;
      await sql`update public.pattern_episode_events set updated_at = '2026-01-01'`;
    }
    assertEquals(await new Task(whole.sql, whole.databaseUrl).run("apply"), 0);

    const before = await contents(broken.sql, "public");
    for (const step of STEPS) {
      // The first transaction of the step, and where it goes in pieces the second.
      for (const place of step === "strands" ? [1, 2, 3] : [1, 2]) {
        let met = 0;
        const task = new Task(broken.sql, broken.databaseUrl, (at) => {
          if (at === step && (met += 1) === place) throw new Error("killed");
        });
        const finished = await task.run("apply").then(() => true, (error: unknown) => {
          assertMatch(String(error), /killed/);
          return false;
        });
        if (step === "archive" && place === 1) {
          assertEquals(finished, false);
          assertEquals(await contents(broken.sql, "public"), before, "a step that was killed is not there");
        }
        if (finished) break;
      }
    }
    assertEquals(await new Task(broken.sql, broken.databaseUrl).run("apply"), 0);
    assertEquals(await outcome(broken.sql), await outcome(whole.sql));

    const task = new Task(broken.sql, broken.databaseUrl, () => {
      throw new Error("killed");
    });
    await assertRejects(() => task.run("undo"), Error, "killed");
    assertEquals(await outcome(broken.sql), await outcome(whole.sql), "nor is an undo that was killed");
    assertEquals(await new Task(broken.sql, broken.databaseUrl).run("undo"), 0);
    assertEquals(await contents(broken.sql, "public"), before);
  },
);

testOnEachTarget("an adoption is undone from the middle of its way, too", async (target) => {
  await using database = await createTestDatabase(target);
  await createGuest(database.sql);
  await fillGuest(database.sql, FEW);
  const before = await contents(database.sql, "public");
  for (const step of ["push", "columns", "strands"] as const) {
    const task = new Task(database.sql, database.databaseUrl, (at) => {
      if (at === step) throw new Error("killed");
    });
    await assertRejects(() => task.run("apply"), Error, "killed");
    await assertRejects(
      () => startStack({ databaseUrl: database.databaseUrl }),
      Error,
      "This database is being adopted",
    );
    assertEquals(await new Task(database.sql, database.databaseUrl).run("undo"), 0);
    assertEquals(await contents(database.sql, "public"), before, `from ${step}`);
  }
});

testOnRealPostgres(
  "a run whose process is killed while it pushes, and while it carries over, goes on",
  async () => {
    await using database = await createTestDatabase("postgres");
    const { sql, databaseUrl } = database;
    await createGuest(sql);
    await fillGuest(sql, { ...FEW, trades: 6_000 });
    for (const line of ["2 of 10: push", "strands: 5,000"]) {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-check",
          new URL("../adopt.ts", import.meta.url).pathname,
          "--db",
          databaseUrl,
          "--apply",
        ],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      let heard = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        heard += text;
        if (!heard.includes(line)) continue;
        // The CLI takes longer than that.
        if (line.includes("push")) await new Promise((resolve) => setTimeout(resolve, 1_500));
        child.kill("SIGKILL");
        break;
      }
      assert(heard.includes(line), heard);
      assertEquals((await child.status).signal, "SIGKILL");
    }
    const task = new Task(sql, databaseUrl);
    assertEquals(await task.run("apply"), 0);
    assertMatch(task.text, /Strands: 18,020 before, 18,020 here\./);
    assertMatch(task.text, /Receipts: 18,008 pending\./);
  },
);

testOnRealPostgres("the owner of a hosted project's tables adopts without superuser's rights", async () => {
  await using project = await createProject("postgres", "older");
  const { owner, ownerUrl } = project;
  await createGuest(owner);
  await fillGuest(owner, FEW);
  // A history of the guest's own.
  await owner.unsafe(`
    create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name) values ('20250101000000', 'mine')`)
    .simple();
  const before = await contents(owner, "public");
  const task = new Task(owner, ownerUrl);
  assertEquals(
    await task.run("apply", {
      thresholds: { ts_min: 0.6, halo_max: 1, slope_min: 0 },
      crowdingByValue: true,
    }),
    0,
  );
  assertMatch(task.text, /1 migration of your own/);
  assertMatch(task.text, /Carried over 30 episode rows as windows\./);
  assertEquals(
    (await owner`select count(*) as n from public.pattern_episode_events where gates is not null`)[0]?.n,
    30,
    "thresholds that were given let windows be simulated",
  );
  const [crowding] = await owner<{ exposure: Record<string, unknown>; held: number }[]>`
    select public.get_pm_config() -> 'exposure' as exposure, (select sum(exposure) from learning.position_scopes) as held`;
  assertEquals(crowding?.exposure.masks, [["chain", "timeframe", "book_id", "state"], [
    "chain",
    "timeframe",
    "book_id",
  ], [
    "chain",
    "timeframe",
  ], ["chain"]]);
  assertEquals([crowding?.exposure.measure, crowding?.exposure.empty], ["value", 1]);
  // Of 40 positions, 16 on the watchlist or active, with 0, 100, 200, 300 USD by turns.
  assertEquals(
    crowding?.held,
    Array.from({ length: 40 }, (_, i) => i % 5 < 2 ? 100 * (i % 4) : 0).reduce((sum, usd) => sum + usd, 0),
  );
  assertEquals(await task.run("undo"), 0);
  assertEquals(await contents(owner, "public"), before);
  assertEquals([...await owner`select version, name from supabase_migrations.schema_migrations`], [{
    version: "20250101000000",
    name: "mine",
  }]);
});

testOnRealPostgres("rows that the tables refuse stay behind alone, each with its reason", async () => {
  await using database = await createTestDatabase("postgres");
  const { sql, databaseUrl } = database;
  await createGuest(sql);
  await fillGuest(sql, FEW);
  await sql`update public.lowcap_positions set total_allocation_pct = 250 where token_contract = 'contract-7'`;
  await sql`update public.pattern_episode_events set scope = '{"chain": ["a", "b"]}' where id = 9`;
  await sql`
    update public.lowcap_positions set completed_trades = '[{"trade_id": "lost", "summary": {"rr": 1}}, {"summary": {}}, 7]'
    where token_contract = 'contract-8'`;
  const task = new Task(sql, databaseUrl);
  assertEquals(await task.run("apply"), 0);
  assertMatch(task.text, /Positions: 40 before, 39 here\./);
  assertMatch(task.text, /Left behind: 1 position \(00000007-[^)]*\); new row .* violates check constraint/);
  assertMatch(task.text, /Episode rows: 30 before, 29 here\./);
  assertMatch(task.text, /Left behind: 1 episode row \(9\); Scope is not valid: chain must be a text/);
  assertMatch(task.text, /Left behind: 1 completed trade \(lost\); it has no rpnl_pct\./);
  assertMatch(task.text, /Left behind: 2 completed trade.*; it names no trade\./);
  assertEquals(await task.run("look"), 0);
  assertMatch(task.text, /^Adopted at .*; it does not act yet/);
});

testOnRealPostgres("what is in the way is named before anything is moved", async () => {
  await using database = await createTestDatabase("postgres");
  await createGuest(database.sql);
  await database.sql`create function public.get_pm_sizing(a text) returns text language sql as 'select a'`;
  const task = new Task(database.sql, database.databaseUrl);
  assertEquals(await task.run("look"), 1);
  assertMatch(
    task.text,
    /In the way: public's get_pm_sizing\(text\) has a name that Edgeloop needs; rename it\./,
  );
  await assertRejects(() => task.run("apply"), Error, "get_pm_sizing");
  assertEquals(
    (await database.sql`select to_regnamespace('before_edgeloop') is null as unmoved`)[0]?.unmoved,
    true,
  );
});

Deno.test({
  name: "a real guest's schema is adopted and takes its writes with all their keys (EDGELOOP_GUEST_DATA)",
  ignore: !isThere(GUEST_DATA),
  async fn(): Promise<void> {
    const read = async (name: string): Promise<string> => await Deno.readTextFile(`${GUEST_DATA}/${name}`);
    const targets: readonly Target[] = Deno.env.get(TEST_DATABASE_VARIABLE) === undefined
      ? ["embedded"]
      : ["embedded", "postgres"];
    for (const target of targets) {
      await using database = await createTestDatabase(target);
      const { sql, databaseUrl } = database;
      await createGuest(sql, guestSchema.parse(JSON.parse(await read("live-schema.json"))));
      await fillGuest(sql, FEW);
      const before = await contents(sql, "public");
      const task = new Task(sql, databaseUrl);
      assertEquals(await task.run("apply"), 0);
      await using cleanup = new AsyncDisposableStack();
      const stack = await startStack({ databaseUrl, push: false });
      cleanup.defer(() => stack.close());
      for (
        const [file, table] of [
          ["winner.ndjson", "ad_strands"],
          ["unlearnable.ndjson", "ad_strands"],
          ["episode_rows.ndjson", "pattern_episode_events"],
        ] as const
      ) {
        for (const line of (await read(file)).trim().split("\n")) {
          const response = await postAsGuest(stack, table, "POST", JSON.parse(line));
          assertEquals(response.status, 201, `${file}: ${await response.text()}`);
        }
      }
      assertEquals(
        [...await sql`select decision, outcome, gates from public.pattern_episode_events where id > 30 order by id`],
        [{ decision: "skipped", outcome: null, gates: null }, {
          decision: "acted",
          outcome: null,
          gates: null,
        }],
      );
      await cleanup.disposeAsync();
      assertEquals(await runAdoption(task.work, { does: "undo", discard: true, plan: PLAN }), 0);
      assertEquals(await contents(sql, "public"), before);
    }
  },
});
