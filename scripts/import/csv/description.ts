/**
 * What was decided of a table, in words: shown before anything is written.
 *
 * @module
 */

import { visible } from "../../../functions/_shared/runtime/visible.ts";
import { table as drawTable } from "../../table.ts";
import type { PlannedImport } from "./import.ts";
import type { MappedDimension, Mapping } from "./mapping.ts";
import type { Role } from "./roles.ts";

const WIDTH = 80;
const EXAMPLE = 22;

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  symbol: "symbol",
  side: "side, long or short",
  opened: "when it was opened",
  opened_time: "at which time it was opened",
  closed: "when it was closed",
  closed_time: "at which time it was closed",
  entry_price: "entry price",
  exit_price: "exit price",
  return: "outcome",
  profit: "profit",
  stake: "stake",
  quantity: "quantity",
  r: "outcome in R",
  stop: "stop, from which R/R is measured",
  risk: "what was risked",
  leverage: "leverage",
  strategy: "strategy",
  timeframe: "timeframe",
  entry_tag: "what was behind the entry",
  exit_reason: "why it was left (in no scope)",
  status: "whether it is closed",
  id: "(tells trades apart)",
};

function bucketsOf(dimension: MappedDimension, edges: readonly number[] | undefined): string {
  if (dimension.buckets === null) return `dimension ${dimension.dim}`;
  return `dimension ${dimension.dim}, in buckets from ${(edges ?? []).join(", ") || "nowhere"}`;
}

function meaningOf(plan: PlannedImport, column: number): string {
  const { mapping, edges } = plan;
  const role = Object.entries(mapping.roles).find(([, at]) => at === column)?.[0];
  const known = Object.entries(ROLE_WORDS).find(([name]) => name === role)?.[1];
  if (known !== undefined) return role === "return" ? `outcome, in ${unitWords(mapping)}` : known;
  const dimension = mapping.dimensions.find((one) => one.column === column);
  if (dimension !== undefined) return bucketsOf(dimension, edges.get(column));
  return `left out: ${mapping.leftOut.get(column) ?? "not needed"}`;
}

const unitWords = ({ unit }: Mapping): string => unit === "percent" ? "percent" : "fractions (0.05 is 5 %)";

/** The decisions, line by line. */
export function describePlan(plan: PlannedImport): string[] {
  const { table, survey, mapping, usualRisk } = plan;
  const rows = table.header.map((name, column) => {
    const example = survey.columns[column]?.example ?? "";
    const short = example.length > EXAMPLE ? `${example.slice(0, EXAMPLE - 1)}…` : example;
    return [name, short, meaningOf(plan, column)];
  });
  const needsRisk = mapping.roles.r === undefined;
  const percent = usualRisk === null ? "" : `${(usualRisk * 100).toFixed(2)} %`;
  const [head = "", ...below] = [
    `${table.path}: ${table.profile?.name ?? "a table of trades"}, ${
      survey.rows.toLocaleString("en-US")
    } of them`,
    ...(mapping.roles.strategy === undefined
      ? [`Strategy: ${mapping.strategy}. Another one: --strategy NAME`]
      : []),
    ...(mapping.roles.symbol === undefined
      ? [`Symbol: ${mapping.symbol ?? "none is told; --symbol NAME names it"}`]
      : []),
    ...(mapping.roles.opened === undefined || mapping.roles.closed === undefined
      ? ["Only one time is told: a trade counts as opened and closed then."]
      : []),
    ...(mapping.roles.timeframe === undefined && mapping.timeframe === null
      ? ["Timeframe: none is told, so scopes have none. --timeframe 1h names it."]
      : []),
    mapping.zone === null ? "Times: in the zones that they name." : `Times: in the zone ${mapping.zone}.`,
    ...(needsRisk && mapping.stoploss === null && percent !== ""
      ? [
        `R/R: where no stop is told, by the mean loss (gain where none lost), ${percent}.`,
        "  --stoploss 0.05 sets another.",
      ]
      : []),
    ...(mapping.decimal === "," ? ["Decimals: after commas."] : []),
  ].map(visible);
  return [head, ...drawTable(["column", "such as", "is"], rows, [], WIDTH).split("\n"), ...below];
}
