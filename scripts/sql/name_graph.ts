/**
 * Prints what each file of `sql/` creates and which names of other files it uses, in the order in which they run.
 *
 *     deno run -A scripts/sql/name_graph.ts [--json | --dot]
 *
 * Exits with 1 when a file names what a later one creates.
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim, green, red, yellow } from "@std/fmt/colors.js";
import { readSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { type Edge, findEdges, type HouseFile, type Kind, readHouse, type WrittenFunction } from "./house.ts";
import { LONGEST_FUNCTION } from "./rules.ts";

const WIDTH = 80;
const LABEL_WIDTH = 12;
const KINDS: readonly Kind[] = ["schema", "type", "table", "view", "sequence", "function", "trigger"];

function longFunctions({ functions }: HouseFile): WrittenFunction[] {
  return functions.filter(({ lines }) => lines > LONGEST_FUNCTION);
}

/** Words in lines of at most 80 columns, the first after its label, those that follow indented as far. */
function paragraph(label: string, words: readonly string[]): string {
  const lines: string[] = [];
  let line = `  ${label.padEnd(LABEL_WIDTH - 2)}`;
  for (const [place, each] of words.entries()) {
    const text = place < words.length - 1 ? `${each},` : each;
    if (line.length > LABEL_WIDTH && line.length + 1 + text.length > WIDTH) {
      lines.push(line);
      line = " ".repeat(LABEL_WIDTH);
    }
    line += line.length > LABEL_WIDTH ? ` ${text}` : text;
  }
  return [...lines, line].join("\n");
}

function printFile(file: HouseFile, edges: readonly Edge[]): string {
  const size = `${file.lines} lines`;
  const parts = [bold(file.name) + size.padStart(WIDTH - file.name.length)];
  for (const kind of KINDS) {
    const names = file.creates.filter((created) => created.kind === kind).map(({ name }) => name);
    if (names.length > 0) parts.push(paragraph(kind, names));
  }
  for (const { to, names, isForward } of edges) {
    const target = `${isForward ? "↓ later" : "uses"} ${to}`;
    parts.push(isForward ? red(`  ${target}`) : dim(`  ${target}`), paragraph("", names));
  }
  for (const { name, lines } of longFunctions(file)) {
    parts.push(yellow(`  ${name} has ${lines} lines`));
  }
  return parts.join("\n");
}

function printSummary(house: readonly HouseFile[], edges: readonly Edge[]): string {
  const lines = house.reduce((sum, file) => sum + file.lines, 0);
  const functions = house.reduce((sum, file) => sum + file.functions.length, 0);
  const forward = edges.filter(({ isForward }) => isForward);
  const long = house.flatMap(longFunctions);
  return [
    `${house.length} files, ${lines} lines, ${functions} functions, ${edges.length} edges`,
    ...(forward.length === 0
      ? [green("No file names what a later one creates.")]
      : forward.flatMap(({ from, to, names }) => [red(`${from} → ${to}`), paragraph("", names)])),
    long.length === 0
      ? green(`No function has more than ${LONGEST_FUNCTION} lines.`)
      : yellow(`${long.length} functions have more than ${LONGEST_FUNCTION} lines.`),
  ].join("\n");
}

function asDot(house: readonly HouseFile[], edges: readonly Edge[]): string {
  return [
    "digraph sql {",
    "  rankdir = BT;",
    ...house.map(({ name, lines }) => `  "${name}" [label = "${name}\\n${lines} lines"];`),
    ...edges.map(({ from, to, names, isForward }) =>
      `  "${from}" -> "${to}" [tooltip = "${names.join(", ")}"${isForward ? ", color = red" : ""}];`
    ),
    "}",
  ].join("\n");
}

function asJson(house: readonly HouseFile[], edges: readonly Edge[]): string {
  return JSON.stringify(
    house.map((file) => ({
      name: file.name,
      lines: file.lines,
      creates: file.creates,
      longFunctions: longFunctions(file).map(({ name, lines }) => ({ name, lines })),
      edges: edges.filter(({ from }) => from === file.name).map(({ to, names, isForward }) => ({
        to,
        names,
        isForward,
      })),
    })),
    null,
    2,
  );
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { boolean: ["json", "dot"] });
  const house = await readHouse(await readSqlFiles(SQL_DIRECTORY));
  const edges = findEdges(house);
  if (options.json) {
    print(asJson(house, edges));
  } else if (options.dot) {
    print(asDot(house, edges));
  } else {
    for (const file of house) print(`${printFile(file, edges.filter(({ from }) => from === file.name))}\n`);
    print(printSummary(house, edges));
  }
  return edges.some(({ isForward }) => isForward) ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
