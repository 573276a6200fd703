import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { delay } from "@std/async/delay.js";
import fc from "fast-check";
import {
  allocationSteps,
  CEILING,
  type ClosedTrade,
  FLOOR,
  inOrder,
  LARGEST_STEP,
  move,
  type Outcome,
} from "./testing/allocation_oracle.ts";
import { Random } from "./sample/random.ts";
import { connect, type Database } from "./stack/database.ts";
import { createTestDatabase, TEST_DATABASE_VARIABLE, testOnEachTarget } from "./testing/databases.ts";

const START_SHARES = { "15m": 0.15, "1h": 0.50, "4h": 0.35 };
const TIMEFRAMES = Object.keys(START_SHARES);
const ROUNDING = 1e-12;
const START_OF_HISTORY = Date.UTC(1994, 0, 1);

/** A step as the table holds it; arrays by timeframe, the last element of the longer ones for all trades. */
interface StoredStep {
  readonly trade_id: string;
  readonly outcome: Outcome;
  readonly timeframes: string[];
  readonly shares: number[];
  readonly desired: number[];
  readonly n: number[];
  readonly roi_short: (number | null)[];
  readonly roi_long: (number | null)[];
}

const roi = fc.oneof(
  fc.double({ min: -0.5, max: 0.5, noNaN: true }),
  fc.double({ min: -1, max: -1e-3, noNaN: true }),
  fc.constantFrom(0, -0.02, 0.02, 1e4, -1e4, 5e-324),
);

/** Exits lie close together or months apart, and some at the same moment. */
const exitAt = fc.oneof(
  fc.integer({ min: 0, max: 20 }).map((hours) => START_OF_HISTORY + hours * 3_600_000),
  fc.integer({ min: 0, max: 10 ** 9 }).map((seconds) => START_OF_HISTORY + seconds * 1_000),
);

function histories(returns: fc.Arbitrary<number>): fc.Arbitrary<ClosedTrade[]> {
  return fc.uniqueArray(
    fc.record({
      tradeId: fc.oneof(fc.string({ minLength: 1, maxLength: 3 }), fc.constantFrom("a", "B", "é", "𝒳", "ﬁ"))
        .filter((id) => !id.includes("\0") && id.isWellFormed()),
      timeframe: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(...TIMEFRAMES) },
        fc.constantFrom("1m", null),
      ),
      roi: returns,
      exitAt,
    }),
    { selector: (trade) => trade.tradeId, maxLength: 40 },
  );
}

/** Runs `work` in a transaction that leaves nothing behind. */
async function rolledBack(sql: Database, work: (sql: Database) => Promise<void>): Promise<void> {
  const done = new Error("done");
  await sql.begin(async (transaction) => {
    await work(transaction as unknown as Database);
    throw done;
  }).catch((error: unknown) => {
    if (error !== done) throw error;
  });
}

/** Lets closed trades appear as a batch of strands would, and replays from the earliest of them. */
async function close(sql: Database, batch: readonly ClosedTrade[]): Promise<void> {
  const earliest = Math.min(...batch.map((trade) => trade.exitAt));
  await sql`
    insert into learning.closed_trades as trade (trade_id, close_strand_id, timeframe, roi, rr, exit_at)
    select given ->> 'tradeId', given ->> 'tradeId', given ->> 'timeframe', (given ->> 'roi')::float8, 1,
      to_timestamp((given ->> 'exitAt')::float8 / 1000)
    from jsonb_array_elements(${JSON.stringify(batch)}::jsonb) as given
    on conflict (trade_id, module) do update set timeframe = excluded.timeframe, roi = excluded.roi, exit_at = excluded.exit_at`;
  await sql`select learning.replay_allocation(to_timestamp(${earliest / 1000}::float8))`;
}

function readSteps(sql: Database): Promise<StoredStep[]> {
  return sql<StoredStep[]>`
    select trade_id, outcome, timeframes, shares, desired, n, to_jsonb(roi_short) as roi_short,
      to_jsonb(roi_long) as roi_long
    from public.timeframe_allocation_steps
    order by exit_at, trade_id collate "C"`;
}

