/**
 * Strands straight into a database, many at a time: for whoever has its address, several times as fast as the data API.
 *
 * @module
 */

import { z } from "zod";
import type { Database } from "../stack/database.ts";
import { dimensionRows, registeredDimensions, type Strand, strandRow } from "../strand_file.ts";
import { DEFAULT_SHARES, type Shares } from "./shares.ts";
import type { StrandSink } from "./sink.ts";

/** Strands of one statement: a megabyte or two. */
const BATCH = 2_000;

const registrySchema = z.array(
  z.object({ dim: z.string(), bit: z.number(), aliases: z.array(z.string()).nullable() }),
);
const sharesSchema = z.array(z.object({ shares: z.record(z.string(), z.number()).nullable() }));

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause);

/**
 * A database. Strands that are there already stay as they are, so an import may be repeated. A strand that asks for
 * dimensions has them registered before any strand after it is sent. While one batch is written the next is made.
 */
export class DatabaseSink implements StrandSink {
  readonly #sql: Database;
  #batch: Strand[] = [];
  #underWay: Promise<void> = Promise.resolve();
  #written = 0;
  #known = 0;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  async #register(strand: Strand): Promise<void> {
    const wanted = registeredDimensions(strand);
    if (wanted.length === 0) return;
    const registry = registrySchema.parse(
      await this.#sql`select dim, bit, aliases from public.scope_dimensions`,
    );
    const rows = dimensionRows(wanted, registry);
    if (rows.length === 0) return;
    await this.#sql`
      insert into public.scope_dimensions (dim, bit, source, weight, aliases)
      select dim, bit, source, weight, aliases
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as wanted(dim text, bit integer, source text, weight float8, aliases text[])`;
  }

  async #write(batch: readonly Strand[]): Promise<void> {
    try {
      const { count } = await this.#sql`
        insert into public.ad_strands
          (id, module, kind, position_id, trade_id, parent_id, symbol, timeframe, content, regime_context, tags, created_at)
        select id, module, kind, position_id, trade_id, parent_id, symbol, timeframe, content, regime_context, tags, created_at
        from jsonb_to_recordset(${JSON.stringify(batch.map((strand) => strandRow(strand)))}::jsonb) as told(
          id text, module text, kind text, position_id text, trade_id text, parent_id text, symbol text, timeframe text,
          content jsonb, regime_context jsonb, tags jsonb, created_at timestamptz)
        on conflict (id) do nothing`;
      this.#written += count;
      this.#known += batch.length - count;
    } catch (cause) {
      throw new Error(
        `${batch.length} strands from "${batch[0]?.id}" to "${batch.at(-1)?.id}" were not stored: ${
          messageOf(cause)
        }. ` +
          `${
            this.#written + this.#known
          } before them are. Import again once the cause is mended: what is stored stays.`,
        { cause },
      );
    }
  }

  async #send(): Promise<void> {
    await this.#underWay;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#underWay = this.#write(batch);
    // Whoever waits for it next is told; until then nobody is.
    this.#underWay.catch(() => undefined);
  }

  async add(strand: Strand): Promise<void> {
    await this.#register(strand);
    this.#batch.push(strand);
    if (this.#batch.length >= BATCH) await this.#send();
  }

  async close(): Promise<{ written: number; known: number }> {
    await this.#send();
    await this.#underWay;
    await this.#sql.end({ timeout: 5 });
    return { written: this.#written, known: this.#known };
  }

  async abandon(): Promise<void> {
    this.#batch = [];
    await this.#underWay.catch(() => undefined);
    await this.#sql.end({ timeout: 5 });
  }
}

/** The shares that the timeframes of a database start from. */
export async function startSharesIn(sql: Database): Promise<Shares> {
  const rows = await sql`
    select config_data -> 'start_shares' as shares from public.learning_configs where module_id = 'decision_maker'`;
  return sharesSchema.parse(rows)[0]?.shares ?? DEFAULT_SHARES;
}
