import type { Fault } from "../store/strand_store.ts";
import { impossibleTimes } from "./moments.ts";
import { LEARNED_KINDS, learnedStrand } from "./schemas.ts";

/**
 * Judges one strand (functions/README.md, "From strands to events").
 *
 * @param strand The strand as it is stored; of any shape.
 * @param arrivedAt When it arrived, epoch milliseconds.
 * @returns every reason to refuse it; none when it may take effect. A strand of a kind that learning does not read is
 *   never refused.
 */
export function faultsOf(strand: { readonly kind: string }, arrivedAt: number): Fault[] {
  if (!LEARNED_KINDS.has(strand.kind)) return [];
  const judged = learnedStrand.safeParse(strand);
  const issues = judged.success ? [] : judged.error.issues;
  return [
    ...issues.map(({ path, message }) => ({ path: path.map(String).join("."), message })),
    ...impossibleTimes(strand, arrivedAt),
  ];
}
