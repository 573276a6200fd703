/**
 * The parts of a paused run that every miner stores, as they come back from the database.
 *
 * @module
 */

import { z } from "zod";
import type { SliceCursor } from "../slices/mod.ts";
import type { KeptSlices, StoredSlice } from "./slice_names.ts";

const conjunction = z.array(z.number());

export const sliceCursor: z.ZodType<SliceCursor> = z.object({ input: z.number(), path: z.array(z.number()) });

export const storedSlices: z.ZodType<StoredSlice[]> = z.array(
  z.object({ strength: z.number(), conjunction, name: conjunction.exactOptional() }),
);

export const keptSlices: z.ZodType<KeptSlices> = z.object({
  slices: z.array(conjunction),
  strengths: z.array(z.number()),
});

/**
 * Parses the stored progress of a run, a document or its text; `null` where it has none.
 *
 * @throws RangeError when it is of another form, as an earlier release left it: the run then begins again.
 */
export function parseProgress<Progress>(schema: z.ZodType<Progress>, stored: unknown): Progress | null {
  if (stored === null || stored === undefined) return null;
  const parsed = schema.safeParse(typeof stored === "string" ? JSON.parse(stored) : stored);
  if (!parsed.success) {
    throw new RangeError(`The progress is of another form: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
