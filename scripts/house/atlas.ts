/**
 * Writes the parts of `supabase/README.md` that the database itself can say: the drawing of its tables, and the lists of
 * tables, RPCs, settings, error codes and jobs.
 *
 *     deno run -A scripts/house/atlas.ts [--db URL]
 *
 * They come from the catalogue of a database that is built from `sql/`, embedded or on the server at URL, and from `sql/`
 * itself where the catalogue does not know. `deno task check` compares.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { formatted } from "../gen_types.ts";
import { type HouseFile, readHouse } from "../sql/house.ts";
import { connect, type Database } from "../stack/database.ts";
import { startEmbedded } from "../stack/embedded.ts";
import { readSqlFiles, runSqlFiles, SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { createScratchDatabase } from "../stack/scratch.ts";
import { installStandIns } from "../stack/standins.ts";
import { type Catalogue, effectsOf, readCatalogue, type Routine, type Setting } from "./catalogue.ts";
import { drawRelations } from "./drawing.ts";
import { findRaisedErrors } from "./raised_errors.ts";

export const ATLAS = new URL("../../supabase/README.md", import.meta.url);

/** What the sections are made of. */
export interface Sources {
  readonly catalogue: Catalogue;
  readonly house: readonly HouseFile[];
}

const SECTIONS: Readonly<Record<string, (sources: Sources) => string>> = {
  drawing: ({ catalogue }) => drawRelations(catalogue),
  tables: listRelations,
  triggers: listTriggers,
  "client rpcs": ({ catalogue }) => listRoutines(catalogue, (who) => who !== SERVICE),
  "service rpcs": ({ catalogue }) => listRoutines(catalogue, (who) => who === SERVICE),
  "row types": listRowTypes,
  settings: listSettings,
  "raised errors": listErrors,
  constraints: listConstraints,
  jobs: listJobs,
};

/** The text with every generated section made anew; all else stays as it is. */
export async function withSections(text: string, sources: Sources): Promise<string> {
  let written = text;
  for (const [name, write] of Object.entries(SECTIONS)) {
    const { begin, end } = marksOf(name);
    const [from, to] = [written.indexOf(begin), written.indexOf(end)];
    if (from === -1 || to < from) {
      throw new Error(
        `supabase/README.md has no place for the generated "${name}": write the lines ${begin} and ${end} where it belongs.`,
      );
    }
    written = `${written.slice(0, from + begin.length)}\n\n${write(sources)}\n\n${written.slice(to)}`;
  }
  const unknown = [...text.matchAll(/<!-- generated: (.*?) -->/g)].map(([, name = ""]) => name)
    .filter((name) => !(name in SECTIONS));
  if (unknown.length > 0) {
    throw new Error(
      `supabase/README.md has places for "${unknown.join('", "')}", and only these are generated: ` +
        `${Object.keys(SECTIONS).join(", ")}.`,
    );
  }
  return await formatted(written, "md");
}

/** What the file should hold by a database that has the schema. */
export async function generateAtlas(sql: Database): Promise<string> {
  return await withSections(await Deno.readTextFile(ATLAS), {
    catalogue: await readCatalogue(sql),
    house: await readHouse(await readSqlFiles(SQL_DIRECTORY)),
  });
}

/** The generated sections of the file that are not what a database with the schema makes of them. */
export async function staleSections(sql: Database): Promise<string[]> {
  return differingSections(await Deno.readTextFile(ATLAS), await generateAtlas(sql));
}

/** The generated sections in which one text of the file is not as another. */
export function differingSections(one: string, other: string): string[] {
  return Object.keys(SECTIONS).filter((name) => sectionOf(one, name) !== sectionOf(other, name));
}

function marksOf(section: string): { begin: string; end: string } {
  return { begin: `<!-- generated: ${section} -->`, end: `<!-- end of ${section} -->` };
}

function sectionOf(text: string, section: string): string {
  const { begin, end } = marksOf(section);
  return text.slice(text.indexOf(begin), text.indexOf(end));
}

