import Table from "cli-table3";
import { dim } from "@std/fmt/colors.js";
import { visible } from "../functions/_shared/runtime/visible.ts";

const BARE = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "  ",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": "  ",
} as const;

/** What a cell holds, and the colours it is dressed in. */
export interface DressedCell {
  readonly text: string;
  readonly dress: (text: string) => string;
}

function dressed(cell: string | DressedCell): DressedCell {
  return typeof cell === "string"
    ? { text: visible(cell), dress: (text) => text }
    : { text: visible(cell.text), dress: cell.dress };
}

/** No column gets narrower than this, though the table may then be wider than it should. */
const NARROWEST = 8;
const INDENT = 2;
const GAP = 2;

/** Columns of the terminal that standard output is; undefined where it is none. */
export function terminalWidth(): number | undefined {
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined;
}

/**
 * A table without lines, indented, its head dimmed. Control characters in its cells are shown, not obeyed: a cell with
 * colours is a {@link DressedCell}.
 *
 * @param rightAligned Columns whose cells are aligned to the right, by position; they keep their width.
 * @param width What it has to fit into: cells of the other columns are broken into lines, the widest column first.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | DressedCell)[])[],
  rightAligned: readonly number[],
  width: number | undefined = terminalWidth(),
): string {
  const drawn = new Table({
    chars: BARE,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: head.map((_, column) => rightAligned.includes(column) ? "right" : "left"),
  });
  const cells = [head.map((text) => dressed({ text, dress: dim })), ...rows.map((row) => row.map(dressed))];
  const widths = fittingWidths(cells.map((row) => row.map(({ text }) => text)), rightAligned, width);
  drawn.push(
    ...cells.map((row) =>
      row.map(({ text, dress }, column) => broken(text, widths[column] ?? text.length).map(dress).join("\n"))
    ),
  );
  return drawn.toString();
}

function fittingWidths(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
  width = Infinity,
): number[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  let excess = INDENT + widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  for (; excess > 0; excess--) {
    const [widest] = widths.map((_, column) => column)
      .filter((column) => !rightAligned.includes(column) && (widths[column] ?? 0) > NARROWEST)
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/**
 * A text in lines of at most `width`, broken between words; a word that is longer is broken after points, underscores and
 * equal signs where there are any, else anywhere.
 */
export function broken(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = "";
  const take = (piece: string): void => {
    let rest = piece;
    if (line !== "" && (line + rest).trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    while (line === "" && rest.trimEnd().length > width) {
      lines.push(rest.slice(0, width));
      rest = rest.slice(width);
    }
    line += rest;
  };
  for (const word of text.match(/\S*\s*/g) ?? []) {
    if (word.trimEnd().length <= width) take(word);
    else for (const piece of word.split(/(?<=[_=]|\.(?!\d))/)) take(piece);
  }
  return line.trimEnd() === "" ? lines : [...lines, line.trimEnd()];
}
