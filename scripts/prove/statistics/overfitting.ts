import { mean } from "../../../functions/_shared/statistics/moments.ts";

/** Blocks that the periods are cut into; half of them choose, the other half judges. */
export const BLOCKS = 16;
/** Fewer periods a block than this leave a Sharpe ratio without a variance. */
const LEAST_PER_BLOCK = 2;

/**
 * The probability of backtest overfitting, by combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado and Zhu,
 * 2017): of all ways to choose half of the blocks, the share in which the way with the best Sharpe ratio there is in
 * the lower half of the ways in the other blocks.
 *
 * @param returns Per way what each period earned, all of the same periods, in their order.
 * @param blocks Even.
 * @returns in [0, 1]; `null` with fewer than two ways, or fewer than two periods a block.
 * @throws RangeError when the ways are not of the same periods, or blocks are odd.
 */
export function probabilityOfOverfitting(returns: readonly Float64Array[], blocks = BLOCKS): number | null {
  if (blocks % 2 !== 0) {
    throw new RangeError(`Half of the blocks chooses, so they must be even, got ${blocks}`);
  }
  const periods = returns[0]?.length ?? 0;
  if (returns.some(({ length }) => length !== periods)) {
    throw new RangeError(
      `Ways must be of the same periods, got ${returns.map(({ length }) => length).join(", ")}`,
    );
  }
  if (returns.length < 2 || periods < LEAST_PER_BLOCK * blocks) return null;
  const sums = returns.map((values) => blockSums(values, blocks));
  let [splits, overfitted] = [0, 0];
  for (const chosen of halves(blocks)) {
    const inside = sums.map((way) => sharpeOf(way, chosen, true));
    const outside = sums.map((way) => sharpeOf(way, chosen, false));
    const best = inside.indexOf(Math.max(...inside));
    splits++;
    if (rankOf(outside, best) <= (returns.length + 1) / 2) overfitted++;
  }
  return overfitted / splits;
}

/** Of a way: sums by block, around the mean of all, so that squares do not cancel. */
interface BlockSums {
  readonly centre: number;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly squares: Float64Array;
}

/** Blocks are of the same length, or one period longer. */
function blockSums(values: Float64Array, blocks: number): BlockSums {
  const centre = mean(values);
  const count = new Float64Array(blocks);
  const sum = new Float64Array(blocks);
  const squares = new Float64Array(blocks);
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i * blocks / values.length);
    const deviation = values[i]! - centre;
    count[block] = count[block]! + 1;
    sum[block] = sum[block]! + deviation;
    squares[block] = squares[block]! + deviation * deviation;
  }
  return { centre, count, sum, squares };
}

/** 0 where all periods are the same. */
function sharpeOf(way: BlockSums, chosen: readonly boolean[], inside: boolean): number {
  let [count, sum, squares] = [0, 0, 0];
  for (let block = 0; block < chosen.length; block++) {
    if (chosen[block] !== inside) continue;
    count += way.count[block]!;
    sum += way.sum[block]!;
    squares += way.squares[block]!;
  }
  const variance = (squares - sum * sum / count) / (count - 1);
  return variance > 0 ? (way.centre + sum / count) / Math.sqrt(variance) : 0;
}

/** Rank from 1, the worst; the mean rank among equals. */
function rankOf(values: readonly number[], place: number): number {
  const own = values[place]!;
  let [below, equal] = [0, 0];
  for (const value of values) {
    if (value < own) below++;
    else if (value === own) equal++;
  }
  return below + (equal + 1) / 2;
}

/** Every choice of half of the blocks, as whether each is chosen. */
function* halves(blocks: number): Iterable<readonly boolean[]> {
  const chosen: boolean[] = new Array<boolean>(blocks).fill(false);
  function* choose(from: number, left: number): Iterable<readonly boolean[]> {
    if (left === 0) {
      yield chosen;
      return;
    }
    for (let block = from; block <= blocks - left; block++) {
      chosen[block] = true;
      yield* choose(block + 1, left - 1);
      chosen[block] = false;
    }
  }
  yield* choose(0, blocks / 2);
}
