/**
 * A moment as text, to the microsecond, which Date alone would cut.
 *
 * @param epochMs Milliseconds since 1970, with a fraction.
 */
export function timestampOf(epochMs: number): string {
  const microseconds = Math.round(epochMs * 1000);
  const ms = Math.floor(microseconds / 1000);
  const rest = String(microseconds - ms * 1000).padStart(3, "0");
  return new Date(ms).toISOString().replace("Z", `${rest}Z`);
}
