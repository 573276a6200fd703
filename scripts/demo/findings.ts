import type { SupabaseClient } from "@supabase/supabase-js";

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

/** A lesson as the report shows it. */
export interface LessonRow {
  readonly pattern_key: string;
  readonly action_category: string;
  readonly scope_subset: Readonly<Record<string, string>>;
  readonly n: number;
  readonly stats: { readonly avg: number; readonly dirA: number; readonly dirE: number };
  readonly edge_raw: number;
  readonly q_value: number;
  readonly status: string;
}

/** What the averages of lessons are: the outcome, and what one unit of it means. */
export interface OutcomeUnit {
  readonly outcome: "roi" | "rr";
  readonly outcome_scale: number;
}

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
    count(client, "learning_lessons", { status: "active" }),
    count(client, "pm_overrides"),
    count(client, "strand_receipts", { status: "rejected" }),
  ]);
  return { strands, events, lessons, active_lessons, overrides, rejected };
}

/** The unit in which the lessons' averages are. */
export async function outcomeUnit(client: SupabaseClient): Promise<OutcomeUnit> {
  const { data } = await client.rpc("get_pm_config").throwOnError();
  return data as OutcomeUnit;
}

/** The active strength lessons of some action categories, largest edge first; `limit` at most on either side of zero. */
export async function strongestLessons(
  client: SupabaseClient,
  categories: readonly string[],
  limit: number,
): Promise<LessonRow[]> {
  const query = () =>
    client.from("learning_lessons")
      .select("pattern_key, action_category, scope_subset, n, stats, edge_raw, q_value, status")
      .eq("status", "active").eq("lesson_type", "pm_strength").in("action_category", categories);
  const [gains, losses] = await Promise.all([
    query().gte("edge_raw", 0).order("edge_raw", { ascending: false }).order("id").limit(limit)
      .throwOnError(),
    query().lt("edge_raw", 0).order("edge_raw").order("id").limit(limit).throwOnError(),
  ]);
  return [...gains.data, ...losses.data.reverse()] as LessonRow[];
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
 * Candidates from recorded trades: the newest entry in the best active scope, the newest in the worst, and the newest
 * elsewhere, until there are three different ones.
 */
export async function recordedCandidates(client: SupabaseClient): Promise<Candidate[]> {
  const entries = await strongestLessons(client, ["entry"], 1);
  const best = entries.find((lesson) => lesson.edge_raw > 0);
  const worst = entries.find((lesson) => lesson.edge_raw < 0);
  const found = new Map<string, Candidate>();
  const take = async (label: string, lesson: LessonRow | null): Promise<boolean> => {
    let query = client.from("pattern_trade_events").select("pattern_key, scope").eq(
      "action_category",
      "entry",
    );
    if (lesson !== null) {
      query = query.eq("pattern_key", lesson.pattern_key).contains("scope", { ...lesson.scope_subset });
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
