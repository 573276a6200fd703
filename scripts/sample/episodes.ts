/**
 * The sample's episodes: what the entry gates saw over the last eleven weeks, one gate of which is planted too strict in one
 * scope and right elsewhere. Nothing else in them tells a success from a failure but whether the gates passed, and luck.
 *
 * @module
 */

import { v5 as nameBasedUuid } from "uuid";
import type { Strand } from "../strand_file.ts";
import {
  type Context,
  DAY,
  drawActionScope,
  drawEntryContext,
  drawTokens,
  HOUR,
  MINUTE,
  positionId,
  Regimes,
  SAMPLE_NAMESPACE,
  TIMEFRAMES,
  WEEK,
} from "./market.ts";
import { Random } from "./random.ts";
import { type SampleOptions, startOfWeek } from "./sample.ts";

/** A gate that was planted wrong. */
export interface PlantedGate {
  readonly description: string;
  readonly patternKey: string;
  readonly scope: Context;
  /** Lever that should move, and the value of the threshold that the PM uses now. */
  readonly lever: "tuning_halo";
  readonly threshold: number;
  /** Where good entries end: the threshold should be about here. */
  readonly right: number;
}

/** A context to ask `get_pm_levers` for, and what it stands for. */
export interface GateCandidate {
  readonly label: string;
  readonly pattern_key: string;
  readonly action_category: "entry";
  readonly scope: Context;
}

/** The generated episodes. */
export interface EpisodeSample {
  /** In time: windows, and later the outcomes of their episodes. */
  readonly strands: readonly Strand[];
  readonly planted: PlantedGate;
  readonly candidates: readonly GateCandidate[];
}

const EPISODES = 1_200;
const WEEKS = 11;
const TS_MIN = 0.6;
const HALO_MAX = 1.0;
const SLOPE_MIN = 0.001;

const PATTERN_KEY = "pm.uptrend.S1.buy_flag";

export const PLANTED_GATE: PlantedGate = {
  description: "On the hourly chart entries do well up to a fifth further from the average than the PM dares",
  patternKey: PATTERN_KEY,
  scope: { timeframe: "1h" },
  lever: "tuning_halo",
  threshold: HALO_MAX,
  right: HALO_MAX + 0.2,
};

/** How often entries do well: where every gate passes, where the planted gate alone is in the way, and elsewhere. */
const SUCCESS = { passed: 0.62, planted: 0.95, failed: 0.25 };

/** What a scope of the episodes says, besides the macro phase; less than a trade's, as the gates know less than the book. */
const SCOPE_DIMENSIONS = ["chain", "mcap_bucket", "timeframe", "A_mode"];

interface Scores {
  readonly ts: number;
  readonly halo: number;
  readonly slope: number;
}

const round = (value: number): number => Number(value.toPrecision(6));
const iso = (time: number): string => new Date(time).toISOString();

function drawScores(random: Random): Scores {
  return {
    ts: round(random.between(0.5, 1)),
    halo: round(random.between(0.4, 1.4)),
    slope: round(random.between(0, 0.008)),
  };
}

const contains = (subset: Context, scope: Context): boolean =>
  Object.entries(subset).every(([dim, value]) => scope[dim] === value);

function successRate({ ts, halo, slope }: Scores, scope: Context): number {
  const others = ts >= TS_MIN && slope >= SLOPE_MIN;
  if (others && halo <= HALO_MAX) return SUCCESS.passed;
  const planted = others && halo <= PLANTED_GATE.right && contains(PLANTED_GATE.scope, scope);
  return planted ? SUCCESS.planted : SUCCESS.failed;
}

/** Generates the episodes; the same for the same seed, and teaching the same in every week. */
export function generateEpisodes({ seed, asOf }: SampleOptions): EpisodeSample {
  const random = new Random(seed + 2);
  const end = startOfWeek(asOf.getTime());
  const start = end - WEEKS * WEEK;
  const tokens = drawTokens(random);
  const regimes = new Regimes(random, start, end);
  const strands: Strand[] = [];

  for (let number = 0; number < EPISODES; number++) {
    const token = tokens[Math.floor(random.between(0, tokens.length))];
    if (token === undefined) throw new RangeError("The sample has no tokens");
    const timeframe = random.pick(TIMEFRAMES);
    const context = { ...drawEntryContext(random, token), ...drawActionScope(random, timeframe) };
    const scope = Object.fromEntries(SCOPE_DIMENSIONS.map((dim) => [dim, context[dim] ?? ""]));
    const scores = drawScores(random);
    const seenAt = start + Math.floor(random.between(0, end - start - 3 * DAY) / MINUTE) * MINUTE;
    const endedAt = seenAt + Math.ceil(random.between(HOUR, 2 * DAY) / MINUTE) * MINUTE;
    const episode = `s1_ep_${number}`;
    const acted = scores.ts >= TS_MIN && scores.halo <= HALO_MAX && scores.slope >= SLOPE_MIN;
    const write = (kind: string, at: number, content: Record<string, unknown>): void => {
      strands.push({
        id: nameBasedUuid([kind, seed, number].join("/"), SAMPLE_NAMESPACE),
        module: "pm",
        kind,
        position_id: positionId(token, timeframe),
        symbol: token.ticker,
        timeframe,
        created_at: iso(at),
        content: { episode_id: episode, pattern_key: PATTERN_KEY, ...content },
        regime_context: { macro_phase: regimes.at(at, context["mcap_bucket"] ?? "")["macro_phase"] },
      });
    };
    write("episode_window", seenAt, {
      scope,
      decision: acted ? "acted" : "skipped",
      factors: {
        ts_score: scores.ts,
        ts_min: TS_MIN,
        halo_distance: scores.halo,
        halo_max: HALO_MAX,
        slope: scores.slope,
        slope_min: SLOPE_MIN,
      },
      flags: {
        ts_ok: scores.ts >= TS_MIN,
        slope_ok: scores.slope >= SLOPE_MIN,
        entry_zone_ok: acted,
      },
      ...(acted ? { sample: { ts_score: scores.ts, halo_distance: scores.halo, slope: scores.slope } } : {}),
    });
    write("episode_outcome", endedAt, {
      outcome: random.chance(0.04)
        ? "neutral"
        : random.chance(successRate(scores, scope))
        ? "success"
        : "failure",
    });
  }

  const candidate = (label: string, timeframe: string): GateCandidate => ({
    label,
    pattern_key: PATTERN_KEY,
    action_category: "entry",
    scope: { timeframe, market_family: "lowcaps", A_mode: "normal" },
  });
  return {
    strands: strands.sort((a, b) =>
      (a.created_at ?? "").localeCompare(b.created_at ?? "") || a.id.localeCompare(b.id)
    ),
    planted: PLANTED_GATE,
    candidates: [candidate("An entry on the hourly chart", "1h"), candidate("The same on 15 minutes", "15m")],
  };
}
