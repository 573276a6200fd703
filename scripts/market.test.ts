/**
 * A recorded market, fed once to each kind of database: what becomes of its trades and of its episodes. The embedded one
 * takes the episodes that are looked back to and a little more, a real one everything.
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { StrandFeeder } from "./demo/feed.ts";
import type { Stack } from "./stack/stack.ts";
import { startTestStack, TEST_DATABASE_VARIABLE } from "./testing/databases.ts";
import { readStrandFile, type Strand } from "./strand_file.ts";
import { outcomesOf } from "./testing/outcomes_oracle.ts";
import { isThere, SHARED_DATA } from "./testing/shared_data.ts";

const MARKET = new URL("market/strands-spot-early.ndjson.gz", SHARED_DATA);

async function readMarket(wanted: (strand: Strand) => boolean): Promise<Strand[]> {
  const strands: Strand[] = [];
  for await (const { strand } of readStrandFile(MARKET.pathname)) if (wanted(strand)) strands.push(strand);
  return strands;
}

async function feed(stack: Stack, strands: readonly Strand[]): Promise<void> {
  const client = createClient(stack.apiUrl, stack.secretKey, { auth: { persistSession: false } });
  const feeder = new StrandFeeder(client, () => {});
  for (const strand of strands) await feeder.feed(strand);
  await feeder.flush();
  await stack.settle();
  // What a busy machine had no time for waits for its lease to lapse and for the sweep.
  for (let sweeps = 0; sweeps < 5; sweeps++) {
    const due = await stack.query(
      "update strand_receipts set next_attempt_at = now() where status = 'pending' returning strand_id",
    );
    if (due.length === 0) break;
    await stack.query("select learning.sweep()");
    await stack.settle();
  }
  assertEquals(await stack.query("select strand_id from strand_receipts where status <> 'done'"), []);
}

const actionContent = z.object({ trade_id: z.string() });
const closeContent = z.object({
  trade_id: z.string(),
  trade_summary: z.object({ rpnl_pct: z.number() }),
});

/** The outcome of each event, read off the strands themselves. */
function expectedEvents(strands: readonly Strand[]): [string, number][] {
  const outcomes = new Map(
    strands.filter(({ kind }) => kind === "position_closed").map(({ content }) => {
      const { trade_id, trade_summary } = closeContent.parse(content);
      return [trade_id, trade_summary.rpnl_pct / 100];
    }),
  );
  return strands.filter(({ kind }) => kind === "pm_action").flatMap(({ id, content }) => {
    const roi = outcomes.get(actionContent.parse(content).trade_id);
    return roi === undefined ? [] : [[id, roi]];
  });
}

async function assertTrades(stack: Stack, strands: readonly Strand[]): Promise<void> {
  assertEquals(await stack.query("select count(*)::integer as trades from learning.closed_trades"), [{
    trades: 3642,
  }]);
  assertEquals(
    await stack.query(
      "select action_category, count(*)::integer from pattern_trade_events group by 1 order by 1",
    ),
    [
      { action_category: "add", count: 2381 },
      { action_category: "entry", count: 3642 },
      { action_category: "exit", count: 3642 },
      { action_category: "trim", count: 3139 },
    ],
  );
  const events = await stack.query<{ id: string; roi: number }>(
    "select action_strand_id as id, roi from pattern_trade_events",
  );
  const found = new Map(events.map(({ id, roi }) => [id, roi]));
  const expected = expectedEvents(strands);
  assertEquals(found.size, expected.length);
  for (const [id, roi] of expected) assertAlmostEquals(found.get(id) ?? NaN, roi, 1e-12, id);
}

/** What each decision came to by itself, as an independent reading of the strands has it. */
async function assertOwnOutcomes(stack: Stack, strands: readonly Strand[]): Promise<void> {
  const events = await stack.query<{ id: string; own_roi: number | null; own_rr: number | null }>(
    "select action_strand_id as id, own_roi, own_rr from pattern_trade_events",
  );
  const own = new Map(events.map((event) => [event.id, event]));
  for (const { strandId, roi, rr } of outcomesOf(strands)) {
    const event = own.get(strandId);
    for (const [kept, plain] of [[event?.own_roi, roi], [event?.own_rr, rr]] as const) {
      if (plain === null) assertEquals(kept, null, strandId);
      else assertAlmostEquals(kept ?? NaN, plain, 1e-9 * Math.max(1, Math.abs(plain)), strandId);
    }
  }
}