function assertSameSteps(stored: readonly StoredStep[], history: readonly ClosedTrade[]): void {
  const expected = allocationSteps(START_SHARES, history);
  assertEquals(stored.map((step) => step.trade_id), expected.map((step) => step.tradeId));
  for (const [index, step] of stored.entries()) {
    const wanted = expected[index];
    if (wanted === undefined) throw new Error(`No step ${index} is expected.`);
    const isNear = (
      actual: number | null | undefined,
      value: number | null | undefined,
      what: string,
    ): void => {
      if (value === null || actual === null) return assertEquals(actual, value, what);
      const scale = Math.max(1, Math.abs(value ?? NaN));
      assertAlmostEquals(actual ?? NaN, value ?? NaN, 1e-9 * scale, `${what} of step ${index}`);
    };
    // Where every share all but rests, rounding decides what the rest is called.
    if (step.outcome !== wanted.outcome) {
      assert(
        [step.outcome, wanted.outcome].every((outcome) => !["no_share", "one_timeframe"].includes(outcome)),
        `Step ${index} is ${step.outcome}, not ${wanted.outcome}`,
      );
      const before = stored[index - 1]?.shares ?? [0.15, 0.50, 0.35];
      for (const [place, share] of step.shares.entries()) {
        assertAlmostEquals(share, before[place] ?? NaN, ROUNDING, `step ${index} is ${step.outcome}`);
      }
    }
    for (const [place, timeframe] of [...step.timeframes, ""].entries()) {
      assertEquals(step.n[place], wanted.n[timeframe]);
      isNear(step.roi_short[place], wanted.roiShort[timeframe], `roi_short of ${timeframe}`);
      isNear(step.roi_long[place], wanted.roiLong[timeframe], `roi_long of ${timeframe}`);
      if (timeframe === "") continue;
      isNear(step.shares[place], wanted.shares[timeframe], `share of ${timeframe}`);
      isNear(step.desired[place], wanted.desired[timeframe], `desired share of ${timeframe}`);
    }
  }
}

function assertInvariants(steps: readonly StoredStep[]): void {
  let former: readonly number[] = Object.values(START_SHARES);
  for (const step of steps) {
    assertEquals(step.timeframes, TIMEFRAMES);
    const sum = step.shares.reduce((total, share) => total + share, 0);
    assertAlmostEquals(sum, 1, ROUNDING, "shares sum to 1");
    for (const [place, share] of step.shares.entries()) {
      const before = former[place] ?? NaN;
      assert(
        Math.abs(share - before) <= LARGEST_STEP + ROUNDING,
        `no step over 0.3 points: ${before} to ${share}`,
      );
      assert(share >= FLOOR - ROUNDING, `no share below its floor: ${share}`);
      if (step.n[place] === 0) assertEquals(share, before, "an untraded timeframe never moves");
      for (const [other, desired] of step.desired.entries()) {
        if (step.n[place] === 0 || step.n[other] === 0 || step.outcome === "one_timeframe") continue;
        // A trade without a share moves neither ROI nor desired shares, so the comparison holds after it as well.
        if ((step.roi_short[place] ?? 0) > (step.roi_short[other] ?? 0)) {
          assert((step.desired[place] ?? NaN) >= desired, "better ROI never gets the smaller desired share");
        }
      }
    }
    former = step.shares;
  }
}

