/**
 * A client of the store that calls the functions of a database without the data API between them: for whoever runs the
 * loop's functions in his own process, such as a proof on history and tests of what is mined.
 *
 * @module
 */

import type { Client } from "../../functions/_shared/store/connection.ts";
import type { Database } from "./database.ts";

interface Answer {
  readonly data: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
}

type ArgumentTypes = ReadonlyMap<string, string>;

/** Calls the database's functions as its owner. */
export function directClient(sql: Database): Client {
  const known = new Map<string, ArgumentTypes>();
  const client = {
    async rpc(name: string, args: Readonly<Record<string, unknown>>): Promise<Answer> {
      // Nobody is there to be rung; callers call on by themselves.
      if (name === "ring_edge_function") return { data: null, error: null };
      const types = known.get(name) ?? await argumentTypes(sql, name);
      known.set(name, types);
      const given = Object.entries(args);
      const list = given.map(([argument], i) => `${argument} => $${i + 1}::text::${types.get(argument)}`);
      const values = given.map(([argument, value]) => written(value, types.get(argument) ?? ""));
      try {
        const [row] = await sql.unsafe<{ data: unknown }[]>(
          `select to_jsonb(public.${name}(${list.join()})) as data`,
          values,
        );
        return { data: row?.data ?? null, error: null };
      } catch (error) {
        const { code = "", message } = error as Error & { code?: string };
        return { data: null, error: { code, message } };
      }
    },
    from: () => ({ insert: (): Promise<Answer> => Promise.resolve({ data: null, error: null }) }),
  };
  return client as unknown as Client;
}

/** As a text that the argument's type reads. */
function written(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null;
  if (type === "jsonb") return JSON.stringify(value);
  return Array.isArray(value) ? `{${value.join()}}` : `${value}`;
}

async function argumentTypes(sql: Database, name: string): Promise<ArgumentTypes> {
  const rows = await sql.unsafe<{ argument: string; type: string }[]>(
    `select argument, type::regtype::text as type
     from pg_proc, unnest(proargnames, proargtypes::oid[]) as given(argument, type)
     where pronamespace = 'public'::regnamespace and proname = $1`,
    [name],
  );
  return new Map(rows.map(({ argument, type }) => [argument, type]));
}
