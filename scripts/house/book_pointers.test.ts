import { assert, assertEquals } from "@std/assert/mod.js";
import {
  anchorOf,
  exists,
  filesEndingIn,
  filesNamedIn,
  headingsOf,
  linksIn,
  pointersIn,
  textOf,
  undefinedLabelsIn,
} from "./book_pointers.ts";

/** What shows that a file quotes something else than the book; in two parts, so that this file does not. */
const ELSEWHERE = new RegExp("spec" + " ?§", "i");

async function sources(): Promise<string[]> {
  const found = await filesEndingIn([".ts", ".sql"]);
  // Migrations are made of sql/, and this file's own pointers are examples.
  return found.filter((path) =>
    !path.startsWith("supabase/migrations/") && path !== "scripts/house/book_pointers.test.ts"
  );
}

Deno.test("every pointer from code into the book leads to a heading that is there", async () => {
  const headings = new Map<string, readonly string[]>();
  const astray: string[] = [];
  let followed = 0;
  for (const path of await sources()) {
    for (const { book, heading } of pointersIn(await textOf(path))) {
      followed++;
      if (!headings.has(book)) {
        headings.set(book, await exists(book) ? headingsOf(await textOf(book)) : []);
      }
      if (headings.get(book)?.includes(heading) !== true) astray.push(`${path}: ${book}, "${heading}"`);
    }
  }
  assertEquals(astray, []);
  assert(followed > 50, `only ${followed} pointers were found`);
});

Deno.test("code points into the book and at no other document's paragraphs", async () => {
  const pointing: string[] = [];
  for (const path of await sources()) {
    if (ELSEWHERE.test(await textOf(path))) pointing.push(path);
  }
  assertEquals(pointing, []);
});

Deno.test("every link within the book leads to a file, and to a heading where it names one", async () => {
  const astray: string[] = [];
  for (const path of await filesEndingIn([".md"])) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    for (const link of linksIn(await textOf(path))) {
      const target = link.path === "" ? path : new URL(`${folder}${link.path}`, "file:///").pathname.slice(1);
      const said = `${path}: ${link.path}${link.anchor === null ? "" : `#${link.anchor}`}`;
      if (!await exists(target)) astray.push(said);
      else if (link.anchor !== null) {
        if (!headingsOf(await textOf(target)).map(anchorOf).includes(link.anchor)) astray.push(said);
      }
    }
  }
  assertEquals(astray, []);
});

Deno.test("every label of a link in the book is defined", async () => {
  const astray: string[] = [];
  for (const path of await filesEndingIn([".md"])) {
    for (const label of undefinedLabelsIn(await textOf(path))) astray.push(`${path}: [${label}]`);
  }
  assertEquals(astray, []);
});

Deno.test("every file that a book names is there", async () => {
  const books = [
    ["functions/README.md", ["", "functions/_shared/"]],
    ["sql/README.md", [""]],
    ["scripts/README.md", ["", "scripts/"]],
    ["supabase/README.md", ["", "supabase/"]],
  ] as const;
  for (const [path, folders] of books) {
    const named = filesNamedIn(await textOf(path));
    const missing: string[] = [];
    for (const file of named) {
      const found = await Promise.all(folders.map((folder) => exists(folder + file)));
      if (!found.includes(true)) missing.push(`${path}: ${file}`);
    }
    assertEquals(missing, []);
    assert(named.length > 0, `${path} names no file`);
  }
});

Deno.test("pointers are found across the lines of comments and texts, with all of their headings", () => {
  assertEquals(
    pointersIn(`
/** One (functions/README.md, "Decay"). */
/**
 * Two of one book (functions/README.md, "Fading" and
 * "Exposure and crowding").
 */
-- In SQL (sql/README.md, "The walk
-- of a strand").
comment on x is 'Told (README.md, '
  '"Guarantees").';
const noPointer = ["README.md", "Deno"];
`),
    [
      { book: "functions/README.md", heading: "Decay" },
      { book: "functions/README.md", heading: "Fading" },
      { book: "functions/README.md", heading: "Exposure and crowding" },
      { book: "sql/README.md", heading: "The walk of a strand" },
      { book: "README.md", heading: "Guarantees" },
    ],
  );
});

Deno.test("headings are those of the prose, links those into the repository, and files have no placeholder", () => {
  const book = "# A `b`\n\n```\n# no heading\n[no](link.md)\n```\n\n## C, d!\n\n" +
    "[x](../sql/README.md#c-d) [y](#a-b) [z](https://example.com/a.md) `statistics/decay.ts` `NAME/index.ts`\n";
  assertEquals(headingsOf(book), ["A b", "C, d!"]);
  assertEquals(headingsOf(book).map(anchorOf), ["a-b", "c-d"]);
  assertEquals(linksIn(book), [{ path: "../sql/README.md", anchor: "c-d" }, { path: "", anchor: "a-b" }]);
  assertEquals(filesNamedIn(book), ["statistics/decay.ts"]);
  const labels =
    "[gates.ts] [here][gates.ts] `code[0]` [lost] [there][also lost]\n\n[gates.ts]: ../gates.ts\n";
  assertEquals(linksIn(labels), [{ path: "../gates.ts", anchor: null }]);
  assertEquals(undefinedLabelsIn(labels), ["lost", "also lost"]);
});
