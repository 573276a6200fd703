/** A scope subset: dimension → value. */
export type ScopePairs = Readonly<Record<string, string>>;

/** Lifts what UTF-16 puts before its place in UTF-8: surrogates stand for code points above all single units. */
function byteRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders texts as the bytes of their UTF-8 do, which is also the order of their code points. */
export function compareBytes(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return byteRank(x) - byteRank(y);
  }
  return a.length - b.length;
}

/**
 * Orders scopes by their names: pair by pair with dimensions in byte order, of each pair the dimension before
 * the value; one that ends first comes first.
 */
export function compareScopeNames(a: ScopePairs, b: ScopePairs): number {
  const [pairsA, pairsB] = [sortedPairs(a), sortedPairs(b)];
  for (let i = 0; i < Math.min(pairsA.length, pairsB.length); i++) {
    const [dimensionA, valueA] = pairsA[i]!;
    const [dimensionB, valueB] = pairsB[i]!;
    const order = compareBytes(dimensionA, dimensionB) || compareBytes(valueA, valueB);
    if (order !== 0) return order;
  }
  return pairsA.length - pairsB.length;
}

/** Orders scopes by what speaks for the same in fewer words: fewest pairs first, then by name. */
export function compareScopes(a: ScopePairs, b: ScopePairs): number {
  return Object.keys(a).length - Object.keys(b).length || compareScopeNames(a, b);
}

function sortedPairs(scope: ScopePairs): [string, string][] {
  return Object.entries(scope).sort(([a], [b]) => compareBytes(a, b));
}
