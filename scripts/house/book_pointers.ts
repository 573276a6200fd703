/**
 * The book is the README of each folder. Code points into it, as in `(functions/README.md, "Decay")`, and it points at
 * code; what is read here lets tests see that neither points at nothing.
 *
 * @module
 */

import { readdir } from "node:fs/promises";

const REPOSITORY = new URL("../../", import.meta.url);

/** Where code and books are; what else there is belongs to tools. */
const FOLDERS = [".github", "functions", "scripts", "sql", "supabase"];

/** A place of the book that code points at. */
export interface Pointer {
  /** Path of the book from the repository's root. */
  readonly book: string;
  readonly heading: string;
}

/** A link of a book. */
export interface Link {
  /** Path from the book's folder; empty for the book itself. */
  readonly path: string;
  /** What follows the number sign; `null` where there is none. */
  readonly anchor: string | null;
}

/** Paths, from the repository's root, of all files that end in one of the given ways. */
export async function filesEndingIn(endings: readonly string[]): Promise<string[]> {
  const found = await Promise.all(FOLDERS.map(async (folder) => {
    try {
      const entries = await readdir(new URL(folder, REPOSITORY), { recursive: true });
      return entries.map((entry) => `${folder}/${entry}`);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
  }));
  const atTheRoot = await readdir(REPOSITORY);
  return [...atTheRoot, ...found.flat()].filter((path) => endings.some((ending) => path.endsWith(ending)))
    .sort();
}

/** What a file of the repository says. */
export async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, REPOSITORY));
}

/** Whether there is such a file or folder in the repository. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(new URL(path, REPOSITORY));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The places of the book that a file of TypeScript or SQL points at: a path and one or more headings in quotes. */
export function pointersIn(source: string): Pointer[] {
  // Comments and texts of several lines are read as one.
  const flowing = source.replaceAll(/'\s*\n\s*'/g, "").replaceAll(/\n[ \t]*(?:\*|\/\/|--)?[ \t]*/g, " ");
  const pointers = flowing.matchAll(/([\w./-]+\.md), ("[^"]+"(?:(?:,| and|, and) "[^"]+")*)/g);
  return [...pointers].flatMap(([, book = "", headings = ""]) =>
    [...headings.matchAll(/"([^"]+)"/g)].map(([, heading = ""]) => ({ book, heading }))
  );
}

/** The headings of a book, without their marks. */
export function headingsOf(book: string): string[] {
  const prose = book.replaceAll(/^```[^]*?^```/gm, "");
  return [...prose.matchAll(/^#{1,6} +(.*?) *$/gm)].map(([, heading = ""]) => heading.replaceAll("`", ""));
}

/** The anchor that a heading gets where the book is shown. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

/** The links of a book that lead somewhere in the repository. */
export function linksIn(book: string): Link[] {
  const prose = book.replaceAll(/^```[^]*?^```/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)]
    .map(([, inline, defined]) => inline ?? defined ?? "")
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = "", anchor = null] = target.split("#");
      return { path, anchor };
    });
}

/** The labels, as in `[decay.ts]` or `[here][decay.ts]`, that a book uses and defines nowhere, code marks left out. */
export function undefinedLabelsIn(book: string): string[] {
  const prose = book.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`]*`/g, "");
  const defined = new Set([...prose.matchAll(/^\[([^\]]+)\]: /gm)].map(([, label = ""]) => label));
  return [...prose.matchAll(/(?:\[[^\]]+\])?\[([^\]]+)\](?![[(:])/g)].map(([, label = ""]) => label)
    .filter((label) => !defined.has(label));
}

/** The files that a book names in code marks, such as `statistics/decay.ts`; what has a placeholder in it is no file. */
export function filesNamedIn(book: string): string[] {
  const prose = book.replaceAll(/^```[^]*?^```/gm, "");
  return [...prose.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.(?:ts|sql|toml|json|md))`/g)].map(([, path = ""]) =>
    path
  )
    .filter((path) => !/(^|\/)[A-Z]+\//.test(path));
}
