/**
 * From a table of trades to strands: looked over once, decided, shown, and then read row by row.
 *
 * @module
 */

import { type ImportListener, type ImportResult, importTrades, type ReadTrade } from "../import_trades.ts";
import type { StrandSink } from "../sink.ts";
import { dimensionsStrand, TradeNames, tradeStrands } from "../strands.ts";
import { bucketEdges } from "./buckets.ts";
import { decideMapping, type Mapping } from "./mapping.ts";
import { sortedValues, type Survey, surveyOf } from "./survey.ts";
import { openTable, type TradeTable } from "./table.ts";
import { TableError } from "./text.ts";
import { RowReader } from "./trade.ts";
import type { Wishes } from "./wishes.ts";

/** A table, and what was decided of it before anything is written. */
export interface PlannedImport {
  readonly table: TradeTable;
  readonly survey: Survey;
  readonly mapping: Mapping;
  readonly edges: ReadonlyMap<number, readonly number[]>;
  readonly reader: RowReader;
  /** What a trade is taken to risk that does not say it; null where each says it, or nothing tells. */
  readonly usualRisk: number | null;
}

/** What came of the import of a table. */
export interface TableImportResult extends ImportResult {
  readonly timeframes: ReadonlySet<string>;
}

/**
 * Looks a table over and decides what is what.
 *
 * @throws {TableError} when it holds no trades, or may mean two things.
 */
export async function planImport(
  path: string,
  wishes: Wishes,
  askZone: () => string,
): Promise<PlannedImport> {
  const table = await openTable(path, wishes);
  const survey = await surveyOf(table.rows(), table.header.length);
  if (survey.rows === 0) {
    throw new TableError(`${path} holds no trade: there is a header and nothing below it.`);
  }
  const mapping = decideMapping(table.header, survey, table.profile, wishes, { path }, askZone);
  const edges = new Map<number, readonly number[]>();
  for (const { column, buckets } of mapping.dimensions) {
    if (buckets === null) continue;
    const values = typeof buckets === "number"
      ? await sortedValues(table.rows(), column, mapping.decimal)
      : Float64Array.of();
    edges.set(column, bucketEdges(values, buckets));
  }
  const reader = new RowReader(table.header, mapping, edges);
  return { table, survey, mapping, edges, reader, usualRisk: reader.learnRisk(survey.samples) };
}

/** Imports a planned table into a sink. */
export async function runImport(
  plan: PlannedImport,
  sink: StrandSink,
  listener: ImportListener = {},
): Promise<TableImportResult> {
  const timeframes = new Set<string>();
  const dimensions = plan.mapping.dimensions.map(({ dim }) => dim);
  const result = await importTrades(
    tradesOf(plan, timeframes),
    plan.survey.rows,
    ([first]) => [dimensionsStrand(Date.parse(first?.created_at ?? ""), "csv", dimensions)],
    sink,
    listener,
  );
  return { ...result, timeframes };
}

async function* tradesOf(
  { table, reader, mapping }: PlannedImport,
  timeframes: Set<string>,
): AsyncGenerator<ReadTrade> {
  const names = new TradeNames();
  const tellsExits = mapping.roles.exit_reason !== undefined;
  for await (const row of table.rows()) {
    const position = `line ${row.line}`;
    const { trade, reasons, isOpen } = reader.read(row);
    if (isOpen === true) yield { position, isOpen };
    else if (trade === undefined) yield { position, reasons };
    else {
      if (trade.timeframe !== null) timeframes.add(trade.timeframe);
      yield {
        position,
        strands: tradeStrands(trade, names.next(trade)),
        roi: trade.roi,
        ...(tellsExits
          ? { diagnosis: { entry: trade.enterTag ?? "(no tag)", exit: trade.exitReason ?? "(no reason)" } }
          : {}),
      };
    }
  }
}
