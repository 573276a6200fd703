import { dim } from "@std/fmt/colors.js";
import { visible } from "../../functions/_shared/runtime/visible.ts";

const EVERY_MS = 5_000;

/** Tells on standard error how far a proof is: on a terminal one line that overwrites itself, else one every few seconds. */
export class ProofProgress {
  readonly #startedAt = performance.now();
  readonly #encoder = new TextEncoder();
  readonly #live = Deno.stderr.isTerminal();
  #toldAt = -Infinity;
  #what = "";

  readonly onProgress = (what: string, done: number, of: number): void => {
    const now = performance.now();
    if (!this.#live && done < of && what === this.#what && now - this.#toldAt < EVERY_MS) return;
    this.#toldAt = now;
    this.#what = what;
    this.#write(
      `${this.#prefix()} ${visible(what)} ${done.toLocaleString("en")} of ${of.toLocaleString("en")}`,
    );
  };

  say(what: string): void {
    this.#write(`${this.#prefix()} ${visible(what)}`);
  }

  end(): void {
    if (this.#live) this.#raw("\r\x1b[K");
  }

  #write(line: string): void {
    this.#raw(this.#live ? `\r${line}\x1b[K` : `${line}\n`);
  }

  #raw(text: string): void {
    Deno.stderr.writeSync(this.#encoder.encode(text));
  }

  #prefix(): string {
    return dim(`${((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(6)} s`);
  }
}
