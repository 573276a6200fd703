import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import { type GatePosition, gatePositions } from "./demo/gates.ts";
import { generateEpisodes } from "./sample/episodes.ts";
import { type Stack, startStack } from "./stack/stack.ts";
import { createTestDatabase, type Target, testOnEachTarget } from "./testing/databases.ts";
import type { Strand } from "./strand_file.ts";

async function startTestStack(target: Target, cleanup: AsyncDisposableStack): Promise<Stack> {
  const database = cleanup.use(await createTestDatabase(target, "sql"));
  const stack = await startStack({ databaseUrl: database.databaseUrl, push: false });
  cleanup.defer(() => stack.close());
  return stack;
}

function clientOf(stack: Stack): SupabaseClient {
  return createClient(stack.apiUrl, stack.secretKey, { auth: { persistSession: false } });
}

async function feed(stack: Stack, strands: Iterable<Strand>): Promise<void> {
  const feeder = new StrandFeeder(clientOf(stack), () => {});
  for (const strand of strands) await feeder.feed(strand);
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

    const other = await startTestStack(target, cleanup);
    await feed(other, outcomes);
    await runSchedule(other);
    await feed(other, [...windows].reverse());
    await other.query("update strand_receipts set status = 'pending', next_attempt_at = now() where true");
    await runSchedule(other);
    assertEquals(await learned(other), first);
  },
);
