/** What an adoption would do: decided from what was seen, before anything is changed. */

import type { CountedKey, Look } from "./look.ts";
import { counted, type Plan } from "./state.ts";

/** What whoever adopts may decide himself. */
export interface PlanOptions {
  /** Dimensions to register beside the built-in ones, instead of those that are proposed. */
  readonly dimensions?: readonly string[];
  readonly unit?: Plan["unit"];
  readonly thresholds: Plan["thresholds"];
  readonly crowdingByValue: boolean;
}

/** A dimension that Edgeloop brings. */
export interface BuiltIn {
  readonly dim: string;
  readonly aliases: readonly string[];
}

/** Bits of a mask: as many dimensions there may be. */
export const MOST_DIMENSIONS = 31;

/** A position has them whatever its context says. */
const OF_POSITIONS: readonly string[] = ["timeframe", "chain"];

/** What crowding by value is measured on besides. */
const OF_CROWDING: readonly string[] = ["book_id", "state"];

/** Dimension sets of crowding as the portfolio manager reckoned it: each without one dimension of the one before. */
export const CROWDING_MASKS: readonly (readonly string[])[] = [
  ["chain", "timeframe", "book_id", "state"],
  ["chain", "timeframe", "book_id"],
  ["chain", "timeframe"],
  ["chain"],
];

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Makes the plan; throws with the list where there are more dimensions than a mask has bits. */
export function makePlan(seen: Look, builtIn: readonly BuiltIn[], options: PlanOptions): Plan {
  const names = new Set(builtIn.flatMap(({ dim, aliases }) => [dim, ...aliases]));
  const filled = new Set(seen.keys.map(({ key }) => key));
  const freed = builtIn.filter(({ dim, aliases }) =>
    !OF_POSITIONS.includes(dim) && ![dim, ...aliases].some((name) => filled.has(name))
  ).map(({ dim }) => dim);
  const wanted = options.dimensions ?? countedScopeKeys(seen.keys).map(({ key }) => key);
  const added = [...new Set([...wanted, ...(options.crowdingByValue ? OF_CROWDING : [])])]
    .filter((dim) => !names.has(dim));
  const unfit = added.filter((dim) => !NAME.test(dim));
  if (unfit.length > 0) {
    throw new Error(
      `Not a name that a dimension can have: ${
        unfit.join(", ")
      }. Letters, digits and _ only, 63 of them at ` +
        `most; --dims names the keys to take.`,
    );
  }
  const total = builtIn.length - freed.length + added.length;
  if (total > MOST_DIMENSIONS) {
    const kept = builtIn.map(({ dim }) => dim).filter((dim) => !freed.includes(dim));
    const times = (dim: string): string => `${dim} (${timesFilled(seen.keys, dim).toLocaleString("en")})`;
    throw new Error(
      `${total} dimensions are more than the ${MOST_DIMENSIONS} that a scope may have. Built in and in use: ` +
        `${kept.map(times).join(", ")}. Besides: ${added.map(times).join(", ")}. ` +
        "Name those you want with --dims a,b,c.",
    );
  }
  return {
    freed,
    added: added.map((dim) => ({ dim, source: "action" as const })),
    unit: options.unit ?? proposedUnit(seen),
    thresholds: options.thresholds,
    crowdingByValue: options.crowdingByValue,
  };
}

