/**
 * Python writes NaN and Infinity into JSON, which has no such numbers; freqtrade does, where a figure cannot be computed.
 * They become null, piece by piece of the text as it streams by.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const isLetter = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NO_NUMBERS = new Set(["NaN", "Infinity", "-Infinity"]);
const MOST_LETTERS = 9;

/** Replaces such numbers in a text that comes in pieces. */
export class NumbersThatAreNone {
  #isInString = false;
  #isEscaped = false;
  /** A word that began in an earlier piece, or in this one. */
  #word: number[] | null = null;

  /** What is known of the text after this piece; a word at its end may come with the next. */
  next(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let begin = this.#word === null ? 0 : piece.length;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] ?? 0;
      if (this.#word !== null) {
        if (isLetter(byte) && this.#word.length < MOST_LETTERS) {
          this.#word.push(byte);
          continue;
        }
        parts.push(this.#spoken(this.#word));
        this.#word = null;
        begin = at;
      }
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (byte === QUOTE) this.#isInString = true;
      else if (byte === MINUS || isLetter(byte)) {
        if (at > begin) parts.push(piece.subarray(begin, at));
        this.#word = [byte];
        begin = piece.length;
      }
    }
    if (begin < piece.length) parts.push(piece.subarray(begin));
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : joined(parts);
  }

  #spoken(word: readonly number[]): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from(word);
    return NO_NUMBERS.has(decoder.decode(bytes)) ? encoder.encode("null") : bytes;
  }
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
