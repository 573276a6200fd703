import type { SliceDimension } from "../slices/mod.ts";

/** A dimension of a group: its codes, and what they stand for. */
export interface NamedDimension extends SliceDimension {
  readonly name: string;
  /** Value of code i + 1; in code unit order, so that codes do not depend on the order in which values arrived. */
  readonly values: readonly string[];
  /** What code i + 1 is in the database's dictionary. */
  readonly dictionary: readonly number[];
}

/** Per row a code of the database's dictionary, 0 for none. */
export type DictionaryCodes = Uint16Array | Int32Array;

/**
 * A dimension with codes 1, 2, … in the order of its values' names; 0 stays "no value".
 *
 * @param globalCodes Code of each row in the database's dictionary, 0 for none.
 * @param names What the dictionary's codes stand for.
 * @throws RangeError when a code is not in the dictionary.
 */
export function nameDimension(
  bit: number,
  name: string,
  globalCodes: DictionaryCodes,
  names: ReadonlyMap<number, string>,
): NamedDimension {
  const used = distinctCodes([globalCodes]).map((code) => {
    const value = names.get(code);
    if (value === undefined) {
      throw new RangeError(`Code ${code} of dimension "${name}" is not in the dictionary`);
    }
    return { code, value };
  }).sort((a, b) => a.value < b.value ? -1 : 1);
  const denseCodes = new Int32Array(Math.max(0, ...used.map(({ code }) => code)) + 1);
  for (const [i, { code }] of used.entries()) denseCodes[code] = i + 1;
  return {
    bit,
    name,
    cardinality: used.length,
    codes: mapped(globalCodes, denseCodes, used.length),
    values: used.map(({ value }) => value),
    dictionary: used.map(({ code }) => code),
  };
}

/** The codes that occur in some columns, ascending, without 0. Codes come from one sequence, so that a table of them is small. */
export function distinctCodes(columns: readonly DictionaryCodes[]): number[] {
  let largest = 0;
  for (const codes of columns) largest = Math.max(largest, largestOf(codes));
  const occurs = new Uint8Array(largest + 1);
  for (const codes of columns) markOccurring(codes, occurs);
  const distinct: number[] = [];
  for (let code = 1; code <= largest; code++) if (occurs[code] === 1) distinct.push(code);
  return distinct;
}

// Loops over indexes: iterators of typed arrays are ten times as slow before they are compiled.

function largestOf(codes: DictionaryCodes): number {
  let largest = 0;
  for (let row = 0; row < codes.length; row++) if (codes[row]! > largest) largest = codes[row]!;
  return largest;
}

function markOccurring(codes: DictionaryCodes, occurs: Uint8Array): void {
  for (let row = 0; row < codes.length; row++) occurs[codes[row]!] = 1;
}

/** Codes by way of a table, in as little memory as they fit in. */
function mapped(
  codes: DictionaryCodes,
  table: Int32Array,
  largest: number,
): Uint8Array | Uint16Array | Int32Array {
  const Column = largest < 1 << 8 ? Uint8Array : largest < 1 << 16 ? Uint16Array : Int32Array;
  const column = new Column(codes.length);
  for (let row = 0; row < codes.length; row++) column[row] = table[codes[row]!]!;
  return column;
}
