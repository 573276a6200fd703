import { z } from "zod";

/** Candle lengths of which exchanges have some, by their minutes. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [43_200, "1M"],
  [10_080, "1w"],
  [1_440, "1d"],
]);

/**
 * A candle length as people write it. Backtests write it so, bots in minutes: 5 is `5m`, 240 is `4h`. Null where nothing
 * is said.
 */
export function timeframeName(timeframe: unknown): string | null {
  const said = z.union([z.string().min(1), z.number().int().positive()]).safeParse(timeframe);
  if (!said.success) return null;
  const minutes = Number(said.data);
  if (!Number.isInteger(minutes)) return String(said.data);
  const name = NAMES.get(minutes);
  if (name !== undefined) return name;
  if (minutes % 1_440 === 0) return `${minutes / 1_440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
