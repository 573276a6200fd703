/** Carries over what the guest's tables hold, in pieces, each with its place in one transaction. */

import postgres from "postgres";
import {
  counted,
  finishStep,
  inTurn,
  isArchived,
  leaveBehind,
  type Progress,
  quoted,
  readProgress,
  type StepName,
  type Transaction,
  type Workplace,
  writeProgress,
} from "./state.ts";

/** A step that goes through an archived table by its key. */
interface Passage {
  readonly step: StepName;
  readonly table: string;
  /** Columns that the archived rows are gone through by, each unique with those before it, as text of their types. */
  readonly order: readonly { readonly expression: string; readonly type: string }[];
  readonly pieceSize: number;
  /** Carries rows over; throws where the database refuses one of them. Returns how many came. */
  readonly carry: (transaction: Transaction, ids: readonly string[]) => Promise<number>;
  /** What one row is called. */
  readonly thing: string;
}

/** Positions with all their columns. */
export async function carryPositions(work: Workplace): Promise<void> {
  const carried = await passThrough(work, {
    step: "positions",
    table: "lowcap_positions",
    order: [{ expression: "archived.id", type: "uuid" }],
    pieceSize: 500,
    thing: "position",
    carry: async (transaction, ids) => {
      const came = await copyRows(transaction, "lowcap_positions", ids);
      await digestRows(transaction, "lowcap_positions", ids);
      return came;
    },
  });
  work.say(`Carried over ${counted(carried, "position")} with all their columns.`);
}

/** Strands of all kinds in the order of their events, through the trigger that writes receipts and rings. */
export async function carryStrands(work: Workplace): Promise<void> {
  await inTurn(work, "strands", async (transaction) => {
    if (!await isArchived(transaction, "ad_strands")) return;
    await transaction.unsafe(
      `create index if not exists adoption_order_idx on before_edgeloop.ad_strands (${STRAND_ORDER}, id)`,
    );
  });
  const carried = await passThrough(work, {
    step: "strands",
    table: "ad_strands",
    order: [{ expression: STRAND_ORDER, type: "timestamptz" }, { expression: "archived.id", type: "text" }],
    pieceSize: 5_000,
    thing: "strand",
    carry: (transaction, ids) => copyRows(transaction, "ad_strands", ids, STRAND_ORDER),
  });
  work.say(`Carried over ${counted(carried, "strand")}; those that learning reads wait in strand_receipts.`);
}

/** Infinity is written as a time, too; a strand without one goes first. */
const STRAND_ORDER = "coalesce(created_at, '-infinity'::timestamptz)";

/** Trades that the guest has no close of, only an entry in its position. */
export async function carryTrades(work: Workplace): Promise<void> {
  const carried = await passThrough(work, {
    step: "trades",
    table: "lowcap_positions",
    order: [{ expression: "archived.id", type: "uuid" }],
    pieceSize: 50,
    thing: "completed trades of position",
    carry: writeCompletedTrades,
  });
  work.say(
    `Made strands of ${counted(carried, "trade")} that only completed_trades knew.`,
  );
}

/** Episode rows as windows, with the ids that the guest knows them by. */
export async function carryEpisodes(work: Workplace): Promise<void> {
  const carried = await passThrough(work, {
    step: "episodes",
    table: "pattern_episode_events",
    order: [{ expression: "archived.id", type: "bigint" }],
    pieceSize: 500,
    thing: "episode row",
    carry: async (transaction, ids) => {
      const came = await copyRows(transaction, "pattern_episode_events", ids, "archived.id");
      await digestRows(transaction, "pattern_episode_events", ids);
      return came;
    },
  });
  const [incomplete] = await work.sql<{ n: number }[]>`
    select count(*)::integer as n from public.pattern_episode_events episode
    where episode.gates is null and episode.strand_id = learning.direct_window_id(episode.id)`;
  const left = incomplete?.n ?? 0;
  work.say(
    `Carried over ${counted(carried, "episode row")} as windows${
      left === 0 ? "" : `; ${counted(left, "window")} without scores or thresholds are left out of simulation`
    }.`,
  );
}

/** Goes through a table from where it was left; returns how many rows came over in all. */
async function passThrough(work: Workplace, passage: Passage): Promise<number> {
  const total = await work.sql.begin(async (transaction) => {
    if (!await isArchived(transaction, passage.table)) return 0;
    const [row] = await transaction<{ n: number }[]>`
      select count(*) as n from before_edgeloop.${transaction(passage.table)}`;
    return row?.n ?? 0;
  });
  while (true) {
    const progress = await inTurn(work, passage.step, async (transaction) => {
      const from = await readProgress(transaction, passage.step);
      const rows = total === 0 ? [] : await nextRows(transaction, passage, from);
      const last = rows.at(-1);
      if (last === undefined) {
        await finishStep(transaction, passage.step);
        return { ...from, isDone: true };
      }
      const reached: Progress = {
        cursor: last.cursor,
        seen: from.seen + rows.length,
        carried: from.carried + await carryOrLeave(transaction, passage, rows.map(({ id }) => id)),
      };
      await writeProgress(transaction, passage.step, reached);
      return { ...reached, isDone: false };
    });
    if (progress.isDone) return progress.carried;
    work.progress(
      `${passage.thing}s: ${progress.seen.toLocaleString("en")} of ${total.toLocaleString("en")}`,
    );
  }
}

