/** The rows that a report carries, read over SQL. */

import { z } from "zod";
import { connect, type Database } from "../stack/database.ts";
import { families, type Filter, type Read, REPORTED, trades } from "./page/reads.ts";
import type { Snapshot } from "./page/snapshot.ts";

/** Of how many families the trades go along, and how many of each. */
const FAMILIES_WITH_TRADES = 12;
const TRADES_EACH = 50;

const record = z.record(z.string(), z.unknown());

type Rows = Record<string, unknown>[];

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function rowsOf(
  sql: Pick<Database, "unsafe">,
  { relation, order, limit, row: shape }: Read<unknown>,
  filters: readonly Filter[] = [],
): Promise<Rows> {
  const conditions = filters.map(({ column, is }, place) =>
    `to_jsonb(reported_row) -> '${column.replaceAll("'", "''")}' ${
      is === "contains" ? "@>" : "="
    } ($1::jsonb -> ${place})`
  );
  const found = await sql.unsafe<{ row: Record<string, unknown> }[]>(
    `select to_jsonb(reported_row) as row from public.${quoted(relation)} reported_row
    ${conditions.length === 0 ? "" : `where $1::jsonb is not null and ${conditions.join(" and ")}`}
    ${
      order.length === 0
        ? ""
        : `order by ${
          order.map(({ column, descending }) =>
            `reported_row.${quoted(column)}${descending === true ? " desc nulls last" : ""}`
          ).join(", ")
        }`
    } limit ${limit}`,
    conditions.length === 0 ? [] : [JSON.stringify(filters.map(({ value }) => value))],
  );
  // The page reads no other columns.
  return found.map(({ row }) => record.safeParse(shape.safeParse(row).data).data ?? row);
}

/** What of the database the screen would show now; relations that it has not are null. */
export async function takeSnapshot(databaseUrl: string): Promise<Snapshot> {
  const sql = connect(databaseUrl, { applicationName: "report", max: 1 });
  try {
    return await sql.begin("isolation level repeatable read read only", async (transaction) => {
      const rows: Record<string, Rows | null> = {};
      for (const read of REPORTED) {
        const [there] = await transaction<{ found: boolean }[]>`
          select to_regclass(${`public.${quoted(read.relation)}`}) is not null as found`;
        rows[read.relation] = there?.found === true
          ? await rowsOf(transaction, read, read.filters ?? [])
          : null;
      }
      const shown = families.row.safeParse;
      const behind: Rows = [];
      for (const row of (rows[families.relation] ?? []).slice(0, FAMILIES_WITH_TRADES)) {
        const family = shown(row);
        if (!family.success) continue;
        const { module, pattern_key, action_category, scope } = family.data;
        behind.push(
          ...await rowsOf(transaction, { ...trades, limit: TRADES_EACH }, [
            { column: "module", is: "eq", value: module },
            { column: "pattern_key", is: "eq", value: pattern_key },
            { column: "action_category", is: "eq", value: action_category },
            { column: "scope", is: "contains", value: scope },
          ]),
        );
      }
      const known = new Map(
        [...rows[trades.relation] ?? [], ...behind].map((row) => [row["action_strand_id"], row]),
      );
      if (rows[trades.relation] !== null) rows[trades.relation] = [...known.values()];
      const [clock] = await transaction<{ now: string }[]>`
        select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as now`;
      return { taken_at: clock?.now ?? new Date().toISOString(), rows };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
