import { z } from "zod";
import { columnIndex, hasColumns, type Profile, type ShapedTable } from "../profile.ts";
import type { Row } from "../rows.ts";

const SHAPED = [
  "Id",
  "Strategy",
  "Symbol",
  "Side",
  "Opened",
  "Closed",
  "Return",
  "Profit",
  "Stake",
  "Leverage",
  "Entry price",
  "Exit reason",
  "Venue",
  "Status",
];

const configSchema = z.looseObject({
  trading_pair: z.string().optional(),
  connector_name: z.string().optional(),
  side: z.union([z.number(), z.string()]).optional(),
  leverage: z.number().optional(),
  entry_price: z.union([z.number(), z.string()]).nullish(),
});

function readConfig(text: string): z.infer<typeof configSchema> {
  try {
    return configSchema.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** As Hummingbot counts them: 1 is a purchase, 2 a sale. */
function sideOf(side: number | string | undefined): string {
  if (side === undefined) return "";
  return /2|sell|short/i.test(String(side)) ? "short" : "long";
}

/** Both have the names of an enumeration in the files of some versions, and its numbers in others. */
const TERMINATED = /^(4|.*TERMINATED)$/i;
const FAILED = /^(7|.*FAILED)$/i;

function shape(header: readonly string[]): ShapedTable {
  const at = (name: string): number => columnIndex(header, name);
  return {
    header: SHAPED,
    rows: async function* (source: AsyncIterable<Row>): AsyncGenerator<Row> {
      for await (const { line, cells } of source) {
        const cell = (name: string): string => cells[at(name)] ?? "";
        // It waited and nothing was filled: no trade.
        if (Number(cell("filled_amount_quote")) === 0 || FAILED.test(cell("close_type"))) continue;
        const config = readConfig(cell("config"));
        const isOpen = cell("close_timestamp") === "" || /^true$/i.test(cell("is_active")) ||
          (cell("status") !== "" && !TERMINATED.test(cell("status")));
        yield {
          line,
          cells: [
            cell("id"),
            cell("controller_id") || cell("type"),
            cell("trading_pair") || (config.trading_pair ?? ""),
            cell("side") === "" ? sideOf(config.side) : sideOf(cell("side")),
            cell("timestamp"),
            isOpen ? "" : cell("close_timestamp"),
            cell("net_pnl_pct"),
            cell("net_pnl_quote"),
            cell("filled_amount_quote"),
            String(config.leverage ?? ""),
            String(config.entry_price ?? ""),
            cell("close_type").replace(/^CloseType\./, ""),
            cell("connector_name") || (config.connector_name ?? ""),
            isOpen ? "open" : "closed",
          ],
        };
      }
    },
  };
}

/** Executors of Hummingbot's version 2, one a position, as its database or dashboard exports them. */
export const hummingbotExecutors: Profile = {
  name: "executors of Hummingbot",
  strategy: "hummingbot",
  fits: (header) =>
    hasColumns(header, "timestamp", "close_timestamp", "close_type", "net_pnl_pct", "filled_amount_quote"),
  shape,
  columns: { Id: "id" },
  returnUnit: "fraction",
  zone: "UTC",
};
