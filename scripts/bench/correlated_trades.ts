/**
 * Synthetic groups of trades for the `enumerate` bench: seeded, so that every machine measures the same slices.
 *
 * @module
 */

import type { SliceDimension } from "../../functions/_shared/slices/mod.ts";

/** One group of trades as packed columns. */
export interface TradeColumns {
  readonly rows: number;
  readonly dimensions: readonly SliceDimension[];
  /** One heavy-tailed outcome per trade, independent of its scope. */
  readonly outcomes: Float64Array;
}

/** How one dimension comes about. */
interface Recipe {
  readonly name: string;
  readonly cardinality: number;
  /** Position of the dimension whose value it follows, and how often; otherwise it is drawn on its own. */
  readonly follows?: { readonly position: number; readonly probability: number };
  /** Share of trades that have no value. */
  readonly missing?: number;
}

// Tuned so that the numbers of slices come within a few percent of those stated below.
/** Exponent of the rank-frequency law by which values are drawn on their own. */
const SKEW = 1.02;
const LOOSE = 0.4;
const TIGHT = 0.86;
const MISSING = 0.05;
const FUNCTIONAL_SKEW = 0.75;
const FUNCTIONAL_LOOSE = 0.35;
const CATALOGUE_SPECIES = 23;
const CATALOGUE_OPEN = 0.35;

const follows = (position: number, probability: number): Pick<Recipe, "follows"> => ({
  follows: { position, probability },
});

/** The seventeen dimensions of a scope, bits in this order: loosely tied to one another, three of them tightly. */
const SCOPE: readonly Recipe[] = [
  { name: "curator", cardinality: 12 },
  { name: "chain", cardinality: 4, ...follows(0, LOOSE) },
  { name: "mcap_bucket", cardinality: 5 },
  { name: "vol_bucket", cardinality: 5, ...follows(2, LOOSE) },
  { name: "age_bucket", cardinality: 4, ...follows(3, LOOSE), missing: MISSING },
  { name: "intent", cardinality: 5, ...follows(0, LOOSE) },
  { name: "mapping_confidence", cardinality: 3, ...follows(5, LOOSE), missing: MISSING },
  { name: "mcap_vol_ratio_bucket", cardinality: 4, ...follows(3, TIGHT) },
  { name: "market_family", cardinality: 3, ...follows(1, LOOSE) },
  { name: "timeframe", cardinality: 4 },
  { name: "A_mode", cardinality: 3, ...follows(9, LOOSE) },
  { name: "E_mode", cardinality: 3, ...follows(10, TIGHT) },
  { name: "macro_phase", cardinality: 4 },
  { name: "meso_phase", cardinality: 4, ...follows(12, LOOSE) },
  { name: "micro_phase", cardinality: 4, ...follows(13, TIGHT) },
  { name: "bucket_leader", cardinality: 5, ...follows(1, LOOSE), missing: MISSING },
  { name: "bucket_rank_position", cardinality: 4, ...follows(15, LOOSE), missing: MISSING },
];

/**
 * Trades whose seventeen dimensions are correlated the way scopes are. With n ≥ 33, 5,000 of them have about 330,000
 * subsets, 315,000 of them distinct; 100,000 have about 35 million, 33 million distinct.
 */
export function correlatedTrades(rows: number, seed: number = 7): TradeColumns {
  return drawTrades(rows, SCOPE, SKEW, uniform(seed));
}

/** Positions of the dimensions that are functions of an earlier one, which `follows` names. */
const FUNCTIONS: ReadonlyMap<number, number> = new Map([[7, 3], [8, 0], [11, 9], [13, 12], [14, 2], [
  16,
  15,
]]);

/**
 * Trades of which six dimensions are functions of others. With n ≥ 33, 20,000 of them have about 4.6 million subsets,
 * half a million of them distinct.
 */
export function functionalTrades(rows: number = 20_000, seed: number = 11): TradeColumns {
  const random = uniform(seed);
  const recipes = SCOPE.map(({ name, cardinality, follows }, position): Recipe => {
    const source = FUNCTIONS.get(position);
    if (source !== undefined) return { name, cardinality, follows: { position: source, probability: 1 } };
    return follows === undefined || FUNCTIONS.has(follows.position)
      ? { name, cardinality }
      : { name, cardinality, follows: { position: follows.position, probability: FUNCTIONAL_LOOSE } };
  });
  return drawTrades(rows, recipes, FUNCTIONAL_SKEW, random);
}