/** What was seen and what would be done, in sentences. */
export function describe(seen: Look, plan: Plan): string[] {
  const { median, greatest, n } = seen.allocations;
  return [
    ...seen.relations.map(({ name, kind, rows, owner, writers }) =>
      `public.${name} is a ${kind} of ${owner} with ${counted(rows, "row")}` +
      (kind === "table" && writers.length > 0 ? `; ${writers.join(", ")} may write it.` : ".")
    ),
    ...losingRights(seen),
    ...(seen.newestStrand === null ? [] : [`The newest strand is of ${seen.newestStrand}.`]),
    ...(seen.sessions.length === 0 ? ["Nobody else is connected now."] : [
      `Connected now: ${
        seen.sessions.map(({ role, application, n }) =>
          `${role}${application === "" ? "" : ` (${application})`}${n > 1 ? ` × ${n}` : ""}`
        ).join(", ")
      }. Stop what writes here until the adoption is done: between archive and columns it would be refused.`,
    ]),
    ...seen.hangers.map(hangerSentence),
    ...(seen.keys.length === 0 ? [] : [
      `Scope keys of the newest ${counted(seen.strandsCounted, "strand")}, of positions and episodes: ${
        countedScopeKeys(seen.keys).map(({ key, n, values }) =>
          `${key} ${n.toLocaleString("en")} times with ${counted(values, "value")}`
        ).join(", ")
      }.`,
    ]),
    plan.added.length === 0
      ? "No dimension is registered besides the built-in ones."
      : `Dimensions to be registered: ${plan.added.map(({ dim }) => dim).join(", ")}.`,
    ...(plan.freed.length === 0
      ? []
      : [`Built-in dimensions that nothing fills, freed: ${plan.freed.join(", ")}.`]),
    n === 0
      ? `No position has an allocation; they count as ${inWords(plan.unit)}. --unit says otherwise.`
      : `Allocations are taken for ${
        inWords(plan.unit)
      } (median ${median}, greatest ${greatest}); --unit says otherwise.`,
    thresholdSentence(plan),
    plan.crowdingByValue
      ? `Crowding: as it was reckoned here, by what is held in USD on ${
        CROWDING_MASKS.map((mask) => mask.join(" + ")).join(", then ")
      }; an empty book is neutral.`
      : "Crowding: by intended allocation. `--crowding value` takes what is held in USD on chain + timeframe + " +
        "book_id + state and less, as a portfolio manager of this kind does, and an empty book as neutral.",
    ...(seen.migrations === 0 ? [] : [
      `${
        counted(seen.migrations, "migration")
      } of your own in supabase_migrations would stop the push; they are kept in the archive.`,
    ]),
    ...seen.obstacles.map((obstacle) => `In the way: ${obstacle}`),
  ];
}

/** Nobody but the secret key and the owner writes to Edgeloop's tables. */
function losingRights({ relations }: Look): string[] {
  const losing = new Set(relations.flatMap(({ writers }) => writers));
  losing.delete("service_role");
  return losing.size === 0 ? [] : [
    `After it only the owner and service_role, which is whoever has the secret key, may write; ${
      [...losing].sort().join(", ")
    } may no longer.`,
  ];
}

/** Keys that the guest itself calls a scope's. */
function countedScopeKeys(keys: readonly CountedKey[]): CountedKey[] {
  const byKey = Map.groupBy(keys.filter(({ source }) => source === "action"), ({ key }) => key);
  return [...byKey].map(([key, found]) => ({
    source: "action" as const,
    key,
    n: found.reduce((sum, { n }) => sum + n, 0),
    values: Math.max(...found.map(({ values }) => values)),
  })).sort((a, b) => b.n - a.n || (a.key < b.key ? -1 : 1));
}

function timesFilled(keys: readonly CountedKey[], dim: string): number {
  return keys.filter(({ key }) => key === dim).reduce((sum, { n }) => sum + n, 0);
}

/** No book gives one token more than all of itself. */
function proposedUnit(seen: Look): Plan["unit"] {
  return (seen.allocations.greatest ?? 0) > 1 ? "percent" : "fraction";
}

function inWords(unit: Plan["unit"]): string {
  return unit === "percent" ? "percentages of the book" : "fractions of the book";
}

function hangerSentence({ kind, on, name }: Look["hangers"][number]): string {
  switch (kind) {
    case "view":
      return `View ${name} hangs on ${on}: it is archived and made anew over the new table.`;
    case "trigger":
      return `Trigger ${name} of ${on} goes into the archive with its table; it is not made anew.`;
    case "foreign key":
      return `Foreign key ${name} points to ${on}: it is made anew to the new table.`;
    case "publication":
      return `Publication ${name} has ${on}: what it publishes is the archive from then on.`;
  }
}

function thresholdSentence({ thresholds }: Plan): string {
  const given = Object.entries(thresholds).map(([name, value]) => `${name} ${value}`);
  return given.length === 3
    ? `Windows that name no thresholds take ${given.join(", ")}.`
    : `Windows that name no thresholds are stored and left out of simulation${
      given.length === 0 ? "" : ` (of three only ${given.join(", ")})`
    }; --ts-min, --halo-max and --slope-min give them all.`;
}
