import { assert, assertEquals, assertNotEquals } from "@std/assert/mod.js";
import { z } from "zod";
import { faultsOf } from "../../functions/_shared/strands/judge.ts";
import { generateEpisodes, PLANTED_GATE } from "./episodes.ts";
import { WEEK } from "./market.ts";

const FRIDAY = new Date("2026-11-20T10:00:00Z");
const sample = generateEpisodes({ seed: 7, asOf: FRIDAY });

const windowContent = z.object({
  episode_id: z.string(),
  pattern_key: z.string(),
  decision: z.enum(["acted", "skipped"]),
  scope: z.record(z.string(), z.string()),
  factors: z.object({
    ts_score: z.number(),
    ts_min: z.number(),
    halo_distance: z.number(),
    halo_max: z.number(),
    slope: z.number(),
    slope_min: z.number(),
  }),
  flags: z.object({ ts_ok: z.boolean(), slope_ok: z.boolean(), entry_zone_ok: z.boolean() }),
  sample: z.object({ ts_score: z.number(), halo_distance: z.number(), slope: z.number() }).optional(),
});
const outcomeContent = z.object({
  episode_id: z.string(),
  outcome: z.enum(["success", "failure", "neutral"]),
});

const outcomes = new Map(
  sample.strands.filter(({ kind }) => kind === "episode_outcome").map((strand) => {
    const { episode_id, outcome } = outcomeContent.parse(strand.content);
    return [episode_id, { outcome, at: Date.parse(strand.created_at ?? "") }];
  }),
);
const windows = sample.strands.filter(({ kind }) => kind === "episode_window").map((strand) => {
  const content = windowContent.parse(strand.content);
  const ended = outcomes.get(content.episode_id);
  if (ended === undefined) throw new Error(`Episode ${content.episode_id} has no outcome`);
  return { ...content, at: Date.parse(strand.created_at ?? ""), outcome: ended.outcome, endedAt: ended.at };
});

Deno.test("the learning loop accepts every strand, and all of them are different", () => {
  for (const strand of sample.strands) assertEquals(faultsOf(strand, Date.now()), []);
  assertEquals(new Set(sample.strands.map(({ id }) => id)).size, sample.strands.length);
  assertEquals(windows.length * 2, sample.strands.length);
});

Deno.test("strands are in time, outcomes after their windows, and nothing is in the future", () => {
  const times = sample.strands.map(({ created_at }) => Date.parse(created_at ?? ""));
  assertEquals(times, times.toSorted((a, b) => a - b));
  assert((times.at(-1) ?? Infinity) < FRIDAY.getTime());
  for (const { at, endedAt } of windows) assert(at < endedAt);
});

Deno.test("all windows are within the look-back of the newest", () => {
  const times = windows.map(({ at }) => at);
  assert(Math.max(...times) - Math.min(...times) < 90 * 86_400_000);
});

Deno.test("the PM acts where every gate passes and nowhere else, and says so", () => {
  for (const { decision, factors, flags, sample: actedOn } of windows) {
    const { ts_score, halo_distance, slope } = factors;
    const [ts_ok, slope_ok] = [ts_score >= factors.ts_min, slope >= factors.slope_min];
    const passes = ts_ok && slope_ok && halo_distance <= factors.halo_max;
    assertEquals(decision, passes ? "acted" : "skipped");
    assertEquals(flags, { ts_ok, slope_ok, entry_zone_ok: passes });
    assertEquals(actedOn, passes ? { ts_score, halo_distance, slope } : undefined);
  }
});

Deno.test("what the planted gate alone kept out does well in its scope and badly elsewhere", () => {
  const rate = (inScope: boolean): { n: number; share: number } => {
    const own = windows.filter(({ scope, factors, outcome }) =>
      outcome !== "neutral" && factors.ts_score >= factors.ts_min && factors.slope >= factors.slope_min &&
      factors.halo_distance > PLANTED_GATE.threshold && factors.halo_distance <= PLANTED_GATE.right &&
      Object.entries(PLANTED_GATE.scope).every(([dim, value]) => scope[dim] === value) === inScope
    );
    return { n: own.length, share: own.filter(({ outcome }) => outcome === "success").length / own.length };
  };
  const [inside, outside] = [rate(true), rate(false)];
  assert(inside.n > 50 && outside.n > 50);
  assert(inside.share > 0.8, String(inside.share));
  assert(outside.share < 0.4, String(outside.share));
});

Deno.test("the same seed gives the same episodes, another one others", () => {
  assertEquals(generateEpisodes({ seed: 7, asOf: FRIDAY }), sample);
  assertNotEquals(generateEpisodes({ seed: 8, asOf: FRIDAY }).strands, sample.strands);
});

Deno.test("a week later everything is a week later", () => {
  const later = generateEpisodes({ seed: 7, asOf: new Date(FRIDAY.getTime() + WEEK) });
  assertEquals(
    later.strands.map((strand) => ({
      ...strand,
      created_at: new Date(Date.parse(strand.created_at ?? "") - WEEK).toISOString(),
    })),
    sample.strands,
  );
});

Deno.test("one candidate is in the planted scope, the other is not", () => {
  const contained = sample.candidates.map(({ scope }) =>
    Object.entries(PLANTED_GATE.scope).every(([dim, value]) => scope[dim] === value)
  );
  assertEquals(contained, [true, false]);
});
