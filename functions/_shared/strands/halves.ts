import type { StoreError } from "../store/errors.ts";

/** How a batch is worked on. */
export interface HalvedWork<Item, Result> {
  /** Works on some items at once; throws a {@linkcode StoreError} where the database does not. */
  readonly work: (items: readonly Item[]) => Promise<Result>;
  /** Whether an error may be one item's fault rather than the database's. */
  readonly isRefusal: (error: unknown) => error is StoreError;
  /** Told of each item that is refused by itself. */
  readonly onCulprit: (item: Item, error: StoreError) => Promise<void>;
  /** Asked before a refused batch is parted: whether there is time to try its halves. */
  readonly mayGoOn: () => boolean;
}

/**
 * Works on a batch; one that the database refuses is halved until what it refuses stands alone, and the rest goes on
 * (functions/README.md, "From strands to events").
 *
 * @returns the results, one for each part that went through.
 */
export async function inHalves<Item, Result>(
  items: readonly Item[],
  how: HalvedWork<Item, Result>,
): Promise<Result[]> {
  try {
    return [await how.work(items)];
  } catch (error) {
    if (!how.isRefusal(error)) throw error;
    const [only] = items;
    if (only !== undefined && items.length === 1) {
      await how.onCulprit(only, error);
      return [];
    }
    if (items.length === 0 || !how.mayGoOn()) throw error;
    const middle = items.length >> 1;
    const results = await inHalves(items.slice(0, middle), how);
    return [...results, ...await inHalves(items.slice(middle), how)];
  }
}
