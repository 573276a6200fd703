/**
 * Recorded data beside the repository, for tests to use where it is there.
 *
 * @module
 */

export const SHARED_DATA = new URL("../../../shared/data/", import.meta.url);

/** Whether there is such a file or folder. */
export function isThere(path: URL | string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
