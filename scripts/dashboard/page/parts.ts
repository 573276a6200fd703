/** What every page is made of. */

import { type ComponentChildren, createContext, h, type VNode } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
// @ts-types="./htm.d.ts"
import htm from "htm";
import { type Scope, scopeText } from "./format.ts";
import type { Read } from "./reads.ts";
import type { Answer, Asked, Result, Source } from "./source.ts";

export const html = htm.bind(h);
export type View = VNode | VNode[] | null;

/** What all pages share. */
export interface World {
  readonly source: Source;
  readonly role: string;
  /** Grows when everything is to be read anew. */
  readonly tick: number;
  /** The moment that the page speaks of: now, or when a report was taken. */
  readonly now: number;
  refresh(): void;
}

const nowhere: Source = {
  live: false,
  rows: () => Promise.resolve({ state: "failed", why: "Nobody is signed in" }),
  call: () => Promise.resolve({ state: "failed", why: "Nobody is signed in" }),
};

export const WorldContext = createContext<World>({
  source: nowhere,
  role: "none",
  tick: 0,
  now: 0,
  refresh: () => {},
});

export function useWorld(): World {
  return useContext(WorldContext);
}

export function maySize({ source, role }: World): boolean {
  return source.live && (role === "pm" || role === "operator");
}

export function mayChange({ source, role }: World): boolean {
  return source.live && role === "operator";
}

/** Why a button is off, for whoever looks at it. */
export function whyNot(world: World): string {
  return world.source.live
    ? "Only users with the learning role operator may do this"
    : "A report changes nothing";
}

/** Rows, read anew whenever the question or the tick changes; undefined until the first answer. */
export function useRows<Row>(read: Read<Row> | null, asked: Asked = {}): Answer<Row> | undefined {
  const { source, tick } = useWorld();
  const [answer, setAnswer] = useState<Answer<Row> | undefined>(undefined);
  const question = JSON.stringify([read?.relation ?? null, asked]);
  useEffect(() => {
    let current = true;
    if (read === null) setAnswer(undefined);
    else {
      source.rows(read, asked).then((found) => {
        if (current) setAnswer(found);
      });
    }
    return (): void => {
      current = false;
    };
  }, [source, tick, question]);
  return answer;
}

/** Rows of several pages one after the other, up to so many; what is read so far while the rest comes. */
export function useManyRows<Row>(read: Read<Row>, pages: number, asked: Asked = {}): Answer<Row> | undefined {
  const { source, tick } = useWorld();
  const [answer, setAnswer] = useState<Answer<Row> | undefined>(undefined);
  useEffect(() => {
    let current = true;
    const gather = async (): Promise<void> => {
      const rows: Row[] = [];
      for (let page = 0; page < pages && current; page++) {
        const found = await source.rows(read, { ...asked, from: page * read.limit });
        if (!current) return;
        if (found.state !== "there") return setAnswer(found);
        rows.push(...found.rows);
        if (found.rows.length < read.limit) break;
      }
      if (current) setAnswer({ state: "there", rows, total: null });
    };
    gather();
    return (): void => {
      current = false;
    };
  }, [source, tick, JSON.stringify([read.relation, pages, asked])]);
  return answer;
}

/** Rows of an answer that is there, none otherwise. */
export function rowsOf<Row>(answer: Answer<Row> | undefined): readonly Row[] {
  return answer?.state === "there" ? answer.rows : [];
}

export function textOf(event: Event): string {
  const { target } = event;
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement ||
      target instanceof HTMLTextAreaElement
    ? target.value
    : "";
}

interface PanelProps {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly children?: ComponentChildren;
  readonly wide?: boolean;
  readonly actions?: ComponentChildren;
}

let panels = 0;

export function Panel({ title, note, children, actions }: PanelProps): View {
  const [id] = useState(() => `panel-${++panels}`);
  return html`<section class="panel" aria-labelledby=${id}>
    <div class="panel-head"><h2 id=${id}>${title}</h2>${actions}</div>
    ${note !== undefined && html`<p class="note">${note}</p>`}
    ${children}
  </section>`;
}

/** What stands in place of rows where there are none to show; null where there are some. */
export function instead(
  answer: Answer<unknown> | Result<unknown> | undefined,
  whenEmpty: ComponentChildren,
): View {
  if (answer === undefined) return html`<p class="waiting" role="status">Reading…</p>`;
  if (answer.state === "missing") return html`<p class="quiet">Not available in this release.</p>`;
  if (answer.state !== "there") return html`<p class="trouble" role="alert">${answer.why}.</p>`;
  return "rows" in answer && answer.rows.length === 0 ? html`<p class="quiet">${whenEmpty}</p>` : null;
}

