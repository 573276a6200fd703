import { z } from "zod";

/**
 * What mining reads of the PM's effective configuration (functions/README.md, "Settings"); the database has
 * filled in the defaults.
 */
const config = z.object({
  outcome: z.enum(["roi", "rr"]),
  outcome_scale: z.number(),
  n_min: z.number(),
  edge_min: z.number(),
  incremental_min: z.number().nullable(),
  max_q_value: z.number().nullable(),
  cluster: z.enum(["auto", "week", "day", "none"]),
  selection: z.enum(["distinct", "exhaustive"]),
  max_lessons_per_group: z.number(),
  decay: z.object({ source: z.enum(["events", "history"]) }),
  steering: z.object({ roi_scale: z.number(), relative: z.boolean() }),
});

/** How a group is mined. */
export type MiningSettings = z.infer<typeof config>;

/** @throws z.ZodError when the configuration is not the one this code was written for. */
export function miningSettings(effectiveConfig: unknown): MiningSettings {
  return config.parse(effectiveConfig);
}