async function nextRows(
  transaction: Transaction,
  { table, order, pieceSize }: Passage,
  { cursor }: Progress,
): Promise<{ id: string; cursor: string[] }[]> {
  const keys = order.map(({ expression }) => expression);
  const after = cursor === null
    ? ""
    : `where (${keys.join(", ")}) > (${
      order.map(({ type }, place) => `$${place + 1}::text::${type}`).join(", ")
    })`;
  return [
    ...await transaction.unsafe<{ id: string; cursor: string[] }[]>(
      `select archived.id::text as id, array[${keys.map((key) => `(${key})::text`).join(", ")}] as cursor
       from before_edgeloop.${table} archived ${after} order by ${keys.join(", ")} limit ${pieceSize}`,
      cursor === null ? [] : [...cursor],
    ),
  ];
}

/** Errors of the rows themselves: data that is none, constraints, what a function refuses. */
function isRowsFault(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError && /^(?:22|23|P0)/.test(error.code);
}

/** Carries the rows over; where the database refuses one, it alone stays behind, with the reason. */
async function carryOrLeave(
  transaction: Transaction,
  passage: Passage,
  ids: readonly string[],
): Promise<number> {
  try {
    // Read back by the type of the value: the driver types what a savepoint returns by its rows.
    let came = 0;
    await transaction.savepoint(async (savepoint) => {
      came = await passage.carry(savepoint, ids);
    });
    return came;
  } catch (error) {
    if (!isRowsFault(error)) throw error;
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      await leaveBehind(transaction, passage.thing, only, error.message);
      return 0;
    }
    const half = Math.ceil(ids.length / 2);
    return await carryOrLeave(transaction, passage, ids.slice(0, half)) +
      await carryOrLeave(transaction, passage, ids.slice(half));
  }
}

/** Copies rows with every column that both tables have. */
async function copyRows(
  transaction: Transaction,
  table: string,
  ids: readonly string[],
  order = "archived.id",
): Promise<number> {
  const columns = await transaction<{ name: string; type: string; same: boolean }[]>`
    select ours.attname::text as name, format_type(ours.atttypid, ours.atttypmod) as type,
      ours.atttypid = theirs.atttypid as same
    from pg_catalog.pg_attribute ours
    join pg_catalog.pg_attribute theirs
      on theirs.attrelid = to_regclass('before_edgeloop.' || ${table}) and theirs.attname = ours.attname
      and theirs.attnum > 0 and not theirs.attisdropped
    where ours.attrelid = to_regclass('public.' || ${table}) and ours.attnum > 0 and not ours.attisdropped
      and ours.attgenerated = ''
    order by ours.attnum`;
  const [key] = await transaction<{ type: string }[]>`
    select format_type(theirs.atttypid, theirs.atttypmod) as type from pg_catalog.pg_attribute theirs
    where theirs.attrelid = to_regclass('before_edgeloop.' || ${table}) and theirs.attname = 'id'`;
  const result = await transaction.unsafe(
    `insert into public.${table} (${
      columns.map(({ name }) => quoted(name)).join(", ")
    }) overriding system value
     select ${
      columns.map(({ name, type, same }) => `archived.${quoted(name)}${same ? "" : `::text::${type}`}`).join(
        ", ",
      )
    }
     from before_edgeloop.${table} archived where archived.id = any ($1::text[]::${key?.type ?? "text"}[])
     order by ${order}${order === "archived.id" ? "" : ", archived.id"} on conflict do nothing`,
    [[...ids]],
  );
  return result.count;
}

/** Notes what the rows are now, so that a change is seen when the adoption is to be undone. */
export async function digestRows(
  transaction: Transaction,
  table: string,
  ids: readonly string[],
): Promise<void> {
  await transaction.unsafe(
    `insert into before_edgeloop.adoption_digests (relation, id, digest)
     select '${table}', written.id::text, ${digestOf(table)}
     from public.${table} written where written.id::text = any ($1::text[])
     on conflict (relation, id) do update set digest = excluded.digest`,
    [[...ids]],
  );
}

/** SQL for the digest of a row `written`, over the columns that the archive has. */
export function digestOf(table: string): string {
  return `md5((
    select jsonb_object_agg(field.key, field.value)
    from jsonb_each(to_jsonb(written)) as field
    where field.key in (
      select archived.attname::text from pg_catalog.pg_attribute archived
      where archived.attrelid = to_regclass('before_edgeloop.${table}') and archived.attnum > 0
        and not archived.attisdropped
    )
  )::text)`;
}

