/**
 * What whoever imports says of a table: on the command line, or in a file that is kept beside it.
 *
 * @module
 */

import { z } from "zod";
import { ALL_ROLES, isRole, type Role } from "./roles.ts";
import { TableError } from "./text.ts";

const MEANINGS = [...ALL_ROLES, "return_percent", "return_fraction", "dimension", "outcome", "ignore"];

const meaningSchema = z.union([
  z.string().refine((text) => MEANINGS.includes(text), {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no meaning of a column; there are ${MEANINGS.join(", ")}`,
  }),
  z.strictObject({ dimension: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/) }),
  z.strictObject({ buckets: z.union([z.number().int().min(2).max(20), z.array(z.number()).min(1).max(19)]) }),
]);

const wishesSchema = z.strictObject({
  columns: z.record(z.string(), meaningSchema).default({}),
  zone: z.string().optional(),
  dates: z.enum(["dmy", "mdy"]).optional(),
  decimal: z.enum([".", ","]).optional(),
  strategy: z.string().min(1).optional(),
  symbol: z.string().min(1).optional(),
  timeframe: z.string().regex(/^\d+[mhdwM]$/, "expected a candle length such as 5m, 1h or 1d").optional(),
  stoploss: z.number().positive().optional(),
});

/** What is wished; all that is left out is found out. */
export type Wishes = z.infer<typeof wishesSchema>;
export type Meaning = z.infer<typeof meaningSchema>;

/** Nothing in particular. */
export const NO_WISHES: Wishes = { columns: {} };

/**
 * Reads a file of wishes.
 *
 * @throws {TableError} naming what is wrong.
 */
export async function readWishes(path: string): Promise<Wishes> {
  let value: unknown;
  try {
    value = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw new TableError(`There is no file ${path} for --map.`);
    throw new TableError(`${path} is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = wishesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TableError(
    `${path} cannot be followed: ${
      parsed.error.issues.map(({ path: where, message }) => `${where.join(".")}: ${message}`).join("; ")
    }`,
  );
}

/** The role that a meaning names; null where it names none. */
export function roleOf(meaning: Meaning | undefined): Role | null {
  if (typeof meaning !== "string") return null;
  if (meaning === "return_percent" || meaning === "return_fraction") return "return";
  return isRole(meaning) ? meaning : null;
}
