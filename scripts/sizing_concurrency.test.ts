import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { connect, type Database } from "./stack/database.ts";
import { createTestDatabase, type TestDatabase, testOnRealPostgres } from "./testing/databases.ts";

interface Connections extends AsyncDisposable {
  readonly one: Database;
  readonly other: Database;
}

/** Two connections to a fresh database; what one waits for can be seen from a third. */
async function twoConnections(): Promise<Connections & { readonly observer: Database }> {
  const database: TestDatabase = await createTestDatabase("postgres", "sql");
  const cleanup = new AsyncDisposableStack();
  cleanup.use(database);
  const open = async (): Promise<Database> => {
    const sql = connect(database.databaseUrl, { max: 1 });
    cleanup.defer(() => sql.end({ timeout: 5 }));
    // What must not wait fails then instead of waiting for the test itself.
    await sql`set lock_timeout = '10s'`;
    return sql;
  };
  return {
    one: await open(),
    other: await open(),
    observer: database.sql,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** Resolves once the connection waits for another's lock; rejects when it does not within ten seconds. */
async function waits(observer: Database, pid: number): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    const [state] = await observer<{ waiting: boolean }[]>`
      select cardinality(pg_blocking_pids(${pid})) > 0 as waiting`;
    if (state?.waiting === true) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Connection ${pid} waits for nobody.`);
}

async function pidOf(sql: Database): Promise<number> {
  const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return backend?.pid ?? 0;
}

interface Entry {
  readonly id: number;
  readonly pattern_key: string;
  readonly entry_count: number;
  readonly multiplier: number;
}

/** Every override as it is indexed, in the order of the ids. */
async function readEntries(sql: Database): Promise<Entry[]> {
  return [
    ...await sql<Entry[]>`
      select index_entry.override_id as id, index_group.pattern_key, index_group.entry_count, index_entry.multiplier
      from learning.override_index_entries index_entry
      join learning.override_index_groups index_group on index_group.id = index_entry.bucket >> 40
      order by index_entry.override_id`,
  ];
}

testOnRealPostgres("A value that changes while its group is reindexed is the value that acts", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  await observer`
      insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
      values ('pm_strength', 'pm.a', 'entry', '{"chain": "solana"}', 1.1), ('pm_strength', 'pm.a', 'entry', '{}', 1.1)`;
  const pid = await pidOf(other);
  let update: Promise<unknown> = Promise.resolve();
  await one.begin(async (transaction) => {
    // Takes the group as an insert that makes it outgrow its files does.
    await transaction`update learning.override_index_groups set entry_count = entry_count where pattern_key = 'pm.a'`;
    await transaction`select learning.reindex_group(id, '{}') from learning.override_index_groups where pattern_key = 'pm.a'`;
    update = other`update pm_overrides set multiplier = 2 where scope_subset = '{"chain": "solana"}'`
      .execute();
    await waits(observer, pid);
  });
  await update;
  const entries = await observer<{ multiplier: number }[]>`
      select multiplier from learning.override_index_entries order by multiplier`;
  assertEquals(entries.map(({ multiplier }) => multiplier), [1.1, 2]);
});

testOnRealPostgres("An override deleted while its group is reindexed has no entry", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  await observer`
      insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
      values ('pm_strength', 'pm.a', 'entry', '{"chain": "solana"}'), ('pm_strength', 'pm.a', 'entry', '{}')`;
  const pid = await pidOf(other);
  let removal: Promise<unknown> = Promise.resolve();
  await one.begin(async (transaction) => {
    await transaction`update learning.override_index_groups set entry_count = entry_count where pattern_key = 'pm.a'`;
    await transaction`select learning.reindex_group(id, '{}') from learning.override_index_groups where pattern_key = 'pm.a'`;
    removal = other`delete from pm_overrides where scope_subset = '{"chain": "solana"}'`.execute();
    await waits(observer, pid);
  });
  await removal;
  const left = await observer`
      select index_entry.override_id, index_group.entry_count from learning.override_index_entries index_entry
      join learning.override_index_groups index_group on index_group.id = index_entry.bucket >> 40
      join pm_overrides override on override.id = index_entry.override_id`;
  assertEquals(left.length, 1);
  assertEquals((await observer`select 1 from learning.override_index_entries`).length, 1);
  assertEquals(left[0]?.entry_count, 1);
});

testOnRealPostgres(
  "Two writers of new overrides under one pattern key number its pairs without a clash",
  async () => {
    await using connections = await twoConnections();
    const { one, other, observer } = connections;
    const pid = await pidOf(other);
    const insert = (sql: Database, chain: string): Promise<unknown> =>
      sql`insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
        values ('pm_strength', 'pm.a', 'entry', ${JSON.stringify({ chain, timeframe: "1h" })}::jsonb)`
        .execute();
    let second: Promise<unknown> = Promise.resolve();
    await one.begin(async (transaction) => {
      await insert(transaction as unknown as Database, "solana");
      second = insert(other, "base");
      await waits(observer, pid);
    });
    await second;
    const numbers = await observer<
      { number: number }[]
    >`select number from learning.override_index_pairs order by number`;
    assertEquals(numbers.map(({ number }) => number), [1, 2, 3]);
    const found = await observer`
      select 1 from match_pm_overrides('pm.a', 'entry', '{"chain": "base", "timeframe": "1h"}')`;
    assertEquals(found.length, 1);
  },
);

testOnRealPostgres(
  "Writers who change values of one behaviour wait neither for each other nor for who switches another override off",
  async () => {
    await using connections = await twoConnections();
    const { one, other, observer } = connections;
    await observer`
      insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset)
      values (1, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}'), (2, 'pm_strength', 'pm.a', 'entry', '{}')`;
    await one.begin(async (transaction) => {
      await transaction`update pm_overrides set enabled = false where id = 1`;
      await other`update pm_overrides set multiplier = 2 where id = 2`;
    });
    await one.begin(async (transaction) => {
      await transaction`update pm_overrides set multiplier = 3 where id = 2`;
      await other`update pm_overrides set enabled = true, multiplier = 4 where id = 1`;
    });
    assertEquals(await readEntries(observer), [
      { id: 1, pattern_key: "pm.a", entry_count: 2, multiplier: 4 },
      { id: 2, pattern_key: "pm.a", entry_count: 2, multiplier: 3 },
    ]);
  },
);

