/**
 * Serves one embedded Postgres (PGlite) to many Postgres clients over TCP.
 *
 * PGlite is a single backend session. Clients take turns on it the way they do behind a transaction pooler: a
 * client holds the session from its first message until the server is idle outside a transaction again. What a
 * real server would keep apart per connection is kept apart here: session settings, session user, prepared
 * statement names, and who listens to which channel.
 */

import type { PGlite } from "@electric-sql/pglite";

/** A running server in front of an embedded database. */
export interface PgliteServer {
  readonly port: number;
  /** Resolves, with the reason, once the database cannot be used any more; nothing may be asked of it from then on. */
  readonly lost: Promise<Error>;
  /** Disconnects every client, rolls back what they left open and stops listening. */
  close(): Promise<void>;
}

type Settings = ReadonlyMap<string, string>;

/** Session user and role are settings to Postgres, but neither `RESET ALL` nor `pg_settings` covers them. */
interface SessionState {
  readonly user: string;
  readonly role: string;
  readonly settings: Settings;
}

const PROTOCOL_3 = 196608;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

/** Start-up parameters that name the connection and are no settings. */
const CONNECTION_PARAMETERS = new Set(["user", "database", "options", "replication"]);

/** What a driver expects to be told about the server before its first query. */
const REPORTED_SETTINGS = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "application_name",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "integer_datetimes",
  "standard_conforming_strings",
];

/** Statements after which the session may differ from what it was; transaction-local ones undo themselves. */
const CHANGES_SESSION =
  /(?:^|;|\bbegin\b)\s*(?:set\s+(?!local\b|transaction\b|constraints\b)|reset\b|discard\b)|\bset_config\s*\([^)]*\bfalse\s*\)/i;
const LISTENS = /^\s*listen\s+("?)([^";\s]+)\1/i;

/** Levels of a document that the embedded server can still work with: it gives up at about twice as many. */
const DEEPEST_DOCUMENT = 3_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Listens on 127.0.0.1; `port` 0 takes any free one. */
export async function servePglite(db: PGlite, options: { port?: number } = {}): Promise<PgliteServer> {
  await db.waitReady;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: options.port ?? 0 });
  const session = await SharedSession.open(db);
  const clients = new Set<Client>();

  const accepting = (async (): Promise<void> => {
    for await (const connection of listener) {
      connection.setNoDelay(true);
      const client = new Client(connection, session, clients);
      clients.add(client);
      client.done = client.serve().finally(() => clients.delete(client));
    }
  })();

  return {
    port: listener.addr.port,
    lost: session.lost,
    async close(): Promise<void> {
      listener.close();
      await accepting;
      const open = [...clients];
      for (const client of open) client.disconnect();
      await Promise.all(open.map((client) => client.done));
    },
  };
}

/** The one backend session and whose turn it is. */
class SharedSession {
  readonly #db: PGlite;
  readonly #default: SessionState;
  readonly #waiting: (() => void)[] = [];
  #busy = false;
  #current: SessionState;
  /** The client whose settings the session holds, when they may differ from `#current`. */
  #changedBy: Client | undefined;
  readonly #loss = Promise.withResolvers<Error>();
  #lost: Error | undefined;

  private constructor(db: PGlite, state: SessionState) {
    this.#db = db;
    this.#default = state;
    this.#current = state;
  }

  static async open(db: PGlite): Promise<SharedSession> {
    const { rows } = await db.query<{ user: string }>(`select session_user::text as "user"`);
    return new SharedSession(db, { user: rows[0]?.user ?? "postgres", role: "none", settings: new Map() });
  }

  /** Resolves once the server behind the session is not there any more. */
  get lost(): Promise<Error> {
    return this.#loss.promise;
  }

