/**
 * Writes the screen into one HTML file.
 *
 *     deno task dashboard --out FILE [--url URL] [--key KEY]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { visible, visibleLines } from "../functions/_shared/runtime/visible.ts";
import { optionsOrExitCode, print, unknownArgument } from "./command_line.ts";
import { pageOf, parts } from "./dashboard/build.ts";

const FLAGS = ["out", "url", "key", "help"];

const HELP = `deno task dashboard --out FILE [options]

  --out FILE   where the screen goes, one HTML file to open or to put on any host
  --url URL    address of the project, https://….supabase.co; without it the page asks
  --key KEY    publishable key of the project; without it the page asks
  --help       show this`;

export interface DashboardOptions {
  readonly out: string;
  readonly url?: string;
  readonly key?: string;
}

/** Reads the command line; throws with what is wrong and what would be right. */
export function parseDashboardArguments(args: readonly string[]): DashboardOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["out", "url", "key"],
    boolean: ["help"],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}`);
  if (options.help === true) return "help";
  const { out, url, key } = options;
  if (out === undefined || out === "") throw new Error(`--out takes the file to write.\n\n${HELP}`);
  if (url !== undefined && !/^https:\/\/|^http:\/\/127\.0\.0\.1(?::\d+)?(?:\/|$)/.test(url)) {
    throw new Error(
      `--url takes an address that begins with https://, or http://127.0.0.1 for a stack on this machine, not "${url}".`,
    );
  }
  if (key !== undefined && /^sb_secret_/.test(key)) {
    throw new Error(
      "--key takes the publishable key; the secret key opens everything and goes into no page.",
    );
  }
  return {
    out,
    ...(url === undefined ? {} : { url: url.replace(/\/$/, "") }),
    ...(key === undefined ? {} : { key }),
  };
}

async function main(): Promise<number> {
  const options = optionsOrExitCode(parseDashboardArguments, HELP);
  if (typeof options === "number") return options;
  const { out, ...known } = options;
  try {
    const page = pageOf(await parts(), known);
    await Deno.writeTextFile(out, page);
    print(
      `${visible(out)} is the screen, ${Math.round(page.length / 1000)} kB. Open it, or put it on any host.`,
    );
    return 0;
  } catch (error) {
    print(visibleLines(error instanceof Error ? error.message : String(error)));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
