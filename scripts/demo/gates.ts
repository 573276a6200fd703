import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import type { EpisodeSample } from "../sample/episodes.ts";

/** Where a gate stands for a candidate, before and after what was learned. */
export interface GatePosition {
  readonly label: string;
  readonly scope: Readonly<Record<string, string>>;
  readonly lever: string;
  /** The PM's own threshold. */
  readonly before: number;
  /** With what was learned, faded by the time since its newest evidence. */
  readonly after: number;
  /** Scope of the override that moved it; `null` where none did. */
  readonly movedBy: Readonly<Record<string, string>> | null;
}

const levers = z.array(z.object({
  lever: z.string(),
  value: z.number().nullable(),
  scope_subset: z.record(z.string(), z.string()).nullable(),
}));

/** Asks where the planted gate stands for the sample's candidates. */
export async function gatePositions(client: SupabaseClient, sample: EpisodeSample): Promise<GatePosition[]> {
  const { lever, threshold } = sample.planted;
  return await Promise.all(sample.candidates.map(async ({ label, pattern_key, action_category, scope }) => {
    const { data } = await client.rpc("get_pm_levers", { pattern_key, action_category, scope })
      .throwOnError();
    const found = levers.parse(data).find((answer) => answer.lever === lever);
    if (found === undefined) throw new Error(`get_pm_levers does not answer for the lever "${lever}".`);
    return {
      label,
      scope,
      lever,
      before: threshold,
      after: threshold + (found.value ?? 0),
      movedBy: found.scope_subset,
    };
  }));
}
