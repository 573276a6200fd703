/**
 * Runs the README from an empty folder, every command and snippet as it stands there, as far as a machine without Docker and
 * without an account can, and says what it could not.
 *
 *     deno run -A scripts/readme/run.ts
 *
 * With EDGELOOP_README_WITHOUT_TESTS=1 `task test` is left out.
 */

import { dim, green, red, yellow } from "@std/fmt/colors.js";
import { visible, visibleLines } from "../../functions/_shared/runtime/visible.ts";
import { blocksOf, matched } from "./blocks.ts";
import { Session } from "./session.ts";
import { type Connections, STEPS } from "./steps.ts";

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  await using session = await Session.begin();
  const connections: Connections = {};
  const pairs = matched(blocksOf(await session.read("README.md")), STEPS);
  for (const [block, step] of pairs) {
    const what = `line ${String(block.line).padStart(3)}  ${block.heading}, ${block.language}`;
    try {
      const howFar = await step.run(session, block, connections);
      print(
        howFar === null
          ? `${green("ran")}  ${what}`
          : `${yellow("ran")}  ${what}\n     ${dim(visible(howFar))}`,
      );
    } catch (error) {
      print(
        `${red("failed")}  ${what}\n${visibleLines(error instanceof Error ? error.message : String(error))}`,
      );
      return 1;
    }
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main());
