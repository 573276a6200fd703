/**
 * One run of the enumeration, from a cursor to a cursor.
 *
 * @module
 */

import { ColumnWalk } from "./columns.ts";
import type { CheckedInput } from "./input.ts";
import { Progress, WORK_BETWEEN_POLLS } from "./progress.ts";
import type { RunOptions, SliceCursor, SliceVisitor } from "./types.ts";

/**
 * Visits the slices of a checked input; see `Enumeration.run`.
 *
 * @param workBetweenPolls How many row visits may pass before `shouldPause` is asked again.
 */
export function enumerateSlices(
  input: CheckedInput,
  visitor: SliceVisitor,
  options: RunOptions = {},
  workBetweenPolls: number = WORK_BETWEEN_POLLS,
): SliceCursor | null {
  const { cursor, shouldPause } = options;
  if (cursor !== undefined && cursor.input !== input.checksum) {
    throw new RangeError(
      `The cursor belongs to another input: its checksum is ${cursor.input}, that of this input ${input.checksum}.`,
    );
  }
  const progress = new Progress(cursor?.path ?? [], shouldPause, workBetweenPolls);
  const paused = new ColumnWalk(input, visitor, progress).run();
  return paused ? { input: input.checksum, path: progress.path } : null;
}
