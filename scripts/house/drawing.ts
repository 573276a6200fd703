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

interface Node {
  /** Relations or RPCs, drawn as one. */
  readonly names: readonly string[];
  readonly kind: "table" | "view" | "rpc";
}

/** A line between two nodes, known by the first of their names. */
interface Line {
  readonly from: string;
  readonly to: string;
  readonly stroke: string;
}

/**
 * The flowchart. Relations of `learning` are in it where something ties them to one of `public`, but no view that nothing is
 * made of; those that are tied in the same way are drawn as one. A relation that nothing ties to any other is not in it.
 */
export function drawRelations(catalogue: Catalogue): string {
  const all = tiesOf(catalogue);
  const ties = all.filter((tie) => !isSumOfSteps(tie, all));
  const writers = writersOf(catalogue);
  const lines: Line[] = [
    ...ties.map(({ from, to, kind, label }) => ({ from, to, stroke: strokeOf(kind, label) })),
    ...writers.flatMap(({ names, takes, makes }) => [
      ...takes.map((from) => ({ from, to: rpc(names), stroke: "-->" })),
      ...makes.map((to) => ({ from: rpc(names), to, stroke: "-->" })),
    ]),
  ];
  const isInner = (name: string): boolean => name.startsWith("learning.");
  const reached = new Set(
    catalogue.relations.filter(({ name }) => !isInner(name)).map(({ name }) => name),
  );
  for (let size = -1; size !== reached.size;) {
    size = reached.size;
    for (const { from, to } of ties) if (reached.has(from) || reached.has(to)) reached.add(from).add(to);
  }
  const relations = catalogue.relations.filter(({ name, kind }) =>
    reached.has(name) && lines.some(({ from, to }) => from === name || to === name) &&
    (kind === "table" || !isInner(name) || lines.some(({ from }) => from === name))
  );
  const groups = Map.groupBy(relations, ({ name, kind }) => {
    if (!isInner(name)) return name;
    return JSON.stringify([
      kind,
      ...lines.filter(({ from, to }) => from === name || to === name)
        .map(({ from, to, stroke }) => from === name ? ["to", to, stroke] : ["from", from, stroke]),
    ]);
  });
  const nodes: Node[] = [
    ...[...groups.values()].map((group) => ({
      names: group.map(({ name }) => name),
      kind: group[0]?.kind ?? "table",
    })),
    ...writers.map(({ names }) => ({ names: [rpc(names), ...names.slice(1)], kind: "rpc" as const })),
  ];
  const drawn = new Set(nodes.map(({ names: [first = ""] }) => first));
  return [
    "```mermaid",
    '%%{init: {"flowchart": {"nodeSpacing": 16, "rankSpacing": 28, "padding": 8}}}%%',
    "flowchart LR",
    "  classDef inside stroke-dasharray: 4 3",
    ...nodes.map((node) => `  ${drawNode(node)}`),
    ...lines.filter(({ from, to }) => drawn.has(from) && drawn.has(to))
      .map(({ from, to, stroke }) => `  ${idOf(from)} ${stroke} ${idOf(to)}`),
    "```",
  ].join("\n");
}

/** What RPCs that are drawn as one are known by; nothing else has that name. */
function rpc([first = ""]: readonly string[]): string {
  return `${first}()`;
}

function strokeOf(kind: Tie["kind"], label = ""): string {
  if (kind === "referred to by") return `---|${label}|`;
  return kind === "view of" ? "-.->" : "==>";
}

function idOf(name: string): string {
  return name.replace("()", "_rpc").replaceAll(/\W/g, "_");
}

function drawNode({ names, kind }: Node): string {
  const [first = ""] = names;
  const title = names.map((name) => name.replace(/^\w+\./, "").replace("()", "")).join("<br>");
  const shape = kind === "rpc" ? `{{"${title}"}}` : kind === "view" ? `(["${title}"])` : `["${title}"]`;
  return `${idOf(first)}${shape}${first.startsWith("learning.") ? ":::inside" : ""}`;
}

/** Whether two triggers lead the same way step by step; then the steps are drawn. */
function isSumOfSteps({ from, to, kind }: Tie, ties: readonly Tie[]): boolean {
  const kept = ties.filter((each) => each.kind === "kept by trigger");
  return kind === "kept by trigger" &&
    kept.some((first) =>
      first.from === from && first.to !== to && first.to !== from &&
      kept.some((second) => second.from === first.to && second.to === to)
    );
}
