/**
 * A service that answers whatever a test wants, down to its bytes.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";

/** What becomes of a request: an answer, bytes as they are, or nothing until the service is closed. */
export type Reaction =
  | {
    readonly status?: number;
    readonly json?: unknown;
    readonly body?: string;
    readonly closes?: boolean;
  }
  | { readonly bytes: string }
  | { readonly trickles: string }
  | "hangs"
  | "hangs up";

/** A request that came. */
export interface CameIn {
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly json: unknown;
}

/** One that runs until it is disposed of. */
export class FakeService implements AsyncDisposable {
  readonly url: string;
  readonly cameIn: CameIn[] = [];
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #served: Promise<void>[] = [];
  readonly #over = Promise.withResolvers<void>();
  #react: (request: CameIn) => Reaction | Promise<Reaction>;

  constructor(react: (request: CameIn) => Reaction | Promise<Reaction>) {
    this.#react = react;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#served.push(this.#accept());
  }

  /** From now on it reacts so. */
  react(react: (request: CameIn) => Reaction | Promise<Reaction>): void {
    this.#react = react;
  }

  /** Closes all connections that are open, as a server does with those that were idle for long. */
  hangUp(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections += 1;
      this.#open.add(connection);
      this.#served.push(
        this.#serve(connection).catch((error: unknown) => {
          // A client that goes away is what some tests are about.
          if (
            !(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
              error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)
          ) throw error;
        }).finally(() => {
          if (this.#open.delete(connection)) connection.close();
        }),
      );
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    let pending = new Uint8Array();
    while (true) {
      const request = requestIn(pending);
      if (request === undefined) {
        const chunk = new Uint8Array(65_536);
        const read = await connection.read(chunk);
        if (read === null) return;
        pending = concat([pending, chunk.subarray(0, read)]);
        continue;
      }
      pending = pending.slice(request.length);
      this.cameIn.push(request.cameIn);
      const reaction = await this.#react(request.cameIn);
      if (reaction === "hangs up") return;
      if (reaction === "hangs") return await this.#over.promise;
      if ("bytes" in reaction) {
        await write(connection, reaction.bytes);
        return;
      }
      if ("trickles" in reaction) return await this.#trickle(connection, reaction.trickles);
      const body = new TextEncoder().encode(reaction.body ?? JSON.stringify(reaction.json));
      const closes = reaction.closes === true;
      await write(
        connection,
        `HTTP/1.1 ${reaction.status ?? 200} Said\r\ncontent-type: application/json\r\n` +
          `content-length: ${body.length}\r\n${closes ? "connection: close\r\n" : ""}\r\n`,
        body,
      );
      if (closes) return;
    }
  }

  async #trickle(connection: Deno.Conn, text: string): Promise<void> {
    for (let place = 0;; place += 1) {
      await write(connection, text[place % text.length] ?? "");
      let timer: ReturnType<typeof setTimeout> | undefined;
      const isOver = await Promise.race([
        this.#over.promise.then(() => true),
        new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), 20)),
      ]);
      clearTimeout(timer);
      if (isOver) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.resolve();
    this.#listener.close();
    this.hangUp();
    await Promise.all(this.#served);
  }
}

/** The first whole request in the bytes, and how many it takes. */
function requestIn(bytes: Uint8Array): { cameIn: CameIn; length: number } | undefined {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const length = end + 4 + Number(headers.get("content-length") ?? 0);
  if (bytes.length < length) return undefined;
  const body = new TextDecoder().decode(bytes.subarray(end + 4, length));
  return { cameIn: { path: first.split(" ")[1] ?? "", headers, json: JSON.parse(body) }, length };
}

async function write(connection: Deno.Conn, head: string, body = new Uint8Array()): Promise<void> {
  const bytes = concat([new TextEncoder().encode(head), body]);
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}
