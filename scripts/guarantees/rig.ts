/** A stack under test whose doorbells and whose functions' calls pass through gateways. */

import { delay } from "@std/async/delay.js";
import { connect, type Database } from "../stack/database.ts";
import { type Stack, startStack } from "../stack/stack.ts";
import { createTestDatabase } from "../testing/databases.ts";
import { storeSecret } from "../stack/standins.ts";
import { Gateway } from "./gateway.ts";
import type { Delivery } from "./history.ts";

/** Longer than a doorbell's own timeout, and than any statement of the data API may take. */
const DOORBELL_MS = 35_000;
const CALL_MS = 9_000;
/** Rounds of sweeping after which something must be wrong. */
const MOST_ROUNDS = 200;

/** What a rig may be told. */
export interface RigOptions {
  /** Database with the migrations in it; without one an embedded database is started and gets them. */
  readonly databaseUrl?: string;
  /** Folder of another checkout, whose edge functions are served. */
  readonly functionsOf?: string;
}

export class Rig implements AsyncDisposable {
  readonly stack: Stack;
  /** What rings the functions passes here. */
  readonly doorbells: Gateway;
  /** What the functions ask of the database passes here. */
  readonly calls: Gateway;
  /** Lines that the functions wrote to the console. */
  readonly consoleLines: readonly string[];
  readonly #cleanup: AsyncDisposableStack;

  private constructor(
    stack: Stack,
    doorbells: Gateway,
    calls: Gateway,
    consoleLines: readonly string[],
    cleanup: AsyncDisposableStack,
  ) {
    this.stack = stack;
    this.doorbells = doorbells;
    this.calls = calls;
    this.consoleLines = consoleLines;
    this.#cleanup = cleanup;
  }

  static async start({ databaseUrl, functionsOf }: RigOptions = {}): Promise<Rig> {
    await using cleanup = new AsyncDisposableStack();
    let apiUrl = "";
    const doorbells = new Gateway(() => apiUrl, DOORBELL_MS);
    cleanup.defer(() => doorbells.close());
    const calls = new Gateway(() => apiUrl, CALL_MS);
    cleanup.defer(() => calls.close());
    const consoleLines: string[] = [];
    const stack = await startStack({
      databaseUrl: databaseUrl ??
        cleanup.use(await createTestDatabase("embedded", "migrations")).databaseUrl,
      push: false,
      // A rig has the doorbell ring its gateway, which the next one on the database finds there.
      takeOverDoorbell: true,
      ...(functionsOf === undefined ? {} : { functionsOf }),
      dataApiSeenByFunctions: (url) => {
        apiUrl = url;
        return calls.url;
      },
      onFunctionLog: (line) => consoleLines.push(line),
    });
    cleanup.defer(() => stack.close());
    const sql = connect(stack.databaseUrl, { max: 1 });
    try {
      await storeSecret(sql, "project_url", doorbells.url, "Where the database reaches the edge functions.");
    } finally {
      await sql.end({ timeout: 5 });
    }
    return new Rig(stack, doorbells, calls, consoleLines, cleanup.move());
  }

  /**
   * Writes strands the way a trading system does: over several connections at once, in statements of a few strands, and
   * once more when it was not told that they were written.
   */
  async feed(
    deliveries: readonly Delivery[],
    options: { lanes?: number; batch?: number; pauseMs?: number } = {},
  ): Promise<void> {
    const { lanes = 4, batch = 10, pauseMs = 0 } = options;
    // What concerns one strand stays in order.
    const queues: Delivery[][] = Array.from({ length: lanes }, () => []);
    for (const delivery of deliveries) queues[laneOf(delivery.strand.id, lanes)]?.push(delivery);
    await Promise.all(queues.map(async (queue) => {
      const sql = connect(this.stack.databaseUrl, { max: 1 });
      try {
        for (let from = 0; from < queue.length; from += batch) {
          await persistently(() => writeStrands(sql, queue.slice(from, from + batch)));
          if (pauseMs > 0) await delay(pauseMs);
        }
      } finally {
        await sql.end({ timeout: 5 });
      }
    }));
  }

