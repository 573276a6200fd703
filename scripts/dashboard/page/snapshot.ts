/** Where a report has its rows from: itself. */

import * as z from "zod/mini";
import type { Filter, Order, Read } from "./reads.ts";
import type { Answer, Asked, Result, Source } from "./source.ts";

export const snapshotShape = z.object({
  /** When it was taken. */
  taken_at: z.string(),
  /** Rows by relation; null where the database has no such relation. */
  rows: z.record(z.string(), z.nullable(z.array(z.record(z.string(), z.unknown())))),
});
export type Snapshot = z.infer<typeof snapshotShape>;

function fits(row: Readonly<Record<string, unknown>>, { column, is, value }: Filter): boolean {
  const held = row[column];
  if (is === "eq") return held === value;
  if (is === "in") return Array.isArray(value) && value.includes(held);
  if (is === "notnull") return held !== null && held !== undefined;
  if (is === "like") return String(held).toLowerCase().includes(String(value).toLowerCase());
  return typeof held === "object" && held !== null && typeof value === "object" && value !== null &&
    Object.entries(value).every(([key, wanted]) => Reflect.get(held, key) === wanted);
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one ?? "") < String(other ?? "") ? -1 : String(one ?? "") > String(other ?? "") ? 1 : 0;
}

function byOrder(
  order: readonly Order[],
): (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>) => number {
  return (a, b) => {
    for (const { column, descending } of order) {
      const difference = compare(a[column], b[column]);
      if (difference !== 0) return descending === true ? -difference : difference;
    }
    return 0;
  };
}

/** Answers from the rows that a report carries, and refuses to do anything. */
export class SnapshotSource implements Source {
  readonly live = false;
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  rows<Row>(read: Read<Row>, asked: Asked = {}): Promise<Answer<Row>> {
    const held = this.#snapshot.rows[read.relation];
    if (held === null || held === undefined) return Promise.resolve({ state: "missing" });
    const found = held.filter((row) =>
      [...(read.filters ?? []), ...(asked.filters ?? [])].every((filter) => fits(row, filter))
    );
    const order = asked.order ?? read.order;
    const from = asked.from ?? 0;
    const page = (order.length === 0 ? found : found.toSorted(byOrder(order)))
      .slice(from, from + (asked.limit ?? read.limit));
    const parsed = z.array(read.row).safeParse(page);
    return Promise.resolve(
      parsed.success
        ? { state: "there", rows: parsed.data, total: found.length }
        : { state: "failed", why: `${read.relation} has another form than this page knows` },
    );
  }

  call<Value>(): Promise<Result<Value>> {
    return Promise.resolve({
      state: "refused",
      why: "A report answers nothing and changes nothing: open the screen for that",
    });
  }
}
