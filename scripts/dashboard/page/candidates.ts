/** Something the PM might do next, as it is chosen, typed or pasted. */

import * as z from "zod/mini";
import type { Scope } from "./format.ts";

export interface Candidate {
  readonly pattern_key: string;
  readonly action_category: string;
  readonly scope: Scope;
  readonly a_value: number;
  readonly e_value: number;
}

export const CATEGORIES = ["entry", "add", "trim", "exit"];

const pasted = z.object({
  pattern_key: z.string(),
  action_category: z.optional(z.string()),
  scope: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  a_value: z.optional(z.number()),
  e_value: z.optional(z.number()),
});

/** A candidate from JSON, a strand's content included; the reason where it is none. */
export function readCandidate(text: string): Candidate | string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return "This is no JSON";
  }
  const inner = z.object({ content: pasted }).safeParse(document);
  const parsed = pasted.safeParse(inner.success ? inner.data.content : document);
  if (!parsed.success) return "A candidate is an object with a pattern_key, an action_category and a scope";
  const { pattern_key, action_category, scope, a_value, e_value } = parsed.data;
  return {
    pattern_key,
    action_category: action_category ?? "entry",
    scope: Object.fromEntries(Object.entries(scope ?? {}).map(([name, value]) => [name, String(value)])),
    a_value: a_value ?? 0.5,
    e_value: e_value ?? 0.5,
  };
}

/** A scope from lines or comma-separated pairs such as chain=solana; the reason where one is no pair. */
export function readScope(text: string): Scope | string {
  const scope: Record<string, string> = {};
  for (const part of text.split(/[\n,]/).map((piece) => piece.trim()).filter((piece) => piece !== "")) {
    const place = part.indexOf("=");
    if (place <= 0) return `“${part}” is no pair such as chain=solana`;
    scope[part.slice(0, place).trim()] = part.slice(place + 1).trim();
  }
  return scope;
}

export function writeScope(scope: Scope): string {
  return Object.entries(scope).map(([name, value]) => `${name}=${value}`).join("\n");
}
