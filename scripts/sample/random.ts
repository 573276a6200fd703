/**
 * Random draws that are the same for the same seed, on every machine.
 *
 * @module
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Values and how often each is drawn, relative to the others. */
export type Weighted<T> = readonly (readonly [value: T, weight: number])[];

/** A source of draws over the Mersenne Twister. */
export class Random {
  readonly #generator: RandomGenerator;

  /** @param seed a 32-bit integer. */
  constructor(seed: number) {
    this.#generator = mersenne(seed);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** One of the values, by weight. */
  pick<T>(weighted: Weighted<T>): T {
    const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.between(0, total);
    for (const [value, weight] of weighted) {
      left -= weight;
      if (left < 0) return value;
    }
    const last = weighted.at(-1);
    if (last === undefined) throw new RangeError("Nothing to pick from: the list of values is empty");
    return last[0];
  }

  /** Exponential with the given mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(this.exponential(2)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Student's t with four degrees of freedom: heavy tails, standard deviation √2. */
  studentT4(): number {
    return this.normal() / Math.sqrt((this.exponential(2) + this.exponential(2)) / 4);
  }
}
