/**
 * Whether a column of returns says 5 or 0.05 of five percent.
 *
 * @module
 */

import { quantile } from "../../../functions/_shared/statistics/quantile.ts";
import type { Decimal } from "./numbers.ts";
import { readNumber } from "./numbers.ts";
import type { Profile } from "./profile.ts";
import { plainName, type Role } from "./roles.ts";
import type { Row } from "./rows.ts";
import type { Survey } from "./survey.ts";
import { TableError } from "./text.ts";
import type { Wishes } from "./wishes.ts";

export type Unit = "fraction" | "percent";

/** What is known of a table when the unit is asked for. */
interface Known {
  readonly roles: Readonly<Partial<Record<Role, number>>>;
  readonly decimal: Decimal;
}

/** Smaller outcomes are mostly fees, which say nothing of the unit. */
const LEAST_MOVE = 1e-3;
/** Between a return that is a fraction at high leverage and one that is percent at none. */
const FRACTION_BELOW = 12;
const PERCENT_FROM = 40;
const LEAST_ROWS = 3;

/** The unit under which returns are what prices, or profits and stakes, say; null where these say nothing. */
function unitByOutcome(samples: readonly Row[], { roles, decimal }: Known): Unit | null {
  const read = (row: Row, role: Role): number => {
    const column = roles[role];
    return column === undefined ? NaN : readNumber(row.cells[column] ?? "", decimal) ?? NaN;
  };
  const ratios = samples.flatMap((row) => {
    const leverage = Number.isNaN(read(row, "leverage")) ? 1 : read(row, "leverage");
    const byPrice = (read(row, "exit_price") / read(row, "entry_price") - 1) * leverage;
    const byStake = read(row, "profit") / read(row, "stake");
    const move = Math.abs(Number.isFinite(byStake) ? byStake : byPrice);
    const ratio = Math.abs(read(row, "return")) / move;
    return move > LEAST_MOVE && Number.isFinite(ratio) && ratio > 0 ? [ratio] : [];
  });
  if (ratios.length < LEAST_ROWS) return null;
  const median = quantile(Float64Array.from(ratios), 0.5);
  if (median < FRACTION_BELOW) return "fraction";
  return median >= PERCENT_FROM ? "percent" : null;
}

/**
 * The unit of the returns: as wished or known of the tool, by percent signs, by what prices and stakes say, by the column's
 * name, by a loss of more than everything.
 *
 * @throws {TableError} asking for it where nothing tells.
 */
export function returnUnitOf(
  header: readonly string[],
  survey: Survey,
  profile: Profile | null,
  wishes: Wishes,
  known: Known,
): Unit {
  const column = known.roles.return;
  if (column === undefined) return "fraction";
  const name = header[column] ?? "";
  const wish = wishes.columns[name];
  if (wish === "return_percent") return "percent";
  if (wish === "return_fraction") return "fraction";
  if (profile?.returnUnit !== undefined) return profile.returnUnit;
  if (survey.columns[column]?.hasPercentSigns === true) return "percent";
  const told = unitByOutcome(survey.samples, known);
  if (told !== null) return told;
  const plain = plainName(name);
  if (/\bpct\b/.test(plain)) return "percent";
  if (/\b(ratio|fraction)\b/.test(plain)) return "fraction";
  const least = Math.min(
    ...survey.samples.map(({ cells }) => readNumber(cells[column] ?? "", known.decimal) ?? 0)
      .filter((value) => !Number.isNaN(value)),
  );
  if (least < -1) return "percent";
  throw new TableError(
    `Nothing tells whether "${name}" says 5 or 0.05 of five percent. Say it in a file for --map: ` +
      `{"columns": {${JSON.stringify(name)}: "return_percent"}} or "return_fraction".`,
  );
}
