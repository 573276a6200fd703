/** What became of everything: counts on both sides, what stayed behind and why, and sizes beside those applied. */

import { z } from "zod";
import { healthLines, readHealth } from "../health.ts";
import type { Database } from "../stack/database.ts";
import { table } from "../table.ts";
import { WAITING_FLAGS } from "./columns.ts";
import {
  counted,
  finishStep,
  inTurn,
  isArchived,
  readState,
  type Transaction,
  type Workplace,
} from "./state.ts";

/** What is learned anew from what was carried over. */
const LEARNED: Readonly<Record<string, string>> = {
  learning_lessons: "lessons are learned anew",
  pm_overrides: "overrides come from lessons that are learned anew",
  learning_edge_history: "histories begin anew with the lessons",
  pattern_scope_stats: "statistics of scopes are a view of lessons",
  pattern_trade_events: "events are made anew of the closes and actions",
};

/** Sizings that are shown. */
const SHOWN_SIZINGS = 10;

/** A size that was applied, and what would be answered now. */
export interface SizingBeside {
  readonly actedAt: string;
  readonly patternKey: string;
  readonly category: string;
  readonly symbol: string | null;
  readonly applied: { readonly strength: number | null; readonly skew: number | null };
  readonly answered: { readonly strength: number; readonly skew: number } | null;
  /** Why it could not be asked. */
  readonly error: string | null;
}

/** Proves an adoption in sentences, and ends it. */
export async function prove(work: Workplace): Promise<void> {
  for (const line of await proof(work.sql)) work.say(line);
  await inTurn(work, "prove", async (transaction) => {
    await finishStep(transaction, "prove");
    await transaction`
      update before_edgeloop.adoption set finished_at = coalesce(finished_at, now()) where is_there`;
  });
}

/** What can be said of an adopted database; changes nothing. */
export async function proof(sql: Database): Promise<string[]> {
  return [
    ...await countBothSides(sql),
    ...await tellLeftBehind(sql),
    ...await tellReceipts(sql),
    ...healthLines(
      await readHealth(async <T extends object>(
        text: string,
      ): Promise<T[]> => [...await sql.unsafe<T[]>(text)]),
    ).map((line) => `Health: ${line}.`),
    ...await tellSizings(sql),
  ];
}

async function countBothSides(sql: Database): Promise<string[]> {
  const lines: string[] = [];
  const compare = async (what: string, table: string, condition: string, here = condition): Promise<void> => {
    if (!await isArchived(sql, table)) return;
    const [row] = await sql.unsafe<{ before: number; now: number }[]>(`
      select (select count(*) from before_edgeloop.${table} guest where ${condition}) as before,
        (select count(*) from public.${table} guest where ${here}) as now`);
    lines.push(
      `${what}: ${(row?.before ?? 0).toLocaleString("en")} before, ${
        (row?.now ?? 0).toLocaleString("en")
      } here.`,
    );
  };
  const notMade =
    "not exists (select from before_edgeloop.adoption_made_strands made where made.id = guest.id)";
  await compare("Strands", "ad_strands", "true", notMade);
  await compare(
    "Closes among them",
    "ad_strands",
    "guest.kind = 'position_closed'",
    `guest.kind = 'position_closed' and ${notMade}`,
  );
  await compare(
    "Actions among them",
    "ad_strands",
    "guest.kind = 'pm_action'",
    `guest.kind = 'pm_action' and ${notMade}`,
  );
  const [made] = await sql<{ n: number }[]>`
    select count(*) as n from before_edgeloop.adoption_made_strands`;
  if ((made?.n ?? 0) > 0) {
    lines.push(
      `${counted(made?.n ?? 0, "strand")} were made besides, of trades that only completed_trades knew.`,
    );
  }
  await compare("Positions", "lowcap_positions", "true");
  await compare(
    "Episode rows",
    "pattern_episode_events",
    "true",
    "guest.strand_id = learning.direct_window_id(guest.id)",
  );
  return lines;
}

async function tellLeftBehind(sql: Database): Promise<string[]> {
  const lines: string[] = [];
  for (const [table, reason] of Object.entries(LEARNED)) {
    if (!await isArchived(sql, table)) continue;
    const [row] = await sql<{ n: number }[]>`select count(*) as n from before_edgeloop.${sql(table)}`;
    if ((row?.n ?? 0) > 0) lines.push(`Left behind: ${counted(row?.n ?? 0, "row")} of ${table}; ${reason}.`);
  }
  const rest = await sql<{ thing: string; reason: string; n: number; first: string | null }[]>`
    select left_behind.thing, left_behind.reason, sum(left_behind.rows) as n, min(left_behind.name) as first
    from before_edgeloop.adoption_left_behind left_behind
    group by left_behind.thing, left_behind.reason order by min(left_behind.id)`;
  return [
    ...lines,
    ...rest.map(({ thing, reason, n, first }) =>
      `Left behind: ${counted(Number(n), thing)}${
        first === null ? "" : Number(n) === 1 ? ` (${first})` : ` (first ${first})`
      }; ${reason}.`
    ),
  ];
}

