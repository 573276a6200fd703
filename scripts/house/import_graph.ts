/**
 * Which room of the TypeScript imports which, and whether any import runs up.
 *
 *     deno run -A scripts/house/import_graph.ts [--json|--dot]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { dim, green, red } from "@std/fmt/colors.js";

const REPOSITORY = new URL("../../", import.meta.url);

/**
 * The rooms from the ground up: a room may import those before it. A path ending in a slash is a folder with all that is
 * in it; the longest that fits a file is its room.
 */
export const ROOMS: readonly string[] = [
  "supabase/clients/",
  "functions/_shared/runtime/",
  "functions/_shared/statistics/",
  "functions/_shared/slices/",
  "functions/_shared/store/",
  "functions/_shared/mining/",
  "functions/_shared/strands/",
  "functions/_shared/belief/",
  "functions/_shared/lessons/",
  "functions/_shared/tuning/",
  "functions/_shared/overrides/",
  "functions/_shared/http/",
  "functions/aggregate-strands/",
  "functions/mine-lessons/",
  "functions/mine-tuning/",
  "functions/materialize-overrides/",
  "scripts/command_line.ts",
  "scripts/table.ts",
  "scripts/supabase_cli.ts",
  "scripts/strand_file.ts",
  "scripts/stack/",
  "scripts/health.ts",
  "scripts/openapi.ts",
  "scripts/gen_types.ts",
  "scripts/release/",
  "scripts/sample/",
  "scripts/prove/statistics/",
  "scripts/import/",
  "scripts/import/freqtrade/",
  "scripts/import/csv/",
  "scripts/adopt/",
  "scripts/adopt.ts",
  "scripts/dashboard/page/",
  "scripts/dashboard/",
  "scripts/dashboard.ts",
  "scripts/report.ts",
  "scripts/demo/",
  "scripts/demo.ts",
  "scripts/prove/",
  "scripts/prove.ts",
  "scripts/start.ts",
  "scripts/sql/",
  "scripts/house/",
  "scripts/check.ts",
  "scripts/testing/",
  "scripts/readme/",
  "scripts/guarantees/",
  "scripts/bench/",
  "scripts/bench.ts",
  "scripts/soak.ts",
  "scripts/test.ts",
];

/** A file and one of this repository that it imports, by their paths. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** Imports between rooms. */
export interface RoomEdge {
  readonly from: string;
  readonly to: string;
  readonly imports: readonly Import[];
  /** Whether the room that is imported comes later. */
  readonly runsUp: boolean;
}

/** The room that a file is in; undefined where it is in none. */
export function roomOf(path: string): string | undefined {
  return ROOMS.filter((room) => room.endsWith("/") ? path.startsWith(room) : path === room)
    .sort((a, b) => b.length - a.length)[0];
}

/** The edges between rooms, in the order of the rooms. Tests stand beside what they test and may import anything. */
export function edgesOf(imports: readonly Import[]): RoomEdge[] {
  const edges = Map.groupBy(
    imports.filter(({ from, to }) => roomOf(from) !== roomOf(to)),
    ({ from, to }) => JSON.stringify([roomOf(from), roomOf(to)]),
  );
  const place = (path: string): number => ROOMS.indexOf(roomOf(path) ?? "");
  return [...edges.values()].flatMap((group) => {
    const first = group[0];
    if (first === undefined) return [];
    return [{
      from: roomOf(first.from) ?? first.from,
      to: roomOf(first.to) ?? first.to,
      imports: group,
      runsUp: place(first.to) > place(first.from),
    }];
  }).sort((a, b) =>
    ROOMS.indexOf(a.from) - ROOMS.indexOf(b.from) || ROOMS.indexOf(a.to) - ROOMS.indexOf(b.to)
  );
}

/** What the files of the product and its scripts import of each other, tests left out. */
export async function readImports(): Promise<Import[]> {
  const found: Import[] = [];
  for (const folder of ["functions", "scripts", "supabase/clients"]) {
    for await (const from of filesBelow(`${folder}/`)) {
      if (!from.endsWith(".ts") || from.endsWith(".test.ts")) continue;
      const path = new URL(from, REPOSITORY).pathname;
      const text = await Deno.readTextFile(path);
      for (const [, specifier = ""] of text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*"(\.[^"]+)"/gm)) {
        const to = new URL(specifier, `file://${path}`).pathname.slice(REPOSITORY.pathname.length);
        found.push({ from, to });
      }
    }
  }
  return found;
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, REPOSITORY))) {
    if (entry.isDirectory) yield* filesBelow(`${folder}${entry.name}/`);
    else yield folder + entry.name;
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function draw(edges: readonly RoomEdge[]): void {
  const width = Math.max(...ROOMS.map((room) => room.length));
  for (const room of ROOMS) {
    print(room);
    for (const edge of edges.filter(({ from }) => from === room)) {
      const line = `  ${edge.to.padEnd(width)} ${String(edge.imports.length).padStart(4)}`;
      print(edge.runsUp ? red(`${line}  runs up`) : dim(line));
      if (edge.runsUp) { for (const { from, to } of edge.imports) print(red(`    ${from} imports ${to}`)); }
    }
  }
}

async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { boolean: ["json", "dot"] });
  const edges = edgesOf(await readImports());
  const up = edges.filter(({ runsUp }) => runsUp);
  if (options.json === true) print(JSON.stringify(edges, null, 2));
  else if (options.dot === true) {
    print(`digraph rooms {\n${edges.map(({ from, to }) => `  "${from}" -> "${to}";`).join("\n")}\n}`);
  } else {
    draw(edges);
    print("");
    print(up.length === 0 ? green("No import runs up.") : red(`${up.length} edges run up.`));
  }
  return up.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
