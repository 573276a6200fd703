/** What an adoption remembers, in the schema that it archives into, so that it goes on wherever it was stopped. */

import type postgres from "postgres";
import { z } from "zod";
import { ADVISORY_LOCKS } from "../stack/advisory_locks.ts";
import type { Database } from "../stack/database.ts";

/** One transaction. */
export type Transaction = postgres.TransactionSql<{ bigint: number | string; numeric: number | string }>;

/** A dimension that adoption registers. */
const dimension = z.object({ dim: z.string(), source: z.enum(["entry", "action", "regime"]) });

/** What was decided before the first change, and holds until the end. */
export const planSchema = z.object({
  /** Dimensions of ours that nothing fills. */
  freed: z.array(z.string()),
  /** Dimensions that the guest's scopes have besides. */
  added: z.array(dimension),
  /** How allocations are written. */
  unit: z.enum(["fraction", "percent"]),
  /** Thresholds of the entry gates for windows that name none. */
  thresholds: z.object({
    ts_min: z.number().optional(),
    halo_max: z.number().optional(),
    slope_min: z.number().optional(),
  }),
  /** Whether crowding is reckoned as the guest did: by what is held in USD. */
  crowdingByValue: z.boolean(),
});

/** @see planSchema */
export type Plan = z.infer<typeof planSchema>;

/** The steps in their order. */
export const STEPS = [
  "archive",
  "push",
  "columns",
  "settings",
  "positions",
  "strands",
  "trades",
  "episodes",
  "bridge",
  "prove",
] as const;

/** @see STEPS */
export type StepName = (typeof STEPS)[number];

/** What an adoption works with. */
export interface Workplace {
  readonly sql: Database;
  readonly databaseUrl: string;
  /** Told what happened, a sentence at a time. */
  readonly say: (sentence: string) => void;
  /** Told how far a long step is. */
  readonly progress: (line: string) => void;
  /** Called at the end of each transaction, before it is committed: what tests break one with. */
  readonly checkpoint?: (step: StepName | "undo") => void;
}

/** How far an adoption is. */
export interface State {
  readonly plan: Plan;
  readonly done: ReadonlySet<string>;
  readonly begunAt: string;
  readonly finishedAt: string | null;
  readonly actedAt: string | null;
}

/** Where a step that goes in pieces is. */
export interface Progress {
  readonly cursor: readonly string[] | null;
  readonly seen: number;
  readonly carried: number;
}

const TABLES = `
  create schema before_edgeloop;
  comment on schema before_edgeloop is
    'What was here before Edgeloop, kept as it was, and what its adoption remembers.';
  revoke all on schema before_edgeloop from public;
  create table before_edgeloop.adoption (
    is_there boolean primary key default true check (is_there),
    plan jsonb not null, begun_at timestamptz not null default now(), finished_at timestamptz, acted_at timestamptz
  );
  create table before_edgeloop.adoption_steps (step text primary key, done_at timestamptz not null default now());
  create table before_edgeloop.adoption_progress (
    step text primary key, cursor text[], seen bigint not null default 0, carried bigint not null default 0
  );
  create table before_edgeloop.adoption_left_behind (
    id bigint generated always as identity primary key, thing text not null, name text, reason text not null,
    rows bigint not null default 1
  );
  create table before_edgeloop.adoption_relations (
    name text primary key, kind text not null, definition text, grants jsonb not null default '[]',
    made_anew boolean not null default false
  );
  create table before_edgeloop.adoption_foreign_keys (
    child text not null, name text not null, definition text not null, made_anew boolean not null default false,
    primary key (child, name)
  );
  create table before_edgeloop.adoption_digests (
    relation text not null, id text not null, digest text not null, primary key (relation, id)
  );
  create table before_edgeloop.adoption_made_strands (id text primary key);
  create table before_edgeloop.adoption_histories (had_schema boolean not null);
  revoke all on all tables in schema before_edgeloop from public, anon, authenticated, service_role;`;

