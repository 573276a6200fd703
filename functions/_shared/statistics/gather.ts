/**
 * The values of some rows of a column, in the order of the rows.
 *
 * @param rows Places in the column, each less than its length.
 */
export function gather<Column extends Float64Array | Uint8Array>(column: Column, rows: Uint32Array): Column {
  const values = column instanceof Float64Array ? new Float64Array(rows.length) : new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = column[rows[i]!]!;
  return values as Column;
}
