/** Each figure of the formulas for a size stands in one place, and the answer and its explanation both take it from there. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import type { Database } from "../stack/database.ts";
import { readSqlFiles, SQL_DIRECTORY, type SqlFile } from "../stack/schema_sources.ts";
import { installStandIns } from "../stack/standins.ts";
import { createTestDatabase } from "../testing/databases.ts";
import { type HouseFile, type Passage, passagesOfBody, reachableFunctions, readHouse } from "./house.ts";

/** Whoever asks for a size or for its reasons. */
const ASKED = [
  "public.get_pm_sizing",
  "public.get_pm_sizing_batch",
  "public.explain_pm_sizing",
  "public.match_pm_overrides",
];

/**
 * The figures of sizes (functions/README.md, "Sizing" and "Exposure and crowding") as they are written, and
 * the functions that are their homes.
 */
const HOMES = {
  "0.02": "learning.least_edge_weight",
  "0.10": "learning.size_of_appetite",
  "0.50": "learning.size_of_appetite",
  "0.33": "learning.skew_of_crowding",
  "1.33": "learning.skew_of_crowding",
} as const;

type Figure = keyof typeof HOMES;
type Figures = Readonly<Record<Figure, number>>;

const FIGURES = Object.keys(HOMES) as Figure[];
const WRITTEN: Figures = { "0.02": 0.02, "0.10": 0.1, "0.50": 0.5, "0.33": 0.33, "1.33": 1.33 };

/** Whether the word is what `coalesce` falls back to: the default of something that was not given is another number. */
function isDefault(passage: Passage, place: number): boolean {
  if (passage[place - 1]?.text !== "," || passage[place + 1]?.text !== ")") return false;
  let depth = 0;
  for (let before = place - 1; before > 0; before -= 1) {
    const text = passage[before]?.text;
    if (text === ")") depth += 1;
    if (text !== "(") continue;
    if (depth === 0) return passage[before - 1]?.text === "coalesce";
    depth -= 1;
  }
  return false;
}

/** Where the functions that size and explain write the figure, in whatever form, in code or in a text. */
function findFigure(house: readonly HouseFile[], figure: Figure): string[] {
  return reachableFunctions(house, ASKED).flatMap(({ name, body }) =>
    passagesOfBody(body).flatMap((passage) =>
      passage.flatMap((word, place) =>
        word.kind === "number" && Number(word.text) === WRITTEN[figure] && !isDefault(passage, place)
          ? [`${word.text} in ${name}`]
          : []
      )
    )
  ).sort();
}

Deno.test("each figure of a size stands once in the formulas, in its home", async () => {
  const house = await readHouse(await readSqlFiles(SQL_DIRECTORY));
  for (const figure of FIGURES) {
    assertEquals(findFigure(house, figure), [`${figure} in ${HOMES[figure]}`], `homes of ${figure}`);
  }
});

Deno.test("a second home of a figure is found in whatever form", async () => {
  const house = await readHouse([{
    name: "10_a.sql",
    text: `
      create function learning.inner(x float8 default 0.5) returns float8 language sql as $$
        select x * .5 + coalesce(power(x, 2), 0.5) + least(x, 0.50) -- 0.5
      $$;
      create function learning.other() returns float8 language sql as $$ select 0.5 $$;
      create function public.get_pm_sizing() returns text language plpgsql as $$
      begin
        return format('0.50 × %s and 10.5', learning.inner(5e-1)) || '0.500';
      end $$;`,
  }]);
  assertEquals(findFigure(house, "0.50"), [
    ".5 in learning.inner",
    "0.50 in learning.inner",
    "0.50 in public.get_pm_sizing",
    "0.500 in public.get_pm_sizing",
    "5e-1 in public.get_pm_sizing",
  ]);
});

/** The files with one figure changed in its home. */
async function withFigure(files: readonly SqlFile[], figure: Figure, value: number): Promise<SqlFile[]> {
  const home = (await readHouse(files)).flatMap(({ functions }) => functions)
    .find(({ name }) => name === HOMES[figure]);
  if (home === undefined) throw new Error(`sql/ has no function ${HOMES[figure]}, the home of ${figure}.`);
  const pattern = new RegExp(`(?<![\\d.])${figure.replace(".", "\\.")}(?!\\d)`, "g");
  assertEquals(home.body.match(pattern)?.length, 1, `${HOMES[figure]} writes ${figure} once`);
  const body = home.body.replace(pattern, String(value));
  return files.map((file) =>
    file.name === home.file ? { ...file, text: file.text.replace(home.body, () => body) } : file
  );
}

const AS_OF = "2026-01-01T00:00:00Z";
const APPETITE = 0.8;
const PREVIOUS_STRENGTH = 1.05;
const CROWDED = { chain: "solana", timeframe: "1h" };
const EMPTY = { chain: "base", timeframe: "4h" };

/** A heavy override and a light one, and all that is held in one scope. */
const FURNITURE = `
  insert into public.learning_configs (module_id, config_data) values ('pm', '{"strength_mode": "edge_weighted", "edge_scale": 0.10}');
  insert into public.lowcap_positions
    (id, token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context, pattern_key)
  values (gen_random_uuid(), 'solana', 'A', '1h', 'active', 0.1, '{}', 'pm.uptrend.S1.buy_flag');
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a,
    confidence_score, edge_raw, n, variance, last_evidence_at)
  values
    ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"chain": "solana", "timeframe": "1h"}', 1.06, 0.5, 0.8, 0.2,
      100, 0, '${AS_OF}'),
    ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"chain": "solana"}', 1.00, 0.5, 0.8, 0.01,
      100, 0, '${AS_OF}')`;

