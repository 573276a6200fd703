/** What can be said about the demo's files before anything is started. */

import { readStrandFile } from "../strand_file.ts";

/** Throws where the file cannot be read as strands from its first line on. */
export async function checkStrandFile(path: string): Promise<void> {
  for await (const _ of readStrandFile(path)) return;
  throw new Error(`${path} holds no strand.`);
}

/** The JSON object in a file. */
export async function readConfig(path: string): Promise<object> {
  let config: unknown;
  try {
    config = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      cause instanceof SyntaxError ? `${path} is not JSON: ${reason}.` : `${path} cannot be read: ${reason}.`,
      { cause },
    );
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new Error(`${path} is no PM configuration: it holds no JSON object.`);
  }
  return config;
}

/** The second document's keys over the first one's, object by object. */
export function mergeConfigs(below: object, above: object): object {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const former = merged[key];
    merged[key] = isObject(former) && isObject(value) ? mergeConfigs(former, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
