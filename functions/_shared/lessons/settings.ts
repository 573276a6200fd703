import { z } from "zod";

/**
 * What mining reads of the PM's effective configuration (functions/README.md, "Settings"); the database has
 * filled in the defaults.
 */
const config = z.object({
  outcome: z.enum(["roi", "rr"]),
  add_outcome: z.enum(["own", "trade"]),
  trim_outcome: z.enum(["own", "trade"]),
  exit_outcome: z.enum(["regret", "trade"]),
  outcome_scale: z.union([z.number(), z.literal("auto")]),
  n_min: z.number(),
  edge_min: z.number(),
  incremental_min: z.number().nullable(),
  max_q_value: z.number().nullable(),
  fdr: z.enum(["by", "bh"]),
  cluster: z.enum(["week", "day", "span", "none"]),
  selection: z.enum(["distinct", "exhaustive"]),
  max_lessons_per_group: z.number(),
  near_misses: z.number().nullable(),
  refuse_selected: z.boolean(),
  regime_dimensions: z.array(z.string()),
  memory: z.enum(["auto", "none"]),
  decay: z.object({ source: z.enum(["events", "history"]) }),
  steering: z.object({ roi_scale: z.number(), relative: z.boolean() }),
});

/** How a group is mined. */
export type MiningSettings = z.infer<typeof config>;

/** @throws z.ZodError when the configuration is not the one this code was written for. */
export function miningSettings(effectiveConfig: unknown): MiningSettings {
  return config.parse(effectiveConfig);
}
