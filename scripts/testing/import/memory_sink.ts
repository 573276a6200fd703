import type { StrandSink } from "../../import/sink.ts";
import type { Strand } from "../../strand_file.ts";

/** Keeps strands by id, as the database does: the first of an id stays. */
export class MemorySink implements StrandSink {
  readonly strands = new Map<string, Strand>();
  abandoned = false;
  #written = 0;
  #known = 0;

  add(strand: Strand): Promise<void> {
    if (this.strands.has(strand.id)) this.#known += 1;
    else {
      this.#written += 1;
      this.strands.set(strand.id, strand);
    }
    return Promise.resolve();
  }

  close(): Promise<{ written: number; known: number }> {
    const counts = { written: this.#written, known: this.#known };
    this.#written = this.#known = 0;
    return Promise.resolve(counts);
  }

  abandon(): Promise<void> {
    this.abandoned = true;
    return Promise.resolve();
  }
}
