/** One measured figure; `bench --json` prints an array of these (README.md, "What it costs"). */
export interface BenchRow {
  /** Which measurement, for example `enumerate`. */
  readonly bench: string;
  /** Size it was taken at. */
  readonly size: number | string;
  /** What was measured, for example `slices_per_s`. */
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
}
