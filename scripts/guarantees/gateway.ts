/** A way through which requests pass, and on which they may come to harm. */

import { delay } from "@std/async/delay.js";

/** What happens to one request. */
export type Fate =
  /** It arrives, and so does its answer. */
  | "deliver"
  /** It does not arrive; who sent it learns nothing more than that. */
  | "lose"
  /** It arrives twice at once; the first answer counts. */
  | "double"
  /** It arrives and is answered, and the answer is lost. */
  | "forget"
  /** It arrives after a while. */
  | "delay"
  /** It does not arrive, and for a while nobody says so. */
  | "hang";

const HANG_MS = 2_000;
const DELAY_MS = 300;

/** Counts of what passed. */
export interface Traffic {
  readonly requests: number;
  /** Answers of what stands behind, by status. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly slowestMs: number;
}

/** Forwards requests to an address. */
export class Gateway {
  /** Decides about each request by its path. */
  fate: (path: string) => Fate = () => "deliver";
  /** Told the body of every answer other than 2xx that came from behind. */
  onFailure: (path: string, status: number, body: string) => void = () => {};

  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #target: () => string;
  readonly #patienceMs: number;
  readonly #statuses: Record<number, number> = {};
  #requests = 0;
  #slowestMs = 0;
  readonly #inFlight: string[] = [];

  /**
   * @param target Where requests go; asked for each of them.
   * @param patienceMs How long an answer may take.
   */
  constructor(target: () => string, patienceMs: number) {
    this.#target = target;
    this.#patienceMs = patienceMs;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: (): void => {} },
      (request) => this.#handle(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Number of requests without an answer, of all or of those whose path ends so. */
  inFlight(suffix = ""): number {
    return this.#inFlight.filter((path) => path.endsWith(suffix)).length;
  }

  get traffic(): Traffic {
    return {
      requests: this.#requests,
      statuses: { ...this.#statuses },
      slowestMs: Math.round(this.#slowestMs),
    };
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.#requests += 1;
    this.#inFlight.push(pathname);
    try {
      const body = await request.arrayBuffer();
      const send = (): Promise<Response> => this.#forward(request, pathname + search, body);
      const failure = Response.json({ message: "No answer." }, { status: 500 });
      switch (this.fate(pathname)) {
        case "deliver":
          return await send();
        case "lose":
          return failure;
        case "double": {
          const [first] = await Promise.all([send(), send()]);
          return first;
        }
        case "forget":
          await send();
          return failure;
        case "delay":
          await delay(DELAY_MS);
          return await send();
        case "hang":
          await delay(HANG_MS);
          return failure;
      }
    } finally {
      this.#inFlight.splice(this.#inFlight.indexOf(pathname), 1);
    }
  }

  async #forward(request: Request, path: string, body: ArrayBuffer): Promise<Response> {
    const headers = new Headers(request.headers);
    // The body goes on as it came.
    headers.set("accept-encoding", "identity");
    for (const name of ["host", "content-length", "connection"]) headers.delete(name);
    const from = performance.now();
    let response: Response;
    let text: ArrayBuffer;
    try {
      response = await fetch(this.#target() + path, {
        method: request.method,
        headers,
        ...(body.byteLength === 0 ? {} : { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(this.#patienceMs),
      });
      text = await response.arrayBuffer();
    } catch {
      this.#count(502);
      return Response.json({ message: "No answer." }, { status: 502 });
    }
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - from);
    this.#count(response.status);
    if (!response.ok) this.onFailure(path, response.status, new TextDecoder().decode(text));
    return new Response(text.byteLength === 0 ? null : text, {
      status: response.status,
      headers: response.headers,
    });
  }

  #count(status: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }
}
