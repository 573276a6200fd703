import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import { type GatePosition, gatePositions } from "./demo/gates.ts";
import { generateEpisodes } from "./sample/episodes.ts";
import { type Stack, startStack } from "./stack/stack.ts";
import { createTestDatabase, type Target, testOnEachTarget } from "./testing/databases.ts";
import { readStrandFile, type Strand } from "./strand_file.ts";

const MARKET = new URL("../../shared/data/market/strands-spot-early.ndjson.gz", import.meta.url).pathname;

async function startTestStack(target: Target, cleanup: AsyncDisposableStack): Promise<Stack> {
  const database = cleanup.use(await createTestDatabase(target, "sql"));
  const stack = await startStack({ databaseUrl: database.databaseUrl, push: false });
  cleanup.defer(() => stack.close());
  return stack;
}

function clientOf(stack: Stack): SupabaseClient {
  return createClient(stack.apiUrl, stack.secretKey, { auth: { persistSession: false } });
}

async function feed(stack: Stack, strands: Iterable<Strand> | AsyncIterable<Strand>): Promise<void> {
  const feeder = new StrandFeeder(clientOf(stack), () => {});
  for await (const strand of strands) await feeder.feed(strand);
  await feeder.flush();
  await stack.settle();
}

const runSchedule = (stack: Stack): Promise<void> => fastForward(stack, () => {});

/** Everything that was learned, without what depends on when it was. */
async function learned(stack: Stack): Promise<unknown> {
  return {
    lessons: await stack.query(
      "select pattern_key, scope_subset, n, stats, status, last_evidence_at from learning_lessons order by pattern_key, scope_subset::text",
    ),
    simulations: await stack.query(
      `select lesson.pattern_key, lesson.scope_subset, simulation.verdict, simulation.moves, simulation.p_value, simulation.admitted,
         simulation.details
       from learning.tuning_simulations simulation join learning_lessons lesson on lesson.id = simulation.lesson_id
       order by lesson.pattern_key, lesson.scope_subset::text`,
    ),
    overrides: await stack.query(
      `select override_type, pattern_key, action_category, scope_subset, scope_mask, multiplier, value, n, confidence_score, enabled,
         last_evidence_at
       from pm_overrides order by pattern_key, action_category, scope_subset::text`,
    ),
  };
}

testOnEachTarget(
  "windows first and outcomes days later, or the reverse, or twice: the same gates move, and only where they are wrong",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    const sample = generateEpisodes({ seed: 7, asOf: new Date() });
    const windows = sample.strands.filter(({ kind }) => kind === "episode_window");
    const outcomes = sample.strands.filter(({ kind }) => kind === "episode_outcome");
    const { scope, lever, threshold, right } = sample.planted;
    const gates = (): Promise<GatePosition[]> => gatePositions(clientOf(stack), sample);

    await feed(stack, windows);
    await runSchedule(stack);
    assertEquals(await stack.query("select id from learning_lessons"), []);
    await feed(stack, outcomes);
    await runSchedule(stack);
    const first = await learned(stack);
    const overrides = await stack.query<{ action_category: string; scope_subset: object; value: number }>(
      "select action_category, scope_subset, value from pm_overrides where enabled",
    );
    assert(overrides.length > 0);
    for (const override of overrides) {
      assertEquals(override.action_category, lever);
      assert(override.value > 0);
      assertEquals({ ...override.scope_subset, ...scope }, override.scope_subset);
    }
    const [inside, outside] = await gates();
    assert(inside !== undefined && inside.after > threshold && inside.after <= right + 1e-9);
    assertEquals({ ...inside?.movedBy, ...scope }, inside?.movedBy);
    assertEquals([outside?.after, outside?.movedBy], [threshold, null]);

    // What is unchanged is not simulated or written again.
    const stamps =
      "select max(last_updated_at)::text, max(simulated_at)::text, (select max(id) from learning_log where event = 'override_changed') " +
      "from pm_overrides, learning.tuning_simulations";
    const before = await stack.query(stamps);
    await runSchedule(stack);
    assertEquals(await stack.query(stamps), before);

    // The flag switches them off for the PM, at once; they stay.
    await clientOf(stack).from("learning_configs")
      .upsert({ module_id: "pm", config_data: { flags: { tuning_overrides_enabled: false } } })
      .throwOnError();
    assertEquals((await gates()).map(({ after }) => after), [threshold, threshold]);
    await clientOf(stack).from("learning_configs").update({ config_data: {} }).eq("module_id", "pm")
      .throwOnError();
    assertAlmostEquals((await gates())[0]?.after ?? NaN, inside?.after ?? NaN, 1e-6);

    await stack.query(
      "truncate ad_strands, strand_receipts, pattern_episode_events, learning_lessons, pm_overrides, learning_log cascade",
    );
    await stack.query("delete from learning.mining_groups where true");
    await feed(stack, outcomes);
    await runSchedule(stack);
    await feed(stack, [...windows].reverse());
    await stack.query("update strand_receipts set status = 'pending', next_attempt_at = now() where true");
    await runSchedule(stack);
    assertEquals(await learned(stack), first);
  },
);

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

testOnEachTarget("the rates of a real market's episodes are those of counting them", async (target) => {
  if (!await exists(MARKET)) return;
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const strands: Strand[] = [];
  // The embedded database takes the part that is looked back to and a little more, a real one everything.
  const from = target === "embedded" ? "2021-06-01" : "";
  for await (const { strand } of readStrandFile(MARKET)) {
    if (strand.kind.startsWith("episode_") && (strand.created_at ?? "") >= from) strands.push(strand);
  }
  await feed(stack, strands);
  await runSchedule(stack);
  assertEquals(
    await stack.query("select message from learning_log where level <> 'INFO'"),
    [],
  );

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
  }>("select pattern_key, scope_subset, n, stats from learning_lessons where status = 'active'");
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
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
