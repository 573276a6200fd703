import type { MiningSettings } from "./settings.ts";

/** Whether an action opens a position or makes it larger. */
export function enters(category: string): boolean {
  return category === "entry" || category === "add";
}

/** Whether an action that leaves a position is judged by the whole trade, which may be why it was taken. */
export function mayBeSelected(
  category: string,
  settings: Pick<MiningSettings, "trim_outcome" | "exit_outcome">,
): boolean {
  return category === "trim" && settings.trim_outcome === "trade" ||
    category === "exit" && settings.exit_outcome === "trade";
}
