/**
 * Whether somebody else lives in a database: tables that have the names of Edgeloop's and are not its own, as those of a
 * system that is to be adopted (scripts/README.md, "Adopting").
 */

import type { Database } from "./database.ts";
import { readSqlFiles, SQL_DIRECTORY } from "./schema_sources.ts";

/** The names that Edgeloop needs in schema `public`. */
export interface OwnNames {
  readonly tables: readonly string[];
  readonly views: readonly string[];
  readonly types: readonly string[];
  readonly functions: readonly string[];
}

/** What is in a database, as far as it concerns who may live there. */
export interface Tenancy {
  /** Whether Edgeloop, or what it was before its first release, has its schema there. */
  readonly isOurs: boolean;
  /** Whether an adoption was begun there, be it done or not. */
  readonly isAdopted: boolean;
  /** Whether an adoption was begun and is not done. */
  readonly isBeingAdopted: boolean;
  /** Relations in `public` that have names of ours, where schema `learning` is not there. */
  readonly guests: readonly string[];
}

/** Reads the names from `sql/`, where everything in `public` is created. */
export async function readOwnNames(): Promise<OwnNames> {
  const text = (await readSqlFiles(SQL_DIRECTORY)).map((file) => file.text).join("\n");
  const created = (kind: string): string[] =>
    [...text.matchAll(new RegExp(`^create ${kind} public\\.(\\w+)`, "gm"))].map(([, name = ""]) => name);
  return {
    tables: created("table"),
    views: created("view"),
    types: created("type"),
    functions: created("function"),
  };
}

/** Who lives in the database. */
export async function findTenancy(sql: Database): Promise<Tenancy> {
  const { tables, views } = await readOwnNames();
  const [row] = await sql<{ ours: boolean; adopted: boolean; guests: string[] }[]>`
    select to_regnamespace('learning') is not null as ours,
      to_regclass('before_edgeloop.adoption') is not null as adopted,
      array(
        select relation.relname::text from pg_catalog.pg_class relation
        where relation.relnamespace = to_regnamespace('public') and relation.relname = any (${[
    ...tables,
    ...views,
  ]})
        order by relation.relname
      ) as guests`;
  const ours = row?.ours === true;
  const adopted = row?.adopted === true;
  const [unfinished] = adopted
    ? await sql<
      { unfinished: boolean }[]
    >`select adoption.finished_at is null as unfinished from before_edgeloop.adoption`
    : [];
  return {
    isOurs: ours,
    isAdopted: adopted,
    isBeingAdopted: adopted && unfinished?.unfinished !== false,
    guests: ours || adopted ? [] : row?.guests ?? [],
  };
}

/** Throws where another system lives in the database, before anything is written there. */
export async function refuseGuests(sql: Database): Promise<void> {
  const tenancy = await findTenancy(sql);
  if (tenancy.isBeingAdopted) {
    throw new Error(
      "This database is being adopted: `task adopt --db URL --apply` goes on, `task adopt --db URL --undo` puts back " +
        "what was there. Nothing was changed.",
    );
  }
  if (tenancy.guests.length > 0) {
    throw new Error(
      `Another system lives here (${tenancy.guests.join(", ")}); \`task adopt\` can move it: ` +
        "`task adopt --db URL` says how. Nothing was changed.",
    );
  }
}
