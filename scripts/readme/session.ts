/**
 * A folder as a newcomer has it, and what the blocks of the README are run with in it.
 *
 * @module
 */

import { z } from "zod";
import { connect, type Database } from "../stack/database.ts";

const REPOSITORY = new URL("../../", import.meta.url).pathname;
const DENO = ["npx", "-y", "deno@2.9.6"];

const StackFile = z.object({ apiUrl: z.string(), secretKey: z.string(), databaseUrl: z.string() });

/** What a command printed, both streams together. */
export interface Printed {
  readonly code: number;
  readonly text: string;
}

export class Session implements AsyncDisposable {
  readonly #cleanup = new AsyncDisposableStack();

  private constructor(readonly folder: string) {}

  /** A folder with the files of this repository and nothing that was made from them. */
  static async begin(): Promise<Session> {
    const session = new Session(await Deno.makeTempDir({ prefix: "edgeloop-readme-" }));
    session.#cleanup.defer(() => Deno.remove(session.folder, { recursive: true }));
    const listed = await output(
      ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      REPOSITORY,
    );
    if (listed.code !== 0) throw new Error(`git could not list the repository's files: ${listed.text}`);
    for (const path of listed.text.split("\0").filter((each) => each !== "")) {
      const to = `${session.folder}/${path}`;
      await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
      await Deno.copyFile(`${REPOSITORY}${path}`, to).catch((error: unknown) => {
        // Listed, and deleted since.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    return session;
  }

  /** Runs a shell text in the folder and throws with all it printed when it fails. */
  async sh(text: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    return must(text, await this.trySh(text, env));
  }

  /** Runs a shell text in the folder, whatever becomes of it. */
  async trySh(text: string, env: Readonly<Record<string, string>> = {}): Promise<Printed> {
    return await output(["sh", "-e", "-c", text], this.folder, env);
  }

  /** Writes a program and runs it with a command. */
  async program(
    name: string,
    text: string,
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
    return must(name, await output([...command, name], this.folder, env));
  }

  /** Starts the stack with a command that goes on, and waits until it says where it is. */
  async start(command: string): Promise<void> {
    // A group of its own, for npx starts others.
    const child = new Deno.Command("setsid", {
      args: ["sh", "-c", `exec ${command} >start.log 2>&1`],
      cwd: this.folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#cleanup.defer(async () => {
      await output(["sh", "-c", `kill -INT -${child.pid} || true`], this.folder);
      await child.status;
    });
    const ended = child.status.then(async ({ code }) => {
      throw new Error(`"${command}" ended with ${code}:\n${await this.read("start.log")}`);
    });
    ended.catch(() => {});
    await Promise.race([ended, this.#untilStackFile()]);
  }

  async #untilStackFile(): Promise<void> {
    const deadline = Date.now() + 300_000;
    while (Date.now() < deadline) {
      if (await Deno.stat(`${this.folder}/.edgeloop/stack.json`).then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`No .edgeloop/stack.json after five minutes:\n${await this.read("start.log")}`);
  }

  /** A connection to the running stack's database, as its owner. */
  async database(): Promise<Database & AsyncDisposable> {
    const { databaseUrl } = StackFile.parse(JSON.parse(await this.read(".edgeloop/stack.json")));
    const sql = connect(databaseUrl, { max: 1 });
    return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) });
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(`${this.folder}/${path}`);
  }

  /** Closed with the session. */
  keep(resource: AsyncDisposable): void {
    this.#cleanup.use(resource);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync();
  }
}

/** How to run a JavaScript program: with the Node that is here, or where that is too old for supabase-js with 22. */
export async function nodeCommand(): Promise<readonly string[]> {
  const { text } = await output(["node", "--version"], ".");
  return Number(/^v(\d+)/.exec(text)?.[1] ?? 0) >= 22 ? ["node"] : ["npx", "-y", "node@22"];
}

/** How to run a TypeScript program. */
export const DENO_RUN: readonly string[] = [...DENO, "run", "--allow-all"];

function must(what: string, printed: Printed): string {
  if (printed.code === 0) return printed.text;
  throw new Error(`${what}\nfailed with ${printed.code}:\n${printed.text}`);
}

async function output(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const [program = "", ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
