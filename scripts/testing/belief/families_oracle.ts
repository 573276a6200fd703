/**
 * Families of lessons by the plainest reading of the book (functions/README.md, "Families"): every sum afresh, from lists
 * of numbers. Shares nothing with what it judges.
 *
 * @module
 */

/** A lesson: its pairs as [dimension, value] and the decisions that have them. */
export interface OracleLesson {
  readonly pairs: readonly (readonly [string, string])[];
  readonly rows: readonly number[];
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const bytes = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");

/** Pairs in byte order of their dimensions, as bytes. */
function nameOf(lesson: OracleLesson): string[] {
  return lesson.pairs.map(([dimension, value]) => [bytes(dimension), bytes(value)] as const)
    .sort(([a], [b]) => a < b ? -1 : 1).flat();
}

function comesBefore(a: OracleLesson, b: OracleLesson): boolean {
  if (a.pairs.length !== b.pairs.length) return a.pairs.length < b.pairs.length;
  const [nameA, nameB] = [nameOf(a), nameOf(b)];
  for (const [i, part] of nameA.entries()) if (part !== nameB[i]) return part < (nameB[i] ?? "");
  return false;
}

/** Per lesson which one represents it, and the representatives in the order in which they were found. */
export function familiesByBruteForce(
  deviations: readonly number[],
  weeks: readonly number[],
  lessons: readonly OracleLesson[],
): { representatives: number[]; representedBy: number[] } {
  const left = [...deviations];
  const sumOf = (lesson: OracleLesson, values: readonly number[]): number =>
    total(lesson.rows.map((row) => values[row] ?? NaN));
  const weeksOf = (
    lesson: OracleLesson,
  ): number[] => [...new Set(lesson.rows.map((row) => weeks[row] ?? NaN))];
  const tOf = (lesson: OracleLesson): number => {
    const size = total(lesson.rows.map((row) => Math.abs(deviations[row] ?? NaN)));
    if (Math.abs(sumOf(lesson, left)) <= 1e-11 * size) return 0;
    const squares = weeksOf(lesson).map((week) =>
      total(lesson.rows.filter((row) => weeks[row] === week).map((row) => left[row] ?? NaN)) ** 2
    );
    return Math.abs(sumOf(lesson, left)) / Math.sqrt(total(squares));
  };
  const reaches = (lesson: OracleLesson): boolean =>
    tOf(lesson) >= Math.min(3, 0.8 * Math.sqrt(weeksOf(lesson).length));

  const representatives: number[] = [];
  const representedBy = lessons.map(() => -1);
  /** How much each removal lowered S² of each lesson, in the order of the removals. */
  const lowered: number[][] = lessons.map(() => []);
  const isOpen = (index: number): boolean => representedBy[index] === -1;

  const represent = (mayBeFurthest: (lesson: OracleLesson) => boolean): boolean => {
    const open = lessons.map((lesson, index) => ({ lesson, index, t: tOf(lesson) })).filter(({ index }) =>
      isOpen(index)
    );
    const furthest = Math.max(...open.filter(({ lesson }) => mayBeFurthest(lesson)).map(({ t }) => t));
    if (!Number.isFinite(furthest)) return false;
    const near = open.filter(({ t }) => Math.abs(t - furthest) <= 0.1);
    const chosen = near.reduce((best, other) => comesBefore(other.lesson, best.lesson) ? other : best);
    const before = lessons.map((lesson) => sumOf(lesson, left));
    const mean = sumOf(chosen.lesson, left) / chosen.lesson.rows.length;
    for (const row of chosen.lesson.rows) left[row] = (left[row] ?? NaN) - mean;
    representedBy[chosen.index] = chosen.index;
    representatives.push(chosen.index);
    for (const [index, lesson] of lessons.entries()) {
      if (isOpen(index)) lowered[index]?.push((before[index] ?? NaN) ** 2 - sumOf(lesson, left) ** 2);
    }
    return true;
  };
  const settle = (): void => {
    for (const [index, lesson] of lessons.entries()) {
      if (!isOpen(index)) continue;
      const most = Math.max(...(lowered[index] ?? []));
      if (most >= 0.1 * sumOf(lesson, deviations) ** 2) {
        representedBy[index] = representatives[lowered[index]?.indexOf(most) ?? -1] ?? -1;
      }
    }
  };

  while (represent(reaches));
  settle();
  while (represent(() => true)) settle();
  return { representatives, representedBy };
}
