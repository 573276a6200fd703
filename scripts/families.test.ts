/** The sample's families, through the whole stack: what a person reads of what was learned. */

import { assert, assertEquals } from "@std/assert/mod.js";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { fastForward } from "./demo/fast_forward.ts";
import { StrandFeeder } from "./demo/feed.ts";
import { generateSample, SAMPLE_SEED } from "./sample/sample.ts";
import { startTestStack, testOnEachTarget } from "./testing/databases.ts";

const families = z.array(z.object({
  pattern_key: z.string(),
  action_category: z.string(),
  scope: z.record(z.string(), z.string()),
  effect: z.number(),
  effect_low: z.number(),
  effect_high: z.number(),
  young: z.boolean(),
  proven: z.boolean(),
  lessons: z.number(),
  in_words: z.string(),
}));

testOnEachTarget(
  "the sample's planted effects are its first families, and next to nothing else is one",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    const client = createClient(stack.apiUrl, stack.secretKey, { auth: { persistSession: false } });
    const sample = generateSample({ seed: SAMPLE_SEED, asOf: new Date("2026-01-05T12:00:00Z") });
    const feeder = new StrandFeeder(client, () => {});
    for (const strand of sample.strands) await feeder.feed(strand);
    await feeder.flush();
    await stack.settle();
    await fastForward(stack, () => {});

    const found = families.parse(
      (await client.from("lesson_families").select().order("place").throwOnError()).data,
    );
    const where = (row: { pattern_key: string; action_category: string; scope: object }): string =>
      JSON.stringify([row.pattern_key, row.action_category, Object.entries(row.scope).sort()]);
    const planted = new Map(
      sample.planted.map((effect) => [
        where({
          pattern_key: effect.patternKey,
          action_category: effect.actionCategory,
          scope: effect.scope,
        }),
        effect.effect,
      ]),
    );
    const told = found.map(({ in_words }, i) => `${where(found[i]!)}: ${in_words}`).join("\n");
    assertEquals(found.slice(0, 3).map(where).sort(), [...planted.keys()].sort(), told);
    for (const family of found.slice(0, 3)) {
      const effect = planted.get(where(family)) ?? NaN;
      assert(
        family.effect_low <= effect && effect <= family.effect_high,
        `${effect} is not in ${family.in_words}`,
      );
    }
    assert(found.length <= 6, told);
  },
);