  /** Resolves once nothing is queued, on its way or running. */
  async settle(): Promise<void> {
    while (true) {
      const before = this.doorbells.traffic.requests;
      await persistently(() => this.stack.settle());
      if (
        this.doorbells.inFlight() === 0 && this.calls.inFlight() === 0 &&
        this.doorbells.traffic.requests === before
      ) return;
      await delay(20);
    }
  }

  /** Asks the database as its owner, again while it is away. */
  async query<T extends object>(sql: string, parameters: readonly unknown[] = []): Promise<T[]> {
    return await persistently(() => this.stack.query<T>(sql, parameters));
  }

  /** How many strands wait. */
  async backlog(): Promise<number> {
    const [row] = await this.query<{ waiting: number }>(
      "select count(*)::integer as waiting from public.strand_receipts where status = 'pending'",
    );
    return row?.waiting ?? 0;
  }

  /** Whether a replay of the allocation paused. */
  async isReplaying(): Promise<boolean> {
    const rows = await this.query(
      "select from learning.allocation_replay held where held.goes_on_from is not null",
    );
    return rows.length > 0;
  }

  /** Lets time pass for the inbox: every lease and every wait is over, but for those that are just being answered. */
  async lapse(): Promise<void> {
    await this.query(
      `update public.strand_receipts receipt set next_attempt_at = now()
       where receipt.strand_id in (
         select waiting.strand_id from public.strand_receipts waiting
         where waiting.status = 'pending' and waiting.next_attempt_at > now()
         for update skip locked
       )`,
    );
  }

  /** What the schedule runs every five minutes. */
  async sweep(): Promise<void> {
    await this.query("select learning.sweep()");
  }

  /** Sweeps, as the schedule does every five minutes, until no strand waits; returns how often that took. */
  async drain(): Promise<number> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      await this.settle();
      if (await this.backlog() === 0 && !await this.isReplaying()) return round;
      await this.lapse();
      await this.sweep();
    }
    throw new Error(`${await this.backlog()} strands still wait after ${MOST_ROUNDS} sweeps.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }
}

const COLUMNS = [
  "id",
  "module",
  "kind",
  "position_id",
  "trade_id",
  "parent_id",
  "symbol",
  "timeframe",
  "content",
  "regime_context",
  "tags",
  "created_at",
] as const;

async function writeStrands(sql: Database, deliveries: readonly Delivery[]): Promise<void> {
  const columns = COLUMNS.join(", ");
  const statements: Readonly<Record<Delivery["op"], string>> = {
    insert: `
      insert into public.ad_strands (${columns})
      select ${columns} from jsonb_populate_recordset(null::public.ad_strands, $1::jsonb)
      on conflict (id) do nothing`,
    update: `
      update public.ad_strands held set content = given.content
      from jsonb_populate_recordset(null::public.ad_strands, $1::jsonb) as given
      where held.id = given.id`,
  };
  for (const op of ["insert", "update"] as const) {
    const strands = deliveries.filter((delivery) => delivery.op === op).map(({ strand }) => strand);
    if (strands.length > 0) await sql.unsafe(statements[op], [JSON.stringify(strands)]);
  }
}

function laneOf(id: string, lanes: number): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
  return sum % lanes;
}

/** Tries again while the database is away, as whoever writes strands has to. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= 300 || !isAway(error)) throw error;
      await delay(100);
    }
  }
}

/** Whether the error says that the server is gone, going or coming, rather than that the statement is wrong. */
function isAway(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  return /^(57P0[123]|08\w{3}|CONNECTION_\w+|ECONN\w+|EPIPE)$/.test(code) ||
    (error instanceof Error && /connection|terminat|starting up|shutting down/i.test(error.message));
}
