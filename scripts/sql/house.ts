/**
 * Reads `sql/` as its reader does: which file makes what, which names it uses, and how long everything is.
 *
 * Postgres looks a function's names up when it is called, so it never says that a file names what a later one creates;
 * here the bodies count, and so does what they put together as text and execute.
 */

import { parse } from "@libpg-query/parser";
import { OUR_SCHEMAS } from "../stack/schema_snapshot.ts";
import type { SqlFile } from "../stack/schema_sources.ts";

export type Kind = "schema" | "table" | "view" | "type" | "sequence" | "function" | "trigger";

/** Something that a file creates. */
export interface CreatedObject {
  readonly kind: Kind;
  /** With its schema; for a trigger its name, `on` and its table. */
  readonly name: string;
}

/** A function or procedure as it is written. */
export interface WrittenFunction {
  readonly name: string;
  readonly file: string;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  /** From `create` to the end of its statement. */
  readonly lines: number;
  /** What stands between its quotes. */
  readonly body: string;
  /** The comment right above it and its `comment on`. */
  readonly comment: string;
}

/** A word of SQL, wherever it stands: in a statement, in a function's body or in a text that is executed. */
export interface Word {
  readonly text: string;
  readonly kind: "name" | "number" | "string" | "other";
  /** Line of the file, from 1. */
  readonly line: number;
}

/** A stretch of SQL without comments: what is quoted in it is a passage of its own. */
export type Passage = readonly Word[];

export interface HouseFile extends SqlFile {
  readonly lines: number;
  readonly creates: readonly CreatedObject[];
  readonly functions: readonly WrittenFunction[];
  /** All its code. The texts of `comment on` are none. */
  readonly passages: readonly Passage[];
}

/** All names in one file that another creates. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly names: readonly string[];
  /** Whether the file that creates them runs later. */
  readonly isForward: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads files that are given in the order in which they run. */
export async function readHouse(files: readonly SqlFile[]): Promise<HouseFile[]> {
  return await Promise.all(files.map(readFile));
}

async function readFile(file: SqlFile): Promise<HouseFile> {
  const bytes = encoder.encode(file.text);
  const creates: CreatedObject[] = [];
  const functions: Omit<WrittenFunction, "comment">[] = [];
  const commentsAbove = new Map<string, string>();
  const commentsOn = new Map<string, string>();
  const passages: Passage[] = [];
  let line = 1;
  for (
    const { stmt, stmt_location: from = 0, stmt_len: length = bytes.length - from } of await statements(file)
  ) {
    const text = decoder.decode(bytes.slice(from, from + length));
    const tokens = tokenize(text, line);
    // The semicolon between two statements belongs to neither.
    line += countLines(text);
    const own = tokens.filter(({ kind }) => kind !== "comment");
    const [first] = own;
    const last = own.at(-1);
    if (first === undefined || last === undefined) continue;
    const [kind, node] = Object.entries(stmt)[0] as [string, Tree];
    const created = createdBy(kind, node);
    if (created !== undefined) creates.push(created);
    if (kind === "CreateFunctionStmt" && created !== undefined) {
      functions.push({
        name: created.name,
        file: file.name,
        line: first.line,
        lines: last.line + countLines(last.text) - first.line + 1,
        body: bodyOf(node),
      });
      commentsAbove.set(created.name, commentAbove(tokens, first));
    }
    if (kind === "CommentStmt" && node.objtype === "OBJECT_FUNCTION") {
      const { objname } = (node.object as { ObjectWithArgs: { objname: unknown } }).ObjectWithArgs;
      commentsOn.set(nameOf(objname), String(node.comment ?? ""));
    }
    passages.push(...passagesOf(kind === "CommentStmt" ? own.slice(0, -1) : own));
  }
  for (const passage of passages) creates.push(...createdIn(passage, creates));
  return {
    ...file,
    lines: countLines(file.text),
    creates,
    functions: functions.map((written) => ({
      ...written,
      comment: [commentsAbove.get(written.name), commentsOn.get(written.name)].filter(Boolean).join("\n"),
    })),
    passages,
  };
}

