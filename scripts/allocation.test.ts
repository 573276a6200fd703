import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { startStack } from "./stack/stack.ts";
import { createTestDatabase, testOnEachTarget } from "./testing/databases.ts";

/**
 * Timeframe, percent, hour of the exit, and the shares after it in hundredths of a percent
 * (functions/README.md, "Allocation").
 */
const WORKED_EXAMPLE = [
  { timeframe: "15m", percent: 5, hour: 1, shares: [1500, 5000, 3500] },
  { timeframe: "1h", percent: -2, hour: 2, shares: [1506, 4994, 3500] },
  { timeframe: "4h", percent: 3, hour: 3, shares: [1509, 4988, 3503] },
];

testOnEachTarget(
  "the worked example goes from strands through trigger and function to shares, positions and the decision maker",
  async (target) => {
    await using database = await createTestDatabase(target, "sql");
    await using cleanup = new AsyncDisposableStack();
    const errors: string[] = [];
    const stack = await startStack({
      databaseUrl: database.databaseUrl,
      push: false,
      onFunctionLog: (line, stream) => {
        if (stream === "stderr") errors.push(line);
      },
    });
    cleanup.defer(() => stack.close());

    await stack.query(`
      insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct) values
        ('solana', 'token', '15m', 'active', 0.015), ('solana', 'token', '1h', 'watchlist', 0.05),
        ('solana', 'token', '4h', 'dormant', 0.035)`);
    const strands = WORKED_EXAMPLE.map(({ timeframe, percent, hour }) => {
      const exit = `2026-01-01T0${hour}:00:00Z`;
      return {
        id: `close of ${timeframe}`,
        kind: "position_closed",
        module: "pm",
        timeframe,
        created_at: exit,
        content: {
          trade_id: `trade on ${timeframe}`,
          entry_context: {},
          trade_summary: {
            rr: 1,
            pnl_usd: 1,
            rpnl_pct: percent,
            entry_price: 1,
            exit_price: 1,
            entry_timestamp: "2026-01-01T00:00:00Z",
            exit_timestamp: exit,
          },
          completed_trades: [],
        },
      };
    });
    const inserted = await fetch(`${stack.apiUrl}/rest/v1/ad_strands`, {
      method: "POST",
      headers: { apikey: stack.secretKey, "content-type": "application/json" },
      body: JSON.stringify(strands),
    });
    assertEquals([inserted.status, await inserted.text()], [201, ""]);
    await stack.settle();

    const history = await stack.query<{ trade_id: string; shares: number[] }>(`
      select trade_id, array_agg(round(allocation::numeric * 10000, 6) order by timeframe collate "C")::float8[] as shares
      from public.timeframe_allocation_history group by exit_at, trade_id order by exit_at`);
    assertEquals(
      history,
      WORKED_EXAMPLE.map(({ timeframe, shares }) => ({ trade_id: `trade on ${timeframe}`, shares })),
    );
    const positions = await stack.query<{ held: number }>(`
      select total_allocation_pct as held from public.lowcap_positions order by timeframe collate "C"`);
    for (const [place, share] of [0.1509, 0.4988, 0.3503].entries()) {
      assertAlmostEquals(positions[place]?.held ?? NaN, 0.1 * share, 1e-12);
    }
    const log = await stack.query<{ event: string }>(`
      select event from public.learning_log where component = 'allocation' order by id`);
    assertEquals(log.map(({ event }) => event), ["roi_updated", "allocation_moved"]);

    const pm = await stack.signJwt({ app_metadata: { learning_role: "pm" } });
    const asked = await fetch(`${stack.apiUrl}/rest/v1/rpc/get_dm_allocation`, {
      method: "POST",
      headers: {
        apikey: stack.publishableKey,
        authorization: `Bearer ${pm}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ timeframe: "15m", scope: { chain: "solana" } }),
    });
    const answer = await asked.json();
    assertEquals([asked.status, answer.base, answer.multiplier], [200, 0.1, 1]);
    assertAlmostEquals(answer.share, 0.1509, 1e-12);
    assertAlmostEquals(answer.product, 0.01509, 1e-12);
    assertEquals(errors, []);
  },
);
