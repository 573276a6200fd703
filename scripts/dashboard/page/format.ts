/** Figures, times and scopes as a person reads them. */

/** Dimension to value. */
export type Scope = Readonly<Record<string, string>>;

const MINUS = "−";
const NOTHING = "–";

function grouped(value: number, digits: number): string {
  return Math.abs(value).toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** With so many decimals, and a true minus sign. */
export function number(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const text = grouped(value, digits);
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** The same with a sign in front of what is above zero. */
export function signed(value: number | null | undefined, digits = 2): string {
  const text = number(value, digits);
  return value !== null && value !== undefined && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function count(value: number | null | undefined): string {
  return number(value, 0);
}

export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

export function percent(fraction: number | null | undefined, digits = 1): string {
  const text = number(fraction === null || fraction === undefined ? fraction : fraction * 100, digits);
  return text === NOTHING ? text : `${text} %`;
}

/** By how much a factor changes what it is applied to. */
export function change(factor: number | null | undefined): string {
  if (factor === null || factor === undefined) return NOTHING;
  const text = signed((factor - 1) * 100, 0);
  return `${text === "0" ? "±0" : text} %`;
}

/** An outcome in its unit: points are hundredths of the capital, gains a share of what a gate decided. */
export function inUnit(value: number | null | undefined, unit: string, digits?: number): string {
  if (value === null || value === undefined) return NOTHING;
  if (unit === "gains") return percent(value, digits ?? 0);
  return unit === "points" ? signed(value * 100, digits ?? 1) : signed(value, digits ?? 2);
}

/** Day and time in UTC, as everything in the database is. */
export function moment(iso: string | null | undefined): string {
  if (iso === null || iso === undefined) return NOTHING;
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : at.toISOString().slice(0, 16).replace("T", " ");
}

export function day(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? NOTHING : moment(iso).slice(0, 10);
}

/** What a field for day and time holds, to the second, as an instant in UTC. */
export function instantOf(typed: string): string {
  return `${typed.length === 16 ? `${typed}:00` : typed}Z`;
}

/** An instant as such a field takes it. */
export function typedMoment(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19);
}

/** How long ago that was, in the largest unit that says it. */
export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (iso === null || iso === undefined) return "never";
  const minutes = Math.round((now - new Date(iso).getTime()) / 60_000);
  if (Number.isNaN(minutes)) return iso;
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${counted(minutes, "minute")} ago`;
  if (minutes < 48 * 60) return `${counted(Math.round(minutes / 60), "hour")} ago`;
  return `${counted(Math.round(minutes / 1440), "day")} ago`;
}

/** Pairs of a scope on one line. */
export function scopeText(scope: Scope): string {
  const pairs = Object.entries(scope);
  return pairs.length === 0 ? "everywhere" : pairs.map(([name, value]) => `${name}=${value}`).join("  ");
}

/** JSON on one line, for what has no better form. */
export function compact(value: unknown): string {
  if (value === null || value === undefined) return NOTHING;
  if (typeof value === "number") return number(value, Number.isInteger(value) ? 0 : 4);
  return typeof value === "string" ? value : JSON.stringify(value);
}
