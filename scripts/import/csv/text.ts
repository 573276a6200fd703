/**
 * The text of a file, line by line: UTF-8, UTF-16 or the code page that Windows writes, gzipped or not.
 *
 * @module
 */

import { TextLineStream } from "@std/streams/text_line_stream.js";

/** A file that cannot be read as a table of trades; the message names it, and says what to do. */
export class TableError extends Error {
  override readonly name = "TableError";
}

/** A line of a file, counted from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** A text file that may be read as often as wanted. */
export interface TextFile {
  readonly path: string;
  readonly lines: () => AsyncGenerator<Line>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const HEAD = 1 << 16;

async function openBytes(path: string): Promise<ReadableStream<Bytes>> {
  const file = await Deno.open(path);
  const magic = new Uint8Array(2);
  await file.read(magic);
  await file.seek(0, Deno.SeekMode.Start);
  if (magic[0] === 0x50 && magic[1] === 0x4b) {
    file.close();
    throw new TableError(
      `${path} is an archive, or a workbook of Excel. Unpack it, or save the sheet of trades as CSV, and import that.`,
    );
  }
  const isGzipped = magic[0] === 0x1f && magic[1] === 0x8b;
  return isGzipped ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
}

async function headOf(path: string): Promise<Bytes> {
  const head = new Uint8Array(HEAD);
  let filled = 0;
  for await (const piece of await openBytes(path)) {
    const part = piece.subarray(0, HEAD - filled);
    head.set(part, filled);
    filled += part.length;
    if (filled === HEAD) break;
  }
  return head.subarray(0, filled);
}

/** The encoding that a file's beginning speaks for. */
export function encodingOf(head: Uint8Array): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const sample = head.subarray(0, 1000);
  const zeros = (parity: number): number =>
    sample.reduce((sum, byte, at) => sum + (byte === 0 && at % 2 === parity ? 1 : 0), 0);
  if (zeros(1) > sample.length / 4) return "utf-16le";
  if (zeros(0) > sample.length / 4) return "utf-16be";
  try {
    // A character that the end of the sample cuts off is no fault.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** Opens a text file. */
export async function openText(path: string): Promise<TextFile> {
  const encoding = encodingOf(await headOf(path));
  return {
    path,
    lines: async function* (): AsyncGenerator<Line> {
      const bytes = await openBytes(path);
      const lines: ReadableStream<string> = bytes
        .pipeThrough(new TextDecoderStream(encoding))
        .pipeThrough(new TextLineStream({ allowCR: true }));
      let number = 0;
      for await (const text of lines) {
        number += 1;
        yield { number, text };
      }
    },
  };
}
