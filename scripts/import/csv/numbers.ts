/**
 * Numbers as tables of trades write them: with decimal points or commas, thousands set apart, currencies, percent signs,
 * losses in brackets or after a true minus.
 *
 * @module
 */

/** The sign before the decimals. */
export type Decimal = "." | ",";

/** Currencies and units around a number, which tell nothing of its size. */
const AROUND = /[\s\u00a0\u202f'’_$€£¥₹₿₽%]|(?<![A-Za-z])(?:[A-Z]{3,5}|R|x)(?![A-Za-z])/g;
const NOTHING = new Set([
  "",
  "-",
  "–",
  "—",
  "n/a",
  "na",
  "nan",
  "nat",
  "none",
  "null",
  "inf",
  "∅",
  "not available",
]);

/** Whether a cell says that there is nothing to say. */
export function isBlank(text: string): boolean {
  // Most cells begin with a figure.
  if (text.charCodeAt(0) >= 0x30 && text.charCodeAt(0) <= 0x39) return false;
  return NOTHING.has(text.trim().toLowerCase());
}

/** As most numbers are written; what they say needs no taking apart. */
const PLAIN_POINTS = /^-?\d+(?:\.\d+)?$/;
const PLAIN_COMMAS = /^-?\d+(?:,\d+)?$/;

/** A number, null where the cell is empty, NaN where it holds something else. */
export function readNumber(text: string, decimal: Decimal): number | null {
  if (decimal === "." ? PLAIN_POINTS.test(text) : PLAIN_COMMAS.test(text)) {
    return Number(text.replace(",", "."));
  }
  if (isBlank(text)) return null;
  let plain = text.trim();
  const isNegative = /^\(.*\)$/.test(plain) || /^[-−–]/.test(plain.replace(/^[^\d(]*(?=[-−–])/, ""));
  plain = plain.replaceAll(AROUND, "").replace(/^\((.*)\)$/, "$1").replace(/^[-−–+]+/, "");
  plain = decimal === "," ? plain.replaceAll(".", "").replace(",", ".") : plain.replaceAll(",", "");
  if (!/^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(plain)) return NaN;
  return isNegative ? -Number(plain) : Number(plain);
}

/** Whether a cell looks like a number, whatever its decimals. */
export function looksNumeric(text: string): boolean {
  if (!/\d/.test(text)) return false;
  const number = readNumber(text, ".");
  if (number !== null && !Number.isNaN(number)) return true;
  const other = readNumber(text, ",");
  return other !== null && !Number.isNaN(other);
}

/** Which decimals a cell speaks for; null where it may be either, as 1,234. */
export function decimalOf(text: string): Decimal | null {
  const plain = text.replaceAll(AROUND, "").replace(/^[-−–+(]+|\)$/g, "");
  if (/^\d{1,3}(?:\.\d{3})+,\d+$/.test(plain) || /^\d+,(?:\d{1,2}|\d{4,})$/.test(plain)) return ",";
  if (/^0,\d+$/.test(plain)) return ",";
  if (/^\d{1,3}(?:,\d{3})+\.\d+$/.test(plain) || /^\d*\.(?:\d{1,2}|\d{4,})$/.test(plain)) return ".";
  if (/^0?\.\d+$/.test(plain) || /^\d+\.\d+[eE][-+]?\d+$/.test(plain) || /^\d{4,}\.\d{3}$/.test(plain)) {
    return ".";
  }
  return /^\d{4,},\d{3}$/.test(plain) ? "," : null;
}
