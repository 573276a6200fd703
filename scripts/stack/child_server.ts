/** Runs an HTTP server as a Deno process of its own, restarts it on demand, and forwards requests to it. */

import { TextLineStream } from "@std/streams/text_line_stream.js";

export interface ChildServerOptions {
  /** What the process is called in messages. */
  readonly name: string;
  readonly script: URL;
  readonly permissions: readonly string[];
  readonly args?: readonly string[];
  /** Environment of the process, complete but for what Deno itself needs to start. */
  readonly env: Readonly<Record<string, string>>;
  /** Every line the process writes, but for the one that tells its port. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

interface Running {
  readonly process: Deno.ChildProcess;
  readonly origin: string;
  readonly info: Readonly<Record<string, unknown>>;
}

/** What Deno needs to find itself, its cache and a place for temporary files. */
const INHERITED = [
  "PATH",
  "HOME",
  "DENO_DIR",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "NPM_CONFIG_REGISTRY",
  "DENO_TLS_CA_STORE",
];
const START_TIMEOUT_MS = 60_000;

/**
 * A server script ends when its stdin does, so that it does not outlive its parent. Once it listens it prints one line
 * of JSON on stdout: `{"port": 1234}` and whatever else the parent should know.
 */
export class ChildServer {
  readonly #options: ChildServerOptions;
  #running: Promise<Running> | undefined;
  #inFlight = 0;
  #started = 0;
  #whenIdle: (() => void)[] = [];
  #closed = false;

  constructor(options: ChildServerOptions) {
    this.#options = options;
  }

  /** Number of requests that have no answer yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Number of requests forwarded so far. */
  get started(): number {
    return this.#started;
  }

  /** Starts the process unless it runs; returns what it told about itself. */
  async start(): Promise<Readonly<Record<string, unknown>>> {
    return (await this.#ensureRunning()).info;
  }

  /** Forwards a request to `path` of the process, starting it if need be. */
  async fetch(request: Request, path: string): Promise<Response> {
    this.#inFlight += 1;
    this.#started += 1;
    try {
      const { origin } = await this.#ensureRunning();
      const headers = new Headers(request.headers);
      // The body goes on as it came: the process must not compress what this side would have to unpack.
      headers.set("accept-encoding", "identity");
      headers.delete("host");
      return await fetch(origin + path, {
        method: request.method,
        headers,
        body: request.body,
        redirect: "manual",
      });
    } catch (error) {
      this.#options.onLine(`No answer: ${error instanceof Error ? error.message : String(error)}`, "stderr");
      return Response.json({ message: `The ${this.#options.name} process gave no answer.` }, { status: 502 });
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) { for (const resolve of this.#whenIdle.splice(0)) resolve(); }
    }
  }

  /** Resolves once no request is without an answer. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends the process at once, as a crash would. The next request starts a new one. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    const { process } = await running;
    try {
      process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended by itself.
    }
    await process.status;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.kill();
  }

  #ensureRunning(): Promise<Running> {
    if (this.#closed) return Promise.reject(new Error(`The ${this.#options.name} process was closed.`));
    this.#running ??= this.#spawn().catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  async #spawn(): Promise<Running> {
    const { name, script, permissions, args = [], env, onLine } = this.#options;
    const inherited: Record<string, string> = { NO_COLOR: "1" };
    for (const key of INHERITED) {
      const value = Deno.env.get(key);
      if (value !== undefined) inherited[key] = value;
    }
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...permissions, script.href, ...args],
      cwd: new URL("../..", import.meta.url),
      clearEnv: true,
      env: { ...inherited, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    process.status.then(() => {
      // Only the process that is current may be forgotten; a newer one may have taken its place.
      this.#running?.then((running) => {
        if (running.process === process) this.#running = undefined;
      }, () => {});
    });
    const lastLines: string[] = [];
    const ready = Promise.withResolvers<Readonly<Record<string, unknown>>>();
    let told = false;
    const read = async (stream: ReadableStream<Uint8Array>, which: "stdout" | "stderr"): Promise<void> => {
      const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
      for await (const line of lines as ReadableStream<string>) {
        if (!told && which === "stdout") {
          told = true;
          ready.resolve(JSON.parse(line));
          continue;
        }
        lastLines.push(line);
        if (lastLines.length > 20) lastLines.shift();
        onLine(line, which);
      }
    };
    const streams = Promise.allSettled([read(process.stdout, "stdout"), read(process.stderr, "stderr")]);
    process.status.then(async (status) => {
      await streams;
      ready.reject(
        new Error(
          `The ${name} process ended with code ${status.code} before it listened:\n${lastLines.join("\n")}`,
        ),
      );
    });
    const timeout = setTimeout(() => {
      ready.reject(new Error(`The ${name} process did not listen within ${START_TIMEOUT_MS / 1000} s.`));
      process.kill("SIGKILL");
    }, START_TIMEOUT_MS);
    try {
      // Held open as long as this side lives.
      process.stdin.getWriter();
      const info = await ready.promise;
      return { process, origin: `http://127.0.0.1:${Number(info.port)}`, info };
    } finally {
      clearTimeout(timeout);
    }
  }
}
