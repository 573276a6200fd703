/** A Postgres cluster of one's own, to be killed. */

import { delay } from "@std/async/delay.js";
import { connect } from "../stack/database.ts";

const START_TIMEOUT_MS = 60_000;

/** Folder of Postgres' own programs, newest version first; null where there is none. */
export function findPostgres(): string | null {
  const versions: number[] = [];
  try {
    for (const { name } of Deno.readDirSync("/usr/lib/postgresql")) versions.push(Number(name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const folders = [
    ...versions.filter((version) => version >= 15).sort((a, b) => b - a).map((v) =>
      `/usr/lib/postgresql/${v}/bin`
    ),
    ...(Deno.env.get("PATH") ?? "").split(":"),
  ];
  return folders.find((folder) => isFile(`${folder}/initdb`) && isFile(`${folder}/postgres`)) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

export class Cluster implements AsyncDisposable {
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  #postmaster: Deno.ChildProcess | undefined;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
  }

  static async create(): Promise<Cluster> {
    const bin = findPostgres();
    if (bin === null) throw new Error("initdb was not found; install a Postgres server, 15 or newer.");
    const folder = await Deno.makeTempDir({ prefix: "edgeloop_cluster_" });
    const cluster = new Cluster(bin, folder, freePort());
    try {
      // Postgres refuses to run as root.
      if (Deno.uid() === 0) await run("chown", ["postgres", folder]);
      await run(
        ...asPostgres(`${bin}/initdb`, [
          "-D",
          `${folder}/data`,
          "-U",
          "postgres",
          "-A",
          "trust",
          "-E",
          "UTF8",
          "--locale=C.UTF-8",
        ]),
      );
      await Deno.writeTextFile(
        `${folder}/data/postgresql.conf`,
        [
          `port = ${cluster.#port}`,
          "listen_addresses = '127.0.0.1'",
          `unix_socket_directories = '${folder}'`,
          "max_connections = 100",
          // It is the server that is killed, not the machine: what was handed to the kernel is kept.
          "fsync = off",
          "",
        ].join("\n"),
        { append: true },
      );
      await cluster.start();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Address of the server's own database; the role may do everything. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** What the server wrote to its log. */
  async readLog(): Promise<string> {
    return await Deno.readTextFile(`${this.#folder}/log`);
  }

  async start(): Promise<void> {
    const [command, args] = asPostgres("/bin/sh", [
      "-c",
      'exec "$0" -D "$1" >>"$2" 2>&1',
      `${this.#bin}/postgres`,
      `${this.#folder}/data`,
      `${this.#folder}/log`,
    ]);
    this.#postmaster = new Deno.Command(command, {
      args,
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (true) {
      const sql = connect(this.url, { max: 1 });
      try {
        await sql`select 1`;
        return;
      } catch (error) {
        if (performance.now() > deadline) {
          throw new Error(`Postgres did not start:\n${await this.readLog()}`, { cause: error });
        }
      } finally {
        await sql.end({ timeout: 1 });
      }
      await delay(50);
    }
  }

  /** Ends every process of the server at once, as a power cut would, and waits until they are gone. */
  async kill(): Promise<void> {
    const postmaster = Number(
      (await Deno.readTextFile(`${this.#folder}/data/postmaster.pid`)).split("\n")[0],
    );
    const pids = [postmaster, ...await childrenOf(postmaster)];
    // The postmaster first, so that it tells nobody.
    for (const pid of pids) signal(pid, "SIGKILL");
    await this.#postmaster?.status;
    this.#postmaster = undefined;
    while (pids.some(isAlive)) await delay(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#postmaster !== undefined) await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    return listener.addr.port;
  } finally {
    listener.close();
  }
}

function asPostgres(command: string, args: readonly string[]): [string, string[]] {
  return Deno.uid() === 0 ? ["runuser", ["-u", "postgres", "--", command, ...args]] : [command, [...args]];
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args], cwd: "/", stdin: "null" })
    .output();
  if (!success) throw new Error(`${command} ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
}

async function childrenOf(pid: number): Promise<number[]> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    return text.split(/\s+/).filter((field) => field !== "").map(Number);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // It has ended by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    // Field 3 is the state; a zombie is dead, it only waits to be fetched.
    return !/^\d+ \(.*\) [ZX]/s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
