/** What all tasks say about command lines that they do not understand. */

import { closestString } from "@std/text/closest_string.js";
import { visibleLines } from "../functions/_shared/runtime/visible.ts";

/** Writes a line to standard output. */
export function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** What a command line asks for; where it asks for help or cannot be followed, which is printed, the exit code. */
export function optionsOrExitCode<Options extends object>(
  parse: (args: readonly string[]) => Options | "help",
  help: string,
): Options | number {
  try {
    const options = parse(Deno.args);
    if (options !== "help") return options;
    print(help);
    return 0;
  } catch (error) {
    print(visibleLines(error instanceof Error ? error.message : String(error)));
    return 2;
  }
}

/**
 * That an argument is unknown, and where it is a flag, which known one comes nearest.
 *
 * @param flags The known ones, without dashes.
 */
export function unknownArgument(argument: string, flags: readonly string[]): string {
  const name = /^--?([^=]+)/.exec(argument)?.[1];
  if (name === undefined || flags.length === 0) return `Unknown argument "${argument}".`;
  return `Unknown argument "${argument}"; did you mean "--${closestString(name, [...flags])}"?`;
}
