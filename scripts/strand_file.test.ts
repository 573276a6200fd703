import { assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import {
  dimensionRows,
  type FiledStrand,
  readStrandFile,
  registeredDimensions,
  type Strand,
  StrandFileError,
  strandRow,
} from "./strand_file.ts";
import { isThere, SHARED_DATA } from "./testing/shared_data.ts";

const SHARED = new URL("market/strands-spot-early.ndjson.gz", SHARED_DATA);

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

async function withFile<T>(content: string | Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".ndjson" });
  try {
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const readAll = (content: string | Uint8Array): Promise<FiledStrand[]> =>
  withFile(content, (path) => Array.fromAsync(readStrandFile(path)));

const action = { id: "a1", module: "pm", kind: "pm_action", content: { trade_id: "t1" } };
const close = {
  id: "c1",
  module: "pm",
  kind: "position_closed",
  created_at: "2024-01-01T00:00:00Z",
  content: {},
};
const twoLines = `${JSON.stringify(action)}\n${JSON.stringify(close)}\n`;

Deno.test("a strand file is read line by line, with its line numbers", async () => {
  const filed = await readAll(twoLines);
  assertEquals(filed.map(({ line, strand }) => [line, strand.id]), [[1, "a1"], [2, "c1"]]);
  assertEquals(filed[0]?.strand.content, { trade_id: "t1" });
});

Deno.test("a gzipped file is told from its content, whatever its name", async () => {
  const packed = await gzip(new TextEncoder().encode(twoLines));
  assertEquals(await readAll(packed), await readAll(twoLines));
});

Deno.test("empty lines count but hold nothing; byte order mark, CRLF and a missing last line end are fine", async () => {
  const filed = await readAll(`\uFEFF${JSON.stringify(action)}\r\n\r\n  \n${JSON.stringify(close)}`);
  assertEquals(filed.map(({ line, strand }) => [line, strand.id]), [[1, "a1"], [4, "c1"]]);
});

Deno.test("an empty file holds no strand", async () => {
  assertEquals(await readAll(""), []);
});

Deno.test("fields that are no column of ad_strands are left out", async () => {
  const [filed] = await readAll(JSON.stringify({ ...action, note: "mine" }));
  assertEquals(filed?.strand, action);
});

Deno.test("a line that is not JSON is named with its number, after the lines before it were handed out", async () => {
  await withFile(`${twoLines}{"id": "x",\n`, async (path) => {
    const seen: string[] = [];
    const error = await assertRejects(
      async () => {
        for await (const { strand } of readStrandFile(path)) seen.push(strand.id);
      },
      StrandFileError,
      `${path}, line 3: not JSON`,
    );
    assertEquals(seen, ["a1", "c1"]);
    assertEquals(error.line, 3);
  });
});

Deno.test("a line that is no strand is refused with every reason", async () => {
  const error = await assertRejects(
    () => readAll(JSON.stringify({ id: "", created_at: "yesterday", content: {} })),
    StrandFileError,
  );
  assertEquals(
    ["id: ", "kind: ", 'created_at: must be a timestamp such as "2024-01-01T16:10:00Z", not "yesterday"']
      .filter((reason) => !error.message.includes(reason)),
    [],
  );
  await assertRejects(() => readAll("[1]"), StrandFileError, "line 1: not a strand");
});

Deno.test("a gzipped file that breaks off is an error, not a short file", async () => {
  const packed = await gzip(new TextEncoder().encode(twoLines.repeat(500)));
  await assertRejects(
    () => readAll(packed.slice(0, packed.length - 20)),
    StrandFileError,
    "cannot be read on",
  );
});

Deno.test("text that is not UTF-8 is an error", async () => {
  await assertRejects(
    () => readAll(new Uint8Array([0x22, 0xff, 0x22])),
    StrandFileError,
    "cannot be read on",
  );
});

Deno.test("a file may be left early", async () => {
  await withFile(twoLines, async (path) => {
    for await (const { strand } of readStrandFile(path)) {
      assertEquals(strand.id, "a1");
      break;
    }
  });
});

Deno.test("a row has every column, and now as its time where the strand has none", () => {
  const row = strandRow(action, () => new Date("2025-02-03T04:05:06Z"));
  assertEquals(row, {
    id: "a1",
    module: "pm",
    kind: "pm_action",
    position_id: null,
    trade_id: null,
    parent_id: null,
    symbol: null,
    timeframe: null,
    content: { trade_id: "t1" },
    regime_context: {},
    tags: [],
    created_at: "2025-02-03T04:05:06.000Z",
  });
  assertEquals(strandRow(close).created_at, "2024-01-01T00:00:00Z");
});

Deno.test("a strand of kind scope_dimensions lists dimensions, any other kind none", () => {
  const dimensions = [{ dim: "pair", source: "entry" }, { dim: "venue", source: "action", weight: 2 }];
  const strand: Strand = { id: "d", kind: "scope_dimensions", content: { dimensions } };
  assertEquals<unknown>(registeredDimensions(strand), dimensions);
  assertEquals(registeredDimensions({ ...strand, kind: "note" }), []);
});

Deno.test("a list of dimensions that is none is refused by path", () => {
  const strand: Strand = {
    id: "d",
    kind: "scope_dimensions",
    content: { dimensions: [{ dim: "a b", source: "x" }] },
  };
  const error = assertThrows(
    () => registeredDimensions(strand),
    TypeError,
    'Strand "d" does not list dimensions',
  );
  assertEquals(error.message.includes("content.dimensions.0.dim"), true);
  assertEquals(error.message.includes("content.dimensions.0.source"), true);
});

Deno.test("new dimensions take the lowest free bits from 17 up and leave registered ones alone", () => {
  const registered = [
    { dim: "curator", bit: 0 },
    { dim: "mcap_bucket", bit: 2, aliases: ["bucket"] },
    { dim: "venue", bit: 18 },
  ];
  const rows = dimensionRows([
    { dim: "pair", source: "entry" },
    { dim: "venue", source: "action" },
    { dim: "bucket", source: "entry" },
    { dim: "side", source: "entry", weight: 0.5, aliases: ["direction"] },
    { dim: "pair", source: "entry" },
  ], registered);
  assertEquals(rows, [
    { dim: "pair", bit: 17, source: "entry", weight: 1, aliases: [] },
    { dim: "side", bit: 19, source: "entry", weight: 0.5, aliases: ["direction"] },
  ]);
});

Deno.test("a full registry is an error that names the dimension", () => {
  const registered = Array.from({ length: 31 }, (_, bit) => ({ dim: `d${bit}`, bit }));
  assertThrows(
    () => dimensionRows([{ dim: "pair", source: "entry" }], registered),
    RangeError,
    'Dimension "pair"',
  );
});

Deno.test({
  name: "the shared market file holds 32,526 strands",
  ignore: !isThere(SHARED),
  fn: async () => {
    let strands = 0;
    for await (const { line } of readStrandFile(SHARED.pathname)) {
      strands += 1;
      assertEquals(line, strands);
    }
    assertEquals(strands, 32_526);
  },
});