/** Attributes of the catalogue by number of values. */
const ATTRIBUTES = [2, 6, 4, 10, 2, 9, 2, 2, 2, 12, 2, 5, 4, 4, 9, 9, 2, 4, 3, 5, 9, 6, 7];

/**
 * A catalogue of species, each of which fixes most of 23 attributes and leaves a few open, with a share of the entries
 * wrong. With n ≥ 33, 8,124 rows have about 480 million subsets, 180,000 of them distinct.
 */
export function noisyCatalogue(rows: number = 8124, noise: number = 0.0005, seed: number = 1): TradeColumns {
  const random = uniform(seed);
  const draw = (cardinality: number): number => 1 + Math.floor(random() * cardinality);
  const species = Array.from({ length: CATALOGUE_SPECIES }, () =>
    ATTRIBUTES.map((cardinality) => {
      const values = [1 + Math.floor(random() ** 2 * cardinality)];
      while (values.length < cardinality && random() < CATALOGUE_OPEN) {
        const value = draw(cardinality);
        if (!values.includes(value)) values.push(value);
      }
      return values;
    }));
  const columns = ATTRIBUTES.map(() => new Uint16Array(rows));
  const bySize = rankWeights(CATALOGUE_SPECIES, 0.8);
  for (let row = 0; row < rows; row++) {
    const kind = species[pick(bySize, random()) - 1]!;
    for (const [position, cardinality] of ATTRIBUTES.entries()) {
      const values = kind[position]!;
      columns[position]![row] = random() < noise
        ? draw(cardinality)
        : values[Math.floor(random() * values.length)]!;
    }
  }
  const dimensions = columns.map((codes, bit) => ({ bit, cardinality: ATTRIBUTES[bit]!, codes }));
  return { rows, dimensions, outcomes: drawOutcomes(rows, random) };
}

function drawTrades(
  rows: number,
  recipes: readonly Recipe[],
  skew: number,
  random: () => number,
): TradeColumns {
  const weights = recipes.map(({ cardinality }) => rankWeights(cardinality, skew));
  const columns = recipes.map(() => new Uint16Array(rows));
  for (let row = 0; row < rows; row++) {
    for (const [position, { cardinality, follows }] of recipes.entries()) {
      // Following maps the other dimension's values onto this one's by a fixed rule.
      columns[position]![row] = follows !== undefined && random() < follows.probability
        ? 1 + ((columns[follows.position]![row]! - 1) * 7 + position) % cardinality
        : pick(weights[position]!, random());
    }
  }
  for (const [position, { missing = 0 }] of recipes.entries()) {
    for (let row = 0; row < rows; row++) if (random() < missing) columns[position]![row] = 0;
  }
  const dimensions = columns.map((codes, bit) => ({ bit, cardinality: recipes[bit]!.cardinality, codes }));
  return { rows, dimensions, outcomes: drawOutcomes(rows, random) };
}

/** Returns with a fat tail on both sides: Student's t with three degrees of freedom, a few percent wide. */
function drawOutcomes(rows: number, random: () => number): Float64Array {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Float64Array.from({ length: rows }, () => {
    const chiSquare = normal() ** 2 + normal() ** 2 + normal() ** 2;
    return 0.01 + 0.05 * normal() / Math.sqrt(chiSquare / 3);
  });
}

/** Cumulative probabilities of values 1 to `cardinality`, the value of rank r being drawn in proportion to r^-skew. */
function rankWeights(cardinality: number, skew: number): Float64Array {
  const weights = Array.from({ length: cardinality }, (_, rank) => (rank + 1) ** -skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return Float64Array.from(weights, (weight) => (sum += weight) / total);
}

/** The value, from 1, that a number in [0, 1) falls on. */
function pick(cumulative: Float64Array, at: number): number {
  let value = 0;
  while (value < cumulative.length - 1 && at >= cumulative[value]!) value++;
  return value + 1;
}

/** Uniform numbers in [0, 1) from a 32-bit seed: a Weyl sequence through a multiplicative finaliser. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