  /** Waits for the session and gives it the client's own settings. */
  async acquire(client: Client): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy = true;
    try {
      this.#mustBeThere();
      await this.#become(client);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }

  /** Only for the client whose turn it is. */
  async exchange(messages: Uint8Array): Promise<Uint8Array> {
    this.#mustBeThere();
    const answer = await this.#db.runExclusive(() => this.#db.execProtocolRaw(messages));
    this.#lost = lossIn(answer);
    if (this.#lost !== undefined) this.#loss.resolve(this.#lost);
    this.#mustBeThere();
    if (isAnswered(messages, answer)) return answer;
    throw new Error(
      "The embedded Postgres ran out of stack in the middle of a statement and cannot be used any more; start it anew.",
    );
  }

  /** Whatever is asked of a server that gave up never ends, and no other code of this process runs meanwhile. */
  #mustBeThere(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  isInTransaction(): boolean {
    return this.#db.isInTransaction();
  }

  markChanged(client: Client): void {
    this.#changedBy = client;
  }

  async rollback(): Promise<void> {
    await this.exchange(message("Q", cString("rollback")));
  }

  /** Current value of a setting, as reported to a client at start-up. */
  async show(name: string): Promise<string> {
    const { rows } = await this.#db.query<{ value: string | null }>(
      "select current_setting($1, true) as value",
      [
        name,
      ],
    );
    return rows[0]?.value ?? "";
  }

  async roleExists(name: string): Promise<boolean> {
    const { rows } = await this.#db.query("select from pg_catalog.pg_roles where rolname = $1", [name]);
    return rows.length > 0;
  }

  get defaultUser(): string {
    return this.#default.user;
  }

  async #become(client: Client): Promise<void> {
    const before = this.#changedBy;
    if (before === client) return;
    if (before !== undefined) {
      before.state = await this.#read();
      this.#current = before.state;
      this.#changedBy = undefined;
    }
    if (sameState(this.#current, client.state)) return;
    // `reset session authorization` does nothing in the embedded server, which never authenticated anybody.
    await this.#db.query("select set_config('session_authorization', $1, false)", [this.#default.user]);
    await this.#db.exec("set role none; reset all");
    this.#current = this.#default;
    for (const [name, value] of client.state.settings) {
      await this.#db.query("select set_config($1, $2, false)", [name, value]);
    }
    if (client.state.user !== this.#default.user) {
      await this.#db.query("select set_config('session_authorization', $1, false)", [client.state.user]);
    }
    if (client.state.role !== "none") {
      await this.#db.query("select set_config('role', $1, false)", [client.state.role]);
    }
    this.#current = client.state;
  }

  async #read(): Promise<SessionState> {
    const { rows } = await this.#db.query<{ user: string; role: string; settings: Record<string, string> }>(
      `select session_user::text as "user", current_setting('role') as role,
              coalesce(json_object_agg(name, setting), '{}') as settings
         from pg_catalog.pg_settings where source = 'session'`,
    );
    const row = rows[0];
    if (row === undefined) return this.#default;
    return { user: row.user, role: row.role, settings: new Map(Object.entries(row.settings)) };
  }
}

/** One TCP connection. */
class Client {
  static #count = 0;

