import { z } from "zod";
import type { Fault } from "../store/strand_store.ts";

const datetime = z.iso.datetime({ offset: true, local: true });
/** Whole years in UTC, since what is learned is written down in UTC with a year of four digits. */
const FIRST_SECOND = Date.parse("0001-01-01T00:00:00Z") / 1000;
const LAST_SECOND = Date.parse("9999-12-31T23:59:59Z") / 1000;

/** Nanoseconds since 1970 of an ISO 8601 date or timestamp, null of anything else; without an offset it is UTC. */
export function nanosecondsOf(written: unknown): bigint | null {
  if (typeof written !== "string") return null;
  const moment = written.length === 10 ? `${written}T00:00:00` : written.replace(" ", "T");
  // Postgres knows no year 0, no offsets of 16 hours and more, and no fraction without end.
  if (!datetime.safeParse(moment).success || /^0000|[+-](1[6-9]|2\d):\d\d$|\.\d{10}/.test(moment)) {
    return null;
  }
  const [, whole = "", fraction = "", offset] = /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(moment) ?? [];
  const seconds = Date.parse(whole + (offset ?? "Z")) / 1000;
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  const known = seconds >= FIRST_SECOND && nanoseconds <= BigInt(LAST_SECOND) * 1_000_000_000n;
  return known ? nanoseconds : null;
}

/** A clock that is further behind is none. */
const FIRST_EVENT = "2000-01-01T00:00:00Z";
/** How far a writer's clock may go ahead of the database's. */
const AHEAD_MS = 86_400_000;

/** Where the times of events stand in a strand of a kind; `*` is every item of a list. */
const EVENT_TIMES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  position_closed: [
    ["content", "trade_summary", "entry_timestamp"],
    ["content", "trade_summary", "exit_timestamp"],
  ],
  uptrend_episode_summary: [
    ["content", "windows", "*", "started_at"],
    ["content", "windows", "*", "ended_at"],
  ],
};

/** A path for each item that a path with `*` leads to. */
function pathsTo(document: unknown, path: readonly string[]): (readonly string[])[] {
  const place = path.indexOf("*");
  if (place < 0) return [path];
  const items = valueAt(document, path.slice(0, place));
  if (!Array.isArray(items)) return [];
  return items.map((_, item) => path.with(place, String(item)));
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/**
 * The event times of a strand that no event can have: before 2000, or later than a day after it arrived
 * (functions/README.md, "From strands to events"). Values that are no moments are not its matter.
 *
 * @param arrivedAt Epoch milliseconds.
 */
export function impossibleTimes(strand: { readonly kind: string }, arrivedAt: number): Fault[] {
  const first = nanosecondsOf(FIRST_EVENT);
  const last = BigInt(Math.floor(arrivedAt) + AHEAD_MS) * 1_000_000n;
  const paths = EVENT_TIMES[strand.kind] ?? [];
  return [["created_at"], ...paths.flatMap((path) => pathsTo(strand, path))].flatMap((path) => {
    const moment = nanosecondsOf(valueAt(strand, path));
    if (moment === null || first === null || moment >= first && moment <= last) return [];
    return [{
      path: path.join("."),
      message: `Invalid input: expected a time from ${FIRST_EVENT} to a day after the strand arrived, ` +
        new Date(arrivedAt + AHEAD_MS).toISOString(),
    }];
  });
}
