/**
 * Where imported strands go: into a strand file, or through the data API into a running stack.
 *
 * @module
 */

import type { SupabaseClient } from "@supabase/supabase-js";
import { dimensionRows, registeredDimensions, type Strand, strandRow } from "../strand_file.ts";

/** Takes strands one by one. `close` ends the import, `abandon` leaves nothing half-written behind. */
export interface StrandSink {
  add(strand: Strand): Promise<void>;
  /** Writes what is left and says how many strands were new and how many were there already. */
  close(): Promise<{ readonly written: number; readonly known: number }>;
  abandon(): Promise<void>;
}

const FLUSH_BYTES = 1 << 18;

/** A strand file, which gets its name only when it is complete. */
export class FileSink implements StrandSink {
  readonly #path: string;
  readonly #partial: string;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | null = null;
  #pending = "";
  #written = 0;

  constructor(path: string) {
    this.#path = path;
    this.#partial = `${path}.partial`;
  }

  async #flush(): Promise<void> {
    this.#file ??= await Deno.create(this.#partial);
    let bytes = this.#encoder.encode(this.#pending);
    this.#pending = "";
    while (bytes.length > 0) bytes = bytes.subarray(await this.#file.write(bytes));
  }

  async add(strand: Strand): Promise<void> {
    this.#pending += `${JSON.stringify(strand)}\n`;
    this.#written += 1;
    if (this.#pending.length >= FLUSH_BYTES) await this.#flush();
  }

  async close(): Promise<{ written: number; known: number }> {
    await this.#flush();
    this.#file?.close();
    this.#file = null;
    await Deno.rename(this.#partial, this.#path);
    return { written: this.#written, known: 0 };
  }

  async abandon(): Promise<void> {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    await Deno.remove(this.#partial);
  }
}

/** Strands of one request: a few hundred kilobytes, and far below the 1,000 rows that the data API answers with. */
const BATCH = 500;

/**
 * A running stack. Strands that are there already stay as they are, so an import may be repeated. A strand that asks
 * for dimensions has them registered before any strand after it is sent.
 */
export class StackSink implements StrandSink {
  readonly #client: SupabaseClient;
  #batch: Strand[] = [];
  #written = 0;
  #known = 0;

  constructor(client: SupabaseClient) {
    this.#client = client;
  }

  async #register(strand: Strand): Promise<void> {
    const wanted = registeredDimensions(strand);
    if (wanted.length === 0) return;
    const registry = await this.#client.from("scope_dimensions").select("dim, bit, aliases");
    if (registry.error) {
      throw new Error(`The registry of dimensions cannot be read: ${registry.error.message}`);
    }
    const rows = dimensionRows(wanted, registry.data);
    if (rows.length === 0) return;
    const { error } = await this.#client.from("scope_dimensions").insert(rows);
    if (error) {
      const names = rows.map((row) => row.dim).join(", ");
      throw new Error(`The dimensions ${names} cannot be registered: ${error.message}`);
    }
  }

  async #send(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    const { data, error } = await this.#client
      .from("ad_strands")
      .upsert(batch.map((strand) => strandRow(strand)), { onConflict: "id", ignoreDuplicates: true })
      .select("id");
    if (error) {
      throw new Error(
        `${batch.length} strands from "${batch[0]?.id}" to "${
          batch.at(-1)?.id
        }" were not stored: ${error.message}. ` +
          `${
            this.#written + this.#known
          } before them are. Import again once the cause is mended: what is stored stays.`,
      );
    }
    this.#written += data.length;
    this.#known += batch.length - data.length;
  }

  async add(strand: Strand): Promise<void> {
    await this.#register(strand);
    this.#batch.push(strand);
    if (this.#batch.length >= BATCH) await this.#send();
  }

  async close(): Promise<{ written: number; known: number }> {
    await this.#send();
    return { written: this.#written, known: this.#known };
  }

  abandon(): Promise<void> {
    this.#batch = [];
    return Promise.resolve();
  }
}
