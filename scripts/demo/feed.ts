import type { SupabaseClient } from "@supabase/supabase-js";
import { dimensionRows, registeredDimensions, type Strand, strandRow } from "../strand_file.ts";

/** Rows per request: about a megabyte. */
const BATCH = 1000;

/** Writes strands through the data API, as the trading system would, and registers the dimensions they ask for. */
export class StrandFeeder {
  readonly #client: SupabaseClient;
  readonly #onProgress: (fed: number) => void;
  #batch: Strand[] = [];
  #fed = 0;
  #newest: string | null = null;

  constructor(client: SupabaseClient, onProgress: (fed: number) => void) {
    this.#client = client;
    this.#onProgress = onProgress;
  }

  /** Strands fed so far. */
  get fed(): number {
    return this.#fed;
  }

  /** Event time of the newest strand fed so far, as it was written. */
  get newest(): string | null {
    return this.#newest;
  }

  /** Takes the next strand; {@linkcode flush} sends what is left. */
  async feed(strand: Strand): Promise<void> {
    const wanted = registeredDimensions(strand);
    if (wanted.length > 0) {
      await this.flush();
      const registry = await this.#client.from("scope_dimensions").select("dim, bit, aliases").throwOnError();
      const rows = dimensionRows(wanted, registry.data);
      if (rows.length > 0) await this.#client.from("scope_dimensions").insert(rows).throwOnError();
    }
    this.#batch.push(strand);
    if (this.#batch.length === BATCH) await this.flush();
  }

  /** Sends what has not been sent. */
  async flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    const rows = this.#batch.map((strand) => strandRow(strand));
    await this.#client.from("ad_strands").upsert(rows, { onConflict: "id", ignoreDuplicates: true })
      .throwOnError();
    for (const { created_at } of rows) {
      if (this.#newest === null || Date.parse(created_at) > Date.parse(this.#newest)) {
        this.#newest = created_at;
      }
    }
    this.#fed += rows.length;
    this.#batch = [];
    this.#onProgress(this.#fed);
  }
}