testOnEachTarget(
  "Any history leaves the steps of the definition, in whatever order and batches it arrives",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const arrivals = fc.oneof(histories(roi), histories(roi.map((value) => -Math.abs(value) - 0.01))).chain((
      history,
    ) =>
      fc.record({
        arrived: fc.shuffledSubarray(history, { minLength: history.length }),
        sizes: fc.infiniteStream(fc.integer({ min: 1, max: 15 })),
        // Trades that first came with another outcome, place and timeframe.
        wrong: fc.array(
          fc.record({ index: fc.nat(), roi, exitAt, timeframe: fc.constantFrom(...TIMEFRAMES, null) }),
          {
            maxLength: 3,
          },
        ),
      })
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ arrived, sizes, wrong }) => {
        await rolledBack(database.sql, async (sql) => {
          const misreported = wrong.flatMap(({ index, ...fault }) => {
            const trade = arrived[index % Math.max(arrived.length, 1)];
            return trade === undefined ? [] : [{ ...trade, ...fault }];
          });
          for (const trade of misreported) await close(sql, [trade]);
          // The former places of corrected trades are replayed too, as apply_strands asks for.
          if (misreported.length > 0) {
            await sql`delete from learning.closed_trades where trade_id = any (${
              misreported.map((trade) => trade.tradeId)
            })`;
            const earliest = Math.min(...misreported.map((trade) => trade.exitAt));
            await sql`select learning.replay_allocation(to_timestamp(${earliest / 1000}::float8))`;
          }
          const waiting = [...arrived];
          while (waiting.length > 0) await close(sql, waiting.splice(0, sizes.next().value));
          const steps = await readSteps(sql);
          assertSameSteps(steps, arrived);
          assertInvariants(steps);
        });
      }),
      { numRuns: target === "embedded" ? 40 : 120 },
    );
  },
);

testOnEachTarget(
  "A single step equals the definition for any shares, ROI and numbers of trades",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    const state = fc.array(
      fc.record({
        weight: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(0)),
        roi: fc.double({ min: -1, max: 1, noNaN: true }),
        n: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 7 })),
      }),
      { minLength: 2, maxLength: 6 },
    ).map((timeframes) => {
      // The least each may have, and the rest by weight; of two, none may have less than the other's ceiling leaves.
      const least = timeframes.length === 2 ? 1 - CEILING : FLOOR;
      const weights = timeframes.reduce((sum, timeframe) => sum + timeframe.weight, 0);
      const shares = timeframes.map(({ weight }) =>
        least + (1 - least * timeframes.length) * (weights === 0 ? 1 / timeframes.length : weight / weights)
      );
      return {
        shares,
        roi: timeframes.map((timeframe) => timeframe.roi),
        n: timeframes.map((timeframe) => timeframe.n),
      };
    });
    const cases = fc.sample(state, 2_000);
    const answers = await database.sql<{ next_shares: number[]; desired: number[]; outcome: string }[]>`
    select (answer).*
    from jsonb_array_elements(${JSON.stringify(cases)}::jsonb) with ordinality as given(state, place)
    cross join lateral learning.next_allocation(
      array(select jsonb_array_elements_text(state -> 'shares')::float8),
      array(select jsonb_array_elements_text(state -> 'roi')::float8),
      array(select jsonb_array_elements_text(state -> 'n')::integer)
    ) as answer
    order by place`;
    const outcomes = new Map<string, number>();
    for (const [index, given] of cases.entries()) {
      const named = (values: readonly number[]): Record<string, number> =>
        Object.fromEntries(values.map((value, place) => [`t${place}`, value]));
      const expected = move(named(given.shares), named(given.roi), named(given.n));
      const answer = answers[index];
      if (answer === undefined) throw new Error(`Case ${index} has no answer.`);
      outcomes.set(answer.outcome, (outcomes.get(answer.outcome) ?? 0) + 1);
      for (const place of given.shares.keys()) {
        const shown = JSON.stringify(given);
        assertAlmostEquals(
          answer.next_shares[place] ?? NaN,
          expected.shares[`t${place}`] ?? NaN,
          1e-14,
          shown,
        );
        assertAlmostEquals(answer.desired[place] ?? NaN, expected.desired[`t${place}`] ?? NaN, 1e-14, shown);
        if (given.n[place] === 0) assertEquals(answer.next_shares[place], given.shares[place]);
      }
    }
    for (const outcome of ["moved", "one_timeframe", "at_bound"]) {
      assert(
        (outcomes.get(outcome) ?? 0) > 10,
        `the cases cover ${outcome}: ${JSON.stringify([...outcomes])}`,
      );
    }
  },
);

