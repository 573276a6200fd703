import type { Fault } from "../store/strand_store.ts";
import { LEARNED_KINDS, learnedStrand } from "./schemas.ts";

/**
 * Judges one strand (functions/README.md, "From strands to events").
 *
 * @param strand The strand as it is stored; of any shape.
 * @returns every reason to refuse it; none when it may take effect. A strand of a kind that learning does not read is
 *   never refused.
 */
export function faultsOf(strand: { readonly kind: string }): Fault[] {
  if (!LEARNED_KINDS.has(strand.kind)) return [];
  const judged = learnedStrand.safeParse(strand);
  if (judged.success) return [];
  return judged.error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
}