testOnRealPostgres(
  "Overrides that move between two behaviours in opposite directions at once end where they were sent",
  async () => {
    await using connections = await twoConnections();
    const { one, other, observer } = connections;
    await observer`
      insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset) values
        (1, 'pm_strength', 'pm.a', 'entry', '{"chain": "solana"}'), (2, 'pm_strength', 'pm.b', 'entry', '{"chain": "base"}')`;
    const moveBackAndForth = async (sql: Database, id: number): Promise<void> => {
      for (let turn = 0; turn < 101; turn++) {
        await sql`
          update pm_overrides set pattern_key = case pattern_key when 'pm.a' then 'pm.b' else 'pm.a' end where id = ${id}`;
      }
    };
    await Promise.all([moveBackAndForth(one, 1), moveBackAndForth(other, 2)]);
    assertEquals(await readEntries(observer), [
      { id: 1, pattern_key: "pm.b", entry_count: 1, multiplier: 1 },
      { id: 2, pattern_key: "pm.a", entry_count: 1, multiplier: 1 },
    ]);
  },
);

testOnRealPostgres(
  "Values of two behaviours change while each is reindexed, and nobody waits in vain",
  async () => {
    await using connections = await twoConnections();
    const { one, other, observer } = connections;
    await observer`
      insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
      select 'pm_strength', pattern_key, 'entry', jsonb_build_object('curator', 'c' || place)
      from generate_series(1, 200) as place, (values ('pm.a'), ('pm.b')) as behaviour(pattern_key)`;
    const turns = 100;
    const reindex = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) {
        await one.begin(async (transaction) => {
          const patternKey = turn % 2 === 0 ? "pm.a" : "pm.b";
          await transaction`update learning.override_index_groups set entry_count = entry_count where pattern_key = ${patternKey}`;
          await transaction`
            select learning.reindex_group(id, '{}') from learning.override_index_groups where pattern_key = ${patternKey}`;
        });
      }
    };
    const changeValues = async (): Promise<void> => {
      for (let turn = 1; turn <= turns; turn++) {
        await other`update pm_overrides set multiplier = ${turn} where id > 0`;
      }
    };
    await Promise.all([reindex(), changeValues()]);
    const entries = await readEntries(observer);
    assertEquals(entries.length, 400);
    assertEquals(
      entries.filter(({ multiplier, entry_count }) => multiplier !== turns || entry_count !== 200),
      [],
    );
  },
);

testOnRealPostgres(
  "Upserts that change one behaviour and add to another do not fail beside those the other way round",
  async () => {
    await using connections = await twoConnections();
    const { one, other, observer } = connections;
    await observer`
      insert into pm_overrides (id, override_type, pattern_key, action_category, scope_subset)
      values (1, 'pm_strength', 'pm.a', 'entry', '{"chain": "old"}'), (2, 'pm_strength', 'pm.b', 'entry', '{"chain": "old"}')`;
    await observer`alter table pm_overrides alter column id restart with 3`;
    const upsert = async (sql: Database, known: string, grown: string): Promise<void> => {
      for (let turn = 1; turn <= 100; turn++) {
        await sql`
          insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
          values ('pm_strength', ${known}, 'entry', '{"chain": "old"}'),
            ('pm_strength', ${grown}, 'entry', ${JSON.stringify({ chain: `new ${turn}` })}::jsonb)
          on conflict (override_type, pattern_key, action_category, scope_digest) do update set multiplier = ${turn}`;
      }
    };
    await Promise.all([upsert(one, "pm.a", "pm.b"), upsert(other, "pm.b", "pm.a")]);
    const entries = await readEntries(observer);
    assertEquals(entries.length, 202);
    assertEquals(entries.slice(0, 2), [
      { id: 1, pattern_key: "pm.a", entry_count: 101, multiplier: 100 },
      { id: 2, pattern_key: "pm.b", entry_count: 101, multiplier: 100 },
    ]);
  },
);