interface Statement {
  readonly stmt: Tree;
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

async function statements(file: SqlFile): Promise<readonly Statement[]> {
  try {
    return (await parse(file.text)).stmts as unknown as readonly Statement[];
  } catch (error) {
    throw new Error(`"${file.name}" is not SQL: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface Token extends Omit<Word, "kind"> {
  readonly kind: Word["kind"] | "comment";
}

const TOKEN = new RegExp(
  [
    /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)/,
    /(?<string>(?<tag>\$(?:[a-z_]\w*)?\$)[\s\S]*?\k<tag>|e'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*')/,
    /(?<quoted>"(?:[^"]|"")*")/,
    /(?<name>[a-z_\u0080-\uffff][\w$\u0080-\uffff]*)/,
    /(?<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/,
    /(?<other>\S)/,
  ].map(({ source }) => source).join("|"),
  "gi",
);

/** The parser's own scanner cuts long texts, such as a function's body, off in the middle; hence this one. */
function tokenize(text: string, firstLine: number): Token[] {
  const tokens: Token[] = [];
  let [line, counted] = [firstLine, 0];
  for (const { 0: whole, index, groups } of text.matchAll(TOKEN)) {
    line += countLines(text.slice(counted, index));
    counted = index;
    if (groups?.comment !== undefined) tokens.push({ text: whole, kind: "comment", line });
    else if (groups?.string !== undefined) tokens.push({ text: whole, kind: "string", line });
    else if (groups?.number !== undefined) tokens.push({ text: whole, kind: "number", line });
    else if (groups?.quoted !== undefined) {
      tokens.push({ text: whole.slice(1, -1).replaceAll('""', '"'), kind: "name", line });
    } else if (groups?.name !== undefined) tokens.push({ text: whole.toLowerCase(), kind: "name", line });
    else tokens.push({ text: whole, kind: "other", line });
  }
  return tokens;
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}

/** The line comments that end right above a statement. */
function commentAbove(tokens: readonly Token[], first: Token): string {
  const above: string[] = [];
  let { line } = first;
  for (const token of tokens.slice(0, tokens.indexOf(first)).reverse()) {
    line -= 1;
    if (token.line !== line) break;
    above.unshift(token.text.replace(/^--\s*/, ""));
  }
  return above.join(" ");
}

const RELATION_KINDS: Readonly<Record<string, Kind>> = {
  CreateStmt: "table",
  ViewStmt: "view",
  CompositeTypeStmt: "type",
  CreateSeqStmt: "sequence",
};

function createdBy(kind: string, node: Tree): CreatedObject | undefined {
  const relationKind = RELATION_KINDS[kind];
  if (relationKind !== undefined) {
    const relation = [node.relation, node.view, node.typevar, node.sequence].find((part) =>
      part !== undefined
    );
    return { kind: relationKind, name: relationName(relation) };
  }
  switch (kind) {
    case "CreateFunctionStmt":
      return { kind: "function", name: nameOf(node.funcname) };
    case "CreateEnumStmt":
      return { kind: "type", name: nameOf(node.typeName) };
    case "CreateDomainStmt":
      return { kind: "type", name: nameOf(node.domainname) };
    case "CreateTrigStmt":
      return { kind: "trigger", name: `${node.trigname} on ${relationName(node.relation)}` };
    case "CreateSchemaStmt":
      return { kind: "schema", name: String(node.schemaname) };
    default:
      return undefined;
  }
}

function relationName(relation: unknown): string {
  const { schemaname, relname } = relation as { schemaname?: string; relname: string };
  return schemaname === undefined ? relname : `${schemaname}.${relname}`;
}

function nameOf(parts: unknown): string {
  return (parts as { String: { sval: string } }[]).map((part) => part.String.sval).join(".");
}

function bodyOf(node: Tree): string {
  for (const { DefElem: option } of node.options as { DefElem: { defname: string; arg?: unknown } }[]) {
    if (option.defname !== "as") continue;
    return (option.arg as { List: { items: { String: { sval: string } }[] } }).List.items
      .map((item) => item.String.sval).join("\n");
  }
  return "";
}

/** The SQL in a function's body: its statements, and what is quoted in them. */
export function passagesOfBody(body: string): Passage[] {
  return passagesOf(tokenize(body, 1));
}

/** What the tokens say, and after it each text quoted in them, which may be SQL itself. */
function passagesOf(tokens: readonly Token[]): Passage[] {
  const words = tokens.filter((token): token is Word => token.kind !== "comment");
  return [
    words,
    ...words.filter(({ kind }) => kind === "string").flatMap(({ text, line }) =>
      passagesOf(tokenize(unquoted(text), line))
    ),
  ];
}

/** What a string says, without its quotes. */
export function unquoted(text: string): string {
  const dollars = /^(\$\w*\$)([\s\S]*)\1$/.exec(text);
  return dollars?.[2] ?? text.replace(/^[^']*'/, "").replace(/'$/, "").replaceAll("''", "'");
}

/** What a text creates when it is executed, beside what is known. */
function createdIn(passage: Passage, known: readonly CreatedObject[]): CreatedObject[] {
  const created: CreatedObject[] = [];
  for (const { name, place } of qualifiedNames(passage)) {
    const before = passage.slice(Math.max(0, place - 4), place).map(({ text }) => text).join(" ");
    const kind = /\bcreate (?:or replace )?(table|view|type|sequence|function)$/.exec(before)?.[1] as
      | Kind
      | undefined;
    if (kind === undefined || known.some((other) => other.kind === kind && other.name === name)) continue;
    created.push({ kind, name });
  }
  return created;
}

/** Where a passage names something of these schemas. */
export function* qualifiedNames(
  passage: Passage,
  schemas: readonly string[] = OUR_SCHEMAS,
): Generator<{ name: string; place: number }> {
  for (const [place, { text, kind }] of passage.entries()) {
    const [before, dot, own] = [passage[place - 1], passage[place + 1], passage[place + 2]];
    if (
      !schemas.includes(text) || kind === "string" || before?.text === "." || dot?.text !== "." ||
      own === undefined
    ) {
      continue;
    }
    if (own.kind === "name") yield { name: `${text}.${own.text}`, place };
  }
}

/** Which file uses what another creates, in the order in which the files run. */
export function findEdges(house: readonly HouseFile[]): Edge[] {
  const homes = new Map<string, string>();
  for (const file of house) {
    for (const { kind, name } of file.creates) {
      const key = kind === "function" ? `${name}()` : name;
      if (!homes.has(key)) homes.set(key, file.name);
    }
  }
  const order = new Map(house.map(({ name }, place) => [name, place]));
  return house.flatMap((file) => {
    const byHome = new Map<string, Set<string>>();
    for (const passage of file.passages) {
      for (const { name, place } of qualifiedNames(passage)) {
        const called = `${name}()`;
        const used = passage[place + 3]?.text === "(" && homes.has(called)
          ? called
          : homes.has(name)
          ? name
          : called;
        const home = homes.get(used);
        if (home === undefined || home === file.name) continue;
        byHome.set(home, (byHome.get(home) ?? new Set()).add(used));
      }
    }
    return [...byHome].map(([to, names]) => ({
      from: file.name,
      to,
      names: [...names].sort(),
      isForward: (order.get(to) ?? 0) > (order.get(file.name) ?? 0),
    })).sort((one, other) => (order.get(one.to) ?? 0) - (order.get(other.to) ?? 0));
  });
}

/** The functions that are called, directly or through others, by those given; they themselves are among them. */
export function reachableFunctions(house: readonly HouseFile[], from: readonly string[]): WrittenFunction[] {
  const written = new Map(house.flatMap(({ functions }) => functions.map((each) => [each.name, each])));
  const reached = new Set<WrittenFunction>();
  const waiting = [...from];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const found = written.get(name);
    if (found === undefined || reached.has(found)) continue;
    reached.add(found);
    for (const passage of passagesOfBody(found.body)) {
      for (const { name: used, place } of qualifiedNames(passage)) {
        if (passage[place + 3]?.text === "(") waiting.push(used);
      }
    }
  }
  return [...reached];
}