  state: SessionState;
  done: Promise<void> = Promise.resolve();
  readonly #connection: Deno.TcpConn;
  readonly #session: SharedSession;
  readonly #peers: ReadonlySet<Client>;
  readonly #prefix = `c${++Client.#count}_`;
  readonly #statements = new Set<string>();
  readonly #channels = new Set<string>();
  /** What has arrived and was not handled yet is the part from `#start` to `#end`. */
  #buffer = new Uint8Array(65_536);
  #start = 0;
  #end = 0;
  #holding = false;
  #closed = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Deno.TcpConn, session: SharedSession, peers: ReadonlySet<Client>) {
    this.#connection = connection;
    this.#session = session;
    this.#peers = peers;
    this.state = { user: session.defaultUser, role: "none", settings: new Map() };
  }

  disconnect(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  async serve(): Promise<void> {
    let started = false;
    try {
      if (!await this.#startUp()) return;
      started = true;
      while (true) {
        const batch = await this.#nextBatch();
        if (batch === undefined) return;
        await this.#handle(batch);
        if (batch.terminates) return;
      }
    } catch (error) {
      // A client that vanishes mid-write is ordinary; anything else is told to the client before it is dropped.
      if (
        !(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset) &&
        !this.#closed
      ) {
        const text = error instanceof Error ? error.message : String(error);
        // Drivers keep an answer's error to themselves until the server is ready again.
        const answer = started
          ? concatenate([failure("ERROR", "XX000", text), message("Z", encoder.encode("I"))])
          : fatal("XX000", text);
        await this.#write(answer).catch(() => {});
      }
    } finally {
      await this.#leave();
      this.disconnect();
    }
  }

  /** Answers the start-up handshake; false when the client is turned away. */
  async #startUp(): Promise<boolean> {
    while (true) {
      const header = await this.#take(8);
      if (header === undefined) return false;
      const view = new DataView(header.buffer, header.byteOffset, 8);
      const length = view.getInt32(0);
      const code = view.getInt32(4);
      if (code === SSL_REQUEST || code === GSS_REQUEST) {
        await this.#write(encoder.encode("N"));
        continue;
      }
      if (code === CANCEL_REQUEST) return false;
      const body = await this.#take(length - 8);
      if (body === undefined) return false;
      if (code >>> 16 !== PROTOCOL_3 >>> 16) {
        await this.#write(
          fatal("0A000", `Protocol ${code >>> 16}.${code & 0xffff} is not supported, use 3.0.`),
        );
        return false;
      }
      return await this.#welcome(parseParameters(body));
    }
  }

  async #welcome(parameters: ReadonlyMap<string, string>): Promise<boolean> {
    const user = parameters.get("user") ?? this.#session.defaultUser;
    const database = parameters.get("database") ?? user;
    if (database !== "postgres") {
      await this.#write(
        fatal("3D000", `Database "${database}" does not exist, the embedded one is "postgres".`),
      );
      return false;
    }
    const settings = new Map<string, string>();
    for (const [name, value] of parameters) {
      if (!CONNECTION_PARAMETERS.has(name) && !name.startsWith("_pq_.")) settings.set(name, value);
    }
    for (const match of (parameters.get("options") ?? "").matchAll(/(?:-c\s*|--)([\w.]+)=((?:\\.|\S)*)/g)) {
      const [, name, value] = match;
      if (name !== undefined && value !== undefined) settings.set(name, value.replace(/\\(.)/g, "$1"));
    }
    await this.#session.acquire(this);
    try {
      if (!await this.#session.roleExists(user)) {
        await this.#write(fatal("28000", `Role "${user}" does not exist.`));
        return false;
      }
      this.state = { user, role: "none", settings };
    } finally {
      this.#session.release();
    }
    await this.#session.acquire(this);
    try {
      const chunks = [message("R", int32(0))];
      for (const name of REPORTED_SETTINGS) {
        chunks.push(message("S", concatenate([cString(name), cString(await this.#session.show(name))])));
      }
      chunks.push(message("K", concatenate([int32(Deno.pid), int32(0)])), message("Z", encoder.encode("I")));
      await this.#write(concatenate(chunks));
    } finally {
      this.#session.release();
    }
    return true;
  }

  /** Every complete message that has arrived, at least one. */
  async #nextBatch(): Promise<{ messages: Uint8Array; changes: boolean; terminates: boolean } | undefined> {
    const parts: Uint8Array[] = [];
    let changes = false;
    let terminates = false;
    while (!terminates) {
      const complete = messageLength(this.#buffer.subarray(this.#start, this.#end));
      if (complete === undefined) {
        if (parts.length > 0) break;
        if (!await this.#fill()) return undefined;
        continue;
      }
      const one = this.#buffer.slice(this.#start, this.#start + complete);
      this.#start += complete;
      const type = String.fromCharCode(one[0] ?? 0);
      if (type === "X") {
        terminates = true;
        break;
      }
      const sql = type === "Q"
        ? readCString(one, 5)
        : type === "P"
        ? readCString(one, skipCString(one, 5))
        : "";
      if (CHANGES_SESSION.test(sql)) changes = true;
      const channel = LISTENS.exec(sql)?.[2];
      if (channel !== undefined) this.#channels.add(channel);
      parts.push(isTooDeep(type, one) ? refusal(type) : this.#rename(type, one));
    }
    return { messages: concatenate(parts), changes, terminates };
  }

  async #handle(batch: { messages: Uint8Array; changes: boolean }): Promise<void> {
    if (batch.messages.length === 0) return;
    if (!this.#holding) {
      await this.#session.acquire(this);
      this.#holding = true;
    }
    if (batch.changes) this.#session.markChanged(this);
    const answer = this.#deliverNotifications(await this.#session.exchange(batch.messages));
    if (isIdle(answer)) {
      this.#holding = false;
      this.#session.release();
    }
    await this.#write(answer);
  }

  /** Named prepared statements share one namespace in the session, so each client's get its own prefix. */
  #rename(type: string, one: Uint8Array): Uint8Array {
    const statementAt = type === "P"
      ? 5
      : type === "B"
      ? skipCString(one, 5)
      : (type === "D" || type === "C") && one[5] === 0x53
      ? 6
      : undefined;
    if (statementAt === undefined || one[statementAt] === 0) return one;
    const name = readCString(one, statementAt);
    if (type === "P") this.#statements.add(name);
    if (type === "C") this.#statements.delete(name);
    const body = concatenate([
      one.subarray(5, statementAt),
      encoder.encode(this.#prefix),
      one.subarray(statementAt),
    ]);
    return message(type, body);
  }

  /** Takes notifications out of an answer and sends each to the clients that listen to its channel. */
  #deliverNotifications(answer: Uint8Array): Uint8Array {
    const kept: Uint8Array[] = [];
    let start = 0;
    let found = false;
    const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
    for (let at = 0; at + 5 <= answer.length;) {
      const length = 1 + view.getInt32(at + 1);
      if (answer[at] === 0x41) {
        found = true;
        kept.push(answer.subarray(start, at));
        const notification = answer.slice(at, at + length);
        const channel = readCString(notification, 9);
        for (const peer of this.#peers) peer.#notify(channel, notification);
        start = at + length;
      }
      at += length;
    }
    if (!found) return answer;
    kept.push(answer.subarray(start));
    return concatenate(kept);
  }

  #notify(channel: string, notification: Uint8Array): void {
    if (this.#channels.has(channel)) this.#write(notification).catch(() => this.disconnect());
  }

  /** Leaves nothing of the client behind: no open transaction, no prepared statement. */
  async #leave(): Promise<void> {
    try {
      if (!this.#holding) await this.#session.acquire(this);
      this.#holding = false;
      try {
        if (this.#session.isInTransaction()) await this.#session.rollback();
        const closes = [...this.#statements].map((name) =>
          message("C", concatenate([encoder.encode("S"), cString(this.#prefix + name)]))
        );
        await this.#session.exchange(concatenate([...closes, message("S", new Uint8Array(0))]));
      } finally {
        this.#session.release();
      }
    } catch {
      // The database is closing with its clients still connected; there is nothing left to clean.
    }
  }

  async #take(length: number): Promise<Uint8Array | undefined> {
    while (this.#end - this.#start < length) if (!await this.#fill()) return undefined;
    const taken = this.#buffer.slice(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }

  async #fill(): Promise<boolean> {
    this.#makeRoom();
    let read: number | null;
    try {
      read = await this.#connection.read(this.#buffer.subarray(this.#end));
    } catch (error) {
      if (this.#closed || error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
    if (read === null) return false;
    this.#end += read;
    return true;
  }

  /** Doubles the buffer as a long message needs it, so that its bytes are copied a bounded number of times. */
  #makeRoom(): void {
    const held = this.#buffer.subarray(this.#start, this.#end);
    if (held.length > this.#buffer.length / 2) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(held);
      this.#buffer = larger;
    } else if (this.#end > this.#buffer.length / 2) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else {
      return;
    }
    this.#start = 0;
    this.#end = held.length;
  }

  /** Notifications may come while an answer is being written, so writes queue up. */
  #write(bytes: Uint8Array): Promise<void> {
    const write = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    });
    this.#writing = write.catch(() => {});
    return write;
  }
}

function sameState(a: SessionState, b: SessionState): boolean {
  if (a === b) return true;
  if (a.user !== b.user || a.role !== b.role || a.settings.size !== b.settings.size) return false;
  for (const [name, value] of a.settings) if (b.settings.get(name) !== value) return false;
  return true;
}

/** True when the answer ends with "ready for query" outside a transaction. */
function isIdle(answer: Uint8Array): boolean {
  const end = answer.length;
  return end >= 6 && answer[end - 6] === 0x5a && answer[end - 2] === 5 && answer[end - 1] === 0x49;
}

/** Length of the message at the start of the bytes, undefined while it is incomplete. */
function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < 5) return undefined;
  const length = 1 + new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(1);
  return bytes.length < length ? undefined : length;
}

function parseParameters(body: Uint8Array): ReadonlyMap<string, string> {
  const words = decoder.decode(body).split("\0");
  const parameters = new Map<string, string>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    const name = words[at];
    const value = words[at + 1];
    if (name !== undefined && name !== "" && value !== undefined) parameters.set(name, value);
  }
  return parameters;
}

/**
 * Whether a message carries a document that the embedded server cannot follow to its end: unlike Postgres elsewhere, it
 * does not notice in time and is lost with it.
 */
function isTooDeep(type: string, one: Uint8Array): boolean {
  if (!"BPQ".includes(type) || one.length < DEEPEST_DOCUMENT) return false;
  let depth = 0;
  for (const byte of one) {
    if (byte === 0x5b || byte === 0x7b) {
      if (++depth > DEEPEST_DOCUMENT) return true;
    } else if ((byte === 0x5d || byte === 0x7d) && depth > 0) depth--;
  }
  return false;
}

/** Takes the place of a message, so that the server refuses it as Postgres would. */
function refusal(type: string): Uint8Array {
  const sql = cString(
    `do $$ begin raise exception using errcode = '54001', message = 'stack depth limit exceeded',
       detail = 'The embedded Postgres takes documents of at most ${DEEPEST_DOCUMENT} levels.'; end $$`,
  );
  if (type === "Q") return message("Q", sql);
  const unnamed = new Uint8Array(1);
  return concatenate([
    message("P", concatenate([unnamed, sql, new Uint8Array(2)])),
    message("B", new Uint8Array(8)),
    message("E", new Uint8Array(5)),
  ]);
}

/** Whether each message that was sent, up to an error, has got the message that says it is done. */
function isAnswered(messages: Uint8Array, answer: Uint8Array): boolean {
  const sent = countTypes(messages);
  const got = countTypes(answer);
  // What asks for data is done when that has come.
  if (got("E") + got("G") > 0) return true;
  return got("1") >= sent("P") && got("2") >= sent("B") && got("C") + got("I") + got("s") >= sent("E") &&
    got("Z") >= sent("Q") + sent("S");
}

const DISK_FULL = "53100";

/** Why the server cannot go on after this answer; undefined where it can. */
function lossIn(answer: Uint8Array): Error | undefined {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
  for (let at = 0; at + 5 <= answer.length; at += 1 + view.getInt32(at + 1)) {
    if (answer[at] !== 0x45) continue;
    const fields = new Map<string, string>();
    for (
      let field = at + 5;
      answer[field] !== 0 && field < answer.length;
      field = skipCString(answer, field)
    ) {
      fields.set(String.fromCharCode(answer[field] ?? 0), readCString(answer, field + 1));
    }
    const said = fields.get("M") ?? "";
    if (fields.get("C") === DISK_FULL) return diskFull(said);
    if (fields.get("V") === "PANIC") {
      return new Error(`The embedded Postgres gave up and has to be started anew: ${said}.`);
    }
  }
  return undefined;
}

/** What a full disk means to whoever runs the stack. */
export function diskFull(said: string): Error {
  return new Error(
    `The disk that holds the embedded Postgres is full (${said}). Make room on it and start again; what was committed is kept.`,
  );
}

/** How many of the messages are of a type. */
function countTypes(messages: Uint8Array): (type: string) => number {
  const counts = new Map<number, number>();
  const view = new DataView(messages.buffer, messages.byteOffset, messages.length);
  for (let at = 0; at + 5 <= messages.length; at += 1 + view.getInt32(at + 1)) {
    const type = messages[at] ?? 0;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return (type) => counts.get(type.charCodeAt(0)) ?? 0;
}

function fatal(sqlState: string, text: string): Uint8Array {
  return failure("FATAL", sqlState, text);
}

function failure(severity: "ERROR" | "FATAL", sqlState: string, text: string): Uint8Array {
  return message(
    "E",
    concatenate([
      cString(`S${severity}`),
      cString(`V${severity}`),
      cString(`C${sqlState}`),
      cString(`M${text}`),
      new Uint8Array(1),
    ]),
  );
}

function message(type: string, body: Uint8Array): Uint8Array {
  return concatenate([encoder.encode(type), int32(body.length + 4), body]);
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function cString(text: string): Uint8Array {
  return encoder.encode(text + "\0");
}

function skipCString(bytes: Uint8Array, at: number): number {
  return bytes.indexOf(0, at) + 1;
}

function readCString(bytes: Uint8Array, at: number): string {
  return decoder.decode(bytes.subarray(at, bytes.indexOf(0, at)));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
