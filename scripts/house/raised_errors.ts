/**
 * Which errors `sql/` raises: the code, what it says and what it advises, with "…" where a value goes.
 *
 * @module
 */

import { type HouseFile, type Passage, unquoted, type Word } from "../sql/house.ts";

/** An error as it is written in `sql/`. */
export interface RaisedError {
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
  /** What to do; empty where it says nothing. */
  readonly hint: string;
  readonly file: string;
  /** The function that raises it; null where running the file does. */
  readonly function: string | null;
}

/**
 * Every error that leaves the function which raises it, by code and place. One that is caught where it is raised is none,
 * and one that is passed on as it came is another's.
 */
export function findRaisedErrors(house: readonly HouseFile[]): RaisedError[] {
  return house.flatMap((file) =>
    file.passages.flatMap((passage) =>
      raisesIn(passage).flatMap(({ line, options }) => {
        const [code] = options.get("errcode") ?? [];
        if (code?.kind !== "string" || isCaught(passage, code.text)) return [];
        const raising = file.functions.find((each) => each.line <= line && line < each.line + each.lines);
        return [{
          code: unquoted(code.text),
          message: patternOf(options.get("message") ?? []),
          hint: patternOf(options.get("hint") ?? []),
          file: file.name,
          function: raising?.name ?? null,
        }];
      })
    )
  ).sort((one, other) => one.code < other.code ? -1 : one.code > other.code ? 1 : 0);
}

function isCaught(passage: Passage, code: string): boolean {
  return passage.some(({ text }, place) =>
    text === code && passage[place - 1]?.text === "sqlstate" && passage[place - 2]?.text === "when"
  );
}

/** The options of each `raise exception using` in a passage, by name. */
function raisesIn(passage: Passage): { line: number; options: Map<string, Word[]> }[] {
  return passage.flatMap(({ text, line }, place) => {
    if (
      text !== "raise" || passage[place + 1]?.text !== "exception" || passage[place + 2]?.text !== "using"
    ) {
      return [];
    }
    const rest = passage.slice(place + 3);
    const [statement = []] = splitAt(rest, ";");
    const options = splitAt(statement, ",").map(([name, _equals, ...value]): [string, Word[]] => [
      name?.text ?? "",
      value,
    ]);
    return [{ line, options: new Map(options) }];
  });
}

/** What an expression makes a text of: its literals, and "…" for all else. */
function patternOf(expression: readonly Word[]): string {
  return splitAt(expression, "||").map((term) => {
    const [first, bracket, ...rest] = term;
    if (first === undefined) return "";
    if (first.kind === "string") return unquoted(first.text);
    if (first.text !== "format" || bracket?.text !== "(") return "…";
    const [template = []] = splitAt(rest, ",");
    return patternOf(template).replaceAll(/%+[sLI]/g, "…").replaceAll("%%", "%");
  }).join("").replaceAll(/…+/g, "…");
}

/** The stretches between a separator, which counts outside of brackets and of `case … end` alone. */
function splitAt(words: readonly Word[], separator: ";" | "," | "||"): Word[][] {
  const parts: Word[][] = [[]];
  let depth = 0;
  for (let place = 0; place < words.length; place++) {
    const word = words[place];
    if (word === undefined) break;
    const isCode = word.kind !== "string";
    if (isCode && ["(", "[", "case"].includes(word.text)) depth += 1;
    if (isCode && [")", "]", "end"].includes(word.text)) depth -= 1;
    const isBar = separator === "||" && word.text === "|" && words[place + 1]?.text === "|";
    if (depth === 0 && isCode && (isBar || word.text === separator)) {
      parts.push([]);
      if (isBar) place += 1;
    } else parts.at(-1)?.push(word);
  }
  return parts;
}
