/**
 * Runs the whole stack until it is told to stop.
 *
 *     deno task start [--db URL [--take-over-doorbell]] [--port N] [--data DIR]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim, green } from "@std/fmt/colors.js";
import { visible, visibleLines } from "../functions/_shared/runtime/visible.ts";
import { optionsOrExitCode, print, unknownArgument } from "./command_line.ts";
import { pageResponse } from "./dashboard/build.ts";
import { linkFor, ROLES } from "./dashboard/links.ts";
import { healthLines, readHealth } from "./health.ts";
import { findStandIns } from "./stack/standins.ts";
import { connect } from "./stack/database.ts";
import { TAKE_OVER_FLAG } from "./stack/doorbell.ts";
import { type Stack, STACK_FILE, startStack } from "./stack/stack.ts";
import { Stopped, stopSignal, unlessEnded } from "./stack/stopping.ts";

const DEFAULT_PORT = 54321;

const FLAGS = ["db", "port", "data", TAKE_OVER_FLAG.slice(2), "help"];

const HELP = `deno task start [options]

  --db URL     use this Postgres (15 or newer) instead of the embedded one
  --port N     port of the API (default ${DEFAULT_PORT})
  --data DIR   keep the embedded database in this folder
  ${TAKE_OVER_FLAG}
               with --db, ring this stack while it runs though the Vault there names another one
  --help       show this`;

export interface StartOptions {
  readonly databaseUrl?: string;
  readonly dataDirectory?: string;
  readonly port: number;
  readonly takeOverDoorbell?: boolean;
}

/** Reads the command line; throws with what is wrong and what would be right. */
export function parseStartArguments(args: readonly string[]): StartOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["db", "port", "data"],
    boolean: ["help", TAKE_OVER_FLAG.slice(2)],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}`);
  if (options.help === true) return "help";
  const port = options.port === undefined ? DEFAULT_PORT : Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port takes a number from 0 to 65535, not "${options.port}".`);
  }
  for (const name of ["db", "data"] as const) {
    if (options[name] === "") throw new Error(`--${name} takes a value.\n\n${HELP}`);
  }
  if (options.db !== undefined && !/^postgres(?:ql)?:\/\//.test(options.db)) {
    throw new Error(`--db takes an address such as postgres://user@host/database, not "${options.db}".`);
  }
  if (options.db !== undefined && options.data !== undefined) {
    throw new Error("--data keeps the embedded database, so it cannot go together with --db.");
  }
  const takeOver = options[TAKE_OVER_FLAG.slice(2)] === true;
  if (takeOver && options.db === undefined) {
    throw new Error(`${TAKE_OVER_FLAG} is about the database of --db; the embedded one is the stack's own.`);
  }
  return {
    port,
    ...(takeOver ? { takeOverDoorbell: true } : {}),
    ...(options.db === undefined ? {} : { databaseUrl: options.db }),
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
  };
}

/** Where everything is and how the loop is doing. */
export async function summary(stack: Stack, options: StartOptions): Promise<string> {
  const sql = connect(stack.databaseUrl, { max: 1 });
  const standIns = await findStandIns(sql).finally(() => sql.end());
  const data = options.databaseUrl !== undefined
    ? "your Postgres"
    : options.dataDirectory === undefined
    ? "embedded, gone when the stack stops (--data DIR keeps it)"
    : `embedded, kept in ${options.dataDirectory}`;
  const links = await Promise.all(ROLES.map(async (role) => [`  as ${role}`, await linkFor(stack, role)]));
  const rows = [
    ["Screen", "in a browser on this machine, for eight hours:"],
    ...links,
    ["API", stack.apiUrl],
    ["Functions", stack.functionsUrl],
    ["Studio", stack.studioUrl ?? ""],
    ["Database", withoutPassword(stack.databaseUrl)],
    ["", data],
    ["Publishable key", stack.publishableKey],
    ["Secret key", stack.secretKey],
    ["Schedule", standIns.cron ? "run by this process, UTC" : "run by pg_cron, UTC"],
    ["For programs", STACK_FILE.pathname],
    ...healthLines(await readHealth(stack.query)).map((line, place) => [place === 0 ? "Health" : "", line]),
  ];
  return rows.map(([name = "", value = ""]) => `  ${dim(name.padEnd(16))} ${visible(value)}`).join("\n");
}

/** An address of a database as it may be shown. */
export function withoutPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  if (url.password !== "") url.password = "***";
  if (url.searchParams.has("password")) url.searchParams.set("password", "***");
  return url.href;
}

async function main(): Promise<number> {
  const options = optionsOrExitCode(parseStartArguments, HELP);
  if (typeof options === "number") return options;
  const signal = stopSignal();
  let stack: Stack;
  try {
    stack = await startStack({
      ...options,
      signal,
      schedule: true,
      studio: true,
      page: (key) => pageResponse({ key }),
      writeStackFile: true,
      onProgress: (message) => print(dim(visible(message))),
      onFunctionLog: (line) => print(visible(line)),
    });
  } catch (error) {
    print(visibleLines(error instanceof Error ? error.message : String(error)));
    return error instanceof Stopped ? error.exitCode : 1;
  }
  try {
    const shown = await unlessEnded(summary(stack, options), signal, stack.lost);
    print(`\n${bold(green("Edgeloop is running."))} Ctrl-C stops it.\n\n${shown}\n`);
    return await unlessEnded(new Promise<never>(() => {}), signal, stack.lost);
  } catch (error) {
    if (error instanceof Stopped) {
      print("\nStopping");
      return 0;
    }
    print(`\nThe stack ends: ${visibleLines(error instanceof Error ? error.message : String(error))}`);
    return 1;
  } finally {
    await stack.close();
  }
}

if (import.meta.main) Deno.exit(await main());
