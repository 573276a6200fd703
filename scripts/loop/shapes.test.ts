/** Strands as a PM writes them that was there before Edgeloop, over HTTP, as its client would. */

import { assertEquals } from "@std/assert/mod.js";
import type { Stack } from "../stack/stack.ts";
import { startTestStack, TEST_DATABASE_VARIABLE, testOnEachTarget } from "../testing/databases.ts";
import { isThere, SHARED_DATA } from "../testing/shared_data.ts";

type Strand = Readonly<Record<string, unknown>>;

const TRADE = "aaaaaaaa-0000-4000-8000-00000000000f";
const SCOPE = { book_id: "onchain", timeframe: "1h", chain: "base", ticker: "OMEGA", curator: "c-11" };
const REGIME = { bucket_phases: { micro: { phase: "S2", score: 0.7 } }, bucket_rank: ["micro", "nano"] };

function written(id: string, kind: string, at: string, content: Strand): Strand {
  return {
    id,
    module: "pm",
    kind,
    symbol: "OMEGA",
    timeframe: "1h",
    trade_id: content["trade_id"] ?? null,
    content: { position_id: "p-9", token_contract: "InvOMEGA", ...content },
    regime_context: REGIME,
    tags: [kind],
    created_at: at,
  };
}

function action(decision: string, key: string, at: string, content: Strand): Strand {
  return written(`${decision}-9`, "pm_action", at, {
    decision_type: decision,
    trade_id: TRADE,
    size_frac: 0.5,
    pattern_key: `module=pm|pattern_key=uptrend.${key}`,
    scope: SCOPE,
    ...content,
  });
}

const ENTRY = action("entry", "S1.buy_flag", "2026-02-01T10:00:03+00:00", {
  action_category: "entry",
  reasons: { ordered: [{ name: "state", value: "S1" }, { name: "pm_strength", value: 1.25 }] },
  learning_multipliers: { pm_strength: 9, exposure_skew: 0.5 },
  execution_result: { status: "success", price: 0.00002, quantity: 5e7 },
});
const ADD = action("add", "S2.retest", "2026-02-01T20:00:00+00:00", {
  reasons: { ordered: [{ name: "state", value: "S3" }] },
  pm_strength_applied: 0.75,
  exposure_skew_applied: 1,
  price: 0.000025,
  side: "short",
  leverage: 2,
});
const EMERGENCY = action("emergency_exit", "S0.exit", "2026-02-02T10:00:01+00:00", {
  reasons: { state: "S0" },
  execution_result: { status: "success", price: null },
});
const CLOSE = written("close-9", "position_closed", "2026-02-02T10:00:00+00:00", {
  trade_id: TRADE,
  entry_context: { curator: "c-11", chain: "base", mcap_bucket: "1m-2m", leverage: 3 },
  trade_summary: {
    rr: -1.5,
    rpnl_pct: -4,
    rpnl_usd: -40,
    total_pnl_usd: -41,
    fees: 0.003,
    entry_price: 0.00002,
    exit_price: 0.0000192,
    entry_timestamp: "2026-02-01T10:00:00+00:00",
    exit_timestamp: "2026-02-02T10:00:00+00:00",
    could_enter_better: { best_entry_price: 0.000019, missed_rr: 0.25 },
    could_exit_better: { missed_rr: null },
    time_to_s3: null,
  },
  completed_trades: [],
  decision_type: "emergency_exit",
});
const HELD_BACK = written("shadow-9", "pm_action", "2026-02-03T00:00:00+00:00", {
  decision_type: "shadow_entry",
  trade_id: null,
  blocked_by: ["halo"],
  gate_margins: { ts_margin: 4, halo_margin: -0.3, slope_margin: 1 },
  scope: SCOPE,
});
const FAILED = {
  ...action("entry", "S1.buy_flag", "2026-02-03T01:00:00+00:00", {
    trade_id: null,
    execution_result: { status: "error", price: null },
  }),
  id: "failed-9",
};
const SUMMARY = written("summary-9", "uptrend_episode_summary", "2026-02-03T06:00:00+00:00", {
  episode_id: "s1_0009",
  pattern_key: "module=pm|pattern_key=uptrend.S1.entry",
  scope: SCOPE,
  outcome: "correct_skip",
  windows: [{
    window_id: "s1win_0009",
    entered: false,
    started_at: "2026-02-03T02:00:00+00:00",
    ended_at: "2026-02-03T03:00:00+00:00",
    samples: [{ ts_score: 0.61, ts_ok: true, slope_ok: false }],
    summary: { ts_score: { min: 0.6, max: 0.62, median: 0.61 }, ema60_slope: { median: -0.001 } },
  }],
});

