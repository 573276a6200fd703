import type { Budget } from "../runtime/budget.ts";
import type { Store } from "../store/store.ts";
import { type DictionaryCodes, distinctCodes, type NamedDimension, nameDimension } from "./group_trades.ts";

/** A dimension as it crosses the wire. */
export interface EncodedDimension {
  readonly bit: number;
  readonly dim: string;
  readonly codes: DictionaryCodes;
}

/** Asks the dictionary what the codes of some dimensions stand for. */
export async function readDimensions(
  store: Store,
  budget: Budget,
  encoded: readonly EncodedDimension[],
): Promise<NamedDimension[]> {
  const names = await budget.waiting(store.readScopeValues(distinctCodes(encoded.map(({ codes }) => codes))));
  return encoded.map(({ bit, dim, codes }) => nameDimension(bit, dim, codes, names));
}
