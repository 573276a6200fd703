import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { fastForward } from "./demo/fast_forward.ts";
import { startTestStack, testOnEachTarget } from "./testing/databases.ts";

const TRADES_PER_CHAIN = 40;
const DAY_MS = 86_400_000;
const FIRST_ENTRY = Date.parse("2026-01-05T00:00:00Z");

/** An entry and its close: on solana a winner of 8 or 12 % that reached S3, on base a loser of as much. */
function trade(i: number): Record<string, unknown>[] {
  const chain = i % 2 === 0 ? "solana" : "base";
  const size = Math.floor(i / 2) % 2 === 0 ? 8 : 12;
  const at = (hours: number): string => new Date(FIRST_ENTRY + i * DAY_MS + hours * 3_600_000).toISOString();
  const common = { module: "pm", symbol: `TOKEN${i}`, timeframe: "1h" };
  return [{
    ...common,
    id: `entry ${i}`,
    kind: "pm_action",
    created_at: at(0),
    content: {
      trade_id: `trade ${i}`,
      pattern_key: "pm.smoke.entry",
      action_category: "entry",
      scope: { chain },
    },
  }, {
    ...common,
    id: `close ${i}`,
    kind: "position_closed",
    created_at: at(1),
    content: {
      trade_id: `trade ${i}`,
      entry_context: { chain },
      trade_summary: {
        rr: 1,
        pnl_usd: 1,
        rpnl_pct: chain === "solana" ? size : -size,
        entry_price: 1,
        exit_price: 1,
        entry_timestamp: at(0),
        exit_timestamp: at(1),
        reached_s3: chain === "solana",
      },
      completed_trades: [],
    },
  }];
}

testOnEachTarget("what is told in trades is sized, all the way", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const headers = { apikey: stack.secretKey, "content-type": "application/json" };
  const trades = Array.from({ length: 2 * TRADES_PER_CHAIN }, (_, i) => trade(i));
  const inserted = await fetch(`${stack.apiUrl}/rest/v1/ad_strands`, {
    method: "POST",
    headers,
    body: JSON.stringify(trades.flat()),
  });
  assertEquals([inserted.status, await inserted.text()], [201, ""]);
  await stack.settle();
  await fastForward(stack, () => {});
  assertEquals(
    await stack.query("select component, event, message from public.learning_log where level <> 'INFO'"),
    [],
  );

  // The last trade on each chain fades it the least; asked then, what was learned acts whole.
  const pm = {
    apikey: stack.publishableKey,
    authorization: `Bearer ${await stack.signJwt({ app_metadata: { learning_role: "pm" } })}`,
    "content-type": "application/json",
  };
  const asked = async (chain: string, i: number, as = headers): Promise<Record<string, number>> => {
    const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/get_pm_sizing`, {
      method: "POST",
      headers: as,
      body: JSON.stringify({
        pattern_key: "pm.smoke.entry",
        action_category: "entry",
        scope: { chain },
        a_value: 0.5,
        e_value: 0.5,
        as_of: new Date(FIRST_ENTRY + i * DAY_MS + 3_600_000).toISOString(),
      }),
    });
    const answer = await response.json();
    assertEquals(response.status, 200, JSON.stringify(answer));
    return Array.isArray(answer) ? answer[0] : answer;
  };

  // functions/README.md, "Confidence", "Posture directions" and "Mode posture", by hand.
  const n = TRADES_PER_CHAIN;
  const variance = 0.02 ** 2 * n / (n - 1);
  const confidence = (1 - Math.exp(-n / 50)) / (1 + variance + 0.25 / n);
  const steer = Math.min(0.22, 0.03 + 0.20 * confidence);
  // Winners vote (1, -1) and losers (-1, 0) with the same weight: all entries together point to (0, -0.5), from which
  // directions are measured: (1, -0.5) and (-1, 0.5).
  const won = await asked("solana", 2 * n - 2, pm);
  assertAlmostEquals(won["a_final"] ?? NaN, 0.5 + steer * 0.5, 1e-9);
  assertAlmostEquals(won["e_final"] ?? NaN, 0.5 - steer * 0.5 * 0.5, 1e-9);
  assertAlmostEquals(won["pm_strength"] ?? NaN, (0.10 + 0.50 * (0.5 + steer * 0.5)) / 0.35, 1e-9);
  const lost = await asked("base", 2 * n - 1);
  assertAlmostEquals(lost["pm_strength"] ?? NaN, (0.10 + 0.50 * (0.5 - steer * 0.5)) / 0.35, 1e-9);
  assertEquals((await asked("ethereum", 2 * n - 1))["pm_strength"], 1);
});
