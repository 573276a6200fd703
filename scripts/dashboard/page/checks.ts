/** Whether what somebody typed for a setting may be saved. */

import type { Setting } from "./reads.ts";

export type Checked = { readonly value: unknown } | { readonly trouble: string };

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** How a value is typed. */
export function typedOf(value: unknown): string {
  return isText(value) ? value : value === null || value === undefined ? "null" : JSON.stringify(value);
}

/** The value that was typed, or what is wrong with it in the words of the catalogue. */
export function check(setting: Setting, typed: string): Checked {
  const wrong: Checked = { trouble: `${setting.path} takes ${setting.accepts}, not “${typed}”` };
  const trimmed = typed.trim();
  if (trimmed === "null") return setting.nullable ? { value: null } : wrong;
  const { kind, minimum, maximum, choices } = setting;
  if (kind === "choice") return choices?.includes(trimmed) === true ? { value: trimmed } : wrong;
  if (kind === "boolean") {
    return trimmed === "true" || trimmed === "false" ? { value: trimmed === "true" } : wrong;
  }
  if (kind === "number_or_auto" && trimmed === "auto") return { value: "auto" };
  if (["number", "integer", "number_or_auto"].includes(kind)) {
    const value = Number(trimmed);
    const fits = trimmed !== "" && Number.isFinite(value) && value >= (minimum ?? -Infinity) &&
      value <= (maximum ?? Infinity) && (kind !== "integer" || Number.isInteger(value));
    return fits ? { value } : wrong;
  }
  // What has more form than that, and every kind that is newer than this page, the database judges.
  try {
    return { value: JSON.parse(trimmed) };
  } catch {
    return ["texts", "dimensions", "masks", "shares"].includes(kind) ? wrong : { value: typed };
  }
}

/** Dotted keys as the document that sets them. */
export function nested(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const keys = path.split(".");
    const last = keys.pop() ?? path;
    let place = document;
    for (const key of keys) {
      const inner: unknown = place[key];
      const next: Record<string, unknown> = isRecord(inner) ? inner : {};
      place[key] = next;
      place = next;
    }
    place[last] = value;
  }
  return document;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
