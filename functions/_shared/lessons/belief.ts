import { mayBeSelected } from "./decisions.ts";
import type { SliceStats } from "./progress.ts";
import type { MiningSettings } from "./settings.ts";

/** What decides whether a lesson is believed. */
export interface Believable {
  readonly stats: Pick<SliceStats, "delta" | "edge_raw" | "incremental_edge" | "effect" | "selected">;
  readonly qValue: number;
}

/** Whether a lesson is believed, that is active (functions/README.md, "False discovery"). */
export function isBelieved(
  { stats, qValue }: Believable,
  settings: MiningSettings,
  category: string,
): boolean {
  return Math.abs(stats.edge_raw) >= settings.edge_min &&
    (settings.max_q_value === null || qValue <= settings.max_q_value) &&
    (settings.incremental_min === null || Math.abs(stats.incremental_edge) >= settings.incremental_min) &&
    Math.sign(stats.delta) === Math.sign(stats.effect) &&
    !(stats.selected && settings.refuse_selected && mayBeSelected(category, settings));
}
