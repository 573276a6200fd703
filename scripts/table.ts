import Table from "cli-table3";
import { dim } from "@std/fmt/colors.js";

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

/**
 * A table without lines, indented, its head dimmed.
 *
 * @param rightAligned Columns whose cells are aligned to the right, by position.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
): string {
  const drawn = new Table({
    chars: BARE,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: head.map((_, column) => rightAligned.includes(column) ? "right" : "left"),
  });
  drawn.push(head.map((title) => dim(title)), ...rows.map((row) => [...row]));
  return drawn.toString();
}
