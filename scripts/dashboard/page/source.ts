/** Where the page has its rows from: the data API, as whoever signed in. */

import type { SupabaseClient } from "@supabase/supabase-js";
import * as z from "zod/mini";
import { type Filter, offers, type Order, type Read } from "./reads.ts";

/** What is asked of a relation beyond its usual rows. */
export interface Asked {
  readonly filters?: readonly Filter[];
  readonly order?: readonly Order[];
  readonly from?: number;
  readonly limit?: number;
  /** Whether to say how many rows there are in all. */
  readonly counted?: boolean;
}

export type Answer<Row> =
  | { readonly state: "there"; readonly rows: readonly Row[]; readonly total: number | null }
  | { readonly state: "missing" }
  | { readonly state: "refused"; readonly why: string }
  | { readonly state: "failed"; readonly why: string };

export type Result<Value> =
  | { readonly state: "there"; readonly value: Value }
  | { readonly state: "missing" }
  | { readonly state: "refused"; readonly why: string }
  | { readonly state: "failed"; readonly why: string };

export interface Source {
  /** Whether it can be asked for sizes and told to change something. */
  readonly live: boolean;
  rows<Row>(read: Read<Row>, asked?: Asked): Promise<Answer<Row>>;
  call<Value>(
    name: string,
    parameters: Readonly<Record<string, unknown>>,
    value: z.ZodMiniType<Value>,
  ): Promise<Result<Value>>;
}

interface Refusal {
  readonly code?: string | null;
  readonly message: string;
  readonly hint?: string | null;
}

/** What a refusal of the data API means for whoever looks. */
export function outcomeOf(
  error: Refusal,
  status: number,
): { state: "missing" } | { state: "refused" | "failed"; why: string } {
  const code = error.code ?? "";
  if (["PGRST205", "PGRST202", "42P01", "42883", "42703"].includes(code)) return { state: "missing" };
  const why = [error.message, error.hint ?? ""].filter((part) => part !== "").join(". ");
  if (status === 401 || code === "PGRST303" || code === "PGRST301") {
    return { state: "refused", why: `${why}. The sign-in has expired or is not known here: sign in again` };
  }
  if (status === 403 || code === "42501") return { state: "refused", why };
  if (status === 0) return { state: "failed", why: `No answer: ${why}` };
  return { state: "failed", why };
}

function otherShape(what: string): { state: "failed"; why: string } {
  return {
    state: "failed",
    why: `${what} has another form than this page knows: take the page of its release`,
  };
}

/** The data API, over supabase-js. */
export class LiveSource implements Source {
  readonly live = true;
  readonly #client: SupabaseClient;
  readonly #asking = new Map<string, Promise<Answer<unknown>>>();
  #offered: Promise<ReadonlySet<string> | null> | undefined;

  constructor(client: SupabaseClient) {
    this.#client = client;
  }

  /** Whether the database is known not to have it: a browser would write a refused request to its console. */
  async #lacks(name: string): Promise<boolean> {
    this.#offered ??= this.#askOffered();
    const offered = await this.#offered;
    return offered !== null && !offered.has(name);
  }

  async #askOffered(): Promise<ReadonlySet<string> | null> {
    const { data, error } = await this.#client.from(offers.relation).select("name").order("name").limit(
      offers.limit,
    );
    const parsed = error === null ? z.array(offers.row).safeParse(data) : undefined;
    // Without a learning role nothing is offered, and every relation is empty.
    return parsed?.data === undefined || parsed.data.length === 0
      ? null
      : new Set(parsed.data.map(({ name }) => name));
  }

  /** The same rows that several parts of a page ask for at once are asked for once. */
  async rows<Row>(read: Read<Row>, asked: Asked = {}): Promise<Answer<Row>> {
    const question = JSON.stringify([read.relation, read.limit, asked]);
    const asking = this.#asking.get(question) ?? this.#ask(read, asked);
    this.#asking.set(question, asking);
    const answer = await asking.finally(() => this.#asking.delete(question));
    if (answer.state !== "there") return answer;
    const rows: Row[] = [];
    for (const row of answer.rows) {
      const parsed = read.row.safeParse(row);
      if (!parsed.success) return otherShape(read.relation);
      rows.push(parsed.data);
    }
    return { ...answer, rows };
  }

  async #ask(read: Read<unknown>, asked: Asked): Promise<Answer<unknown>> {
    if (await this.#lacks(read.relation)) return { state: "missing" };
    let query = this.#client.from(read.relation).select(
      "*",
      asked.counted === true ? { count: "exact" } : {},
    );
    for (const { column, is, value } of [...(read.filters ?? []), ...(asked.filters ?? [])]) {
      if (is === "eq") query = query.eq(column, value);
      else if (is === "in") query = query.in(column, Array.isArray(value) ? value : []);
      else if (is === "contains") query = query.contains(column, JSON.stringify(value));
      else if (is === "notnull") query = query.not(column, "is", null);
      else query = query.ilike(column, `%${String(value).replaceAll(/[%_\\]/g, "\\$&")}%`);
    }
    for (const { column, descending } of asked.order ?? read.order) {
      query = query.order(column, { ascending: descending !== true });
    }
    const from = asked.from ?? 0;
    const { data, error, count, status } = await query.range(from, from + (asked.limit ?? read.limit) - 1);
    return error === null ? { state: "there", rows: data, total: count } : outcomeOf(error, status);
  }

  async call<Value>(
    name: string,
    parameters: Readonly<Record<string, unknown>>,
    value: z.ZodMiniType<Value>,
  ): Promise<Result<Value>> {
    if (await this.#lacks(name)) return { state: "missing" };
    const { data, error, status } = await this.#client.rpc(name, parameters);
    if (error !== null) return outcomeOf(error, status);
    const parsed = value.safeParse(data);
    return parsed.success ? { state: "there", value: parsed.data } : otherShape(name);
  }
}