// What may stand in a cell: a bar would end it, a line break the row, and what looks like a tag would be one.
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").replaceAll("<", "&lt;").trim();
}

function code(text: string): string {
  return text === "" ? "" : `\`${text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")}\``;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The name as whoever is in `public` calls it. */
function short(name: string): string {
  return name.replace(/^public\./, "");
}

/** A link to the file of `sql/` that creates something. */
function home(house: readonly HouseFile[], kinds: readonly string[], name: string): string {
  const file = house.find(({ creates }) =>
    creates.some((created) =>
      kinds.includes(created.kind) && (created.name === name || created.name === short(name))
    )
  );
  return file === undefined ? "" : `[${file.name}](../sql/${file.name})`;
}

function listRelations({ catalogue, house }: Sources): string {
  const effects = effectsOf(catalogue);
  const isPublic = (name: string): boolean => name.startsWith("public.");
  const writers = (relation: string): string => {
    const triggers = catalogue.triggers.filter(({ table: on, function: called }) =>
      on !== relation && effects(called).writes.has(relation)
    ).map(({ table: on }) => `triggers of ${code(short(on))}`);
    const rpcs = catalogue.routines.filter(({ name }) => isPublic(name) && effects(name).writes.has(relation))
      .map(({ name }) => code(short(name)));
    const all = [...new Set([...triggers, ...rpcs])];
    return all.length > 8 ? "nearly all that writes" : all.join(", ");
  };
  return (["public", "learning"] as const).map((schema) => {
    const relations = catalogue.relations.filter(({ name }) => name.startsWith(`${schema}.`));
    const tables = table(
      ["table", "a row is", "written by, beside clients", "file"],
      relations.filter(({ kind }) => kind === "table").map(({ name, comment }) => [
        code(short(name)),
        cell(comment),
        writers(name),
        home(house, ["table"], name),
      ]),
    );
    const views = table(
      ["view", "shows", "made of", "file"],
      relations.filter(({ kind }) => kind === "view").map(({ name, comment }) => [
        code(short(name)),
        cell(comment),
        catalogue.viewSources.filter(({ view }) => view === name).map(({ source }) => code(short(source)))
          .join(", "),
        home(house, ["view"], name),
      ]),
    );
    return `### Schema \`${schema}\`\n\n${tables}\n\n${views}`;
  }).join("\n\n");
}

function listTriggers({ catalogue, house }: Sources): string {
  return table(
    ["on", "trigger", "why", "function in"],
    catalogue.triggers.map(({ table: on, name, comment, function: called }) => [
      code(short(on)),
      code(name),
      cell(comment),
      home(house, ["function"], called),
    ]),
  );
}

const SERVICE = "service_role";

/** Who may call a function that the data API shows: the learning role where the function asks for one. */
function callersOf(catalogue: Catalogue): (routine: Routine) => string {
  const effects = effectsOf(catalogue);
  return ({ name, callers }) => {
    if (callers.includes("anon")) return "everybody";
    if (!callers.includes("authenticated")) return callers.includes(SERVICE) ? SERVICE : "the owner";
    const { calls } = effects(name);
    if (calls.has("learning.require_operator")) return `operator, ${SERVICE}`;
    return calls.has("learning.require_pm") ? `pm, operator, ${SERVICE}` : `who is signed in, ${SERVICE}`;
  };
}

function listRoutines(catalogue: Catalogue, isListed: (who: string) => boolean): string {
  const who = callersOf(catalogue);
  return catalogue.routines.filter((routine) => routine.name.startsWith("public.") && isListed(who(routine)))
    .map((routine) =>
      [
        `- **\`${short(routine.name)}\`**\\`,
        `\`(${briefly(routine.arguments)}) → ${briefly(routine.result)}\`; ${who(routine)}.\\`,
        cell(routine.comment),
      ].join("\n  ")
    ).join("\n");
}

/** Types by the names that fit on a line. */
function briefly(types: string): string {
  return types.replaceAll("timestamp with time zone", "timestamptz").replaceAll("double precision", "float8")
    .replaceAll(" DEFAULT ", " default ").replaceAll("SETOF ", "setof ");
}

function listRowTypes({ catalogue: { rowTypes } }: Sources): string {
  return rowTypes.map(({ name, comment, attributes }) => {
    const names = attributes.map((each) => each.name);
    const extended = rowTypes.filter((other) =>
      other.name !== name && other.attributes.every((each, place) =>
        each.name === names[place]
      )
    ).sort((one, other) => other.attributes.length - one.attributes.length)[0];
    const columns = table(
      ["column", "type", "meaning"],
      attributes.slice(extended?.attributes.length ?? 0).map((each) => [
        code(each.name),
        briefly(each.type),
        cell(each.comment),
      ]),
    );
    const intro = extended === undefined
      ? ""
      : `The columns of \`${short(extended.name)}\`, and after them:\n\n`;
    return `### \`${short(name)}\`\n\n${cell(comment)}\n\n${intro}${columns}`;
  }).join("\n\n");
}

function rangeOf({ kind, minimum, maximum, choices, nullable }: Setting): string {
  const range = choices !== null
    ? choices.map(code).join(", ")
    : minimum !== null && maximum !== null
    ? `${minimum} to ${maximum}${kind === "integer" ? ", whole" : ""}`
    : kind;
  return nullable ? `${range}, or null` : range;
}

function listSettings({ catalogue }: Sources): string {
  const modules = Map.groupBy(catalogue.settings, ({ module_id }) => module_id);
  return [...modules].map(([module, settings]) =>
    `### Row \`${module}\`\n\n${
      table(
        ["key", "default", "range", "does"],
        settings.map((setting) => [
          code(setting.path),
          code(JSON.stringify(setting.default_value)),
          rangeOf(setting),
          cell(setting.description),
        ]),
      )
    }`
  ).join("\n\n");
}

function listErrors({ house }: Sources): string {
  return table(
    ["code", "message", "what to do", "raised by"],
    findRaisedErrors(house).map(({ code: state, message, hint, file, function: raising }) => [
      code(state),
      cell(message),
      cell(hint),
      `${raising === null ? "" : `${code(short(raising))} in `}[${file}](../sql/${file})`,
    ]),
  );
}

/** A condition without the casts that Postgres writes at every literal. */
function plainCondition(condition: string): string {
  return condition.replaceAll(/::(?:double precision|text|numeric|integer|jsonb)\b(?:\[\])?/g, "")
    .replaceAll(/\('?(-?[\d.]+)'?\)|'(-?[\d.]+)'/g, "$1$2")
    .replaceAll(/= ANY \(ARRAY\[(.*?)\]\)/g, "in ($1)")
    .replaceAll(/ AND /g, " and ").replaceAll(/ IS NULL\b/g, " is null").replaceAll('"', "");
}

function listConstraints({ catalogue }: Sources): string {
  return table(
    ["table", "constraint", "holds"],
    catalogue.constraints.map(({ table: on, name, condition }) => [
      code(short(on)),
      code(name),
      code(plainCondition(condition)),
    ]),
  );
}

function listJobs({ catalogue }: Sources): string {
  return table(
    ["job", "UTC", "runs"],
    catalogue.jobs.map(({ name, schedule, command }) => [code(name), code(schedule), code(command)]),
  );
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, { string: ["db"] });
  await using cleanup = new AsyncDisposableStack();
  let databaseUrl: string;
  if (options.db === undefined) {
    const embedded = await startEmbedded();
    cleanup.defer(() => embedded.close());
    databaseUrl = embedded.databaseUrl;
  } else {
    databaseUrl = await createScratchDatabase(options.db, cleanup);
  }
  const sql = connect(databaseUrl, { max: 1 });
  cleanup.defer(() => sql.end({ timeout: 5 }));
  await installStandIns(sql);
  await runSqlFiles(sql, await readSqlFiles(SQL_DIRECTORY));
  await Deno.writeTextFile(ATLAS, await generateAtlas(sql));
  Deno.stdout.writeSync(new TextEncoder().encode("Wrote supabase/README.md\n"));
}
