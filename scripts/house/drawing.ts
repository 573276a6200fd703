/**
 * The tables as a Mermaid flowchart: who refers to whom, and who is made of whom.
 *
 * @module
 */

import { type Catalogue, type Effects, effectsOf } from "./catalogue.ts";

/** Read or written nearly everywhere, so that their edges would say nothing and hide the others. */
const EVERYWHERE: ReadonlySet<string> = new Set([
  "public.learning_log",
  "public.scope_dimensions",
  "learning.doorbells",
  "learning.effective_configs",
  "learning.scope_values",
]);

/** How one relation comes to another. */
export interface Tie {
  readonly from: string;
  readonly to: string;
  readonly kind: "referred to by" | "kept by trigger" | "view of";
  /** The columns that refer. */
  readonly label?: string;
}

/** RPCs that write the same tables, drawn as one. */
export interface Writer {
  readonly names: readonly string[];
  readonly takes: readonly string[];
  readonly makes: readonly string[];
}

/**
 * The RPCs that make rows of some tables from rows of others. Of the tables in `learning` those count that a key or a view
 * ties to one of `public` and that no trigger keeps.
 */
export function writersOf(catalogue: Catalogue): Writer[] {
  const effects = effectsOf(catalogue);
  const isPublic = (name: string): boolean => name.startsWith("public.");
  const ties = tiesOf(catalogue);
  const kept = new Set(ties.flatMap(({ to, kind }) => kind === "kept by trigger" ? [to] : []));
  const tied = new Set(
    ties.filter(({ from, to, kind }) => kind !== "kept by trigger" && (isPublic(from) || isPublic(to)))
      .flatMap(({ from, to }) => [from, to]),
  );
  const shown = new Set(
    catalogue.relations.filter(({ name, kind }) =>
      kind === "table" && !EVERYWHERE.has(name) && (isPublic(name) || (tied.has(name) && !kept.has(name)))
    ).map(({ name }) => name),
  );
  const drawn = (relations: ReadonlySet<string>): string[] =>
    [...relations].filter((each) => shown.has(each)).sort();
  const takenFrom = ({ reads, writes }: Effects): string[] =>
    drawn(reads).filter((each) => !writes.has(each));
  const writers = catalogue.routines.filter(({ name }) => name.startsWith("public."))
    .map(({ name }) => ({ name, effects: effects(name) }))
    .filter(({ effects: each }) => drawn(each.writes).length > 0 && takenFrom(each).length > 0);
  const groups = Map.groupBy(
    writers,
    ({ effects: each }) => JSON.stringify([takenFrom(each), drawn(each.writes)]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [{
      names: group.map(({ name }) => name),
      takes: takenFrom(first.effects),
      makes: drawn(first.effects.writes),
    }];
  });
}

/** References, triggers and views that tie relations together; each pair once for each kind. */
export function tiesOf(catalogue: Catalogue): Tie[] {
  const effects = effectsOf(catalogue);
  const ties: Tie[] = [
    ...catalogue.foreignKeys.map(({ from, to, columns }): Tie => ({
      from: to,
      to: from,
      kind: "referred to by",
      label: columns.join(", "),
    })),
    ...catalogue.triggers.flatMap(({ table, function: called }) =>
      [...effects(called).writes].sort()
        .filter((to) => to !== table && to !== "public.learning_log" && to !== "learning.doorbells")
        .map((to): Tie => ({ from: table, to, kind: "kept by trigger" }))
    ),
    ...catalogue.viewSources.map(({ view, source }): Tie => ({ from: source, to: view, kind: "view of" })),
  ];
  return [...new Map(ties.map((tie) => [JSON.stringify([tie.from, tie.to, tie.kind]), tie])).values()];
}

/**
 * The flowchart. Relations of `learning` are in it where something ties them to one of `public`; a relation that nothing ties
 * to any other is not.
 */
export function drawRelations(catalogue: Catalogue): string {
  // What is kept by a trigger on what a trigger keeps is made of the first, too; the shorter way is drawn.
  const all = tiesOf(catalogue);
  const ties = all.filter((tie) => tie.kind !== "kept by trigger" || !isLongWay(tie, all));
  const writers = writersOf(catalogue);
  const drawn = new Set(
    catalogue.relations.filter(({ name }) => name.startsWith("public.")).map(({ name }) => name),
  );
  for (let size = -1; size !== drawn.size;) {
    size = drawn.size;
    for (const { from, to } of ties) {
      if (drawn.has(from) || drawn.has(to)) drawn.add(from).add(to);
    }
  }
  const id = (name: string): string => name.replaceAll(/\W/g, "_");
  const tiedTo = new Set([
    ...ties.flatMap(({ from, to }) => [from, to]),
    ...writers.flatMap(({ takes, makes }) => [...takes, ...makes]),
  ]);
  const nodes = catalogue.relations.filter(({ name }) => drawn.has(name) && tiedTo.has(name)).map(
    ({ name, kind }) => {
      const own = name.replace(/^public\./, "");
      const style = name.startsWith("learning.") ? ":::inside" : "";
      return kind === "view" ? `${id(name)}(["${own}"])${style}` : `${id(name)}["${own}"]${style}`;
    },
  );
  const arrows = ties.filter(({ from }) => drawn.has(from)).map(({ from, to, kind, label }) => {
    if (kind === "referred to by") return `${id(from)} ---|${label}| ${id(to)}`;
    return `${id(from)} ${kind === "view of" ? "-.->" : "==>"} ${id(to)}`;
  });
  const hexagons = writers.flatMap(({ names, takes, makes }) => {
    const node = `by_${id(names[0] ?? "")}`;
    const title = names.map((name) => name.replace(/^public\./, "")).join("<br>");
    return [
      `${node}{{"${title}"}}:::rpc`,
      ...takes.map((table) => `${id(table)} --> ${node}`),
      ...makes.map((table) => `${node} --> ${id(table)}`),
    ];
  });
  return [
    "```mermaid",
    "flowchart LR",
    "  classDef inside stroke-dasharray: 4 3",
    "  classDef rpc stroke-width: 2px",
    ...[...nodes, ...hexagons, ...arrows].map((line) => `  ${line}`),
    "```",
  ].join("\n");
}

/** Whether a chain of two other triggers leads the same way. */
function isLongWay({ from, to }: Tie, ties: readonly Tie[]): boolean {
  const kept = ties.filter(({ kind }) => kind === "kept by trigger");
  return kept.some((first) =>
    first.from === from && first.to !== to && first.to !== from &&
    kept.some((second) => second.from === first.to && second.to === to)
  );
}