async function write(stack: Stack, strands: readonly Strand[]): Promise<number> {
  const keys = [...new Set(strands.flatMap((strand) => Object.keys(strand)))];
  const response = await fetch(`${stack.apiUrl}/rest/v1/ad_strands?columns=${keys.join(",")}`, {
    method: "POST",
    headers: {
      apikey: stack.secretKey,
      "Content-Type": "application/json",
      Prefer: "missing=default",
    },
    body: JSON.stringify(strands),
  });
  await response.body?.cancel();
  return response.status;
}

const RECEIPTS =
  "select status, count(*)::integer as n, jsonb_agg(errors) filter (where errors <> '[]') as errors from public.strand_receipts group by 1";
const WARNINGS = "select level, message from public.learning_log where level in ('WARNING', 'ERROR')";
const EVENTS = `
  select action_strand_id, pattern_key, action_category, roi, rr, pnl_usd, duration_hours, did_trim, reached_s3,
    time_to_s3_hours, could_enter_better, could_exit_better, fill_price, fill_quantity, side, leverage, scope
  from public.pattern_trade_events order by acted_at`;

testOnEachTarget(
  "what a PM writes in shapes of its own is read, whichever strand comes first",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    for (const strand of [CLOSE, EMERGENCY, ADD, ENTRY]) assertEquals(await write(stack, [strand]), 201);
    assertEquals(await write(stack, [HELD_BACK, FAILED, SUMMARY]), 201);
    await stack.settle();
    assertEquals(await stack.query(RECEIPTS), [{ status: "done", n: 7, errors: null }]);
    assertEquals(await stack.query(WARNINGS), []);

    const ofTrade = {
      roi: -0.04,
      rr: -1.5,
      pnl_usd: -40,
      duration_hours: 24,
      did_trim: false,
      // By the state among the reasons of the add.
      reached_s3: true,
      time_to_s3_hours: null,
      could_enter_better: 0.25,
      could_exit_better: null,
      scope: { timeframe: "1h", chain: "base", curator: "c-11", mcap_bucket: "1m-2m" },
    };
    assertEquals(await stack.query(EVENTS), [
      {
        ...ofTrade,
        action_strand_id: "entry-9",
        pattern_key: "pm.uptrend.S1.buy_flag",
        action_category: "entry",
        fill_price: 0.00002,
        fill_quantity: 5e7,
        side: "long",
        leverage: 3,
      },
      {
        ...ofTrade,
        action_strand_id: "add-9",
        pattern_key: "pm.uptrend.S2.retest",
        action_category: "add",
        fill_price: 0.000025,
        fill_quantity: null,
        side: "short",
        leverage: 2,
      },
      {
        ...ofTrade,
        action_strand_id: "emergency_exit-9",
        pattern_key: "pm.uptrend.S0.exit",
        action_category: "exit",
        fill_price: null,
        fill_quantity: null,
        side: "long",
        leverage: 3,
      },
    ]);
    assertEquals(await stack.query("select entry_price, exit_price, fees from learning.closed_trades"), [
      { entry_price: 0.00002, exit_price: 0.0000192, fees: 0.003 },
    ]);
    assertEquals(
      await stack.query(`
      select action_strand_id, action_category, pm_strength_applied, exposure_skew_applied from public.pm_sizing_audit
      where closed order by acted_at`),
      [
        {
          action_strand_id: "entry-9",
          action_category: "entry",
          pm_strength_applied: 1.25,
          exposure_skew_applied: 0.5,
        },
        {
          action_strand_id: "add-9",
          action_category: "add",
          pm_strength_applied: 0.75,
          exposure_skew_applied: 1,
        },
        {
          action_strand_id: "emergency_exit-9",
          action_category: "exit",
          pm_strength_applied: null,
          exposure_skew_applied: null,
        },
      ],
    );
    assertEquals(
      await stack.query(`
      select strand_id, episode_id, pattern_key, decision, outcome, blocked_by, gates from public.pattern_episode_events`),
      [{
        strand_id: "summary-9#1",
        episode_id: "s1_0009",
        pattern_key: "pm.uptrend.S1.entry",
        decision: "skipped",
        outcome: "failure",
        blocked_by: ["slope"],
        gates: null,
      }],
    );
  },
);

/** Samples of what that PM writes, with what each must give; they are no part of the repository. */
const SAMPLES = new URL("pm/", SHARED_DATA);

