/** The names that tables go by inside a query, as `sql/README.md` lists them, and as the SQL has them. */

import { type HouseFile, qualifiedNames } from "./house.ts";

export const README = new URL("../../sql/README.md", import.meta.url);

/** The noun of each table and view, by its name with schema, from the list in the README. */
export function readAliases(readme: string): Map<string, string> {
  const section = /^## Aliases$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme)?.[1] ?? "";
  return new Map(
    [...section.matchAll(/^\| `([a-z_]+\.[a-z_]+)`\s*\| `([a-z_]+)`\s*\|$/gm)].map((
      [, table = "", noun = ""],
    ) => [
      table,
      noun,
    ]),
  );
}

/** A table under the name it has in one query. */
export interface Alias {
  readonly file: string;
  readonly line: number;
  readonly table: string;
  readonly alias: string;
}

/** What comes right before a table that a query reads or writes. */
const BEFORE_TABLE = new Set(["from", "join", "update", "into", "using", "only", ","]);

/** What may follow such a table and is no alias. */
const AFTER_TABLE = new Set(
  `where on join left right inner full cross natural lateral order group having limit offset fetch for union
   intersect except set values default returning overriding select with using window tablesample loop then end
   into from when do as in`.trim().split(/\s+/),
);

/** The aliases of tables and views in statements, functions and texts that are executed. */
export function findAliases(house: readonly HouseFile[], schemas: readonly string[]): Alias[] {
  return house.flatMap((file) =>
    file.passages.flatMap((passage) =>
      [...qualifiedNames(passage, schemas)].flatMap(({ name, place }) => {
        if (!BEFORE_TABLE.has(passage[place - 1]?.text ?? "")) return [];
        const after = passage[place + 3]?.text === "as" ? place + 4 : place + 3;
        const alias = passage[after];
        if (alias?.kind !== "name" || (after === place + 3 && AFTER_TABLE.has(alias.text))) return [];
        return [{ file: file.name, line: alias.line, table: name, alias: alias.text }];
      })
    )
  );
}

/** Whether the alias is the noun, or the noun with a word before it that tells two of one table apart. */
export function isNoun(alias: string, noun: string): boolean {
  return alias === noun || (alias.endsWith(`_${noun}`) && /^[a-z]+(_[a-z]+)*$/.test(alias));
}