testOnRealPostgres("An override written while its dimension gets another bit knows the new one", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  await observer`insert into scope_dimensions (dim, bit, source) values ('session', 17, 'entry')`;
  const pid = await pidOf(other);
  let registration: Promise<unknown> = Promise.resolve();
  await one.begin(async (transaction) => {
    await transaction`
        insert into pm_overrides (override_type, pattern_key, action_category, scope_subset)
        values ('pm_strength', 'pm.a', 'entry', '{"session": "asia"}')`;
    registration = other.begin(async (moving) => {
      await moving`delete from scope_dimensions where dim = 'session'`;
      await moving`insert into scope_dimensions (dim, bit, source) values ('session', 18, 'entry'), ('venue', 17, 'entry')`;
    });
    await waits(observer, pid);
  });
  await registration;
  const [made] = await observer<{ scope_mask: number }[]>`select scope_mask from pm_overrides`;
  assertEquals(made?.scope_mask, 2 ** 18);
});

testOnRealPostgres("Writers of positions do not wait for each other, and every position counts", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  const insert = (sql: Database, contract: string): Promise<unknown> =>
    sql`insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
        values ('solana', ${contract}, '1h', 'active', 0.1)`.execute();
  await insert(observer, "before");
  await one.begin(async (transaction) => {
    await insert(transaction as unknown as Database, "one");
    // Were it to wait, this would never come to an end.
    await insert(other, "other");
    await other`update lowcap_positions set total_allocation_pct = 0.2 where token_contract = 'other'`;
  });
  const exposure = async (): Promise<unknown> => {
    const [held] = await observer<{ exposure: number; positions: number }[]>`
        select exposure, positions from scope_exposure where scope = '{"chain": "solana", "timeframe": "1h"}'`;
    return held;
  };
  const held = await exposure() as { exposure: number; positions: number };
  assertAlmostEquals(held.exposure, 0.4, 1e-12);
  assertEquals(held.positions, 3);
  // The next writer sums up what they left beside each other.
  await other`delete from lowcap_positions where token_contract = 'before'`;
  const [rows] = await observer<{ rows: number }[]>`
      select count(*)::integer as rows from learning.exposure_cells where cell = '"chain":"solana","timeframe":"1h"' and pattern_key is null`;
  assertEquals(rows?.rows, 1);
  assertAlmostEquals((await exposure() as { exposure: number }).exposure, 0.3, 1e-12);
  await other`delete from lowcap_positions where true`;
  assertEquals((await observer`select 1 from learning.exposure_cells`).length, 0);
});

testOnRealPostgres("A position written while a dimension is registered is held with it", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  const pid = await pidOf(other);
  let registration: Promise<unknown> = Promise.resolve();
  await one.begin(async (transaction) => {
    await transaction`
        insert into lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context)
        values ('solana', 'a', '1h', 'active', 0.1, '{"session": "asia"}')`;
    registration = other`insert into scope_dimensions (dim, bit, source) values ('session', 20, 'entry')`
      .execute();
    await waits(observer, pid);
  });
  await registration;
  const [held] = await observer<{ exposure: number }[]>`
      select exposure from scope_exposure where scope = '{"session": "asia"}'`;
  assertEquals(held?.exposure, 0.1);
});

testOnRealPostgres("Dimensions that two sessions register at once are both known to a mask", async () => {
  await using connections = await twoConnections();
  const { one, other, observer } = connections;
  const pid = await pidOf(other);
  let registration: Promise<unknown> = Promise.resolve();
  await one.begin(async (transaction) => {
    await transaction`insert into scope_dimensions (dim, bit, source) values ('session', 20, 'entry')`;
    registration = other`insert into scope_dimensions (dim, bit, source) values ('venue', 21, 'entry')`
      .execute();
    await waits(observer, pid);
  });
  await registration;
  const [known] = await observer<{ mask: number }[]>`
      select learning.normal_scope_mask('{"session": "asia", "venue": "dex"}') as mask`;
  assertEquals(known?.mask, 2 ** 20 + 2 ** 21);
});
