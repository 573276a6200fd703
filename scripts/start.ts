/**
 * Runs the whole stack until it is told to stop.
 *
 *     deno task start [--db URL] [--port N] [--data DIR]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim, green } from "@std/fmt/colors.js";
import { healthLines, readHealth } from "./health.ts";
import { findStandIns } from "./stack/standins.ts";
import { connect } from "./stack/database.ts";
import { type Stack, STACK_FILE, startStack } from "./stack/stack.ts";

const DEFAULT_PORT = 54321;

const HELP = `deno task start [options]

  --db URL     use this Postgres (15 or newer) instead of the embedded one
  --port N     port of the API (default ${DEFAULT_PORT})
  --data DIR   keep the embedded database in this folder
  --help       show this`;

export interface StartOptions {
  readonly databaseUrl?: string;
  readonly dataDirectory?: string;
  readonly port: number;
}

/** Reads the command line; throws with what is wrong and what would be right. */
export function parseStartArguments(args: readonly string[]): StartOptions | "help" {
  const unknown: string[] = [];
  const options = parseArgs([...args], {
    string: ["db", "port", "data"],
    boolean: ["help"],
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  if (unknown.length > 0) throw new Error(`Unknown argument "${unknown[0]}".\n\n${HELP}`);
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
  return {
    port,
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
  const rows = [
    ["API", stack.apiUrl],
    ["Functions", stack.functionsUrl],
    ["Studio", stack.studioUrl ?? ""],
    ["Database", stack.databaseUrl.replace(/(\/\/[^:/@]*):[^@/]*@/, "$1:***@")],
    ["", data],
    ["Publishable key", stack.publishableKey],
    ["Secret key", stack.secretKey],
    ["Schedule", standIns.cron ? "run by this process, UTC" : "run by pg_cron, UTC"],
    ["For programs", STACK_FILE.pathname],
    ...healthLines(await readHealth(stack.query)).map((line, place) => [place === 0 ? "Health" : "", line]),
  ];
  return rows.map(([name = "", value = ""]) => `  ${dim(name.padEnd(16))} ${value}`).join("\n");
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  let options: StartOptions | "help";
  try {
    options = parseStartArguments(Deno.args);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (options === "help") {
    print(HELP);
    return 0;
  }
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopped.resolve());
  }
  let stack: Stack;
  try {
    stack = await startStack({
      ...options,
      schedule: true,
      studio: true,
      writeStackFile: true,
      onProgress: (message) => print(dim(message)),
      onFunctionLog: (line) => print(line),
    });
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 1;
  }
  print(`\n${bold(green("Edgeloop is running."))} Ctrl-C stops it.\n\n${await summary(stack, options)}\n`);
  await stopped.promise;
  print("\nStopping");
  await stack.close();
  return 0;
}

if (import.meta.main) Deno.exit(await main());
