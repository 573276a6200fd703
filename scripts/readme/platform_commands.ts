/**
 * The README's commands of the Supabase CLI, as they stand there, against the management API of this machine.
 *
 * @module
 */

import { SUPABASE_CLI_VERSION } from "../supabase_cli.ts";
import { ACCESS_TOKEN, PROJECT_REF, startManagementApi } from "../testing/management_api.ts";
import type { Session } from "./session.ts";

/** Stands for the reference of a project. */
const PLACE_OF_REF = "<ref>";

/** Runs the commands in a folder that has Edgeloop; throws where one does not do what the README says it does. */
export async function runPlatformCommands(session: Session, commands: readonly string[]): Promise<string> {
  await using api = await startManagementApi();
  const bin = `${session.folder}/.bin`;
  await Deno.mkdir(bin, { recursive: true });
  await Deno.writeTextFile(
    `${bin}/supabase`,
    `#!/bin/sh\nexec npx -y supabase@${SUPABASE_CLI_VERSION} --agent=no --profile ${api.profile} "$@"\n`,
    { mode: 0o755 },
  );
  const env = {
    PATH: `${bin}:${Deno.env.get("PATH") ?? ""}`,
    SUPABASE_ACCESS_TOKEN: ACCESS_TOKEN,
    SUPABASE_DB_PASSWORD: "x",
    // The person at the terminal who says yes.
    SUPABASE_YES: "1",
    SUPABASE_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    NO_COLOR: "1",
    CI: "1",
  };
  const notes: string[] = [`CLI ${SUPABASE_CLI_VERSION}`];
  for (const command of commands) {
    if (command === "supabase login") {
      notes.push("login: not run, it opens a browser; a token stood in for it");
      continue;
    }
    const { code, text } = await session.trySh(command.replace(PLACE_OF_REF, PROJECT_REF), env);
    const aim = /^Target: (.*)$/m.exec(text)?.[1] ?? "";
    if (!aim.startsWith("project ") || !aim.includes(PROJECT_REF)) {
      throw new Error(`"${command}" is not aimed at the linked project but at "${aim}":\n${text}`);
    }
    if (command.startsWith("supabase db push")) {
      // No such database is anywhere; the migrations are pushed to others by the stack and by every test.
      if (code === 0) throw new Error(`"${command}" pushed, and nobody knows where to:\n${text}`);
      notes.push("db push: as far as the database of the project, which is not there");
    } else if (code !== 0) throw new Error(`"${command}" failed with ${code}:\n${text}`);
  }
  const deployed = [...api.uploads.keys()].sort().join(", ");
  if (deployed !== "aggregate-strands, materialize-overrides, mine-lessons, mine-tuning") {
    throw new Error(`Not every function was deployed, but: ${deployed}`);
  }
  return notes.join("; ");
}