async function tellReceipts(sql: Database): Promise<string[]> {
  const statuses = await sql<{ status: string; n: number }[]>`
    select receipt.status, count(*) as n from public.strand_receipts receipt group by 1 order by 1`;
  const reasons = await sql<{ message: string; n: number; first: string }[]>`
    select coalesce(fault.value ->> 'path', '') || ' ' || (fault.value ->> 'message') as message, count(*) as n,
      min(receipt.strand_id) as first
    from public.strand_receipts receipt cross join lateral jsonb_array_elements(receipt.errors) as fault
    where receipt.status = 'rejected' group by 1 order by 2 desc, 1 limit 10`;
  const waiting = statuses.find(({ status }) => status === "pending")?.n ?? 0;
  return [
    `Receipts: ${
      statuses.length === 0
        ? "none"
        : statuses.map(({ status, n }) => `${n.toLocaleString("en")} ${status}`).join(", ")
    }.`,
    ...(waiting === 0 ? [] : [
      "What is pending is drained by the edge function aggregate-strands: on Supabase `supabase functions deploy` and the " +
      "secrets project_url and edge_function_secret_key in Vault, on this machine `task start --db URL`.",
    ]),
    ...reasons.map(({ message, n, first }) =>
      `Rejected ${counted(n, "time")}: ${message.trim()} (first ${first}).`
    ),
  ];
}

async function tellSizings(sql: Database): Promise<string[]> {
  const sizings = await readSizings(sql);
  if (sizings.length === 0) return ["No entry or add is there to show a size of."];
  const figure = (value: number | null): string => value === null ? "–" : value.toFixed(4);
  return [
    "What was applied last, beside what would be answered now if everything acted:",
    table(
      ["acted at", "token", "pattern key", "category", "strength", "now", "skew", "now"],
      sizings.map((sizing) => [
        sizing.actedAt.slice(0, 16),
        sizing.symbol ?? "",
        sizing.patternKey,
        sizing.category,
        figure(sizing.applied.strength),
        sizing.answered === null ? sizing.error ?? "" : figure(sizing.answered.strength),
        figure(sizing.applied.skew),
        figure(sizing.answered?.skew ?? null),
      ]),
      [4, 5, 6, 7],
    ),
  ];
}

const answerSchema = z.object({
  position: z.number(),
  pm_strength: z.number().nullable(),
  exposure_skew: z.number().nullable(),
  error: z.object({ message: z.string() }).nullable(),
});

/** The newest actions whose size was learned, with what would be answered now; asked as if everything acted. */
export async function readSizings(sql: Database): Promise<SizingBeside[]> {
  const actions = await sql<
    {
      id: string;
      acted_at: string;
      pattern_key: string;
      action_category: string;
      symbol: string | null;
      strength: number | null;
      skew: number | null;
      candidate: Record<string, unknown>;
    }[]
  >`
    select audit.action_strand_id as id, audit.acted_at, audit.pattern_key, audit.action_category, audit.symbol,
      audit.pm_strength_applied as strength, audit.exposure_skew_applied as skew,
      jsonb_strip_nulls(jsonb_build_object(
        'pattern_key', audit.pattern_key, 'action_category', audit.action_category,
        'scope', case jsonb_typeof(strand.content -> 'scope') when 'object' then strand.content -> 'scope' else '{}' end,
        'a_value', audit.a_value, 'e_value', audit.e_value
      )) as candidate
    from public.pm_sizing_audit audit
    join public.ad_strands strand on strand.id = audit.action_strand_id
    where audit.action_category in ('entry', 'add') and audit.pattern_key is not null
    order by audit.acted_at desc, audit.action_strand_id limit ${SHOWN_SIZINGS}`;
  if (actions.length === 0) return [];
  const answers = await asked(sql, actions.map(({ candidate }) => candidate));
  return actions.map((action, place) => {
    const answer = answers[place];
    return {
      actedAt: action.acted_at,
      patternKey: action.pattern_key,
      category: action.action_category,
      symbol: action.symbol,
      applied: { strength: action.strength, skew: action.skew },
      answered: answer === undefined || answer.pm_strength === null || answer.exposure_skew === null
        ? null
        : { strength: answer.pm_strength, skew: answer.exposure_skew },
      error: answer?.error?.message ?? null,
    };
  });
}

/** Thrown to take back what was only tried. */
class TakenBack extends Error {}

/** Answers as they will be once the adoption is acted on: the flags are set and taken back again. */
async function asked(
  sql: Database,
  candidates: readonly Record<string, unknown>[],
): Promise<z.infer<typeof answerSchema>[]> {
  let answers: z.infer<typeof answerSchema>[] = [];
  try {
    await sql.begin(async (transaction) => {
      const state = await readState(transaction);
      if (state !== null && state.actedAt === null) await releaseFlags(transaction);
      const rows = await transaction<{ row: unknown }[]>`
        select to_jsonb(answer) as row from public.get_pm_sizing_batch(${
        JSON.stringify(candidates)
      }::jsonb) answer
        order by answer.position`;
      answers = rows.map(({ row }) => answerSchema.parse(row));
      throw new TakenBack();
    });
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error;
  }
  return answers;
}

/** Sets the flags that waited to what the guest had them at, or to their defaults. */
export async function releaseFlags(transaction: Transaction): Promise<void> {
  await transaction`
    update public.learning_configs config
    set config_data = jsonb_set(config.config_data, '{flags}', (
      select jsonb_object_agg(flag.name, coalesce(
        case when flag.name <> 'rescale_positions' and jsonb_typeof(guest.flags -> flag.name) = 'boolean'
          then guest.flags -> flag.name end,
        'true'
      ))
      from unnest(${[...WAITING_FLAGS]}::text[]) as flag(name)
      cross join (
        select case jsonb_typeof(config.config_data -> 'feature_flags') when 'object'
          then config.config_data -> 'feature_flags' else '{}' end as flags
      ) as guest
    ) || ((config.config_data -> 'flags') - ${[...WAITING_FLAGS]}::text[])), updated_by = 'adopt'
    where config.module_id = 'pm'`;
}