/** Makes the schema of the archive and writes down what was decided. */
export async function beginAdoption(transaction: Transaction, plan: Plan): Promise<void> {
  // Where the platform's roles are not there yet nothing is granted to them either.
  const roles = await transaction<{ name: string }[]>`
    select rolname::text as name from pg_catalog.pg_roles
    where rolname in ('anon', 'authenticated', 'service_role')`;
  const revoked = ["public", ...roles.map(({ name }) => name)].join(", ");
  await transaction.unsafe(TABLES.replace("public, anon, authenticated, service_role", revoked)).simple();
  await transaction`insert into before_edgeloop.adoption (plan) values (${JSON.stringify(plan)})`;
}

/** How far the adoption of the database is; null where none was begun. */
export async function readState(sql: Database | Transaction): Promise<State | null> {
  const [begun] = await sql<
    { begun: boolean }[]
  >`select to_regclass('before_edgeloop.adoption') is not null as begun`;
  if (begun?.begun !== true) return null;
  const [row] = await sql<
    { plan: unknown; begun_at: string; finished_at: string | null; acted_at: string | null; done: string[] }[]
  >`
    select adoption.plan, adoption.begun_at, adoption.finished_at, adoption.acted_at,
      array(select step.step from before_edgeloop.adoption_steps step) as done
    from before_edgeloop.adoption`;
  if (row === undefined) return null;
  return {
    plan: planSchema.parse(row.plan),
    done: new Set(row.done),
    begunAt: row.begun_at,
    finishedAt: row.finished_at,
    actedAt: row.acted_at,
  };
}

/** Runs in one transaction what no other adoption of the database may do at the same time. */
export async function inTurn<T>(
  work: Workplace,
  step: StepName | "undo",
  run: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const result = await work.sql.begin(async (transaction) => {
    await takeTurn(transaction, work);
    // Definitions are printed with their schemas when no schema is on the path.
    await transaction`set local search_path = pg_catalog`;
    await transaction`set local lock_timeout = '10s'`;
    // Compiling the check of a configuration takes seconds.
    await transaction`set local jit = off`;
    const answer = await run(transaction);
    work.checkpoint?.(step);
    return { answer };
  });
  return result.answer;
}

async function takeTurn(transaction: Transaction, work: Workplace): Promise<void> {
  const [row] = await transaction<{ free: boolean }[]>`
    select pg_try_advisory_xact_lock(${ADVISORY_LOCKS.adoption}) as free`;
  if (row?.free === true) return;
  work.progress("waiting for another adoption of this database to finish its step");
  await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCKS.adoption})`;
}

/** Notes that a step is done. */
export async function finishStep(transaction: Transaction, step: StepName): Promise<void> {
  await transaction`
    insert into before_edgeloop.adoption_steps (step) values (${step}) on conflict (step) do nothing`;
}

/** Writes down what was not carried over, and why. */
export async function leaveBehind(
  transaction: Transaction,
  thing: string,
  name: string | null,
  reason: string,
  rows = 1,
): Promise<void> {
  await transaction`
    insert into before_edgeloop.adoption_left_behind (thing, name, reason, rows)
    values (${thing}, ${name}, ${reason}, ${rows})`;
}

/** Whether the relation is in the archive. */
export async function isArchived(sql: Database | Transaction, name: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`
    select exists (
      select from pg_catalog.pg_class relation
      where relation.relnamespace = to_regnamespace('before_edgeloop') and relation.relname = ${name}
    ) as there`;
  return row?.there === true;
}

/** Where a step that goes in pieces is. */
export async function readProgress(transaction: Transaction, step: StepName): Promise<Progress> {
  const [row] = await transaction<{ cursor: string[] | null; seen: number; carried: number }[]>`
    select progress.cursor, progress.seen, progress.carried
    from before_edgeloop.adoption_progress progress where progress.step = ${step}`;
  return row ?? { cursor: null, seen: 0, carried: 0 };
}

/** Notes how far a step got, in the transaction that got it there. */
export async function writeProgress(
  transaction: Transaction,
  step: StepName,
  progress: Progress,
): Promise<void> {
  await transaction`
    insert into before_edgeloop.adoption_progress (step, cursor, seen, carried)
    values (${step}, ${
    progress.cursor === null ? null : [...progress.cursor]
  }, ${progress.seen}, ${progress.carried})
    on conflict (step) do update set cursor = excluded.cursor, seen = excluded.seen, carried = excluded.carried`;
}

/** A name as SQL has it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** How many things there are, for a person to read. */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? singular : plural}`;
}
