/** What becomes of the embedded Postgres when its disk is full. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { PGlite } from "@electric-sql/pglite";
import { connect } from "./database.ts";
import { startEmbedded } from "./embedded.ts";
import { servePglite } from "./pglite_server.ts";
import { startStack } from "./stack.ts";

const FULL = /^The disk that holds the embedded Postgres is full \(.*No space left on device\)\. Make room/;

/** An error as the server sends it, without the message that it is ready again: it never will be. */
function panic(code: string, text: string): Uint8Array {
  const body = new TextEncoder().encode(`SPANIC\0VPANIC\0C${code}\0M${text}\0\0`);
  const message = new Uint8Array(5 + body.length);
  message[0] = 0x45;
  new DataView(message.buffer).setInt32(1, body.length + 4);
  message.set(body, 5);
  return message;
}

/** An embedded database that panics at a statement with "panic" in it, and counts what it is asked afterwards. */
async function fragile(code: string, text: string): Promise<{ db: PGlite; askedAfter: () => number }> {
  const db = await PGlite.create();
  const exec = db.execProtocolRaw.bind(db);
  const query = db.query.bind(db);
  let panicked = false;
  let askedAfter = 0;
  db.execProtocolRaw = async (messages, options): Promise<Uint8Array> => {
    if (panicked) askedAfter += 1;
    if (!new TextDecoder().decode(messages).includes("panic")) return await exec(messages, options);
    panicked = true;
    return panic(code, text);
  };
  db.query = async (...args): Promise<never> => {
    if (panicked) askedAfter += 1;
    return await query(...args) as never;
  };
  return { db, askedAfter: () => askedAfter };
}

for (
  const [what, code, text, told] of [
    ["a full disk", "53100", 'could not write to file "x": No space left on device', FULL],
    [
      "any other panic",
      "XX000",
      "could not find a valid record",
      /has to be started anew: could not find a valid/,
    ],
  ] as const
) {
  Deno.test(`${what} is told to everybody, and nothing more is asked of a server that gave up`, async () => {
    await using cleanup = new AsyncDisposableStack();
    const { db, askedAfter } = await fragile(code, text);
    cleanup.defer(() => db.close());
    const server = await servePglite(db);
    cleanup.defer(() => server.close());
    const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
    const [first, second] = [connect(url, { max: 1 }), connect(url, { max: 1 })];
    cleanup.defer(() => first.end({ timeout: 1 }));
    cleanup.defer(() => second.end({ timeout: 1 }));
    await second`select 1`;
    assertMatch((await assertRejects(() => first`select 'panic'`, Error)).message, told);
    assertMatch((await assertRejects(() => second`select 2`, Error)).message, told);
    assertMatch((await server.lost).message, told);
    const late = connect(url, { max: 1 });
    cleanup.defer(() => late.end({ timeout: 1 }));
    assertMatch((await assertRejects(() => late`select 3`, Error)).message, told);
    assertEquals(askedAfter(), 0);
  });
}

const SMALL_DISK = await mountSmallDisk();

Deno.test({
  name:
    "a stack whose disk fills up says so and ends, and has what was committed when it starts again (root)",
  ignore: SMALL_DISK === undefined,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const disk = SMALL_DISK ?? "";
    cleanup.defer(() => unmount(disk));
    const dataDirectory = `${disk}/data`;
    const stack = await startStack({ dataDirectory, push: false });
    await stack.query("create table kept (value integer)");
    await stack.query("insert into kept values (1)");
    await fill(`${disk}/filler`);
    // Nothing but the log grows, until the next piece of it finds no room.
    const writing = (async (): Promise<void> => {
      while (true) {
        await stack.query("select pg_logical_emit_message(true, '', repeat(md5(random()::text), 20000))");
      }
    })();
    assertMatch((await assertRejects(() => writing, Error)).message, FULL);
    assertMatch((await stack.lost).message, FULL);
    await stack.close();

    await Deno.remove(`${disk}/filler`);
    const again = await startStack({ dataDirectory, push: false });
    cleanup.defer(() => again.close());
    assertEquals(await again.query("select value from kept"), [{ value: 1 }]);
  },
});

Deno.test({
  name: "a disk that is too small to set the database up on is named as what is wrong (root)",
  ignore: SMALL_DISK === undefined,
  fn: async () => {
    const disk = await mountSmallDisk("20m") ?? "";
    try {
      const error = await assertRejects(() => startEmbedded({ dataDirectory: `${disk}/data` }), Error);
      assertMatch(error.message, /^The disk that holds the embedded Postgres is full/);
    } finally {
      await unmount(disk);
    }
  },
});

/** A disk in memory; undefined where this process may not mount one. */
async function mountSmallDisk(size = "120m"): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder],
      stderr: "null",
    }).output();
    if (success) return folder;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.remove(folder);
  return undefined;
}

async function unmount(folder: string): Promise<void> {
  await new Deno.Command("umount", { args: ["--lazy", folder] }).output();
  await Deno.remove(folder);
}

async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  const chunk = new Uint8Array(65_536);
  try {
    while (true) await file.write(chunk);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("No space left"))) throw error;
  }
}
