/**
 * Rows of a table, wherever it lies: lines of a delimited file, table rows of a statement in HTML.
 *
 * @module
 */

import { parse } from "@std/csv/parse.js";
import { type Line, TableError, type TextFile } from "./text.ts";

/** A row and the line that it begins at, counted from 1. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Rows that may be read as often as wanted. */
export type Rows = () => AsyncIterable<Row>;

const DELIMITERS = [",", ";", "\t", "|"] as const;
const SAMPLE = 60;
/** A quotation mark that stays open so long was none. */
const MOST_LINES = 60;

const quotes = (text: string): number => text.split('"').length - 1;

function split(text: string, delimiter: string): readonly string[] {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim());
  const [cells = []]: string[][] = parse(text, { separator: delimiter, lazyQuotes: true });
  return cells.map((cell) => cell.trim());
}

/** The delimiter under which most lines have the same number of columns, and many. */
export function delimiterOf(lines: readonly string[]): string {
  const scored = DELIMITERS.map((delimiter) => {
    const counts = new Map<number, number>();
    for (const line of lines) {
      const columns = line.replaceAll(/"[^"]*"/g, "").split(delimiter).length;
      if (columns > 1) counts.set(columns, (counts.get(columns) ?? 0) + 1);
    }
    const [columns, agreeing] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [0, 0];
    return { delimiter, score: agreeing * 1000 + columns };
  });
  return scored.reduce((best, one) => one.score > best.score ? one : best).delimiter;
}

async function* recordsOf(file: TextFile, delimiter: string): AsyncGenerator<Row> {
  let begun: Line | null = null;
  let text = "";
  for await (const line of file.lines()) {
    if (begun === null) {
      if (line.text.trim() === "") continue;
      begun = line;
      text = line.text;
    } else {
      text += `\n${line.text}`;
      if (line.number - begun.number > MOST_LINES) {
        throw new TableError(
          `${file.path}, line ${begun.number}: a quotation mark is opened there and not closed.`,
        );
      }
    }
    if (quotes(text) % 2 === 1) continue;
    yield { line: begun.number, cells: split(text, delimiter) };
    begun = null;
  }
  if (begun !== null) {
    throw new TableError(
      `${file.path} breaks off in line ${begun.number}, within quotation marks. It may be incomplete.`,
    );
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: " ",
  apos: "'",
};

function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, "").replaceAll(/&(#?\w+);/g, (whole, name: string) => {
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)) || 0x20);
    return ENTITIES[name.toLowerCase()] ?? whole;
  }).replaceAll(/\s+/g, " ").trim();
}

/** Rows of every table of a page, cells that are not shown left out, cells over many columns followed by empty ones. */
export function rowsOfHtml(html: string): Row[] {
  const rows: Row[] = [];
  let line = 1;
  let seen = 0;
  for (const match of html.matchAll(/<tr\b[^>]*>([\s\S]*?)(?=<\/tr>|<tr\b|<\/table>|$)/gi)) {
    line += html.slice(seen, match.index).split("\n").length - 1;
    seen = match.index;
    const cells = [...(match[1] ?? "").matchAll(/<t[dh]\b([^>]*)>([\s\S]*?)(?=<\/t[dh]>|<t[dh]\b|$)/gi)]
      .filter(([, attributes = ""]) => !/class\s*=\s*"?[^">]*\bhidden\b/i.test(attributes))
      .flatMap(([, attributes = "", content = ""]) => {
        const span = Number(/colspan\s*=\s*"?(\d+)/i.exec(attributes)?.[1] ?? 1);
        return [textOf(content), ...Array.from({ length: Math.min(span, 50) - 1 }, () => "")];
      });
    if (cells.some((cell) => cell !== "")) rows.push({ line, cells });
  }
  return rows;
}

/** The rows of a file, its preamble and header among them. */
export async function openRows(file: TextFile): Promise<Rows> {
  const sample: string[] = [];
  for await (const { text } of file.lines()) {
    if (text.trim() !== "") sample.push(text);
    if (sample.length === SAMPLE) break;
  }
  if (sample.length === 0) throw new TableError(`${file.path} is empty.`);
  if (/^\s*[[{]/.test(sample[0] ?? "")) {
    throw new TableError(
      `${file.path} is JSON. Trades of freqtrade are imported with import:freqtrade; others write as CSV, one row a trade.`,
    );
  }
  if (/^\s*<(!doctype|html|\?xml|head|table)/i.test(sample[0] ?? "")) {
    let html = "";
    for await (const { text } of file.lines()) html += `${text}\n`;
    const rows = rowsOfHtml(html);
    return async function* (): AsyncGenerator<Row> {
      yield* rows;
    };
  }
  const delimiter = delimiterOf(sample);
  return () => recordsOf(file, delimiter);
}
