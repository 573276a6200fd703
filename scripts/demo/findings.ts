import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";

/** Something the PM might do next. */
export interface Candidate {
  readonly label: string;
  readonly pattern_key: string;
  readonly action_category: string;
  readonly scope: Readonly<Record<string, string>>;
  readonly a_value: number;
  readonly e_value: number;
}

/** How much of everything there is. */
export interface Counts {
  readonly strands: number;
  readonly events: number;
  readonly lessons: number;
  readonly active_lessons: number;
  readonly overrides: number;
  readonly rejected: number;
}

const familyRow = z.object({
  pattern_key: z.string(),
  action_category: z.string(),
  scope: z.record(z.string(), z.string()),
  unit: z.enum(["points", "R"]),
  effect: z.number(),
  effect_low: z.number().nullable(),
  effect_high: z.number().nullable(),
  cautious: z.number().nullable(),
  n: z.number(),
  weeks: z.number(),
  young: z.boolean(),
  proven: z.boolean(),
  lessons: z.number(),
});

/** A row of `lesson_families`. */
export type FamilyRow = z.infer<typeof familyRow>;

/** A row of `scope_exposure`. */
export interface ExposureRow {
  readonly scope: Readonly<Record<string, string>>;
  readonly exposure: number;
  readonly positions: number;
}

/** A row that `get_pm_sizing` answers; further columns are passed on as they are. */
export interface SizingRow {
  readonly mode: string;
  readonly base_alloc_pct: number;
  readonly timeframe_share: number | null;
  readonly size_frac_raw: number;
  readonly pm_strength: number;
  readonly exposure_skew: number;
  readonly size_frac: number;
  readonly max_alloc_pct: number;
  readonly a_final: number;
  readonly e_final: number;
  readonly confidence: number | null;
  /** What contributes, heaviest first; where there is more, the last entry says how many more. */
  readonly overrides: readonly { readonly rest?: number }[];
  readonly exposure: unknown;
  readonly error: { readonly message: string } | null;
}

async function count(
  client: SupabaseClient,
  table: string,
  filter: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { count: rows } = await client.from(table).select("*", { count: "exact", head: true }).match(filter)
    .throwOnError();
  return rows ?? 0;
}

/** Counts what the loop has made of the strands. */
export async function countAll(client: SupabaseClient): Promise<Counts> {
  const [strands, events, lessons, active_lessons, overrides, rejected] = await Promise.all([
    count(client, "ad_strands"),
    count(client, "pattern_trade_events"),
    count(client, "learning_lessons"),
    // Rates of windows are active, and nothing that could be believed or not.
    count(client, "learning_lessons", { status: "active", lesson_type: "pm_strength" }),
    count(client, "pm_overrides"),
    count(client, "strand_receipts", { status: "rejected" }),
  ]);
  return { strands, events, lessons, active_lessons, overrides, rejected };
}

/** The families about some action categories, the most certain first. */
export async function readFamilies(
  client: SupabaseClient,
  categories: readonly string[],
): Promise<FamilyRow[]> {
  const { data } = await client.from("lesson_families").select().in("action_category", categories)
    .order("place").throwOnError();
  return z.array(familyRow).parse(data);
}

/** What is held, by single dimensions, most crowded first. */
export async function crowdedScopes(client: SupabaseClient, limit: number): Promise<ExposureRow[]> {
  const { data } = await client.from("scope_exposure").select("scope, exposure, positions")
    .gt("exposure", 0).order("exposure", { ascending: false }).order("mask").limit(1000).throwOnError();
  return (data as ExposureRow[]).filter(({ scope }) => Object.keys(scope).length === 1).slice(
    0,
    limit,
  );
}

/** Sizes candidates as of a moment. */
export async function sizeCandidates(
  client: SupabaseClient,
  candidates: readonly Candidate[],
  asOf: string | null,
): Promise<SizingRow[]> {
  const { data } = await client.rpc("get_pm_sizing_batch", {
    candidates: candidates.map(({ label: _, ...candidate }) =>
      asOf === null ? candidate : { ...candidate, as_of: asOf }
    ),
  }).throwOnError();
  return data as SizingRow[];
}

/**
 * Candidates from recorded trades: the newest entry in the best scope that is believed, the newest in the worst, and the newest
 * elsewhere, until there are three different ones.
 */
export async function recordedCandidates(client: SupabaseClient): Promise<Candidate[]> {
  const entries = (await readFamilies(client, ["entry"])).sort((a, b) => b.effect - a.effect);
  const best = entries.find(({ effect }) => effect > 0);
  const worst = entries.findLast(({ effect }) => effect < 0);
  const found = new Map<string, Candidate>();
  const take = async (label: string, family: FamilyRow | null): Promise<boolean> => {
    let query = client.from("pattern_trade_events").select("pattern_key, scope").eq(
      "action_category",
      "entry",
    );
    if (family !== null) {
      query = query.eq("pattern_key", family.pattern_key).contains("scope", family.scope);
    }
    const { data } = await query.order("acted_at", { ascending: false }).order("action_strand_id").limit(500)
      .throwOnError();
    const event = data.find((row) => !found.has(JSON.stringify(row)));
    if (event === undefined) return false;
    found.set(JSON.stringify(event), {
      label,
      pattern_key: String(event.pattern_key),
      action_category: "entry",
      scope: event.scope as Record<string, string>,
      a_value: 0.5,
      e_value: 0.5,
    });
    return true;
  };
  if (best) await take("The newest entry where entries did best", best);
  if (worst) await take("The newest entry where entries did worst", worst);
  while (found.size < 3 && await take(found.size === 0 ? "The newest entry" : "Another recent entry", null));
  return [...found.values()];
}
