/** What happens when two connections do something at once: each step is taken on purpose, or many are taken in a race. */

import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { delay } from "@std/async/delay.js";
import postgres from "postgres";
import { connect, type Database, WIRE_TYPES } from "../stack/database.ts";
import { createServerDatabase, testOnRealPostgres } from "../testing/databases.ts";

/** A connection of its own; what it does takes no longer than a hosted project allows. */
type Session = Database;

interface Server extends AsyncDisposable {
  readonly sql: Database;
  session(): Session;
}

async function startServer(): Promise<Server> {
  await using cleanup = new AsyncDisposableStack();
  const databaseUrl = await createServerDatabase(cleanup, "sql");
  const sql = connect(databaseUrl);
  cleanup.defer(() => sql.end({ timeout: 5 }));
  const owned = cleanup.move();
  return {
    sql,
    session(): Session {
      const session = postgres(databaseUrl, {
        max: 1,
        onnotice: () => {},
        connection: { TimeZone: "UTC", statement_timeout: 8000, lock_timeout: 8000 },
        types: WIRE_TYPES,
      }) as unknown as Session;
      owned.defer(() => session.end({ timeout: 5 }));
      return session;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Tests here need several connections at once, which the embedded database takes one after the other. */
function testOnPostgres(name: string, test: (server: Server) => Promise<void>): void {
  testOnRealPostgres(name, async () => {
    await using server = await startServer();
    await test(server);
  });
}

interface Strand {
  readonly id: string;
  readonly kind: string;
  readonly created_at: string;
  readonly content: object;
}

function action(id: string, trade: string, category = "entry", more: object = {}): Strand {
  const content = {
    trade_id: trade,
    pattern_key: `pm.${category}`,
    action_category: category,
    scope: { timeframe: "1h" },
    ...more,
  };
  return { id, kind: "pm_action", created_at: "2025-01-15T10:00:00Z", content };
}

function closing(id: string, trade: string, rpnl_pct: number): Strand {
  const trade_summary = {
    rr: 1,
    rpnl_pct,
    entry_timestamp: "2025-01-15T10:00:00Z",
    exit_timestamp: "2025-01-16T10:00:00Z",
  };
  return {
    id,
    kind: "position_closed",
    created_at: "2025-01-16T10:00:00Z",
    content: { trade_id: trade, trade_summary },
  };
}

async function insert(sql: Database, strands: readonly Strand[]): Promise<void> {
  await sql`
    insert into public.ad_strands (id, kind, created_at, content)
    select id, kind, created_at, content
    from jsonb_to_recordset(${
    JSON.stringify(strands)
  }::jsonb) as given(id text, kind text, created_at timestamptz, content jsonb)`;
}

async function claim(session: Session, limit = 500): Promise<string[]> {
  const [row] = await session<
    { strands: { id: string }[] }[]
  >`select public.claim_strands(${limit}) as strands`;
  return (row?.strands ?? []).map(({ id }) => id).sort();
}

interface Applied {
  readonly accepted: number;
  readonly rejected: number;
  readonly failed: number;
  readonly postponed: number;
  readonly contended?: boolean;
}

/** Lets strands take effect in the given order, as they were at a revision. */
async function apply(
  session: Session,
  ids: readonly string[],
  revision = 1,
  refused: readonly string[] = [],
): Promise<Applied> {
  const [row] = await session<{ applied: Applied }[]>`
    select public.apply_strands(
      ${JSON.stringify(ids.map((id) => ({ id, revision })))}::jsonb,
      ${
    JSON.stringify(refused.map((id) => ({ id, revision, errors: [{ path: "content", message: "Odd" }] })))
  }::jsonb
    ) as applied`;
  if (row === undefined) throw new Error("Nothing was applied.");
  return row.applied;
}

async function statuses(sql: Database): Promise<Record<string, string>> {
  const rows = await sql<
    { id: string; status: string }[]
  >`select strand_id as id, status from public.strand_receipts`;
  return Object.fromEntries(rows.map(({ id, status }) => [id, status]));
}

async function events(sql: Database): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select concat_ws(' ', action_strand_id, trade_id, pattern_key, roi, did_trim) as line
    from public.pattern_trade_events order by action_strand_id collate "C"`;
  return rows.map(({ line }) => line);
}

/** Resolves once so many sessions wait for a lock, or look for it again and again. */
async function waiting(sql: Database, sessions: number): Promise<void> {
  while (true) {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from pg_stat_activity
      where datname = current_database() and (wait_event_type = 'Lock' or wait_event = 'PgSleep')`;
    if (row?.count === sessions) return;
    await delay(5);
  }
}

testOnPostgres(
  "two invocations claim different strands, and neither waits for the other",
  async ({ sql, session }) => {
    await insert(sql, Array.from({ length: 10 }, (_, i) => action(`s${i}`, "t")));
    const [first, second] = [session(), session()];
    await first`begin`;
    const claimed = await claim(first, 4);
    assertEquals(claimed.length, 4);
    const others = await claim(second);
    assertEquals([...claimed, ...others].sort(), Array.from({ length: 10 }, (_, i) => `s${i}`));
    await first`rollback`;
    // The first died before it had anything: its strands are due at once.
    assertEquals(await claim(second), claimed);
  },
);

testOnPostgres("a race of claims hands out every strand exactly once", async ({ sql, session }) => {
  await insert(sql, Array.from({ length: 400 }, (_, i) => action(`s${String(i).padStart(3, "0")}`, "t")));
  const claims = await Promise.all(Array.from({ length: 6 }, async () => {
    const own = session();
    const claimed: string[] = [];
    while (true) {
      const batch = await claim(own, 17);
      if (batch.length === 0) return claimed;
      claimed.push(...batch);
    }
  }));
  assertEquals(claims.flat().sort(), Array.from({ length: 400 }, (_, i) => `s${String(i).padStart(3, "0")}`));
  assert(claims.filter((claimed) => claimed.length > 0).length > 1);
});

testOnPostgres(
  "a strand that a writer is just changing is neither claimed nor waited for",
  async ({ sql, session }) => {
    await insert(sql, [action("changing", "t"), action("other", "t")]);
    const [writer, reader] = [session(), session()];
    await writer`begin`;
    await writer`update public.ad_strands set content = content || '{"a_value": 1}' where id = 'changing'`;
    assertEquals(await claim(reader), ["other"]);
    await writer`commit`;
    assertEquals(await claim(reader), ["changing"]);
  },
);

testOnPostgres(
  "a verdict on a strand that a writer is just changing falls, without waiting",
  async ({ sql, session }) => {
    await insert(sql, [
      action("changing", "t"),
      action("other", "t"),
      closing("close", "t", 5),
      action("bad", "t"),
    ]);
    const [writer, worker] = [session(), session()];
    await claim(worker);
    await writer`begin`;
    await writer`update public.ad_strands set content = content || '{"pattern_key": "pm.changed"}' where id in ('changing', 'bad')`;
    assertEquals(await apply(worker, ["changing", "close", "other"], 1, ["bad"]), {
      accepted: 2,
      rejected: 0,
      failed: 0,
      postponed: 0,
    });
    await writer`commit`;
    assertEquals(await events(sql), ["other t pm.entry 0.05 f"]);
    assertEquals(await statuses(sql), { changing: "pending", other: "done", close: "done", bad: "pending" });
    assertEquals(await claim(worker), ["bad", "changing"]);
    await apply(worker, ["changing"], 2);
    assertEquals(await events(sql), ["changing t pm.changed 0.05 f", "other t pm.entry 0.05 f"]);
  },
);

testOnPostgres(
  "a strand that is changed while its batch waits takes effect as it is, not as it was",
  async ({ sql, session }) => {
    await insert(sql, [
      action("moved", "one"),
      closing("close one", "one", 5),
      closing("close two", "two", 7),
    ]);
    const [holder, worker] = [session(), session()];
    await apply(worker, ["close one", "close two"]);
    await holder`begin`;
    await holder`select pg_advisory_xact_lock(hashtextextended('trade one', 0))`;
    const applying = apply(worker, ["moved"]);
    await waiting(sql, 1);
    await sql`update public.ad_strands set content = content || '{"trade_id": "two"}' where id = 'moved'`;
    await holder`commit`;
    assertEquals(await applying, { accepted: 0, rejected: 0, failed: 0, postponed: 0 });
    assertEquals(await events(sql), []);
    await apply(worker, ["moved"], 2);
    assertEquals(await events(sql), ["moved two pm.entry 0.07 f"]);
  },
);

testOnPostgres(
  "of two invocations with the same strands one waits for the other and finds nothing left to do",
  async ({ sql, session }) => {
    await insert(sql, [action("entry", "t"), closing("close", "t", 5), action("bad", "t")]);
    const [first, second] = [session(), session()];
    await first`begin`;
    assertEquals(await apply(first, ["entry", "close"], 1, ["bad"]), {
      accepted: 2,
      rejected: 1,
      failed: 0,
      postponed: 0,
    });
    const late = apply(second, ["close", "entry"], 1, ["bad"]);
    await waiting(sql, 1);
    await first`commit`;
    assertEquals(await late, { accepted: 0, rejected: 0, failed: 0, postponed: 0 });
    const [logged] = await sql<
      { count: number }[]
    >`select count(*)::integer from public.learning_log where event = 'strand_rejected'`;
    assertEquals([(await events(sql)).length, logged?.count], [1, 1]);
  },
);

testOnPostgres(
  "a batch whose trades others hold on to is given back, due at once and as if it had not been tried",
  async ({ sql, session }) => {
    await insert(sql, [action("entry", "t"), action("elsewhere", "u"), closing("close", "t", 5)]);
    const [holder, worker, next] = [session(), session(), session()];
    assertEquals(await claim(worker), ["close", "elsewhere", "entry"]);
    await holder`begin`;
    await holder`select pg_advisory_xact_lock(hashtextextended('trade t', 0))`;
    assertEquals(await apply(worker, ["close", "elsewhere", "entry"]), {
      accepted: 0,
      rejected: 0,
      failed: 0,
      postponed: 3,
      contended: true,
    });
    await holder`commit`;
    assertEquals(
      [...await sql`select distinct status, attempts, next_attempt_at <= now() as due from public.strand_receipts`],
      [{ status: "pending", attempts: 0, due: true }],
    );
    assertEquals(await claim(next), ["close", "elsewhere", "entry"]);
  },
);

testOnPostgres(
  "a close and its action that arrive at once make the event, whichever is first",
  async ({ sql, session }) => {
    const [first, second] = [session(), session()];
    for (const [earlier, later] of [["a", "c"], ["c", "a"]] as const) {
      const trade = `${earlier} before ${later}`;
      await insert(sql, [action(`${trade} a`, trade), closing(`${trade} c`, trade, 5)]);
      await first`begin`;
      await apply(first, [`${trade} ${earlier}`]);
      const applying = apply(second, [`${trade} ${later}`]);
      await waiting(sql, 1);
      await first`commit`;
      assertEquals((await applying).accepted, 1);
    }
    assertEquals((await events(sql)).length, 2);
  },
);

testOnPostgres(
  "batches that share their trades never deadlock, and end as if they had come one by one",
  async ({ sql, session }) => {
    const trades = Array.from({ length: 40 }, (_, i) => `trade ${i}`);
    const strands = trades.flatMap((trade) => [
      action(`${trade} entry`, trade),
      action(`${trade} trim`, trade, "trim"),
      action(`${trade} exit`, trade, "exit"),
      closing(`${trade} close`, trade, 3),
    ]);
    await insert(sql, strands);
    const rounds = 12;
    for (let round = 1; round <= rounds; round++) {
      // Every session has all strands, in another order, in batches that overlap those of the others.
      await Promise.all([0, 1, 2].map(async (number) => {
        const own = session();
        const ids = strands.map(({ id }) => id);
        const order = number === 1 ? ids.toReversed() : number === 2 ? ids.toSorted() : ids;
        for (let from = 0; from < order.length; from += 50) {
          await apply(own, order.slice(from, from + 70), round);
        }
        await own.end();
      }));
      if (round === rounds) break;
      const factor = JSON.stringify({ a_value: round / 100, pattern_key: `pm.round.${round}` });
      await sql`update public.ad_strands set content = content || ${factor}::jsonb where kind = 'pm_action'`;
      await sql`
      update public.ad_strands set content = jsonb_set(content, '{trade_summary,rpnl_pct}', ${
        String(round)
      }::jsonb)
      where kind = 'position_closed'`;
    }
    const last = rounds - 1;
    assertEquals(
      await events(sql),
      strands.filter(({ kind }) => kind === "pm_action").map(({ id }) =>
        `${id} ${id.replace(/ \w+$/, "")} pm.round.${last} ${last / 100} t`
      ).sort(),
    );
    assertEquals(new Set(Object.values(await statuses(sql))), new Set(["done"]));
  },
);

testOnPostgres(
  "a cycle that begins while strands take effect never deadlocks with them",
  async ({ sql, session }) => {
    const keys = Array.from({ length: 30 }, (_, i) => `pm.key.${i}`);
    const strands = keys.flatMap((key, i) => [
      action(`${key} entry`, `t${i}`, "entry", { pattern_key: key }),
      action(`${key} trim`, `t${i}`, "trim", { pattern_key: key }),
      closing(`${key} close`, `t${i}`, 100 + i),
    ]);
    await insert(sql, strands);
    const [applier, miner, claimer] = [session(), session(), session()];
    let done = false;
    await Promise.all([
      (async () => {
        for (let round = 1; round <= 15; round++) {
          await apply(applier, strands.map(({ id }) => id).toSorted(), round);
          await sql`
          update public.ad_strands set content = jsonb_set(content, '{trade_summary,rpnl_pct}', ${
            String(round)
          }::jsonb)
          where kind = 'position_closed'`;
          await sql`update public.ad_strands set content = content || ${
            JSON.stringify({ a_value: round / 100 })
          }::jsonb where kind = 'pm_action'`;
        }
        done = true;
      })(),
      (async () => {
        while (!done) await miner`select public.start_mining('strength')`;
      })(),
      (async () => {
        while (!done) {
          const [row] = await claimer<{ claim: { group_id: number; lease_token: string } | null }[]>`
          select public.claim_mining_group('strength') as claim`;
          const lease = row?.claim ?? null;
          if (lease === null) continue;
          await claimer`select public.finish_mining_group(${lease.group_id}, ${lease.lease_token}, '[]'::jsonb)`;
        }
      })(),
    ]);
    assertEquals((await events(sql)).length, 60);
  },
);

testOnPostgres(
  "two miners lease different groups, and neither waits for the other",
  async ({ sql, session }) => {
    await insert(sql, [action("a", "t", "entry"), action("b", "t", "trim"), closing("c", "t", 5)]);
    const [first, second] = [session(), session()];
    await apply(first, ["a", "b", "c"]);
    await first`select public.start_mining('strength')`;
    const lease = async (miner: Session): Promise<unknown> =>
      (await miner<
        { claim: { group_id: number } | null }[]
      >`select public.claim_mining_group('strength') as claim`)[0]?.claim?.group_id;
    await first`begin`;
    const [mine, other] = [await lease(first), await lease(second)];
    assert(mine !== undefined && other !== undefined && mine !== other, `${mine}, ${other}`);
    assertEquals(await lease(second), undefined);
    await first`rollback`;
    assertEquals(await lease(second), mine);
  },
);

testOnPostgres(
  "of two invocations that finish one group only the one with the lease writes",
  async ({ sql, session }) => {
    await insert(sql, [action("a", "t"), closing("c", "t", 5)]);
    const [slow, quick] = [session(), session()];
    await apply(slow, ["a", "c"]);
    await slow`select public.start_mining('strength')`;
    const lease = async (miner: Session): Promise<{ group_id: number; lease_token: string }> => {
      const [row] = await miner<
        { claim: { group_id: number; lease_token: string } }[]
      >`select public.claim_mining_group('strength') as claim`;
      if (row === undefined) throw new Error("No group was leased.");
      return row.claim;
    };
    const lost = await lease(slow);
    await sql`update learning.mining_groups set leased_until = clock_timestamp() - interval '1 second'`;
    const held = await lease(quick);
    await quick`begin`;
    const lesson = (n: number): string =>
      JSON.stringify([{
        scope_subset: {},
        n,
        stats: { edge_before_decay: 1 },
        edge_raw: 1,
        status: "active",
        last_evidence_at: "2025-01-16",
      }]);
    await quick`select public.finish_mining_group(${held.group_id}, ${held.lease_token}, ${
      lesson(1)
    }::jsonb)`;
    await assertRejects(
      () =>
        slow`select public.finish_mining_group(${lost.group_id}, ${lost.lease_token}, ${lesson(2)}::jsonb)`
          .execute(),
      postgres.PostgresError,
      "no longer held",
    );
    // Nothing of it can be seen before all of it can.
    assertEquals((await sql`select from public.learning_lessons`).length, 0);
    await quick`commit`;
    assertEquals([...await sql<{ n: number }[]>`select n from public.learning_lessons`].map(({ n }) => n), [
      1,
    ]);
  },
);

testOnPostgres(
  "two writers of the configuration do not undo each other's change",
  async ({ sql, session }) => {
    const [first, second] = [session(), session()];
    await first`begin`;
    await first`insert into public.learning_configs (module_id, config_data) values ('pm', '{"n_min": 40}')`;
    const writing =
      second`insert into public.learning_configs (module_id, config_data) values ('decision_maker', '{"default_allocation_pct": 0.2}')`
        .execute();
    await waiting(sql, 1);
    // Whoever reads does not wait.
    const [before] = await sql<
      { n_min: number }[]
    >`select (public.get_pm_config() ->> 'n_min')::integer as n_min`;
    assertEquals(before?.n_min, 33);
    await first`commit`;
    await writing;
    const [after] = await sql<{ n_min: number; pct: number }[]>`
    select (learning.config('pm') ->> 'n_min')::integer as n_min, (learning.config('decision_maker') ->> 'default_allocation_pct')::float8 as pct`;
    assertEquals([after?.n_min, after?.pct], [40, 0.2]);
  },
);

testOnPostgres(
  "writers of strands wait neither for each other nor for whoever works on strands",
  async ({ sql, session }) => {
    await sql`select vault.create_secret('http://127.0.0.1:9', 'project_url'), vault.create_secret('sb_secret_test', 'edge_function_secret_key')`;
    const [first, second, worker] = [session(), session(), session()];
    await first`begin`;
    await insert(first, [action("one", "t")]);
    await worker`begin`;
    await insert(second, [action("two", "t"), closing("close", "t", 5)]);
    await apply(worker, ["two", "close"]);
    await insert(second, [action("three", "t")]);
    await first`commit`;
    await worker`commit`;
    assertEquals(await statuses(sql), { one: "pending", two: "done", close: "done", three: "pending" });
  },
);

testOnPostgres("two reconciliations at once leave one override a lesson", async ({ sql, session }) => {
  await sql`
    select learning.mark_groups_changed(array_agg(('pm', 'pm.key.' || i, 'entry')::learning.group_key)) from generate_series(1, 60) i`;
  await sql`
    insert into public.learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status, first_active_at)
    select 'pm', 'pm.key.' || i, 'entry', jsonb_build_object('chain', chain), 2, 'pm_strength', 40,
      '{"dirA": 0, "dirE": 0, "variance": 0.1, "confidence": 0.5, "decay": {"state": "stable"}}', 0.2, 'active', now()
    from generate_series(1, 60) i, unnest('{a,b,c}'::text[]) as chain`;
  const created = await Promise.all([session(), session(), session()].map(async (own) => {
    let count = 0;
    for (let after: number | null = 0; after !== null;) {
      const [row]: { step: { next: number | null; created: number } }[] =
        await own`select public.reconcile_overrides(${after}, 7) as step`;
      count += row?.step.created ?? 0;
      after = row?.step.next ?? null;
    }
    return count;
  }));
  const [held] = await sql<
    { count: number }[]
  >`select count(*)::integer from public.pm_overrides where enabled`;
  assertEquals(held?.count, 180);
  assert(created.reduce((sum, count) => sum + count, 0) >= 180);
});

const WRITE_OVERRIDE = `
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, confidence_score)
  values ('pm_strength', 'pm.a', 'entry', '{}', 0.5, 1)`;
const WRITE_POSITION = `
  insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
  values ('base', 'a', '1h', 'active', 0.1)`;
for (
  const [who, first, second] of [
    ["writes an override, then a position", WRITE_OVERRIDE, WRITE_POSITION],
    ["writes a position, then an override", WRITE_POSITION, WRITE_OVERRIDE],
    ["sweeps", "select learning.find_lost_receipts()", "select learning.outdate_allocation(now())"],
  ] as const
) {
  testOnPostgres(
    `everything is derived anew while somebody ${who}: neither fails`,
    async ({ sql, session }) => {
      const [writer, owner] = [session(), session()];
      await writer`begin`;
      await writer.unsafe(first);
      const rebuilt = owner<{ what: string; how_many: string }[]>`select * from learning.rebuild()`.execute();
      await waiting(sql, 1);
      await insert(sql, [action("taken", "t")]);
      await writer.unsafe(second);
      await writer`commit`;
      const counts = new Map((await rebuilt).map(({ what, how_many }) => [what, Number(how_many)]));
      const written = first === WRITE_OVERRIDE || first === WRITE_POSITION ? 1 : 0;
      assertEquals(counts.get("positions that count as exposure"), written);
      assertEquals((counts.get("override index entries") ?? 0) > 0, written === 1);
    },
  );
}
