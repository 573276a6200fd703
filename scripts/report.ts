/**
 * Writes what the screen shows now into one HTML file that asks nothing of anybody.
 *
 *     deno task report --out FILE [--db URL]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { z } from "zod";
import { visible, visibleLines } from "../functions/_shared/runtime/visible.ts";
import { optionsOrExitCode, print, unknownArgument } from "./command_line.ts";
import { writeReport } from "./dashboard/report.ts";
import { STACK_FILE } from "./stack/stack.ts";

const FLAGS = ["out", "db", "help"];

const HELP = `deno task report --out FILE [options]

  --out FILE   where the report goes, one HTML file to mail or keep
  --db URL     report on this Postgres; without it, on the stack that "deno task start" runs
  --help       show this`;

export interface ReportOptions {
  readonly out: string;
  readonly databaseUrl?: string;
}

/** Reads the command line; throws with what is wrong and what would be right. */
export function parseReportArguments(args: readonly string[]): ReportOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["out", "db"],
    boolean: ["help"],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}`);
  if (options.help === true) return "help";
  if (options.out === undefined || options.out === "") {
    throw new Error(`--out takes the file to write.\n\n${HELP}`);
  }
  if (options.db !== undefined && !/^postgres(?:ql)?:\/\//.test(options.db)) {
    throw new Error(`--db takes an address such as postgres://user@host/database, not "${options.db}".`);
  }
  return { out: options.out, ...(options.db === undefined ? {} : { databaseUrl: options.db }) };
}

async function runningStack(): Promise<string> {
  try {
    return z.object({ databaseUrl: z.string() }).parse(JSON.parse(await Deno.readTextFile(STACK_FILE)))
      .databaseUrl;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      'No stack runs on this machine: run "deno task start", or name a database with --db URL.',
    );
  }
}

async function main(): Promise<number> {
  const options = optionsOrExitCode(parseReportArguments, HELP);
  if (typeof options === "number") return options;
  try {
    const { bytes } = await writeReport(options.out, options.databaseUrl ?? await runningStack());
    print(`${visible(options.out)} is the report, ${Math.round(bytes / 1000)} kB. It needs no network.`);
    return 0;
  } catch (error) {
    print(visibleLines(error instanceof Error ? error.message : String(error)));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
