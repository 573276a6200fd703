import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { z } from "zod";
import { readStrandFile, type Strand } from "../strand_file.ts";
import { FileSink, StackSink } from "./sink.ts";
import { dimensionsStrand } from "./strands.ts";
import { withFile } from "../testing/import/freqtrade_exports.ts";

const strand = (at: number): Strand => ({ id: `s${at}`, module: "pm", kind: "pm_action", content: { at } });

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

Deno.test("a file sink writes a strand file, which gets its name when it is complete", async () => {
  await withFile("other", "", async (other) => {
    const path = other.replace(/other$/, "out.ndjson");
    const sink = new FileSink(path);
    // More than one flush: a thousand bytes each.
    const strands = Array.from({ length: 600 }, (_, at) => ({ ...strand(at), symbol: "é".repeat(500) }));
    for (const one of strands) await sink.add(one);
    assertEquals(await exists(path), false);
    assertEquals(await sink.close(), { written: 600, known: 0 });
    const read = await Array.fromAsync(readStrandFile(path), (filed) => filed.strand);
    assertEquals(read, strands);
    assertEquals(await exists(`${path}.partial`), false);
  });
});

Deno.test("an abandoned file sink leaves nothing, and an earlier file as it was", async () => {
  await withFile("out.ndjson", "earlier", async (path) => {
    const sink = new FileSink(path);
    for (let at = 0; at < 600; at++) await sink.add({ ...strand(at), symbol: "x".repeat(1000) });
    await sink.abandon();
    assertEquals(await Deno.readTextFile(path), "earlier");
    assertEquals(await exists(`${path}.partial`), false);
    await new FileSink(path).abandon();
  });
});

/** As much of a data API as the sink uses: it answers with the rows that were not there yet. */
class Stand {
  readonly calls: string[] = [];
  readonly registry = [{ dim: "curator", bit: 0, aliases: [] }, { dim: "side", bit: 17, aliases: [] }];
  readonly dimensions: unknown[] = [];
  readonly stored = new Set<string>();
  failure: string | null = null;

  readonly client: SupabaseClient = createClient("http://stand.invalid", "secret", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: (input, init) => this.#answer(new Request(input, init)) },
  });

  async #answer(request: Request): Promise<Response> {
    const table = new URL(request.url).pathname.split("/").at(-1) ?? "";
    this.calls.push(`${request.method} ${table}`);
    if (request.method === "GET") return Response.json(this.registry);
    if (this.failure !== null) return Response.json({ message: this.failure }, { status: 400 });
    const rows = z.array(z.looseObject({ id: z.string().optional() })).parse(await request.json());
    if (table === "scope_dimensions") {
      this.dimensions.push(...rows);
      return new Response(null, { status: 201 });
    }
    assertEquals(new URL(request.url).searchParams.get("on_conflict"), "id");
    assertEquals(request.headers.get("Prefer")?.includes("resolution=ignore-duplicates"), true);
    assertEquals(rows.length <= 1000, true);
    const fresh = rows.filter((row) => row.id !== undefined && !this.stored.has(row.id));
    for (const row of fresh) this.stored.add(row.id ?? "");
    return Response.json(fresh.map((row) => ({ id: row.id })), { status: 201 });
  }
}

async function feed(stand: Stand, strands: Iterable<Strand>): Promise<{ written: number; known: number }> {
  const sink = new StackSink(stand.client);
  for (const one of strands) await sink.add(one);
  return await sink.close();
}

const many = Array.from({ length: 1200 }, (_, at) => strand(at));

Deno.test("a stack gets its missing dimensions first, then the strands in batches", async () => {
  const stand = new Stand();
  assertEquals(await feed(stand, [dimensionsStrand(0), ...many]), { written: 1201, known: 0 });
  assertEquals(stand.calls, [
    "GET scope_dimensions",
    "POST scope_dimensions",
    "POST ad_strands",
    "POST ad_strands",
    "POST ad_strands",
  ]);
  assertEquals(
    z.array(z.object({ dim: z.string(), bit: z.number() })).parse(stand.dimensions).map((
      { dim, bit },
    ) => [dim, bit]),
    [["strategy", 18], ["pair", 19], ["enter_tag", 20], ["session", 21], ["weekday", 22]],
  );
});

Deno.test("strands that a stack has already stay as they are and are counted", async () => {
  const stand = new Stand();
  await feed(stand, many.slice(0, 700));
  assertEquals(await feed(stand, many), { written: 500, known: 700 });
  assertEquals(await feed(stand, many), { written: 0, known: 1200 });
});

Deno.test("a refusal by the stack names the strands and says what to do", async () => {
  const stand = new Stand();
  stand.failure = "permission denied for table ad_strands";
  await assertRejects(
    () => feed(stand, many),
    Error,
    '500 strands from "s0" to "s499" were not stored: permission denied for table ad_strands',
  );
  await assertRejects(
    () => feed(stand, [dimensionsStrand(0)]),
    Error,
    "cannot be registered: permission denied",
  );
});
