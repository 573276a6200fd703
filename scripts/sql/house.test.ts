/** What `sql/` promises its reader: it runs downhill, in small rooms, with one word for each thing. */

import { assertEquals } from "@std/assert/mod.js";
import { readSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { findAliases, isNoun, readAliases, README } from "./aliases.ts";
import { findEdges, readHouse } from "./house.ts";
import { LONGEST_FILE, LONGEST_FUNCTION, LONGEST_LINE, REASON_FOR_LENGTH } from "./rules.ts";

const SQL_TESTS = new URL("../../supabase/tests/", import.meta.url);
const STAND_INS = new URL("../stack/standins/", import.meta.url);

Deno.test("no file of sql/ names what a later one creates", async () => {
  const edges = findEdges(await readHouse(await readSqlFiles(SQL_DIRECTORY)));
  const forward = edges.filter(({ isForward }) => isForward);
  assertEquals(
    forward.map(({ from, to, names }) => `${from} names ${names.join(", ")} of ${to}`),
    [],
    "Move what is named above what names it; scripts/sql/name_graph.ts shows the whole graph.",
  );
});

Deno.test("nothing is created twice in sql/, in one file or in two", async () => {
  const homes = new Map<string, string>();
  const twice: string[] = [];
  for (const file of await readHouse(await readSqlFiles(SQL_DIRECTORY))) {
    for (const { kind, name } of file.creates) {
      const former = homes.get(`${kind} ${name}`);
      if (former !== undefined) twice.push(`${kind} ${name} in ${former} and ${file.name}`);
      homes.set(`${kind} ${name}`, file.name);
    }
  }
  assertEquals(twice, [], "A name has one home, and a function one signature.");
});

Deno.test(`no file of sql/ has more than ${LONGEST_FILE} lines`, async () => {
  const long = (await readHouse(await readSqlFiles(SQL_DIRECTORY))).filter(({ lines }) =>
    lines > LONGEST_FILE
  );
  assertEquals(long.map(({ name, lines }) => `${name} has ${lines} lines`), []);
});

Deno.test(`no function of sql/ has more than ${LONGEST_FUNCTION} lines without saying why`, async () => {
  const long = (await readHouse(await readSqlFiles(SQL_DIRECTORY)))
    .flatMap(({ functions }) => functions)
    .filter(({ lines, comment }) => lines > LONGEST_FUNCTION && !REASON_FOR_LENGTH.test(comment));
  assertEquals(
    long.map(({ name, file, line, lines }) => `${file}:${line}: ${name} has ${lines} lines`),
    [],
    "Divide it, or give the reason in the comment right above it or in its COMMENT ON, in a sentence that begins " +
      `"In one piece because …" or "Long because …" (or has a colon in place of "because").`,
  );
});

Deno.test("lines of SQL fit, and end where their text ends", async () => {
  const faults: string[] = [];
  for (const directory of [SQL_DIRECTORY, STAND_INS]) {
    for (const { name, text } of await readSqlFiles(directory)) {
      for (const [place, line] of text.split("\n").entries()) {
        const where = `${name}:${place + 1}`;
        const length = [...line].length;
        if (length > LONGEST_LINE) {
          faults.push(`${where} has ${length} characters, more than ${LONGEST_LINE}`);
        }
        if (/\s$/.test(line)) faults.push(`${where} ends in a blank`);
        if (line.includes("\t")) faults.push(`${where} has a tab`);
      }
      if (!text.endsWith("\n") || text.endsWith("\n\n")) {
        faults.push(`${name} does not end in one line break`);
      }
    }
  }
  assertEquals(faults, []);
});

Deno.test("each file of sql/ has its pgTAP file of the same name, and each of those its file of sql/", async () => {
  const files = (await readSqlFiles(SQL_DIRECTORY)).map(({ name }) => name.replace(/\.sql$/, ""));
  const tests = (await readSqlFiles(SQL_TESTS)).map(({ name }) => name.replace(/\.test\.sql$/, ""));
  assertEquals({
    untested: files.filter((name) => !tests.includes(name)),
    withoutFile: tests.filter((name) => !files.includes(name)),
  }, { untested: [], withoutFile: [] });
});

Deno.test("a number of a file of sql/ is its own: the README names files by their numbers", async () => {
  const numbers = (await readSqlFiles(SQL_DIRECTORY)).map(({ name }) => name.slice(0, 2));
  assertEquals(numbers.filter((number, place) => numbers.indexOf(number) !== place), []);
});

Deno.test("each table goes by its noun in every query, and the README lists it", async () => {
  const house = await readHouse(await readSqlFiles(SQL_DIRECTORY));
  const nouns = readAliases(await Deno.readTextFile(README));
  const relations = house.flatMap(({ creates }) => creates)
    .filter(({ kind }) => kind === "table" || kind === "view").map(({ name }) => name);
  const listed = [...nouns.keys()];
  assertEquals(
    {
      missing: relations.filter((name) => !listed.includes(name)),
      gone: listed.filter((name) => /^(public|learning)\./.test(name) && !relations.includes(name)),
    },
    { missing: [], gone: [] },
    "The list under Aliases in sql/README.md names every table and view, and no other.",
  );
  const schemas = [...new Set(listed.map((name) => name.split(".")[0] ?? ""))];
  const wrong = findAliases(house, schemas).flatMap(({ file, line, table, alias }) => {
    const noun = nouns.get(table);
    return noun === undefined || isNoun(alias, noun)
      ? []
      : [`${file}:${line}: ${table} goes by ${alias}, not ${noun}`];
  });
  assertEquals(wrong, []);
});

/** A house of two files, the lower naming the upper or not. */
async function edgesOf(lower: string, upper: string): Promise<string[]> {
  const house = await readHouse([{ name: "10_lower.sql", text: lower }, {
    name: "20_upper.sql",
    text: upper,
  }]);
  return findEdges(house).map(({ from, to, names, isForward }) =>
    `${from} ${isForward ? "↓" : "↑"} ${to}: ${names.join(", ")}`
  );
}

Deno.test("a name of a later file is found wherever it hides", async () => {
  const upper = `
    create type learning.kind as enum ('a');
    create table learning.things (id int, kind learning.kind);
    create function learning.count_things() returns int language sql as $$ select 1 $$;`;
  const hidden: Readonly<Record<string, string>> = {
    "create view learning.v as select from learning.things": "learning.things",
    "create trigger t before insert on learning.things for each row execute function learning.f()":
      "learning.things",
    "create function learning.f() returns int language sql as $$ select learning.count_things() $$":
      "learning.count_things()",
    "create function learning.f() returns int language sql as 'select learning.count_things()'":
      "learning.count_things()",
    "create function learning.f() returns void language plpgsql as $$ begin perform Learning . Count_things(); end $$":
      "learning.count_things()",
    "create function learning.f(k learning.kind) returns int language sql as $$ select 1 $$": "learning.kind",
    "create function learning.f() returns void language plpgsql as $$ declare t learning.things; begin end $$":
      "learning.things",
    "create function learning.f() returns void language plpgsql as $$ begin execute 'table learning.things'; end $$":
      "learning.things",
    'do $a$ begin execute format($b$ select %s from "learning".things $b$, 1); end $a$': "learning.things",
    "do $$ declare r regclass := 'learning.things'::regclass; begin end $$": "learning.things",
    "comment on table learning.things is 'Things.'": "learning.things",
  };
  for (const [lower, name] of Object.entries(hidden)) {
    assertEquals(await edgesOf(`${lower};`, upper), [`10_lower.sql ↓ 20_upper.sql: ${name}`], lower);
  }
  const harmless = [
    "-- As learning.things has it.\nselect 1",
    "create function learning.f() returns int language sql as $$ /* learning.things */ select 1 -- learning.things\n $$",
    "comment on schema public is 'Beside learning.things.'",
    "select learning.things_of_old()",
    "select other.learning.things",
  ];
  for (const lower of harmless) assertEquals(await edgesOf(`${lower};`, upper), [], lower);
});

Deno.test("a name of an earlier file is an edge that runs up, and what a text creates has its home there", async () => {
  assertEquals(
    await edgesOf(
      "do $$ begin execute 'create or replace function learning.made() returns int language sql as ''select 1'''; end $$;",
      "create function learning.f() returns int language sql as $$ select learning.made() $$;",
    ),
    ["20_upper.sql ↑ 10_lower.sql: learning.made()"],
  );
});

Deno.test("a type and a function of one name are told apart", async () => {
  assertEquals(
    await edgesOf(
      "create type learning.state as (n int); create function learning.f(s learning.state) returns int language sql as $$ select 1 $$;",
      "create function learning.state() returns learning.state language sql as $$ select row(1)::learning.state $$;",
    ),
    ["20_upper.sql ↑ 10_lower.sql: learning.state"],
  );
});

Deno.test("a function's length is counted from create to its end, and its comments are found", async () => {
  const [file] = await readHouse([{
    name: "10_a.sql",
    text: `-- Head with ä ö ü.

-- In one piece because
-- it is.
create function learning.f()
returns int
language sql
as $$
  select 1;
$$;
comment on function learning.f() is 'One.';

-- Far above.

create function learning.g() returns int language sql as $$ select 1 $$;
`,
  }]);
  assertEquals(file?.lines, 15);
  assertEquals(
    file?.functions.map(({ name, line, lines, comment }) => ({ name, line, lines, comment })),
    [
      { name: "learning.f", line: 5, lines: 6, comment: "In one piece because it is.\nOne." },
      { name: "learning.g", line: 15, lines: 1, comment: "" },
    ],
  );
});

Deno.test("a reason for length is a sentence of its own kind", () => {
  assertEquals(
    [
      "In one piece because a second pass takes twice as long.",
      "Sizes. Long because it lists every fault.",
      "In one piece: a second pass takes twice as long.",
      "In one pass.",
      "Long.",
      "As long because",
    ].map((comment) => REASON_FOR_LENGTH.test(comment)),
    [true, true, true, false, false, false],
  );
});

Deno.test("an alias is found in whatever reads or writes a table", async () => {
  const house = await readHouse([{
    name: "10_a.sql",
    text: `
      create view learning.v as select from public.a one join learning.b as two on true, public.c three;
      create function learning.f() returns void language plpgsql as $$
      begin
        update public.a four set x = 1 where true;
        delete from only public.a five using learning.b six where true;
        insert into public.a as seven (x) values (1) on conflict do nothing;
        insert into public.a (x) select 1 from public.a where true;
        for r in select from public.a loop null; end loop;
        perform from learning.f() eight;
        execute format('select from public.a nine where %s', 1);
        select from other.a ten;
      end $$;`,
  }]);
  assertEquals(
    findAliases(house, ["public", "learning"]).map(({ line, table, alias }) => `${line} ${table} ${alias}`),
    [
      "2 public.a one",
      "2 learning.b two",
      "2 public.c three",
      "5 public.a four",
      "6 public.a five",
      "6 learning.b six",
      "7 public.a seven",
      "11 public.a nine",
    ],
  );
  assertEquals(
    ["trade", "former_trade", "trades", "traded", "trade_1", "trade2"].map((alias) => isNoun(alias, "trade")),
    [true, true, false, false, false, false],
  );
});
