/** Connections to the stack's database with values as plain JSON would have them. */

import postgres from "postgres";

/** The driver's client, with the types below. */
export type Database = postgres.Sql<{ bigint: number | string; numeric: number | string }>;

const identity = (value: string): string => value;

/** A number where nothing is lost, else the text Postgres sent. */
function exactNumber(text: string): number | string {
  const value = Number(text);
  return Number.isFinite(value) && String(value) === text ? value : text;
}

/**
 * How values cross the wire: jsonb parameters may be given as text or as values, big numbers come back as numbers
 * where that is exact, dates and times as text.
 */
export const WIRE_TYPES = {
  bigint: { to: 20, from: [20], serialize: String, parse: exactNumber },
  numeric: { to: 1700, from: [1700], serialize: String, parse: exactNumber },
  json: {
    to: 114,
    from: [114, 3802],
    serialize: jsonText,
    parse: (text: string): unknown => JSON.parse(text),
  },
  jsonb: { to: 3802, from: [], serialize: jsonText, parse: (text: string): unknown => JSON.parse(text) },
  date: { to: 1184, from: [1082, 1083, 1114, 1184, 1266], serialize: dateText, parse: identity },
};

/** Opens a pool; nothing connects before the first query. */
export function connect(
  databaseUrl: string,
  options: {
    max?: number;
    applicationName?: string;
    /** Seconds after which a connection is replaced by a new one; null keeps it, and what its session holds. */
    maxLifetime?: null;
  } = {},
): Database {
  return postgres(databaseUrl, {
    ...(options.maxLifetime === null ? { max_lifetime: null } : {}),
    max: options.max ?? 4,
    onnotice: () => {},
    connection: { TimeZone: "UTC", application_name: options.applicationName ?? "edgeloop" },
    types: WIRE_TYPES,
  }) as unknown as Database;
}

function jsonText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function dateText(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
