import { GATES, RECORDED, type Steps } from "./gates.ts";
import { gainOf, ratioOf, type Simulation, type Tally } from "./simulate.ts";

/**
 * A simulation in one clause for a person to read: the best move and its figures, or why there is none.
 *
 * @param minGain Gain that was asked for.
 */
export function summarise({ verdict, candidate, confirmation }: Simulation, minGain: number): string {
  if (candidate === null) return "no move: none would have caught a miss or dropped a failure";
  const { steps, tally, requiredRatio } = candidate;
  const best = `best ${described(steps)} ratio=${ratio(tally)} (${counts(tally)})`;
  if (verdict === "gain") return `no move: ${best} gains ${gainOf(tally)} where ${minGain} are asked for`;
  if (verdict === "ratio") return `no move: ${best} is below the ratio of ${requiredRatio} asked for`;
  if (confirmation === null) return best;
  const unseen = `${ratio(confirmation.tally)} on the episodes it was not chosen on (${
    counts(confirmation.tally)
  })`;
  return verdict === "confirmation"
    ? `no move: ${best} reaches only ${unseen} where ${requiredRatio} is asked for`
    : `${best}, ${unseen}, p=${confirmation.pValue.toPrecision(2)}`;
}

function described(steps: Steps): string {
  return GATES.flatMap(({ lever, deltas }, gate) => {
    const delta = deltas[RECORDED + steps[gate]!]!;
    return delta === 0 ? [] : [`${lever}${delta > 0 ? "+" : ""}${delta}`];
  }).join(" ");
}

function ratio(tally: Tally): string {
  return `${Number(ratioOf(tally).toFixed(2))}x`;
}

function counts(tally: Tally): string {
  const parts: readonly (readonly [number, string])[] = [
    [tally.caughtSuccesses, "misses caught"],
    [tally.droppedFailures, "failures dropped"],
    [tally.caughtFailures, "failures added"],
    [tally.droppedSuccesses, "successes lost"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(", ") ||
    "no change";
}
