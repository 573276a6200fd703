import { z } from "zod";
import type { Connection } from "./connection.ts";

/** Why a strand is refused, one entry per reason. */
export interface Fault {
  /** Where in the strand, dotted, for example `content.trade_summary.rr`. */
  readonly path: string;
  readonly message: string;
}

/** A strand leased for judgement. */
export interface ClaimedStrand {
  readonly id: string;
  readonly revision: number;
  readonly kind: string;
}

/** A claimed strand on its way: its documents are JSON text, which survives whatever carries it. */
const travellingStrands = z.array(z.looseObject({
  id: z.string(),
  revision: z.number(),
  kind: z.string(),
  content: z.string(),
  regime_context: z.string(),
}));

const appliedStrands = z.object({
  accepted: z.number(),
  rejected: z.number(),
  failed: z.number(),
  /** Left for the next batch because the time for this one was up. */
  postponed: z.number(),
  /** Whether all of it was left because others are at work on the same trades. */
  contended: z.literal(true).optional(),
});

/** What became of a batch of judged strands. */
export type AppliedStrands = z.infer<typeof appliedStrands>;

/** The inbox. */
export class StrandStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Leases up to `limit` due strands. */
  async claim(limit: number): Promise<ClaimedStrand[]> {
    const claimed = await this.#connection.call("claim_strands", { p_limit: limit }, travellingStrands);
    return claimed.map((strand) => ({
      ...strand,
      content: JSON.parse(strand.content),
      regime_context: JSON.parse(strand.regime_context),
    }));
  }

  /** Lets accepted strands take effect and marks the others rejected. */
  async apply(
    accepted: readonly ClaimedStrand[],
    rejected: readonly (ClaimedStrand & { readonly errors: readonly Fault[] })[],
  ): Promise<AppliedStrands> {
    return await this.#connection.call("apply_strands", {
      p_accepted: accepted.map(({ id, revision }) => ({ id, revision })),
      p_rejected: rejected.map(({ id, revision, errors }) => ({
        id,
        revision,
        errors: errors.map((e) => ({ ...e })),
      })),
    }, appliedStrands);
  }
}