testOnEachTarget("Thousands of steps keep the sum, the floor and every token's total", async (target) => {
  await using database = await createTestDatabase(target, "sql");
  const count = 5_000;
  const random = new Random(7);
  // The 4h loses for long enough to reach its floor, then wins until it is nearly everything.
  const history = Array.from({ length: count }, (_, index): ClosedTrade => {
    const timeframe = TIMEFRAMES[Math.floor(random.uniform() * 3)] ?? "1h";
    const drift = timeframe !== "4h" ? 0 : index < count / 2 ? -0.5 : 0.5;
    return {
      tradeId: `t${index}`,
      timeframe,
      roi: drift + (random.uniform() - 0.5) / 10,
      exitAt: START_OF_HISTORY + index * 3_600_000,
    };
  });
  const { sql } = database;
  await sql`
    insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct)
    select 'solana', 'token ' || token, timeframe,
      (array['watchlist', 'active', 'dormant', 'paused'])[1 + (token + place) % 4], (token * 7 + place) % 11 / 100.0
    from generate_series(1, 40) as token
    cross join unnest(array['15m', '1h', '4h', '1m']) with ordinality as given(timeframe, place)
    where (token + place) % 5 <> 0`;
  const totals = (): Promise<{ token: string; total: number; idle: number }[]> =>
    sql<{ token: string; total: number; idle: number }[]>`
      select token_contract as token, sum(total_allocation_pct) as total,
        coalesce(sum(total_allocation_pct) filter (where status = 'paused' or timeframe = '1m'), 0) as idle
      from public.lowcap_positions group by token_contract order by token_contract`;
  const before = await totals();
  for (let at = 0; at < count; at += 50) await close(sql, history.slice(at, at + 50));
  const after = await totals();
  for (const [index, { token, total, idle }] of before.entries()) {
    assertEquals(after[index]?.token, token);
    assertAlmostEquals(after[index]?.total ?? NaN, total, ROUNDING, "a token's total is kept");
    assertEquals(after[index]?.idle, idle, "positions that do not take part are left alone");
  }
  const steps = await readSteps(sql);
  assertEquals(steps.length, count);
  assertInvariants(steps);
  const share4h = steps.map((step) => step.shares[2] ?? NaN);
  assertAlmostEquals(Math.min(...share4h), FLOOR, 1e-9, "the floor is reached");
  assert(Math.max(...share4h) > 0.9, "and left again");
  const [split] = await sql<{ worst: number }[]>`
    select max(abs(position.total_allocation_pct - token.total * share.current_allocation / token.shares)) as worst
    from public.lowcap_positions position
    join public.timeframe_allocation share using (timeframe)
    join lateral (
      select sum(other.total_allocation_pct) as total, sum(allocation.current_allocation) as shares
      from public.lowcap_positions other
      join public.timeframe_allocation allocation using (timeframe)
      where other.status in ('watchlist', 'active', 'dormant')
        and (other.token_chain, other.token_contract) = (position.token_chain, position.token_contract)
    ) as token on true
    where position.status in ('watchlist', 'active', 'dormant')`;
  assertAlmostEquals(split?.worst ?? NaN, 0, ROUNDING, "positions are split by the shares");
});

/** Writes the close of each trade as a strand. */
async function writeStrands(sql: Database, trades: readonly ClosedTrade[]): Promise<void> {
  await sql`
    insert into public.ad_strands (id, kind, module, timeframe, created_at, content)
    select 'close ' || (trade ->> 'tradeId'), 'position_closed', 'pm', trade ->> 'timeframe', exit_at, jsonb_build_object(
      'trade_id', trade ->> 'tradeId', 'entry_context', '{}'::jsonb, 'completed_trades', '[]'::jsonb,
      'trade_summary', jsonb_build_object('rr', 1, 'pnl_usd', 1, 'rpnl_pct', (trade ->> 'roi')::numeric * 100, 'entry_price', 1,
        'exit_price', 1, 'entry_timestamp', exit_at, 'exit_timestamp', exit_at))
    from jsonb_array_elements(${JSON.stringify(trades)}::jsonb) as trade
    cross join lateral to_timestamp((trade ->> 'exitAt')::float8 / 1000) as exit_at`;
}