/** The entries of completed_trades whose close is nowhere among the strands. */
const COMPLETED = `
  with entry as (
    select position.id::text as position_id, to_jsonb(position) as position, item.value as trade,
      coalesce(item.value ->> 'trade_id', item.value #>> '{summary,trade_id}') as trade_id,
      coalesce(item.value ->> 'trade_id', item.value #>> '{summary,trade_id}', position.id || ' ' || item.place)
        as identity,
      case jsonb_typeof(item.value -> 'summary') when 'object' then item.value -> 'summary' else item.value end
        as summary
    from before_edgeloop.lowcap_positions position
    cross join lateral jsonb_array_elements(
      case jsonb_typeof(to_jsonb(position) -> 'completed_trades') when 'array'
        then to_jsonb(position) -> 'completed_trades' else '[]' end
    ) with ordinality as item(value, place)
    where position.id = any ($1::text[]::uuid[])
  ),
  missing as materialized (
    select distinct on (entry.identity) entry.*, case
      when entry.trade_id is null then 'it names no trade'
      when jsonb_typeof(entry.summary -> 'rr') is distinct from 'number' then 'it has no rr'
      when jsonb_typeof(entry.summary -> 'rpnl_pct') is distinct from 'number' then 'it has no rpnl_pct'
      when entry.summary ->> 'entry_timestamp' is null then 'it has no entry_timestamp'
      when entry.summary ->> 'exit_timestamp' is null then 'it has no exit_timestamp'
    end as fault
    from entry
    where not exists (
      select from public.ad_strands strand
      where strand.kind in ('pm_action', 'dm_action', 'position_closed') and strand.kind = 'position_closed'
        and strand.content ->> 'trade_id' = entry.trade_id
    )
    order by entry.identity, entry.summary ->> 'exit_timestamp' desc
  )`;

/** What both strands of an entry say of where it belongs. */
const PLACE = `jsonb_build_object('trade_id', missing.trade_id, 'position_id', missing.position_id,
  'token_contract', missing.position -> 'token_contract', 'chain', missing.position -> 'token_chain')`;

async function writeCompletedTrades(transaction: Transaction, ids: readonly string[]): Promise<number> {
  await transaction.unsafe(
    `${COMPLETED}
     insert into before_edgeloop.adoption_left_behind (thing, name, reason)
     select 'completed trade', coalesce(missing.trade_id, 'of position ' || missing.position_id), missing.fault
     from missing where missing.fault is not null`,
    [[...ids]],
  );
  await transaction.unsafe(
    `${COMPLETED},
     written as (
       insert into public.ad_strands (id, module, kind, position_id, trade_id, symbol, timeframe, content, created_at)
       select coalesce(action.value ->> 'strand_id', format('completed_trade:%s:%s', missing.trade_id, action.place)),
         'pm', 'pm_action', missing.position_id, missing.trade_id, missing.position ->> 'token_ticker',
         missing.position ->> 'timeframe', action.value - 'strand_id' || ${PLACE},
         coalesce(action.value ->> 'ts', missing.summary ->> 'entry_timestamp')::timestamptz
       from missing
       cross join lateral jsonb_array_elements(
         case jsonb_typeof(missing.trade -> 'actions') when 'array' then missing.trade -> 'actions' else '[]' end
       ) with ordinality as action(value, place)
       where missing.fault is null and jsonb_typeof(action.value) = 'object'
         -- Actions that have no name may be the ones that are there.
         and (action.value ? 'strand_id' or not exists (
           select from public.ad_strands strand
           where strand.kind in ('pm_action', 'dm_action', 'position_closed')
             and strand.content ->> 'trade_id' = missing.trade_id
         ))
       order by 9, action.place
       on conflict (id) do nothing
       returning id
     )
     insert into before_edgeloop.adoption_made_strands (id) select written.id from written`,
    [[...ids]],
  );
  const closes = await transaction.unsafe(
    `${COMPLETED},
     written as (
       insert into public.ad_strands (id, module, kind, position_id, trade_id, symbol, timeframe, content, created_at)
       select 'completed_trade:' || missing.trade_id, 'pm', 'position_closed', missing.position_id, missing.trade_id,
         missing.position ->> 'token_ticker', missing.position ->> 'timeframe',
         ${PLACE} || jsonb_build_object(
           'ts', missing.summary -> 'exit_timestamp',
           'entry_context', coalesce(nullif(missing.summary -> 'entry_context', 'null'),
             nullif(missing.trade -> 'entry_context', 'null'), nullif(missing.position -> 'entry_context', 'null'), '{}'),
           'trade_summary', missing.summary - 'entry_context' - 'actions', 'completed_trades', '[]'::jsonb
         ),
         (missing.summary ->> 'exit_timestamp')::timestamptz
       from missing where missing.fault is null
       order by 9, 1
       on conflict (id) do nothing
       returning id
     )
     insert into before_edgeloop.adoption_made_strands (id) select written.id from written`,
    [[...ids]],
  );
  return closes.count;
}
