import { ENOUGH_PLACEBOS, luckOf, type Proof } from "./proof.ts";
import type { Uplift } from "./statistics/uplift.ts";

/** A figure with its sign, in points of the stake or in R. */
export function inUnit(value: number, outcome: "roi" | "rr"): string {
  const scaled = outcome === "roi" ? 100 * value : value;
  const digits = Math.abs(scaled) < 0.095 ? 3 : 2;
  const text = Math.abs(scaled).toFixed(digits);
  return `${scaled < 0 && Number(text) !== 0 ? "−" : "+"}${text}`;
}

/** An uplift with its interval. */
export function upliftText({ difference, low, high }: Uplift, outcome: "roi" | "rr"): string {
  const interval = low === null || high === null
    ? ""
    : ` [${inUnit(low, outcome)}, ${inUnit(high, outcome)}]`;
  return inUnit(difference, outcome) + interval;
}

const UNITS = { roi: "points for each unit of capital", rr: "R for each unit of capital" } as const;

/** What a proof has shown, or that it has shown nothing, in a sentence or two. */
export function sentenceOf(proof: Omit<Proof, "sentence">): string {
  const { mode, outcome, decisions, placebos } = proof;
  const way = proof.ways.find(({ name }) => name === mode);
  const uplift = way?.[outcome].uplift ?? null;
  if (way === undefined || uplift === null) return "Nothing was shown: no size was above 0.";
  const earned = `over ${decisions.toLocaleString("en")} decisions sizes in mode ${mode} earned ${
    upliftText(uplift, outcome)
  } ${UNITS[outcome]} against the base`;
  const luck = placebos.flatMap((placebo) => placebo.uplift?.difference ?? []);
  const asked = luck.length >= ENOUGH_PLACEBOS
    ? `of ${luck.length} shuffles of the weeks 95 % earned less than ${inUnit(luckOf(luck), outcome)}`
    : luck.length === 0
    ? "whether luck would have done as well was not asked"
    : `${luck.length === 1 ? "one shuffle" : `${luck.length} shuffles`} of the weeks earned ${
      luck.map((value) => inUnit(value, outcome)).join(", ")
    }; whether luck would have done as well was not asked, which takes ${ENOUGH_PLACEBOS}`;
  const opening = {
    shown: "It was shown to pay",
    harm: "It did harm",
    "not shown": way.moved === 0 ? "Nothing was shown, as nothing was moved" : "Nothing was shown",
  }[proof.verdict];
  return `${opening}: ${earned}; ${asked}.`;
}
