/**
 * Timeframes without a share of the capital, and the line of configuration that gives them one (functions/README.md,
 * "Allocation").
 *
 * @module
 */

/** Shares that timeframes start from; they sum to 1. */
export type Shares = Readonly<Record<string, number>>;

/** The shares of a database in which nobody configured others. */
export const DEFAULT_SHARES: Shares = { "15m": 0.15, "1h": 0.5, "4h": 0.35 };

/** The smallest share that a timeframe may have. */
const LEAST_SHARE = 0.02;
const STEPS = 100;

const UNIT_MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1_440, w: 10_080, M: 43_200 };

function minutesOf(timeframe: string): number {
  const [, count, unit] = /^(\d+)([mhdwM])$/.exec(timeframe) ?? [];
  return count === undefined || unit === undefined ? Infinity : Number(count) * (UNIT_MINUTES[unit] ?? NaN);
}

/**
 * Shares with the timeframes that lack one: each gets what it would have if all had the same, the others give way in
 * proportion. In hundredths, so that they can be read and sum to 1. Null where there are too many timeframes.
 */
export function sharesWith(current: Shares, missing: readonly string[]): Shares | null {
  const names = [...Object.keys(current), ...missing];
  if (names.length * LEAST_SHARE > 1) return null;
  const kept = Object.keys(current).length / names.length;
  const exact = names.map((name) =>
    STEPS * (name in current ? kept * (current[name] ?? 0) : 1 / names.length)
  );
  const whole = exact.map((share) => Math.max(LEAST_SHARE * STEPS, Math.floor(share)));
  // What rounding took goes to those that it took most from; what the smallest were given is taken from the largest.
  for (let left = STEPS - whole.reduce((sum, share) => sum + share, 0); left !== 0; left -= Math.sign(left)) {
    const order = whole.map((_, at) => at).sort((a, b) =>
      left > 0
        ? (exact[b] ?? 0) - (whole[b] ?? 0) - (exact[a] ?? 0) + (whole[a] ?? 0)
        : (whole[b] ?? 0) - (whole[a] ?? 0)
    );
    const at = order[0] ?? 0;
    whole[at] = (whole[at] ?? 0) + Math.sign(left);
  }
  return Object.fromEntries(
    names.map((name, at): [string, number] => [name, (whole[at] ?? 0) / STEPS])
      .sort(([a], [b]) => minutesOf(a) - minutesOf(b)),
  );
}

/** Says which of the timeframes have no share, and what to configure; nothing where all have one. */
export function describeMissingShares(timeframes: Iterable<string>, current: Shares): string[] {
  const missing = [...new Set(timeframes)].filter((timeframe) => !(timeframe in current))
    .sort((a, b) => minutesOf(a) - minutesOf(b));
  if (missing.length === 0) return [];
  const names = missing.join(" and ");
  const [have, trades] = missing.length === 1 ? ["has", "its trades"] : ["have", "their trades"];
  const intro = [
    `${names} ${have} no share of the capital: lessons are learned of ${trades} all`,
    "the same, but the split over timeframes leaves them out.",
  ];
  const shares = sharesWith(current, missing);
  if (shares === null) return [...intro, "There are too many for a share each."];
  const value = JSON.stringify({ start_shares: shares }).replaceAll(/([:,])(?=["\d{])/g, "$1 ");
  return [
    ...intro,
    "This configuration gives a share; change it to your liking:",
    "  insert into learning_configs (module_id, config_data)",
    `  values ('decision_maker', '${value}')`,
    "  on conflict (module_id) do update",
    "  set config_data = learning_configs.config_data || excluded.config_data;",
  ];
}
