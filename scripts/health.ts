/** What the view `learning_health` says, in lines for a person. */

import { visible } from "../functions/_shared/runtime/visible.ts";
import type { Stack } from "./stack/stack.ts";

/** A row of `learning_health`. */
export interface StageHealth {
  readonly stage: string;
  readonly backlog: number;
  readonly problem: string | null;
  /** Of the database, the same in each row; null before the first. */
  readonly release: string | null;
}

export async function readHealth(query: Stack["query"]): Promise<StageHealth[]> {
  return await query<StageHealth>("select stage, backlog, problem, release from public.learning_health");
}

/** One line for each stage that has a problem, or one for all where none has; then one for the release. */
export function healthLines(stages: readonly StageHealth[]): string[] {
  const problems = stages.flatMap(({ stage, problem }) =>
    problem === null ? [] : [visible(`${stage}: ${problem}`)]
  );
  const release = stages[0]?.release ?? null;
  const version = release === null ? "not released yet" : `release ${release}`;
  if (problems.length > 0) return [...problems, version];
  const waiting = stages.filter(({ backlog }) => backlog > 0).map(({ stage, backlog }) =>
    `${backlog} in ${stage}`
  );
  return [
    `all stages are well, ${waiting.length === 0 ? "nothing waits" : `waiting: ${waiting.join(", ")}`}`,
    version,
  ];
}
