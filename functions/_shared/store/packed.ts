/**
 * Columns as they cross the wire: base64 of big-endian values, one per trade.
 *
 * @module
 */

function bytesOf(packed: string, bytesPerValue: number): DataView {
  const text = atob(packed);
  if (text.length % bytesPerValue !== 0) {
    throw new RangeError(
      `A packed column of ${bytesPerValue}-byte values cannot have ${text.length} bytes`,
    );
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new DataView(bytes.buffer);
}

/** Unpacks 8-byte floating point numbers; RangeError where the last one is cut short. */
export function unpackFloats(packed: string): Float64Array {
  const bytes = bytesOf(packed, 8);
  const values = new Float64Array(bytes.byteLength / 8);
  for (let i = 0; i < values.length; i++) values[i] = bytes.getFloat64(i * 8);
  return values;
}

/** Unpacks 4-byte signed integers; RangeError where the last one is cut short. */
export function unpackIntegers(packed: string): Int32Array {
  const bytes = bytesOf(packed, 4);
  const values = new Int32Array(bytes.byteLength / 4);
  for (let i = 0; i < values.length; i++) values[i] = bytes.getInt32(i * 4);
  return values;
}

/** Unpacks 2-byte non-negative integers; RangeError where the last one is cut short. */
export function unpackShorts(packed: string): Uint16Array {
  const bytes = bytesOf(packed, 2);
  const values = new Uint16Array(bytes.byteLength / 2);
  for (let i = 0; i < values.length; i++) values[i] = bytes.getUint16(i * 2);
  return values;
}
