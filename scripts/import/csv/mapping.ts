/**
 * Which column of a table is what: decided by wishes, by what is known of the tool, by names and by values, in this order.
 *
 * @module
 */

import type { DateOrder } from "./dates.ts";
import type { Decimal } from "./numbers.ts";
import type { Origin, Profile } from "./profile.ts";
import { plainName, type Role, rolesOf, tellsApart, tellsOutcome } from "./roles.ts";
import type { Kind, Survey } from "./survey.ts";
import { MOST_VALUES } from "./survey.ts";
import { TableError } from "./text.ts";
import { returnUnitOf, type Unit } from "./units.ts";
import { type Meaning, roleOf, type Wishes } from "./wishes.ts";

/** A column that becomes a dimension, in buckets where it is one of figures. */
export interface MappedDimension {
  readonly column: number;
  readonly dim: string;
  /** How many buckets, or where they begin; null: its texts as they are. */
  readonly buckets: number | readonly number[] | null;
}

/** What each column is, and how its values are read. */
export interface Mapping {
  readonly roles: Readonly<Partial<Record<Role, number>>>;
  readonly dimensions: readonly MappedDimension[];
  /** Why each column is left out that is. */
  readonly leftOut: ReadonlyMap<number, string>;
  readonly unit: Unit;
  readonly decimal: Decimal;
  readonly dates: DateOrder;
  /** Null: no date needs one. */
  readonly zone: string | null;
  readonly strategy: string;
  readonly symbol: string | null;
  readonly timeframe: string | null;
  readonly stoploss: number | null;
}

const NUMBERS: readonly Role[] = [
  "entry_price",
  "exit_price",
  "return",
  "profit",
  "stake",
  "quantity",
  "r",
  "stop",
  "risk",
  "leverage",
];

/** Whether values of this kind can play that role. */
function suits(role: Role, kind: Kind): boolean {
  if (kind === "empty") return false;
  if (NUMBERS.includes(role)) return kind === "number" || (kind === "side" && role === "quantity");
  if (role === "opened" || role === "closed") return kind === "date";
  if (role === "opened_time" || role === "closed_time") return kind === "time";
  if (role === "side") return kind === "side";
  if (role === "entry_tag" || role === "exit_reason") return kind !== "date" && kind !== "number";
  return true;
}

const WITH_TIME: Readonly<Partial<Record<Role, Role>>> = { opened: "opened_time", closed: "closed_time" };
const SINGLE_DATES = ["date", "time", "datetime", "date time", "timestamp", "trade date", "day", "datum"];

/** Finds the column of each role; of several the one whose name is nearest. */
function findRoles(
  header: readonly string[],
  survey: Survey,
  profile: Profile | null,
  wishes: Wishes,
): { roles: Partial<Record<Role, number>>; taken: Set<number> } {
  const roles: Partial<Record<Role, number>> = {};
  const taken = new Set<number>();
  const give = (role: Role, column: number): void => {
    roles[role] = column;
    taken.add(column);
  };
  header.forEach((name, column) => {
    const role = roleOf(wishes.columns[name]);
    if (role !== null) give(role, column);
  });
  header.forEach((name, column) => {
    const known = profile?.columns?.[name];
    if (known === undefined || known === "outcome" || known === "ignore" || roles[known] !== undefined) {
      return;
    }
    if (wishes.columns[name] === undefined && suits(known, survey.columns[column]?.kind ?? "empty")) {
      give(known, column);
    }
  });
  const candidates = header.flatMap((name, column) => {
    if (taken.has(column) || wishes.columns[name] !== undefined || profile?.columns?.[name] !== undefined) {
      return [];
    }
    const kind = survey.columns[column]?.kind ?? "empty";
    return rolesOf(name).flatMap(({ role, rank }) => {
      const timed = kind === "time" ? WITH_TIME[role] : undefined;
      if (timed !== undefined) return [{ role: timed, rank, column }];
      return suits(role, kind) ? [{ role, rank, column }] : [];
    });
  }).sort((a, b) => a.rank - b.rank || a.column - b.column);
  for (const { role, column } of candidates) {
    if (roles[role] === undefined && !taken.has(column)) give(role, column);
  }
  if (roles.opened === undefined && roles.closed === undefined) {
    const single = header.findIndex((name, column) =>
      !taken.has(column) && SINGLE_DATES.includes(plainName(name)) && survey.columns[column]?.kind === "date"
    );
    if (single >= 0) give("closed", single);
  }
  return { roles, taken };
}