interface Sizing {
  readonly size_frac_raw: number;
  readonly pm_strength: number;
  readonly exposure_skew: number;
  readonly size_frac: number;
  readonly overrides: readonly { readonly weight: number }[];
  readonly shadow: { readonly posture: { readonly pm_strength: number; readonly a_final: number } };
}

interface Answer {
  readonly crowded: Sizing;
  readonly empty: Sizing;
  readonly crowdedLines: readonly string[];
  readonly emptyLines: readonly string[];
}

/** What a database built from the files answers; taken back afterwards. */
async function ask(sql: Database, files: readonly SqlFile[]): Promise<Answer> {
  let answer: Answer | undefined;
  const undo = new Error("undo");
  await sql.begin(async (transaction) => {
    for (const { text } of files) await transaction.unsafe(text).simple();
    await transaction.unsafe(FURNITURE).simple();
    const call = (name: string, scope: object): string =>
      `select * from public.${name}('pm.uptrend.S1.buy_flag', 'entry', '${
        JSON.stringify(scope)
      }', ${APPETITE}, 0.5,
        ${PREVIOUS_STRENGTH}, '${AS_OF}')`;
    const sizing = async (scope: object): Promise<Sizing> => {
      const [row] = await transaction.unsafe<Sizing[]>(call("get_pm_sizing", scope));
      if (row === undefined) throw new Error("get_pm_sizing answered nothing.");
      return row;
    };
    const lines = async (scope: object): Promise<string[]> =>
      (await transaction.unsafe<{ explain_pm_sizing: string }[]>(call("explain_pm_sizing", scope)))
        .map(({ explain_pm_sizing }) => explain_pm_sizing);
    answer = {
      crowded: await sizing(CROWDED),
      empty: await sizing(EMPTY),
      crowdedLines: await lines(CROWDED),
      emptyLines: await lines(EMPTY),
    };
    throw undo;
  }).catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  if (answer === undefined) throw new Error("The transaction ended before it was asked.");
  return answer;
}

function numbersIn(lines: readonly string[], pattern: RegExp): number[] {
  const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
  return (found ?? []).slice(1).map(Number);
}

function assertNumbers(actual: readonly number[], expected: readonly number[], what: string): void {
  assertEquals(actual.length, expected.length, what);
  for (const [place, value] of expected.entries()) {
    assertAlmostEquals(actual[place] ?? NaN, value, 1e-6, what);
  }
}

/**
 * The formulas of sizes (functions/README.md, "Sizing" and "Exposure and crowding") by hand, for the
 * furniture above, with the given figures.
 */
function checkAnswer({ crowded, empty, crowdedLines, emptyLines }: Answer, figures: Figures): void {
  const size = (appetite: number): number => figures["0.10"] + figures["0.50"] * appetite;
  for (const sizing of [crowded, empty]) assertNumbers([sizing.size_frac_raw], [size(APPETITE)], "raw size");
  const { posture } = crowded.shadow;
  assertNumbers([posture.pm_strength], [size(posture.a_final) / size(APPETITE)], "strength by posture");
  assert(posture.a_final > APPETITE, "the posture is steered");
  for (const lines of [crowdedLines, emptyLines]) {
    assertNumbers(
      numbersIn(lines, /^Size [\d.]+ = ([\d.]+) \(([\d.]+) \+ ([\d.]+) × appetite 0\.8\)/),
      [size(APPETITE), figures["0.10"], figures["0.50"]],
      "the explanation of the raw size",
    );
  }

  // All that is held lies in the crowded scope, nothing in the empty one.
  const skew = (crowding: number): number =>
    Math.max(figures["0.33"], Math.min(figures["1.33"], figures["1.33"] - crowding));
  assertNumbers([crowded.exposure_skew, empty.exposure_skew], [skew(1), skew(0)], "skews");
  for (const [lines, crowding] of [[crowdedLines, 1], [emptyLines, 0]] as const) {
    assertNumbers(
      numbersIn(lines, /^Exposure skew ([\d.]+) = ([\d.]+) - crowding ([\d.]+), from ([\d.]+) to ([\d.]+);/),
      [skew(crowding), figures["1.33"], crowding, figures["0.33"], figures["1.33"]],
      "the explanation of the skew",
    );
  }

  // Two dimensions against one, and edges of 0.2 and 0.01 against an edge_scale of 0.10.
  const trust = 1 - Math.exp(-100 / 25);
  const weights = [Math.tanh(2) * trust, Math.tanh(0.1) * trust * (2 / 3) ** 1.5];
  const acting = weights.filter((weight) => weight >= figures["0.02"]);
  assertNumbers(crowded.overrides.map(({ weight }) => weight), acting, "weights of the overrides that act");
  const sum = acting.reduce((total, weight) => total + weight, 0);
  assertNumbers([crowded.pm_strength], [1.06 ** ((weights[0] ?? NaN) / sum)], "strength by edges");
  assertNumbers(
    numbersIn(crowdedLines, /^ {2}set aside: override \d+ in .*, its weight ([\d.]+) is below ([\d.]+)$/),
    weights.filter((weight) => weight < figures["0.02"]).flatMap((weight) => [weight, figures["0.02"]]),
    "the explanation of what is set aside",
  );
}

Deno.test("a figure changed in its home changes the size and its explanation alike", async () => {
  await using database = await createTestDatabase("embedded");
  const { sql } = database;
  await installStandIns(sql);
  const files = await readSqlFiles(SQL_DIRECTORY);
  checkAnswer(await ask(sql, files), WRITTEN);
  const changes: Figures = { "0.02": 0.2, "0.10": 0.15, "0.50": 0.25, "0.33": 0.4, "1.33": 1.25 };
  for (const figure of FIGURES) {
    const value = changes[figure];
    checkAnswer(await ask(sql, await withFigure(files, figure, value)), { ...WRITTEN, [figure]: value });
  }
});
