/**
 * Dates as tables of trades write them: ISO, with points or slashes, day or month first, months by name, AM and PM, seconds
 * or milliseconds since 1970; with a zone or without.
 *
 * @module
 */

/** Which part comes first where all are figures and the year does not. */
export type DateOrder = "dmy" | "mdy";

/** A date as it is written. */
export interface WrittenDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** Whether a time of day stands there. */
  readonly hasTime: boolean;
  /** Minutes east of UTC; null where it names no zone. */
  readonly offset: number | null;
}

const TIME = String
  .raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?\s*(?<half>[AaPp]\.?[Mm]\.?)?`;
const ZONE = String.raw`(?<zone>Z|UTC|GMT|(?:UTC|GMT)?\s*[+-]\d{1,2}(?::?\d{2})?)`;
const REST = String.raw`(?:[T\s,;]+${TIME})?\s*(?:${ZONE})?(?:\s*\[[\w/]+\])?$`;
const MONTH = "(?<name>[A-Za-zäé]{3,9})\\.?";
const WEEKDAY = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\\s+)?";

const YEAR_FIRST = new RegExp(
  String.raw`^(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})${REST}`,
  "i",
);
const COMPACT = new RegExp(
  String
    .raw`^(?<year>(?:19|20)\d{2})(?<month>\d{2})(?<day>\d{2})(?:[T\s,;]+(?<hour>\d{2}):?(?<minute>\d{2}):?(?<second>\d{2})?)?$`,
);
const YEAR_LAST = new RegExp(
  String.raw`^(?<first>\d{1,2})[-/. ](?<then>\d{1,2})[-/. ](?<year>\d{4}|\d{2})${REST}`,
  "i",
);
const DAY_NAME = new RegExp(
  String.raw`^${WEEKDAY}(?<day>\d{1,2})(?:st|nd|rd|th|\.)?[-\s]${MONTH}[-\s,]+(?<year>\d{4}|\d{2})${REST}`,
  "i",
);
const NAME_DAY = new RegExp(
  String.raw`^${WEEKDAY}${MONTH}\s+(?<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?<year>\d{4})${REST}`,
  "i",
);

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const FOREIGN_MONTHS: Readonly<Record<string, number>> = { mai: 5, okt: 10, dez: 12, "mär": 3, mrz: 3 };

function monthOf(name: string): number {
  const short = name.toLowerCase().slice(0, 3);
  return FOREIGN_MONTHS[short] ?? MONTHS.indexOf(short) + 1;
}

/** Decimal places of seconds by the number of digits before them: seconds, milli-, micro- and nanoseconds. */
const EPOCHS: ReadonlyMap<number, number> = new Map([[10, 1_000], [13, 1], [16, 1e-3], [19, 1e-6]]);

function readEpoch(text: string): number | null {
  if (text.charCodeAt(4) === 0x2d) return null;
  const [, digits = "", fraction = ""] = /^(\d+)(\.\d+)?$/.exec(text) ?? [];
  const scale = EPOCHS.get(digits.length);
  return scale === undefined ? null : Math.round(Number(`${digits}${fraction}`) * scale);
}

function offsetOf(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  const [, sign, hours, minutes = "0"] = /([+-])(\d{1,2}):?(\d{2})?$/.exec(zone) ?? [];
  if (sign === undefined) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function hourOf(groups: Readonly<Record<string, string | undefined>>): number {
  const hour = Number(groups["hour"] ?? 0);
  if (groups["half"] === undefined) return hour;
  return hour % 12 + (groups["half"].toLowerCase().startsWith("p") ? 12 : 0);
}

/** Whether a cell has day and month in an order that it does not tell, and which one it speaks for. */
export function orderOf(text: string): DateOrder | "either" | null {
  if (text.charCodeAt(4) === 0x2d) return null;
  const groups = YEAR_LAST.exec(text.trim())?.groups;
  if (groups === undefined) return null;
  if (Number(groups["first"]) > 12) return "dmy";
  if (Number(groups["then"]) > 12) return "mdy";
  // With points, the day comes first wherever they are used.
  return /^\d{1,2}\.\d/.test(text.trim()) ? "dmy" : "either";
}

/** Reads a date as it is written; an instant where it counts from 1970; null where it is none. */
export function readDate(text: string, order: DateOrder): WrittenDate | number | null {
  const plain = text.trim();
  const epoch = readEpoch(plain);
  if (epoch !== null) return epoch;
  const groups =
    (YEAR_FIRST.exec(plain) ?? COMPACT.exec(plain) ?? YEAR_LAST.exec(plain) ?? DAY_NAME.exec(plain) ??
      NAME_DAY.exec(plain))?.groups;
  if (groups === undefined) return null;
  const [first, then] = [Number(groups["first"]), Number(groups["then"])];
  const named = groups["name"] === undefined ? undefined : monthOf(groups["name"]);
  const month = named ?? Number(groups["month"] ?? (order === "dmy" ? then : first));
  const day = Number(groups["day"] ?? (order === "dmy" ? first : then));
  const year = Number(groups["year"]);
  const date = {
    year: year < 100 ? 2000 + year : year,
    month,
    day,
    hour: hourOf(groups),
    minute: Number(groups["minute"] ?? 0),
    second: Number(groups["second"] ?? 0),
    millisecond: Math.floor(Number(`0.${groups["fraction"] ?? "0"}`) * 1000),
    hasTime: groups["hour"] !== undefined,
    offset: offsetOf(groups["zone"]),
  };
  const isThere = month >= 1 && month <= 12 && day >= 1 && date.hour < 24 && date.minute < 60 &&
    date.second < 60 &&
    (day <= 28 || day <= new Date(Date.UTC(date.year, month, 0)).getUTCDate());
  return isThere ? date : null;
}

/** Turns written dates of one zone into instants. */
export class Zone {
  readonly #name: string;
  /** Offsets by the hour as it is written, for many dates share one. */
  readonly #offsets = new Map<number, number>();

  /** @throws {RangeError} when there is no such zone. */
  constructor(name: string) {
    this.#name = Temporal.Now.zonedDateTimeISO(name).timeZoneId;
  }

  /** Milliseconds since 1970 of the later of two, where a clock that was set back showed an hour twice. */
  laterInstantOf(date: WrittenDate | number): number {
    if (typeof date === "number" || date.offset !== null) return this.instantOf(date);
    const { hasTime: _, offset: __, ...parts } = date;
    return Temporal.PlainDateTime.from(parts).toZonedDateTime(this.#name, { disambiguation: "later" })
      .epochMilliseconds;
  }

  /** Milliseconds since 1970. */
  instantOf(date: WrittenDate | number): number {
    if (typeof date === "number") return date;
    const { year, month, day, hour, minute, second, millisecond } = date;
    const asUtc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
    if (date.offset !== null) return asUtc - date.offset * 60_000;
    const whole = Math.floor(asUtc / 3_600_000);
    let offset = this.#offsets.get(whole);
    if (offset === undefined) {
      const there = Temporal.PlainDateTime.from({ year, month, day, hour }).toZonedDateTime(this.#name);
      offset = whole * 3_600_000 - there.epochMilliseconds;
      this.#offsets.set(whole, offset);
    }
    return asUtc - offset;
  }
}