interface WinnerManifest {
  readonly receipts: Readonly<Record<string, number>>;
  readonly each_event: Readonly<Record<string, unknown>>;
  readonly pattern_keys: readonly string[];
  readonly scope_contains: Readonly<Record<string, string>>;
  readonly scope_when_registered: Readonly<Record<string, string>>;
  readonly audit: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly allocation: Readonly<Record<string, number>>;
}

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, SAMPLES));
}

/** Writes the strands of a file one after the other, with all their keys. */
async function writeSample(stack: Stack, name: string): Promise<void> {
  // Guest columns are there once a database was adopted.
  await stack.query(`
    alter table public.ad_strands add column if not exists target_agent text,
      add column if not exists updated_at timestamptz, add column if not exists session_bucket text,
      add column if not exists signal_pack jsonb, add column if not exists module_intelligence jsonb,
      add column if not exists status text`);
  await stack.query("notify pgrst, 'reload schema'");
  for (const line of (await read(name)).trim().split("\n")) {
    const response = await fetch(`${stack.apiUrl}/rest/v1/ad_strands`, {
      method: "POST",
      headers: { apikey: stack.secretKey, "Content-Type": "application/json" },
      body: line,
    });
    assertEquals([response.status, await response.text()], [201, ""]);
  }
  await stack.settle();
}

for (const target of ["embedded", "postgres"] as const) {
  const ignore = !isThere(SAMPLES) ||
    target === "postgres" && Deno.env.get(TEST_DATABASE_VARIABLE) === undefined;

  Deno.test({
    name: `the sample of a trade that won gives what its manifest says (${target})`,
    ignore,
    fn: async () => {
      await using cleanup = new AsyncDisposableStack();
      const stack = await startTestStack(target, cleanup);
      const manifest: { readonly "winner.ndjson": WinnerManifest } = JSON.parse(await read("manifest.json"));
      const wanted = manifest["winner.ndjson"];
      await stack.query(
        "insert into public.scope_dimensions (dim, bit, source) values ('book_id', 20, 'action'), ('ticker', 21, 'action')",
      );
      await writeSample(stack, "winner.ndjson");
      assertEquals(
        await stack.query("select status, count(*)::integer as n from public.strand_receipts group by 1"),
        Object.entries(wanted.receipts).map(([status, n]) => ({ status, n })),
      );
      assertEquals(await stack.query(WARNINGS), []);
      const events = await stack.query<Record<string, unknown> & { scope: Record<string, string> }>(
        `select *, to_jsonb(event) ->> 'pattern_key' as key from public.pattern_trade_events event order by pattern_key`,
      );
      assertEquals(events.map(({ key }) => key), wanted.pattern_keys);
      for (const event of events) {
        const picked = (keys: readonly string[], from: Record<string, unknown>): Record<string, unknown> =>
          Object.fromEntries(keys.map((key) => [key, from[key]]));
        assertEquals(picked(Object.keys(wanted.each_event), event), wanted.each_event);
        const scope = { ...wanted.scope_contains, ...wanted.scope_when_registered };
        assertEquals(picked(Object.keys(scope), event.scope), scope);
        assertEquals([event["fill_price"], event["side"], event["leverage"]], [1, "long", 1]);
      }
      for (const [key, multipliers] of Object.entries(wanted.audit)) {
        assertEquals(
          await stack.query(
            `select ${
              Object.keys(multipliers).join(", ")
            } from public.pm_sizing_audit where pattern_key = 'pm.${key}'`,
          ),
          [multipliers],
        );
      }
      for (const [timeframe, share] of Object.entries(wanted.allocation)) {
        assertEquals(
          await stack.query(
            "select current_allocation from public.timeframe_allocation where timeframe = $1",
            [
              timeframe,
            ],
          ),
          [{ current_allocation: share }],
        );
      }
    },
  });

  Deno.test({
    name: `the sample of strands with nothing to learn teaches nothing and warns of nothing (${target})`,
    ignore,
    fn: async () => {
      await using cleanup = new AsyncDisposableStack();
      const stack = await startTestStack(target, cleanup);
      await writeSample(stack, "unlearnable.ndjson");
      assertEquals(await stack.query(RECEIPTS), [{ status: "done", n: 3, errors: null }]);
      assertEquals(await stack.query(WARNINGS), []);
      assertEquals(await stack.query(EVENTS), []);
      assertEquals(
        await stack.query(
          "select episode_id, decision, outcome, blocked_by, gates from public.pattern_episode_events",
        ),
        [{ episode_id: "s1_0001", decision: "skipped", outcome: "success", blocked_by: ["ts"], gates: null }],
      );
    },
  });
}