export function ScopeChips({ scope }: { readonly scope: Scope }): View {
  const pairs = Object.entries(scope);
  if (pairs.length === 0) return html`<span class="pair">everywhere</span>`;
  return html`<span class="pairs">${
    pairs.map(([name, value]) => html`<span class="pair"><span class="dim">${name}</span> ${value}</span>`)
  }</span>`;
}

export function Behaviour(
  { pattern, category }: { readonly pattern: string; readonly category: string },
): View {
  return html`<span class="behaviour">${pattern} <span class="category">${category}</span></span>`;
}

export function Mark(
  { kind, children }: { readonly kind: string; readonly children: ComponentChildren },
): View {
  return html`<span class=${`mark ${kind}`}>${children}</span>`;
}

export interface Column<Row> {
  readonly name: string;
  readonly show: (row: Row) => ComponentChildren;
  /** Figures stand to the right. */
  readonly figure?: boolean;
  /** Left out where the screen is narrow. */
  readonly minor?: boolean;
}

export function Table<Row>(
  { label, columns, rows, rowKey }: {
    readonly label: string;
    readonly columns: readonly Column<Row>[];
    readonly rows: readonly Row[];
    readonly rowKey: (row: Row) => string | number;
  },
): View {
  const classOf = ({ figure, minor }: Column<Row>): string =>
    [figure === true ? "figure" : "", minor === true ? "minor" : ""].join(" ").trim();
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${label}>
      <table>
        <caption class="unseen">${label}</caption>
        <thead>
          <tr>${columns.map((column) =>
            html`<th scope="col" class=${classOf(column)}>${column.name}</th>`
          )}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr key=${rowKey(row)}>${
            columns.map((column) => html`<td class=${classOf(column)}>${column.show(row)}</td>`)
          }</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

/** Rows whose columns are not known beforehand. */
export function AnyTable(
  { label, rows, show }: {
    readonly label: string;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
    readonly show: (value: unknown, column: string) => ComponentChildren;
  },
): View {
  const columns = Object.keys(rows[0] ?? {});
  return html`
    <${Table} label=${label} rows=${rows} rowKey=${(row: Record<string, unknown>) => JSON.stringify(row)}
      columns=${columns.map((name) => ({
        name: name.replaceAll("_", " "),
        figure: rows.some((row) => typeof row[name] === "number"),
        show: (row: Record<string, unknown>): ComponentChildren => show(row[name], name),
      }))} />
  `;
}

export function Field(
  { label, children }: { readonly label: string; readonly children: ComponentChildren },
): View {
  return html`<label class="field"><span>${label}</span>${children}</label>`;
}

/** A button that is off, with the reason, for whoever may not press it. */
export function Action(
  { allowed, why, onPress, children, kind }: {
    readonly allowed: boolean;
    readonly why: string;
    readonly onPress: () => void;
    readonly children: ComponentChildren;
    readonly kind?: string;
  },
): View {
  return html`
    <button type="button" class=${kind ?? ""} disabled=${!allowed} title=${allowed ? undefined : why}
      onClick=${onPress}>${children}</button>
  `;
}

/** A dialog that asks for a reason before something is changed. */
export function AskReason(
  { title, about, confirm, onConfirm, onClose, children }: {
    readonly title: string;
    readonly about: string;
    readonly confirm: string;
    readonly onConfirm: (reason: string) => Promise<string | null>;
    readonly onClose: () => void;
    readonly children?: ComponentChildren;
  },
): View {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const refused = await onConfirm(reason.trim());
    setBusy(false);
    if (refused === null) onClose();
    else setTrouble(refused);
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
      <form onSubmit=${submit}>
          <h2 id="dialog-title">${title}</h2>
          <p class="note">${about}</p>
          ${children}
          <${Field} label="Reason, kept in the history">
            <input required autofocus value=${reason} onInput=${(event: Event) => setReason(textOf(event))} />
          <//>
          ${trouble !== null && html`<p class="trouble" role="alert">${trouble}.</p>`}
          <div class="row">
            <button type="submit" class="primary" disabled=${busy || reason.trim() === ""}>${confirm}</button>
            <button type="button" onClick=${onClose}>Cancel</button>
          </div>
        </form>
      </dialog>
  `;
}

/** What differs between two documents, key by key. */
export function differences(
  old: Readonly<Record<string, unknown>> | null,
  now: Readonly<Record<string, unknown>> | null,
): { key: string; old: unknown; now: unknown }[] {
  const keys = [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])];
  return keys.filter((key) => JSON.stringify(old?.[key]) !== JSON.stringify(now?.[key]))
    .map((key) => ({ key, old: old?.[key], now: now?.[key] }));
}

export function link(page: string, detail?: string | number): string {
  return detail === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(String(detail))}`;
}

export function describeScope(pattern: string, category: string, scope: Scope): string {
  return `${pattern} ${category}, ${scopeText(scope)}`;
}
