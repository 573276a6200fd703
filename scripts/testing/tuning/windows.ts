/** Windows for tests, written as a person would, and turned into columns. */

import type { SimulatedWindows } from "../../../functions/_shared/tuning/simulate.ts";

/** One window; what is left out is neutral and would not change under any move. */
export interface Window {
  readonly acted: boolean;
  readonly outcome: "success" | "failure" | "neutral";
  readonly ts: number;
  readonly tsMin: number;
  readonly halo: number;
  readonly haloMax: number;
  readonly slope: number;
  readonly slopeMin: number;
  readonly otherwiseBlocked: boolean;
  readonly half: 0 | 1;
}

export const PASSING = {
  ts: 0.9,
  tsMin: 0.6,
  halo: 0.2,
  haloMax: 1,
  slope: 0.02,
  slopeMin: 0.01,
  otherwiseBlocked: false,
  half: 0,
} as const;

/** Packs windows into columns. */
export function columnsOf(windows: readonly Window[]): SimulatedWindows {
  const flags = (flag: (window: Window) => boolean): Uint8Array =>
    Uint8Array.from(windows, (window) => flag(window) ? 1 : 0);
  const numbers = (number: (window: Window) => number): Float64Array => Float64Array.from(windows, number);
  return {
    rows: windows.length,
    acted: flags(({ acted }) => acted),
    success: flags(({ outcome }) => outcome === "success"),
    failure: flags(({ outcome }) => outcome === "failure"),
    otherwiseBlocked: flags(({ otherwiseBlocked }) => otherwiseBlocked),
    half: flags(({ half }) => half === 1),
    tsScore: numbers(({ ts }) => ts),
    tsMin: numbers(({ tsMin }) => tsMin),
    haloDistance: numbers(({ halo }) => halo),
    haloMax: numbers(({ haloMax }) => haloMax),
    slope: numbers(({ slope }) => slope),
    slopeMin: numbers(({ slopeMin }) => slopeMin),
  };
}

/** The numbers of all rows. */
export function allRows(windows: { readonly rows: number }): Uint32Array {
  return Uint32Array.from({ length: windows.rows }, (_, row) => row);
}

/** Share of failures among the decided skipped windows. */
export function dodgeRateOf(windows: readonly Window[]): number | null {
  const skipped = windows.filter(({ acted, outcome }) => !acted && outcome !== "neutral");
  return skipped.length === 0
    ? null
    : skipped.filter(({ outcome }) => outcome === "failure").length / skipped.length;
}
