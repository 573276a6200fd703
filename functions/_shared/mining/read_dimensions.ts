import type { Store } from "../store/store.ts";
import { type DictionaryCodes, distinctCodes, type NamedDimension, nameDimension } from "./dimensions.ts";

/** A dimension as it crosses the wire. */
export interface EncodedDimension {
  readonly bit: number;
  readonly dim: string;
  readonly codes: DictionaryCodes;
}

/** Asks the dictionary what the codes of some dimensions stand for. */
export async function readDimensions(
  store: Store,
  encoded: readonly EncodedDimension[],
): Promise<NamedDimension[]> {
  const names = await store.mining.readScopeValues(distinctCodes(encoded.map(({ codes }) => codes)));
  return encoded.map(({ bit, dim, codes }) => nameDimension(bit, dim, codes, names));
}
