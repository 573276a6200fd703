import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { readHouse } from "../sql/house.ts";
import { createTestDatabase, type TestDatabase } from "../testing/databases.ts";
import { ATLAS, differingSections, generateAtlas, staleSections, withSections } from "./atlas.ts";
import { effectsOf, readCatalogue } from "./catalogue.ts";
import { tiesOf, writersOf } from "./drawing.ts";
import { findRaisedErrors } from "./raised_errors.ts";

Deno.test("of a database built from sql/", async (test) => {
  await using database = await createTestDatabase("embedded", "sql");
  // The embedded server keeps an exit code while it runs.
  const sanitizeExit = false;
  await test.step({
    name: "the drawing leads from a strand to an override and what a size reads of it",
    fn: () => leadsFromStrandToSize(database),
    sanitizeExit,
  });
  await test.step({
    name:
      "what changes in it changes the book: a table, a key, a trigger, a view, an RPC, a setting, a comment",
    fn: () => changesTheBook(database),
    sanitizeExit,
  });
});

async function leadsFromStrandToSize({ sql }: TestDatabase): Promise<void> {
  const catalogue = await readCatalogue(sql);
  const steps = [
    ...tiesOf(catalogue).map(({ from, to }) => [from, to] as const),
    ...writersOf(catalogue).flatMap(({ takes, makes }) =>
      takes.flatMap((from) => makes.map((to) => [from, to] as const))
    ),
  ];
  const way = [
    "public.ad_strands",
    "public.pattern_trade_events",
    "public.learning_lessons",
    "public.pm_overrides",
    "learning.override_index_entries",
  ];
  for (const [place, from] of way.slice(0, -1).entries()) {
    assert(
      steps.some((step) => step[0] === from && step[1] === way[place + 1]),
      `${from} to ${way[place + 1]}`,
    );
  }
}

async function changesTheBook({ sql }: TestDatabase): Promise<void> {
  assertEquals(await staleSections(sql), []);
  const before = await Deno.readTextFile(ATLAS);
  await sql.unsafe(`
    create table public.ledger (strand_id text references public.ad_strands (id), amount float8 check (amount > 0));
    comment on table public.ledger is 'What was paid.';
    create function learning.book() returns trigger language plpgsql as
      $$ begin insert into public.ledger (strand_id) values (new.id); return null; end $$;
    create trigger book_positions after insert on public.lowcap_positions for each row execute function learning.book();
    comment on trigger book_positions on public.lowcap_positions is 'Pays at once.';
    create view public.ledger_total with (security_invoker = true) as select sum(amount) as total from public.ledger;
    comment on view public.ledger_total is 'All that was paid.';
    create function public.pay(strand_id text, amount float8 default 2) returns float8 language plpgsql as
      $$ begin perform learning.require_pm(); return amount; end $$;
    comment on function public.pay(text, float8) is 'Pays | with a bar.';
    revoke all on function public.pay(text, float8) from public;
    grant execute on function public.pay(text, float8) to authenticated, service_role;
    insert into learning.settings (module_id, path, kind, default_value, minimum, maximum, description)
      values ('pm', 'fee', 'integer', '3', 1, 9, 'What it costs.');
    comment on table public.learning_levers is 'Levers, said otherwise.';
  `).simple();
  const after = await generateAtlas(sql);
  assertEquals(differingSections(before, after), [
    "drawing",
    "tables",
    "triggers",
    "client rpcs",
    "settings",
    "constraints",
  ]);
  const former = new Set(before.split("\n"));
  const added = after.split("\n").filter((line) => !former.has(line)).map((line) =>
    line.replaceAll(/\s+/g, " ").trim()
  ).join("\n");
  for (
    const expected of [
      "public_ad_strands ---|strand_id| public_ledger",
      "public_lowcap_positions ==> public_ledger",
      "public_ledger -.-> public_ledger_total",
      "| `ledger` | What was paid. | triggers of `lowcap_positions` |",
      "| `ledger_total` | All that was paid. | `ledger` |",
      "| `lowcap_positions` | `book_positions` | Pays at once. |",
      "- **`pay`**\\\n`(strand_id text, amount float8 default 2) → float8`; pm, operator, service_role.\\\nPays \\| with a bar.",
      "| `fee` | `3` | 1 to 9, whole | What it costs. |",
      "| `ledger` | `ledger_amount_check` | `amount > 0` |",
      "| `learning_levers` | Levers, said otherwise. |",
    ]
  ) assertStringIncludes(added, expected);
}

Deno.test("a function does what those do that it calls, and reads what it locks", () => {
  const routine = { arguments: "", result: "void", comment: "", callers: [] };
  const effects = effectsOf({
    relations: ["a", "b", "c", "d", "e"].map((name) => ({
      name: `public.${name}`,
      kind: "table",
      comment: "",
    })),
    routines: [
      {
        ...routine,
        name: "learning.outer",
        body: `begin perform learning.inner(); select 1 from public.a a for update of a; end`,
      },
      {
        ...routine,
        name: "learning.inner",
        body: `begin
          insert into public.b select * from public.c; -- and public.never
          execute format('delete from public.d where x = %L', 1);
          merge into public.e using public.a on true when matched then delete;
        end`,
      },
    ],
    foreignKeys: [],
    triggers: [],
    viewSources: [],
    rowTypes: [],
    settings: [],
    constraints: [],
    jobs: [],
  })("learning.outer");
  assertEquals([...effects.reads].sort(), ["public.a", "public.c"]);
  assertEquals([...effects.writes].sort(), ["public.b", "public.d", "public.e"]);
});

Deno.test("an error is listed with its words, without what fills them in, and not where it is caught or passed on", async () => {
  const text = `create function learning.f() returns void language plpgsql as $$
begin
  begin
    raise exception using errcode = 'EL999', message = 'Caught';
  exception when sqlstate 'EL999' then null;
  end;
  raise exception using
    errcode = '22023',
    message = format('Of %s only 5 %% of %L ', a, format('x', b)) || case when c then 'd' else 'e' end
      || ' went, ' || 'too; few',
    hint = 'Ask, and ' || f(g, 'h') || '.';
exception when others then
  raise exception using errcode = sqlstate, message = sqlerrm;
end
$$;
do $do$ begin raise exception using message = 'No', errcode = '55000'; end $do$;
`;
  assertEquals(findRaisedErrors(await readHouse([{ name: "10_x.sql", text }])), [
    {
      code: "22023",
      message: "Of … only 5 % of … … went, too; few",
      hint: "Ask, and ….",
      file: "10_x.sql",
      function: "learning.f",
    },
    { code: "55000", message: "No", hint: "", file: "10_x.sql", function: null },
  ]);
});

Deno.test("a section without its place, or a place without its section, is told", async () => {
  const sources = {
    catalogue: {
      relations: [],
      foreignKeys: [],
      triggers: [],
      viewSources: [],
      routines: [],
      rowTypes: [],
      settings: [],
      constraints: [],
      jobs: [],
    },
    house: [],
  };
  const readme = await Deno.readTextFile(ATLAS);
  await assertRejects(
    () => withSections(readme.replace("<!-- end of jobs -->", ""), sources),
    Error,
    'no place for the generated "jobs"',
  );
  await assertRejects(
    () => withSections(`${readme}\n<!-- generated: weather -->`, sources),
    Error,
    'places for "weather"',
  );
});