/** A column's name as a dimension may be called. */
export function dimensionName(name: string): string {
  const plain = plainName(name).normalize("NFKD").replaceAll(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  const named = /^[a-z]/.test(plain) ? plain : `column_${plain}`;
  return named.slice(0, 63);
}

/** Names of the dimensions that every imported trade has, which a column may not take. */
const RESERVED = new Set(["strategy", "pair", "side", "enter_tag", "session", "weekday", "timeframe"]);
/** Bits that are free in a new database, less those that every imported trade takes. */
const MOST_DIMENSIONS = 8;

function findDimensions(
  header: readonly string[],
  survey: Survey,
  profile: Profile | null,
  wishes: Wishes,
  taken: ReadonlySet<number>,
): { dimensions: MappedDimension[]; leftOut: Map<number, string> } {
  const leftOut = new Map<number, string>();
  const found: (MappedDimension & { distinct: number; isWished: boolean })[] = [];
  const names = new Set(RESERVED);
  header.forEach((name, column) => {
    const values = survey.columns[column];
    if (taken.has(column) || values === undefined) return;
    const wish: Meaning | undefined = wishes.columns[name];
    const known = profile?.columns?.[name];
    const why = typeof wish === "object" || wish === "dimension"
      ? null
      : wish === "ignore" || (wish === undefined && known === "ignore")
      ? "left out"
      : wish === "outcome" || known === "outcome" || tellsOutcome(name)
      ? "known only when the trade is over"
      : values.kind === "empty"
      ? "empty"
      : values.kind === "date" || values.kind === "time"
      ? "a time"
      : values.kind === "number"
      ? "figures; in buckets with --bucket"
      : tellsApart(name)
      ? "tells trades apart"
      : !values.isShort
      ? "texts of more than 200 characters"
      : values.distinct > MOST_VALUES || (values.distinct > 10 && values.distinct > values.filled / 2)
      ? "hardly any text occurs twice"
      : null;
    if (why !== null) {
      leftOut.set(column, why);
      return;
    }
    const base = typeof wish === "object" && "dimension" in wish ? wish.dimension : dimensionName(name);
    let dim = base;
    for (let next = 2; names.has(dim); next++) dim = `${base.slice(0, 60)}_${next}`;
    names.add(dim);
    const buckets = typeof wish === "object" && "buckets" in wish ? wish.buckets : null;
    found.push({ column, dim, buckets, distinct: values.distinct, isWished: wish !== undefined });
  });
  // Where there are too many, those with the fewest values have the most trades a value.
  const order = [...found].sort((a, b) => Number(b.isWished) - Number(a.isWished) || a.distinct - b.distinct);
  for (const { column } of order.slice(MOST_DIMENSIONS)) {
    leftOut.set(column, `more than ${MOST_DIMENSIONS} dimensions; name those you want with --map`);
  }
  return { dimensions: found.filter(({ column }) => !leftOut.has(column)), leftOut };
}

function decideDates(survey: Survey, profile: Profile | null, wishes: Wishes): DateOrder {
  const wished = wishes.dates ?? profile?.dates;
  if (wished !== undefined) return wished;
  const { dmy, mdy, either } = survey.orders;
  if (dmy > 0 && mdy > 0) {
    throw new TableError(
      `Some dates have the day first and some the month: ${dmy} against ${mdy} values. Say which with --dates dmy or mdy.`,
    );
  }
  if (mdy > 0) return "mdy";
  if (dmy > 0 || either === 0) return "dmy";
  throw new TableError(
    `Dates such as 03/04/2024 may have the day or the month first, and none tells which. Say it with --dates dmy or mdy.`,
  );
}

/** Whether a table of these columns has what makes a trade; else what it lacks. */
function missingFrom(roles: Partial<Record<Role, number>>): string[] {
  const has = (...names: Role[]): boolean => names.every((name) => roles[name] !== undefined);
  return [
    ...(has("opened") || has("closed") ? [] : ["when a trade was opened or closed"]),
    ...(has("return") || has("profit", "stake") || has("profit", "entry_price", "quantity") ||
        has("entry_price", "exit_price")
      ? []
      : ["what it came to: a return, a profit with its stake, or entry and exit price"]),
  ];
}

/** How many roles a header's names have; a header has some. */
export function countRoles(header: readonly string[], wishes: Wishes): number {
  return new Set(
    header.flatMap((name) => {
      const wished = roleOf(wishes.columns[name]);
      return wished === null ? rolesOf(name).slice(0, 1).map(({ role }) => role) : [wished];
    }),
  ).size;
}

/**
 * Decides what each column is.
 *
 * @param askZone Called where dates need a zone and nobody named one.
 * @throws {TableError} saying what is missing or may mean two things, and how to say it.
 */
export function decideMapping(
  header: readonly string[],
  survey: Survey,
  profile: Profile | null,
  wishes: Wishes,
  origin: Origin,
  askZone: () => string,
): Mapping {
  const unknown = Object.keys(wishes.columns).filter((name) => !header.includes(name));
  if (unknown.length > 0) {
    throw new TableError(
      `There is no column ${unknown.map((name) => `"${name}"`).join(", ")}; the columns are ${
        header.map((name) => `"${name}"`).join(", ")
      }.`,
    );
  }
  const { roles, taken } = findRoles(header, survey, profile, wishes);
  const missing = missingFrom(roles);
  if (missing.length > 0) {
    throw new TableError(
      `No column tells ${missing.join(", nor ")}. The columns are ${
        header.map((name) => `"${name}"`).join(", ")
      }. ` +
        `Say which is what in a file for --map: {"columns": {"NAME": "closed", "NAME": "return_percent"}}.`,
    );
  }
  const { dimensions, leftOut } = findDimensions(header, survey, profile, wishes, taken);
  const { points, commas } = survey.decimals;
  const decimal = wishes.decimal ?? profile?.decimal ?? (commas > points ? "," : ".");
  const lacksZone =
    [roles.opened, roles.closed].some((at) => at !== undefined && survey.columns[at]?.lacksZone === true) ||
    roles.opened_time !== undefined || roles.closed_time !== undefined;
  const strategy = typeof profile?.strategy === "function"
    ? profile.strategy(origin)
    : profile?.strategy ?? "csv";
  const mapped = {
    roles,
    dimensions,
    leftOut,
    decimal,
    dates: decideDates(survey, profile, wishes),
    strategy: wishes.strategy ?? strategy,
    symbol: wishes.symbol ?? profile?.symbol?.(origin) ?? null,
    timeframe: wishes.timeframe ?? null,
    stoploss: wishes.stoploss ?? null,
  };
  const unit = returnUnitOf(header, survey, profile, wishes, mapped);
  return { ...mapped, unit, zone: lacksZone ? wishes.zone ?? profile?.zone ?? askZone() : null };
}
