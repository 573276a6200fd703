/**
 * Strand files: one JSON strand a line (ndjson), plain or gzipped, of any size.
 *
 * A file whose scopes use dimensions beyond the seventeen built in says so with a strand of kind
 * `scope_dimensions`, before the first strand that uses them. The database stores it like any strand that
 * learning does not read; whoever feeds the file registers what it lists ({@link registeredDimensions},
 * {@link dimensionRows}) before feeding on, because an unregistered key is dropped from a scope
 * (functions/README.md, "Scopes").
 *
 * @module
 */

import { TextLineStream } from "@std/streams/text_line_stream.js";
import { z } from "zod";

/** Kind of the strand that lists the dimensions its file uses. */
export const DIMENSIONS_KIND = "scope_dimensions";

/**
 * Bits below this belong to the seventeen dimensions that every database starts with (functions/README.md,
 * "Scopes").
 */
const FIRST_FREE_BIT = 17;
/** A scope mask is a 32-bit integer whose sign stays free (functions/README.md, "Scopes"). */
const LAST_BIT = 30;

const timestamp = z.string().refine((text) => !Number.isNaN(Date.parse(text)), {
  error: (issue) => `must be a timestamp such as "2024-01-01T16:10:00Z", not ${JSON.stringify(issue.input)}`,
});

/** The columns of `ad_strands`; fields beyond them are left out, as the data API would refuse the row. */
const strandSchema = z.object({
  id: z.string().min(1),
  module: z.string().nullish(),
  kind: z.string().min(1),
  position_id: z.string().nullish(),
  trade_id: z.string().nullish(),
  parent_id: z.string().nullish(),
  symbol: z.string().nullish(),
  timeframe: z.string().nullish(),
  content: z.unknown().optional(),
  regime_context: z.unknown().optional(),
  tags: z.unknown().optional(),
  created_at: timestamp.nullish(),
});

/**
 * One strand as a file holds it: the columns of `ad_strands` (sql/README.md, "The walk of a strand"), the
 * content unjudged.
 */
export type Strand = z.infer<typeof strandSchema>;

/** A strand and the line of its file, counted from 1. */
export interface FiledStrand {
  readonly line: number;
  readonly strand: Strand;
}

/** A strand as the data API takes it: every column filled, so that the rows of a batch have the same keys. */
export interface StrandRow {
  readonly id: string;
  readonly module: string | null;
  readonly kind: string;
  readonly position_id: string | null;
  readonly trade_id: string | null;
  readonly parent_id: string | null;
  readonly symbol: string | null;
  readonly timeframe: string | null;
  readonly content: unknown;
  readonly regime_context: unknown;
  readonly tags: unknown;
  readonly created_at: string;
}

/** A file that cannot be read as strands; the message names file and line. */
export class StrandFileError extends Error {
  override readonly name = "StrandFileError";
  constructor(
    readonly path: string,
    readonly line: number,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${path}, line ${line}: ${reason}`, options);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The bytes of a file, unpacked where it begins with the two bytes that every gzip file begins with. */
async function openPlain(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const file = await Deno.open(path);
  try {
    const head = new Uint8Array(2);
    const read = await file.read(head);
    await file.seek(0, Deno.SeekMode.Start);
    const gzipped = read === 2 && head[0] === 0x1f && head[1] === 0x8b;
    return gzipped ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
  } catch (cause) {
    file.close();
    throw cause;
  }
}

function parseLine(path: string, line: number, text: string): Strand {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StrandFileError(
      path,
      line,
      `not JSON: ${messageOf(cause)}. A strand file holds one JSON object a line.`,
      {
        cause,
      },
    );
  }
  const parsed = strandSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`
  );
  throw new StrandFileError(path, line, `not a strand: ${reasons.join("; ")}`, { cause: parsed.error });
}

/**
 * Reads a strand file as a stream, in the order of its lines. Whether it is gzipped is told from its content, not
 * from its name; empty lines are skipped, a byte order mark and CRLF line ends are fine.
 *
 * @throws {StrandFileError} at the first line that is no strand, and where the file breaks off or is not UTF-8.
 */
