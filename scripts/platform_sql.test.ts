/** What the hosted platform refuses and a laptop's Postgres lets pass. */

import { assertEquals } from "@std/assert/mod.js";
import { parse, scan } from "@libpg-query/parser";
import { readSqlFiles, SQL_DIRECTORY } from "./stack/schema_sources.ts";

type Node = unknown;

/** Every object in the tree under the given key. */
function* findNodes(tree: Node, key: string): Generator<Readonly<Record<string, Node>>> {
  if (typeof tree !== "object" || tree === null) return;
  for (const [name, value] of Object.entries(tree)) {
    if (name === key && typeof value === "object" && value !== null) yield value as Record<string, Node>;
    yield* findNodes(value, key);
  }
}

/** The bodies of the functions and blocks in a script, and the script without them. */
async function sqlTexts(script: string): Promise<string[]> {
  const { stmts } = await parse(script);
  const bodies = [...findNodes(stmts, "DefElem")]
    .filter((option) => option.defname === "as")
    .flatMap((option) => [...findNodes(option, "String")].map((body) => String(body.sval)));
  return [bodies.reduce((rest, body) => rest.replace(body, ""), script), ...bodies].flatMap(withoutQuoted);
}

/** A text without what is dollar-quoted in it, as for dynamic SQL, and what is quoted each as a text of its own. */
function withoutQuoted(text: string): string[] {
  const quoted: string[] = [];
  const rest = text.replace(/\$(\w*)\$([\s\S]*?)\$\1\$/g, (_whole, _tag, inner: string) => {
    quoted.push(...withoutQuoted(inner));
    return "''";
  });
  return [rest, ...quoted].filter((part) => part.trim() !== "");
}

/** Updates and deletes that would touch every row, as safeupdate sees them: those without a where of their own. */
async function unconditionalChanges(script: string): Promise<string[]> {
  const found: string[] = [];
  for (const text of await sqlTexts(script)) {
    const { tokens: all } = await scan(text);
    const tokens = all.filter(({ tokenName }) => !/COMMENT/.test(tokenName)).map((token) =>
      token.text.toLowerCase()
    );
    for (const [place, token] of tokens.entries()) {
      const [before, after] = [tokens[place - 1] ?? "", tokens[place + 1] ?? ""];
      const changes = token === "delete"
        ? after === "from"
        // Not a row lock, an upsert, a trigger's event or a privilege.
        : token === "update" &&
          !["for", "key", "do", "before", "after", "or", "grant", ","].includes(before) &&
          !["of", "or", "on", ","].includes(after);
      if (!changes) continue;
      const statement = ownTokens(tokens.slice(place));
      if (!statement.includes("where")) found.push(tokens.slice(place, place + statement.length).join(" "));
    }
  }
  return found;
}

/** The tokens up to the end of a statement, without what stands in parentheses. */
function ownTokens(tokens: readonly string[]): string[] {
  const own: string[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (depth < 0 || (depth === 0 && token === ";")) break;
    if (depth === 0) own.push(token);
  }
  return own;
}

Deno.test("no update or delete goes without a condition, which safeupdate refuses inside functions too", async () => {
  for (const file of await readSqlFiles(SQL_DIRECTORY)) {
    assertEquals(await unconditionalChanges(file.text), [], file.name);
  }
});

Deno.test("an update or delete without a condition is found wherever it hides", async () => {
  const hidden = [
    "update a set b = 1",
    "update a set b = (select c from d where c > 1)",
    "with gone as (delete from a returning b) select b from gone where b > 1",
    "create function f() returns void language sql as $$ delete from a $$",
    "create function f() returns void language plpgsql as $$ begin if x then update a set b = 1; end if; end $$",
    "do $$ begin delete from a; end $$",
  ];
  for (const sql of hidden) assertEquals((await unconditionalChanges(sql)).length, 1, sql);
  const harmless = [
    "insert into a values (1) on conflict (b) do update set b = 1",
    "update a set b = 1 where b is null",
    "select b from a for update skip locked",
    "select b from a for no key update",
    "create trigger t before insert or update or delete on a for each row execute function f()",
    "grant select, update, delete on a to b",
    "with gone as (delete from a where b = 1 returning b) select b from gone",
  ];
  for (const sql of harmless) assertEquals(await unconditionalChanges(sql), [], sql);
});

Deno.test("no function is overloaded where the data API would have to choose", async () => {
  const names: string[] = [];
  for (const file of await readSqlFiles(SQL_DIRECTORY)) {
    for (const created of findNodes((await parse(file.text)).stmts, "CreateFunctionStmt")) {
      const name = [...findNodes(created.funcname, "String")].map((part) => part.sval).join(".");
      if (name.startsWith("public.")) names.push(name);
    }
  }
  assertEquals(names.filter((name, place) => names.indexOf(name) !== place), []);
});
