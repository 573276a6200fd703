import { unpackFloats, unpackIntegers, unpackShorts } from "../store/packed.ts";
import type { Store } from "../store/store.ts";
import type { PackedWindows } from "../store/tuning_store.ts";
import type { DictionaryCodes, NamedDimension } from "../mining/dimensions.ts";
import { readDimensions } from "../mining/read_dimensions.ts";
import type { GateColumns } from "./gates.ts";

/** Windows with an outcome, one entry per window, oldest first. */
export interface TuningWindows {
  readonly rows: number;
  /** Oldest time they were asked for; `null` where no window of any group has an outcome. */
  readonly looksBackTo: string | null;
  readonly dimensions: readonly NamedDimension[];
  /** Epoch milliseconds. */
  readonly occurredAt: Float64Array;
  /** 1 where the PM acted, 0 where it skipped. */
  readonly acted: Uint8Array;
  /** 1 where the episode ended in success; a neutral one in neither. */
  readonly success: Uint8Array;
  /** 1 where the episode ended in failure. */
  readonly failure: Uint8Array;
  /** 1 where something besides the three gates held the PM back. */
  readonly otherwiseBlocked: Uint8Array;
  /** Half that the window's episode belongs to: 0 chooses a move, 1 confirms it. */
  readonly half: Uint8Array;
}

/** Which windows to read. */
export interface WindowsQuery {
  readonly groupId: number;
  /** `null` for the configured look-back. */
  readonly looksBackTo: string | null;
  readonly dimensions: readonly { readonly bit: number; readonly dim: string }[];
}

/** Reads the windows of a group, in pieces that neither the database nor this process chokes on. */
export async function readWindows(store: Store, query: WindowsQuery): Promise<TuningWindows> {
  return (await readPieces(store, query, false)).windows;
}

/** Reads the windows of a group with what their gates compared. */
export async function readGatedWindows(
  store: Store,
  query: WindowsQuery,
): Promise<TuningWindows & GateColumns> {
  const { windows, gates } = await readPieces(store, query, true);
  const [tsScore, tsMin, haloDistance, haloMax, slope, slopeMin] = gates;
  if (
    tsScore === undefined || tsMin === undefined || haloDistance === undefined || haloMax === undefined ||
    slope === undefined || slopeMin === undefined
  ) {
    throw new RangeError(`Windows of group ${query.groupId} came with ${gates.length} of 6 gate columns`);
  }
  return { ...windows, tsScore, tsMin, haloDistance, haloMax, slope, slopeMin };
}

interface Piece {
  readonly rows: number;
  readonly occurredAt: Float64Array;
  readonly flags: Int32Array;
  readonly gates: readonly Float64Array[];
  readonly codes: readonly DictionaryCodes[];
}

async function readPieces(
  store: Store,
  { groupId, looksBackTo, dimensions }: WindowsQuery,
  withGates: boolean,
): Promise<{ windows: TuningWindows; gates: Float64Array[] }> {
  const pieces: Piece[] = [];
  let from = looksBackTo;
  let next: PackedWindows["next"] = null;
  do {
    const packed: PackedWindows = await store.tuning.readWindows(groupId, from, next, withGates);
    // The later pieces look back as far as the first one, even if newer windows arrive in between.
    from = packed.looks_back_to;
    next = packed.next;
    const unpackCodes = packed.code_bytes === 2 ? unpackShorts : unpackIntegers;
    pieces.push({
      rows: packed.rows,
      occurredAt: unpackFloats(packed.occurred_at),
      flags: unpackIntegers(packed.flags),
      gates: (packed.gates ?? []).map(unpackFloats),
      codes: dimensions.map(({ bit }) => unpackCodes(packed.dimensions[bit] ?? "")),
    });
  } while (next !== null);

  const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
  const floats = (column: (piece: Piece) => Float64Array): Float64Array =>
    joined(pieces.map(column), new Float64Array(rows));
  // The dictionary may outgrow two bytes between two pieces.
  const Codes = pieces.every(({ codes }) => codes.every((column) => column instanceof Uint16Array))
    ? Uint16Array
    : Int32Array;
  const encoded = dimensions.map(({ bit, dim }, i) => ({
    bit,
    dim,
    codes: joined<DictionaryCodes>(pieces.map(({ codes }) => codes[i]!), new Codes(rows)),
  }));
  const flags = joined(pieces.map((piece) => piece.flags), new Int32Array(rows));
  const flag = (bit: number): Uint8Array => Uint8Array.from(flags, (bits) => (bits & bit) === 0 ? 0 : 1);
  return {
    windows: {
      rows,
      looksBackTo: from,
      dimensions: await readDimensions(store, encoded),
      occurredAt: floats(({ occurredAt }) => occurredAt),
      acted: flag(1),
      success: flag(2),
      failure: flag(4),
      otherwiseBlocked: flag(8),
      half: flag(16),
    },
    gates: (pieces[0]?.gates ?? []).map((_, gate) => floats(({ gates }) => gates[gate]!)),
  };
}

function joined<Column extends Float64Array | Int32Array | Uint16Array>(
  pieces: readonly Column[],
  column: Column,
): Column {
  let at = 0;
  for (const piece of pieces) {
    column.set(piece, at);
    at += piece.length;
  }
  return column;
}