export async function* readStrandFile(path: string): AsyncGenerator<FiledStrand, void, undefined> {
  const bytes = await openPlain(path);
  const lines: ReadableStream<string> = bytes
    .pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))
    .pipeThrough(new TextLineStream());
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      if (text.trim() !== "") yield { line, strand: parseLine(path, line, text) };
    }
  } catch (cause) {
    if (cause instanceof StrandFileError) throw cause;
    throw new StrandFileError(
      path,
      line + 1,
      `cannot be read on: ${messageOf(cause)}. The file may be incomplete, or not UTF-8 text.`,
      { cause },
    );
  }
}

/** A strand as a row for the data API; one without an event time happened now, as the column's default says. */
export function strandRow(strand: Strand, now: () => Date = () => new Date()): StrandRow {
  return {
    id: strand.id,
    module: strand.module ?? null,
    kind: strand.kind,
    position_id: strand.position_id ?? null,
    trade_id: strand.trade_id ?? null,
    parent_id: strand.parent_id ?? null,
    symbol: strand.symbol ?? null,
    timeframe: strand.timeframe ?? null,
    content: strand.content ?? {},
    regime_context: strand.regime_context ?? {},
    tags: strand.tags ?? [],
    created_at: strand.created_at ?? now().toISOString(),
  };
}

const dimensionSchema = z.object({
  dim: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/),
  source: z.enum(["entry", "action", "regime"]),
  weight: z.number().positive().optional(),
  aliases: z.array(z.string()).optional(),
});

/**
 * A dimension to register: where its values are read first, and how much it weighs in exposure
 * (functions/README.md, "Scopes" and "Exposure and crowding").
 */
export type ScopeDimension = z.infer<typeof dimensionSchema>;

/** A row of `scope_dimensions`. */
export interface ScopeDimensionRow {
  readonly dim: string;
  readonly bit: number;
  readonly source: ScopeDimension["source"];
  readonly weight: number;
  readonly aliases: readonly string[];
}

/**
 * The dimensions that a strand asks to be registered: those listed by a strand of kind `scope_dimensions` under
 * `content.dimensions`, none for any other kind.
 *
 * @throws {TypeError} when such a strand lists something else than dimensions.
 */
export function registeredDimensions(strand: Strand): ScopeDimension[] {
  if (strand.kind !== DIMENSIONS_KIND) return [];
  const parsed = z.object({ dimensions: z.array(dimensionSchema) }).safeParse(strand.content);
  if (parsed.success) return parsed.data.dimensions;
  const reasons = parsed.error.issues.map((issue) => `content.${issue.path.join(".")}: ${issue.message}`);
  throw new TypeError(`Strand "${strand.id}" does not list dimensions: ${reasons.join("; ")}`, {
    cause: parsed.error,
  });
}

/**
 * The rows to insert into `scope_dimensions` so that every wanted dimension is registered. Dimensions that are
 * already there, under their own name or as an alias, stay as they are; new ones take the lowest free bits from 17
 * up, in the order wanted.
 *
 * @param registered the registry as it stands.
 * @throws {RangeError} when the registry has no bit left.
 */
export function dimensionRows(
  wanted: readonly ScopeDimension[],
  registered: readonly {
    readonly dim: string;
    readonly bit: number;
    readonly aliases?: readonly string[] | null;
  }[],
): ScopeDimensionRow[] {
  const names = new Set(registered.flatMap((row) => [row.dim, ...(row.aliases ?? [])]));
  const taken = new Set(registered.map((row) => row.bit));
  const rows: ScopeDimensionRow[] = [];
  let bit = FIRST_FREE_BIT;
  for (const { dim, source, weight = 1, aliases = [] } of wanted) {
    if (names.has(dim)) continue;
    while (taken.has(bit)) bit += 1;
    if (bit > LAST_BIT) {
      throw new RangeError(
        `Dimension "${dim}" cannot be registered: bits ${FIRST_FREE_BIT} to ${LAST_BIT} are all taken. ` +
          `Delete a dimension that is not used from scope_dimensions.`,
      );
    }
    names.add(dim);
    taken.add(bit);
    rows.push({ dim, bit, source, weight, aliases });
  }
  return rows;
}