/** Few lessons are worth a row, and fewer are worth telling a person. */
async function assertBelief(stack: Stack): Promise<void> {
  await stack.query("select learning.ring_or_log('mine-lessons')");
  await stack.settle();
  const counts = await stack.query<{ lessons: number; families: number }>(
    `select (select count(*)::integer from learning_lessons where action_category <> 'tuning') as lessons,
       (select count(*)::integer from lesson_families) as families`,
  );
  for (const { lessons, families } of counts) {
    assert(lessons > 100 && lessons <= 10_000 && families <= 30, JSON.stringify(counts));
  }
}

const windowContent = z.object({
  episode_id: z.string(),
  pattern_key: z.string(),
  decision: z.enum(["acted", "skipped"]),
  scope: z.record(z.string(), z.string()),
});
const outcomeContent = z.object({
  episode_id: z.string(),
  outcome: z.enum(["success", "failure", "neutral"]),
});

async function assertRates(stack: Stack, strands: readonly Strand[]): Promise<void> {
  await stack.query("select learning.ring_or_log('mine-tuning')");
  await stack.settle();
  const outcomes = new Map(
    strands.filter(({ kind }) => kind === "episode_outcome").map(({ content }) => {
      const { episode_id, outcome } = outcomeContent.parse(content);
      return [episode_id, outcome];
    }),
  );
  const decided = strands.filter(({ kind }) => kind === "episode_window").map((strand) => ({
    at: Date.parse(strand.created_at ?? ""),
    ...windowContent.parse(strand.content),
  })).filter(({ episode_id }) => outcomes.has(episode_id));
  const newest = Math.max(...decided.map(({ at }) => at));
  const recent = decided.filter(({ at }) => at >= newest - 90 * 86_400_000);

  const lessons = await stack.query<{
    pattern_key: string;
    scope_subset: Record<string, string>;
    n: number;
    stats: Record<string, number | null>;
  }>(
    "select pattern_key, scope_subset, n, stats from learning_lessons where status = 'active' and action_category = 'tuning'",
  );
  assert(lessons.length > 100, `Only ${lessons.length} lessons`);
  for (const lesson of lessons) {
    const own = recent.filter(({ pattern_key, scope }) =>
      pattern_key === lesson.pattern_key &&
      Object.entries(lesson.scope_subset).every(([dim, value]) => scope[dim] === value)
    );
    const count = (decision: string, outcome: string): number =>
      own.filter((window) => window.decision === decision && outcomes.get(window.episode_id) === outcome)
        .length;
    const [won, lost] = [count("acted", "success"), count("acted", "failure")];
    const [missed, dodged] = [count("skipped", "success"), count("skipped", "failure")];
    const about = `${lesson.pattern_key} ${JSON.stringify(lesson.scope_subset)}`;
    assert(own.length >= 33, about);
    assertEquals(lesson.n, own.length, about);
    for (
      const [rate, part, whole] of [
        ["wr", won, won + lost],
        ["fpr", lost, won + lost],
        ["mr", missed, missed + dodged],
        ["dr", dodged, missed + dodged],
      ] as const
    ) {
      const said = lesson.stats[rate];
      if (whole === 0) assertEquals(said, null, about);
      else assertAlmostEquals(said ?? NaN, part / whole, 1e-12, about);
    }
  }
  for (const key of new Set(recent.map(({ pattern_key }) => pattern_key))) {
    const own = recent.filter(({ pattern_key }) => pattern_key === key);
    // The lesson about all of them goes by no pair, whatever they share.
    const whole = lessons.some((lesson) => lesson.pattern_key === key && lesson.n === own.length);
    assertEquals(whole, own.length >= 33, key);
  }
}

Deno.test({
  name: "the rates of a market's episodes are those of counting them (embedded; needs the shared market)",
  ignore: !isThere(MARKET),
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack("embedded", cleanup);
    const strands = await readMarket(({ kind, created_at }) =>
      kind.startsWith("episode_") && (created_at ?? "") >= "2021-06-01"
    );
    await feed(stack, strands);
    await assertRates(stack, strands);
    assertEquals(await stack.query("select message from learning_log where level <> 'INFO'"), []);
  },
});

Deno.test({
  name:
    "a market's strands become its trades' events and the rates of its episodes, none rejected (real Postgres)",
  ignore: Deno.env.get(TEST_DATABASE_VARIABLE) === undefined || !isThere(MARKET),
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack("postgres", cleanup);
    const strands = await readMarket(() => true);
    await feed(stack, strands);
    await assertTrades(stack, strands);
    await assertOwnOutcomes(stack, strands);
    await assertBelief(stack);
    await assertRates(stack, strands);
  },
});