/** Claims and applies until nothing is due; returns how many strands took effect. */
async function drain(sql: Database, limit: number): Promise<number> {
  let applied = 0;
  while (true) {
    const [claimed] = await sql<{ strands: { id: string; revision: number }[] }[]>`
      select public.claim_strands(${limit}) as strands`;
    const strands = claimed?.strands ?? [];
    if (strands.length === 0) return applied;
    const accepted = strands.map(({ id, revision }) => ({ id, revision }));
    const [outcome] = await sql<{ answer: { accepted: number; failed: number } }[]>`
      select public.apply_strands(${JSON.stringify(accepted)}::jsonb, '[]'::jsonb) as answer`;
    assertEquals(outcome?.answer.failed, 0);
    applied += outcome?.answer.accepted ?? 0;
  }
}

Deno.test({
  name: "Closes applied by many connections at once leave the state of the serial replay (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
  async fn(): Promise<void> {
    await using database = await createTestDatabase("postgres", "sql");
    const count = Number(Deno.env.get("EDGELOOP_TEST_CLOSES") ?? 1_000);
    const random = new Random(11);
    const trades = Array.from({ length: count }, (_, index): ClosedTrade => ({
      tradeId: `t${index}`,
      timeframe: ["15m", "1h", "4h", "1m"][Math.floor(random.uniform() * 4)] ?? null,
      roi: Math.round((random.uniform() - 0.5) * 4_000) / 10_000,
      // Many at the same minute, none in the order of their ids.
      exitAt: START_OF_HISTORY + Math.floor(random.uniform() * count) * 60_000,
    }));
    await writeStrands(database.sql, trades);
    await using connections = new AsyncDisposableStack();
    const workers = Array.from({ length: 8 }, () => {
      const connection = connect(database.databaseUrl, { max: 1 });
      connections.defer(() => connection.end({ timeout: 5 }));
      return connection;
    });
    const applied = await Promise.all(workers.map((connection, index) => drain(connection, index + 1)));
    assertEquals(applied.reduce((sum, part) => sum + part, 0), count);

    const steps = await readSteps(database.sql);
    assertEquals(steps.map((step) => step.trade_id), inOrder(trades).map((trade) => trade.tradeId));
    await database.sql`select learning.replay_allocation('-infinity')`;
    assertEquals(steps, await readSteps(database.sql), "the very same numbers as in one go");
    assertInvariants(steps);
    assertSameSteps(steps.slice(0, 400), inOrder(trades).slice(0, 400));
  },
});

Deno.test({
  name: "A close waits for another that is not committed yet, and takes it into account (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined,
  async fn(): Promise<void> {
    await using database = await createTestDatabase("postgres", "sql");
    const { sql } = database;
    const first: ClosedTrade = { tradeId: "first", timeframe: "15m", roi: 0.05, exitAt: START_OF_HISTORY };
    const second: ClosedTrade = {
      tradeId: "second",
      timeframe: "1h",
      roi: -0.02,
      exitAt: START_OF_HISTORY + 3_600_000,
    };
    await writeStrands(sql, [first, second]);
    const apply = async (connection: Database, trade: ClosedTrade): Promise<void> => {
      await connection`
        select public.apply_strands(jsonb_build_array(jsonb_build_object('id', ${`close ${trade.tradeId}`}::text, 'revision', 1)), '[]')`;
    };
    // The later trade gets in first and holds on; the earlier one must wait, then replay both.
    let waiting: Promise<void> | undefined;
    await sql.begin(async (transaction) => {
      await apply(transaction as unknown as Database, second);
      let waits = true;
      waiting = apply(sql, first).finally(() => {
        waits = false;
      });
      while (waits) {
        const [blocked] = await sql<{ count: number }[]>`
          select count(*)::integer as count from pg_catalog.pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_catalog.pg_database where datname = current_database())`;
        if (blocked?.count === 1) break;
        await delay(10);
      }
      assert(waits, "the second replay waits for the first");
      assertEquals((await readSteps(sql)).length, 0, "nobody sees what is not committed");
    });
    await waiting;
    assertSameSteps(await readSteps(sql), [first, second]);
  },
});
