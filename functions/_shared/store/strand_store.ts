import { z } from "zod";
import type { Connection } from "./connection.ts";

/** Why a strand is refused, one entry per reason. */
export interface Fault {
  /** Where in the strand, dotted, for example `content.trade_summary.rr`. */
  readonly path: string;
  readonly message: string;
}

const claims = z.array(z.object({
  id: z.string(),
  revision: z.number(),
  /** How often it was claimed, this time included. */
  attempts: z.number(),
}));

/** A strand leased to this invocation. */
export type Claim = z.infer<typeof claims>[number];

/** What identifies a judged strand, and the state in which it was judged. */
export type JudgedStrand = Pick<Claim, "id" | "revision">;

/** A claimed strand with all that is judged. */
export interface ClaimedStrand extends JudgedStrand {
  readonly kind: string;
  /** When it arrived. */
  readonly received_at: string;
  /** The trade or episode that it names, else its own id: strands that share one are best applied together. */
  readonly subject: string;
  /** Length of its documents as text. */
  readonly characters: number;
}

/** A claimed strand on its way: its documents are JSON text, which survives whatever carries it. */
const travellingStrands = z.array(z.looseObject({
  id: z.string(),
  revision: z.number(),
  kind: z.string(),
  content: z.string(),
  regime_context: z.string(),
  received_at: z.string(),
}));

const appliedStrands = z.object({
  accepted: z.number(),
  rejected: z.number(),
  failed: z.number(),
  /** Why, for each trade or episode that could not be applied. */
  failures: z.array(z.object({ code: z.string(), reason: z.string() })).optional(),
  /** Left for the next batch because the time for this one was up. */
  postponed: z.number(),
  /** Whether all of it was left because others are at work on the same trades. */
  contended: z.literal(true).optional(),
});

/** What became of a batch of judged strands. */
export type AppliedStrands = z.infer<typeof appliedStrands>;

const isDocument = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

/** The trade or episode that content names: a window may name the trade that it led to, too, an action its episode. */
function subjectOf(kind: string, content: unknown): string | undefined {
  if (!isDocument(content)) return undefined;
  const { trade_id, episode_id } = content;
  const ids = kind.includes("episode") ? [episode_id, trade_id] : [trade_id, episode_id];
  return ids.find((id) => typeof id === "string");
}

/** The inbox. */
export class StrandStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Leases up to `limit` due strands, without a look into them. */
  async claim(limit: number): Promise<Claim[]> {
    return await this.#connection.call("claim_strands", { p_limit: limit }, claims);
  }

  /** Reads as many of some claimed strands as fit a batch; the database rejects or takes back the others. */
  async read(claimed: readonly JudgedStrand[]): Promise<ClaimedStrand[]> {
    const strands = await this.#connection.call("read_claimed_strands", {
      p_claims: claimed.map(({ id, revision }) => ({ id, revision })),
    }, travellingStrands);
    return this.#connection.stopwatch.working(() =>
      strands.map((strand) => {
        const content: unknown = JSON.parse(strand.content);
        return {
          ...strand,
          content,
          regime_context: JSON.parse(strand.regime_context),
          subject: subjectOf(strand.kind, content) ?? strand.id,
          characters: strand.content.length + strand.regime_context.length,
        };
      })
    );
  }

  /** Lets accepted strands take effect and marks the others rejected. */
  async apply(
    accepted: readonly JudgedStrand[],
    rejected: readonly (JudgedStrand & { readonly errors: readonly Fault[] })[],
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
