/** A tenth of the decisions by what they were promised to earn more than their category. */
export interface Tenth {
  readonly n: number;
  readonly promised: number;
  readonly realised: number;
}

/** What was promised against what came of it. */
export interface KeptPromise {
  /** From the least promised on; fewer than ten where there are fewer decisions. */
  readonly tenths: readonly Tenth[];
  /** Σ promised · realised/Σ promised²: 1 where promises are kept, 0 where they mean nothing; `null` where nothing was promised. */
  readonly slope: number | null;
}

const TENTHS = 10;

/**
 * How far promises were kept (functions/README.md, "Uplift").
 *
 * @param promised Per decision, in the outcome's unit.
 * @param realised What it earned more than its category, in the same unit and order.
 */
export function keptPromise(promised: Float64Array, realised: Float64Array): KeptPromise {
  if (promised.length !== realised.length) {
    throw new RangeError(`Each promise has one outcome, got ${promised.length} and ${realised.length}`);
  }
  const order = Array.from(promised.keys()).sort((a, b) => promised[a]! - promised[b]! || a - b);
  const tenths: Tenth[] = [];
  for (let tenth = 0; tenth < TENTHS; tenth++) {
    const places = order.slice(
      Math.floor(tenth * order.length / TENTHS),
      Math.floor((tenth + 1) * order.length / TENTHS),
    );
    if (places.length === 0) continue;
    const meanOf = (column: Float64Array): number =>
      places.reduce((sum, place) => sum + column[place]!, 0) / places.length;
    tenths.push({ n: places.length, promised: meanOf(promised), realised: meanOf(realised) });
  }
  let [told, squares] = [0, 0];
  for (let i = 0; i < promised.length; i++) {
    told += promised[i]! * realised[i]!;
    squares += promised[i]! ** 2;
  }
  return { tenths, slope: squares > 0 ? told / squares : null };
}
