/**
 * Sends what `net.http_post` queued: the half of pg_net that lives outside of SQL.
 *
 * One batch at a time, a batch at once. A request leaves the queue when its batch is taken, so whatever becomes of
 * it afterwards, it is never sent twice; a crash loses it.
 */

import type { Database } from "./database.ts";

/** As many as pg_net takes at a time. */
const BATCH_SIZE = 200;
/** Wakes the worker when a notification went missing. */
const POLL_MS = 5_000;
const RESPONSE_TTL = "6 hours";

interface QueuedRequest {
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeout_milliseconds: number;
}

interface ReceivedResponse {
  readonly id: number;
  readonly status_code: number | null;
  readonly content_type: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly content: string | null;
  readonly timed_out: boolean;
  readonly error_msg: string | null;
}

/** A running worker. */
export interface NetWorker {
  /** Resolves once nothing is queued or on its way. */
  idle(): Promise<void>;
  /** Stops taking requests and gives up on those on their way. */
  close(): Promise<void>;
}

/** Starts sending. Errors of the worker itself, not of requests, go to `onError`. */
export async function startNetWorker(sql: Database, onError: (error: unknown) => void): Promise<NetWorker> {
  const closing = new AbortController();
  let closed = false;
  let woken = false;
  let working: Promise<void> | undefined;
  let lastPruned = 0;

  const wake = (): void => {
    woken = true;
    if (working !== undefined || closed) return;
    working = work().catch(onError).finally(() => {
      working = undefined;
      if (woken && !closed) wake();
    });
  };

  const work = async (): Promise<void> => {
    while (!closed) {
      woken = false;
      const batch = await takeBatch(sql);
      if (batch.length === 0) {
        if (woken) continue;
        break;
      }
      await store(sql, await Promise.all(batch.map((request) => send(request, closing.signal))));
    }
    if (!closed && Date.now() - lastPruned > 60_000) {
      lastPruned = Date.now();
      await sql`delete from net._http_response where created < now() - ${RESPONSE_TTL}::interval`;
    }
  };

  await sql.listen("net_http_request_queue", wake);
  const poll = setInterval(wake, POLL_MS);
  wake();

  return {
    async idle(): Promise<void> {
      while (!closed) {
        while (working !== undefined) await working;
        const [row] = await sql<{ waiting: boolean }[]>`
          select exists (select from net.http_request_queue) as waiting`;
        if (row?.waiting !== true && working === undefined) return;
        wake();
      }
    },
    async close(): Promise<void> {
      closed = true;
      closing.abort(new Error("The worker was closed"));
      clearInterval(poll);
      await working;
    },
  };
}

async function takeBatch(sql: Database): Promise<QueuedRequest[]> {
  return await sql<QueuedRequest[]>`
    with taken as (
      delete from net.http_request_queue
      where id in (
        select id from net.http_request_queue order by id limit ${BATCH_SIZE} for update skip locked
      )
      returning id, method, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds
    )
    select * from taken order by id`;
}

async function send(request: QueuedRequest, closing: AbortSignal): Promise<ReceivedResponse> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.any([AbortSignal.timeout(request.timeout_milliseconds), closing]),
    });
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      content: await response.text(),
      headers: Object.fromEntries(response.headers),
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    return {
      id: request.id,
      status_code: null,
      content_type: null,
      content: null,
      headers: null,
      timed_out: timedOut,
      error_msg: timedOut
        ? `Timeout of ${request.timeout_milliseconds} ms reached`
        : error instanceof Error
        ? error.message
        : String(error),
    };
  }
}

async function store(sql: Database, responses: readonly ReceivedResponse[]): Promise<void> {
  // A NUL cannot be stored as text.
  const rows = JSON.stringify(responses).replaceAll("\\u0000", "\\ufffd");
  await sql`
    insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
    select id, status_code, content_type, headers, content, timed_out, error_msg
    from jsonb_to_recordset(${rows}::jsonb) as response(
      id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text
    )`;
}
