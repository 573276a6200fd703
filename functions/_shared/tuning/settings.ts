import { z } from "zod";

/**
 * What mining of tuning lessons reads of the PM's effective configuration (functions/README.md, "Settings").
 */
const miningConfig = z.object({
  n_min: z.number(),
  selection: z.enum(["distinct", "exhaustive"]),
  max_lessons_per_group: z.number(),
});

/** What simulation reads of its `tuning` part. */
const simulationConfig = z.object({
  min_ratio: z.number(),
  min_gain: z.number(),
  cautious_dodge_rate: z.number(),
  cautious_ratio: z.number(),
  confirm: z.boolean(),
});

/** How the windows of a group are mined. */
export type TuningMiningSettings = z.infer<typeof miningConfig>;

/** What is asked of a move of the gates. */
export type SimulationSettings = z.infer<typeof simulationConfig>;

/** @throws z.ZodError when the configuration is not the one this code was written for. */
export function tuningMiningSettings(effectiveConfig: unknown): TuningMiningSettings {
  return miningConfig.parse(effectiveConfig);
}

/** @throws z.ZodError when the configuration is not the one this code was written for. */
export function simulationSettings(tuningConfig: unknown): SimulationSettings {
  return simulationConfig.parse(tuningConfig);
}
