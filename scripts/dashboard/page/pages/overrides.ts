import { useEffect, useRef, useState } from "preact/hooks";
import * as z from "zod/mini";
import {
  ago,
  change,
  compact,
  count,
  instantOf,
  moment,
  number,
  percent,
  scopeText,
  signed,
  typedMoment,
} from "../format.ts";
import {
  Action,
  AskReason,
  Behaviour,
  differences,
  Field,
  html,
  instead,
  link,
  Mark,
  mayChange,
  Panel,
  rowsOf,
  ScopeChips,
  textOf,
  useRows,
  useWorld,
  type View,
  whyNot,
} from "../parts.ts";
import type { Filter } from "../reads.ts";
import * as reads from "../reads.ts";

const PAGE_ROWS = 200;
const ROW_HEIGHT = 56;

const SORTS: Readonly<Record<string, { label: string; column: string; descending: boolean }>> = {
  changed: { label: "changed last", column: "last_updated_at", descending: true },
  strongest: { label: "largest factor", column: "multiplier", descending: true },
  weakest: { label: "smallest factor", column: "multiplier", descending: false },
  confidence: { label: "most confident", column: "confidence_score", descending: true },
  evidence: { label: "most trades", column: "n", descending: true },
  behaviour: { label: "behaviour", column: "pattern_key", descending: false },
};

interface Wanted {
  readonly sort: string;
  readonly search: string;
  readonly control: string;
  readonly type: string;
  readonly enabled: string;
}

function filtersOf({ search, control, type, enabled }: Wanted): Filter[] {
  const filters: Filter[] = [];
  if (search !== "") filters.push({ column: "pattern_key", is: "like", value: search });
  if (control === "waiting") filters.push({ column: "proposed", is: "notnull" });
  else if (control !== "") filters.push({ column: "control", is: "eq", value: control });
  if (type !== "") filters.push({ column: "override_type", is: "eq", value: type });
  if (enabled !== "") filters.push({ column: "enabled", is: "eq", value: enabled === "on" });
  return filters;
}

/** What an override does, in a word. */
function effect({ override_type, multiplier, value }: reads.Override): string {
  if (override_type !== "pm_tuning") return change(multiplier);
  return value === null ? change(multiplier) : signed(value, 3);
}

/** Where it steers the posture; empty where it does not. */
function steers({ dir_a, dir_e }: reads.Override): string {
  return dir_a === 0 && dir_e === 0 ? "" : `A ${signed(dir_a)}  E ${signed(dir_e)}`;
}

export function ControlMark({ override }: { readonly override: reads.Override }): View {
  if (override.control === "pinned") return html`<${Mark} kind="pinned">pinned<//>`;
  if (override.control === "off") return html`<${Mark} kind="off">off by hand<//>`;
  if (!override.enabled) return html`<${Mark} kind="off">off<//>`;
  return override.proposed === null ? null : html`<${Mark} kind="young">waits<//>`;
}

/** Rows that are read a page at a time as they come into sight, however many there are. */
function VirtualRows({ wanted, chosen }: { readonly wanted: Wanted; readonly chosen: string | null }): View {
  const { source, tick } = useWorld();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [pages, setPages] = useState<ReadonlyMap<number, readonly reads.Override[]>>(new Map());
  const [total, setTotal] = useState<number | null>(null);
  const [trouble, setTrouble] = useState<View>(null);
  const asking = useRef(new Set<number>());
  const question = JSON.stringify([wanted, tick]);
  const generation = useRef(question);
  const sort = SORTS[wanted.sort] ?? SORTS["changed"];

  const readPage = (page: number): void => {
    if (asking.current.has(page) || sort === undefined) return;
    asking.current.add(page);
    source.rows(reads.overrides, {
      filters: filtersOf(wanted),
      order: [{ column: sort.column, descending: sort.descending }, { column: "id", descending: true }],
      from: page * PAGE_ROWS,
      limit: PAGE_ROWS,
      counted: page === 0,
    }).then((answer) => {
      if (generation.current !== question) return;
      if (answer.state !== "there") {
        setTrouble(instead(answer, ""));
        return;
      }
      setTrouble(null);
      if (page === 0) setTotal(answer.total ?? answer.rows.length);
      setPages((before) => new Map(before).set(page, answer.rows));
    });
  };

  useEffect(() => {
    generation.current = question;
    asking.current = new Set();
    setPages(new Map());
    readPage(0);
  }, [question, source]);
  useEffect(() => {
    box.current?.scrollTo({ top: 0 });
    setTop(0);
  }, [JSON.stringify(wanted)]);

  const height = Math.min(560, Math.max(ROW_HEIGHT, (total ?? 0) * ROW_HEIGHT));
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - 4);
  const last = Math.min(total ?? 0, Math.ceil((top + height) / ROW_HEIGHT) + 4);
  const places = Array.from({ length: Math.max(0, last - first) }, (_, step) => first + step);
  useEffect(() => {
    if (total === null || total === 0) return;
    for (const page of new Set(places.map((place) => Math.floor(place / PAGE_ROWS)))) readPage(page);
  }, [first, last, total, question]);

  if (trouble !== null) return trouble;
  if (total === null) return html`<p class="waiting" role="status">Reading…</p>`;
  if (total === 0) {
    return html`<p class="quiet">No override is like that. They are made of lessons every hour at :10.</p>`;
  }
  const row = (place: number): View => {
    const override = pages.get(Math.floor(place / PAGE_ROWS))?.[place % PAGE_ROWS];
    const style = `transform: translateY(${place * ROW_HEIGHT}px); height: ${ROW_HEIGHT}px`;
    if (override === undefined) {
      return html`
        <div key=${place} role="row" aria-rowindex=${place + 2} class="vrow"
          style=${style}><span role="cell" class="quiet">…</span></div>
      `;
    }
    return html`
      <div key=${place} role="row" aria-rowindex=${place + 2} class=${`vrow ${
        String(override.id) === chosen ? "chosen" : ""
      }`} style=${style}>
        <span role="cell"
          class="where"><a href=${link("overrides", override.id)}><${Behaviour} pattern=${override
            .pattern_key} category=${override.action_category} /></a>
              <span class="scope-line" title=${scopeText(override.scope_subset)}>${scopeText(
                override.scope_subset,
              )}</span></span>
        <span role="cell" class="figure">${effect(override)}<span class="scope-line">${steers(
          override,
        )}</span></span>
        <span role="cell" class="figure minor">${percent(override.confidence_score, 0)}</span>
        <span role="cell" class="figure minor">${count(override.n)}</span>
        <span role="cell" class="minor">${moment(override.last_updated_at)}</span>
        <span role="cell"><${ControlMark} override=${override} /></span>
      </div>
    `;
  };
  return html`
    <p class="quiet" role="status">${count(total)} ${total === 1 ? "override" : "overrides"}</p>
    <div role="table" class="vtable" aria-label="Overrides" aria-rowcount=${total + 1}>
      <div role="rowgroup">
        <div role="row" aria-rowindex="1" class="vrow vhead">
          <span role="columnheader" class="where">where</span><span role="columnheader" class="figure">what it does</span>
          <span role="columnheader" class="figure minor">confidence</span><span role="columnheader" class="figure minor">n</span>
          <span role="columnheader" class="minor">changed</span><span role="columnheader">control</span></div>
      </div>
      <div role="rowgroup" class="vbox" ref=${box} tabindex="0" aria-label="Rows" style=${`height: ${height}px`}
        onScroll=${() => setTop(box.current?.scrollTop ?? 0)}>
        <div style=${`height: ${total * ROW_HEIGHT}px`} role="presentation">${places.map(row)}</div>
      </div>
    </div>
  `;
}

type Doing = "pin" | "release" | "switch" | "approve" | null;

function patchField(
  name: string,
  label: string,
  patch: Readonly<Record<string, string>>,
  set: (name: string, text: string) => void,
): View {
  return html`<${Field} label=${label}><input type="number" step="any" value=${patch[name] ?? ""} onInput=${(
    event: Event,
  ) => set(name, textOf(event))} /><//>`;
}

const PATCH_FIELDS = ["multiplier", "dir_a", "dir_e", "value", "confidence_score"] as const;

function Actions({ override }: { readonly override: reads.Override }): View {
  const world = useWorld();
  const allowed = mayChange(world);
  const why = whyNot(world);
  const [doing, setDoing] = useState<Doing>(null);
  const [patch, setPatch] = useState<Readonly<Record<string, string>>>({});
  const open = (what: Doing): void => {
    setPatch(
      Object.fromEntries(
        PATCH_FIELDS.map((name) => [name, override[name] === null ? "" : String(override[name])]),
      ),
    );
    setDoing(what);
  };
  const run = async (name: string, parameters: Readonly<Record<string, unknown>>): Promise<string | null> => {
    const result = await world.source.call(name, { id: override.id, ...parameters }, z.unknown());
    if (result.state === "there") {
      world.refresh();
      return null;
    }
    return result.state === "missing" ? "Not available in this release" : result.why;
  };
  const close = (): void => setDoing(null);
  const about = `${override.pattern_key} ${override.action_category}, ${scopeText(override.scope_subset)}`;
  const pinned = (): Record<string, number> =>
    Object.fromEntries(
      PATCH_FIELDS.filter((name) => (patch[name] ?? "") !== "" && Number(patch[name]) !== override[name])
        .map((name) => [name, Number(patch[name])]),
    );
  const on = override.enabled;
  return html`
    <div class="row">
      <${Action} allowed=${allowed} why=${why} onPress=${() => open("pin")}>Pin…<//>
        <${Action} allowed=${allowed} why=${why} onPress=${() => open("switch")}>${on
          ? "Switch off…"
          : "Switch on…"}<//>
        ${override.control !== "auto" &&
          html`<${Action} allowed=${allowed} why=${why} onPress=${() =>
            open("release")}>Give back to the loop…<//>`}
        ${override.proposed !== null &&
          html`<${Action} allowed=${allowed} why=${why} onPress=${() =>
            open("approve")} kind="primary">Approve…<//>`}
      </div>
      ${doing === "pin" && html`
        <${AskReason} title="Pin this override" about=${about} confirm="Pin" onClose=${close}
          onConfirm=${(reason: string) => run("pin_override", { patch: pinned(), reason })}>
          <p class="note">What you leave stays as it is. The loop shows what it would say and changes nothing.</p>
          <div class="controls">${patchField(
            "multiplier",
            "factor",
            patch,
            (name, text) => setPatch({ ...patch, [name]: text }),
          )}
            ${patchField(
              "dir_a",
              "towards appetite",
              patch,
              (name, text) => setPatch({ ...patch, [name]: text }),
            )}
            ${patchField(
              "dir_e",
              "towards exit",
              patch,
              (name, text) => setPatch({ ...patch, [name]: text }),
            )}
            ${patchField(
              "value",
              "value of the lever",
              patch,
              (name, text) => setPatch({ ...patch, [name]: text }),
            )}
            ${patchField(
              "confidence_score",
              "confidence",
              patch,
              (name, text) => setPatch({ ...patch, [name]: text }),
            )}</div>
          <//>
      `}
      ${doing === "switch" && html`
        <${AskReason} title=${on
          ? "Switch this override off"
          : "Switch this override on"} about=${about} confirm=${on
          ? "Switch off"
          : "Switch on"} onClose=${close}
          onConfirm=${(reason: string) => run("switch_override", { enabled: !on, reason })} />
      `}
      ${doing === "release" && html`
        <${AskReason} title="Give this override back to the loop" about=${about} confirm="Give back"
          onClose=${close}
          onConfirm=${(reason: string) => run("release_override", { reason })} />
      `}
      ${doing === "approve" && html`
        <${AskReason} title="Approve what the loop proposes" about=${about} confirm="Approve" onClose=${close}
          onConfirm=${(reason: string) => run("approve_override", { reason })}>
          <${Diff} old=${pickOld(override)} now=${override.proposed} />
          <//>
      `}
  `;
}

/** Of an override the keys that its proposal speaks of. */
function pickOld(override: reads.Override): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(override.proposed ?? {}).map((key) => [key, Reflect.get(override, key)]),
  );
}

function Diff(
  { old, now }: {
    readonly old: Readonly<Record<string, unknown>> | null;
    readonly now: Readonly<Record<string, unknown>> | null;
  },
): View {
  const changed = differences(old, now).filter(({ key }) =>
    !["id", "scope_digest", "scope_mask", "last_updated_at"].includes(key)
  );
  if (changed.length === 0) return html`<p class="quiet">Nothing differs.</p>`;
  return html`<dl class="diff">${
    changed.map(({ key, old: before, now: after }) =>
      html`
        <div>
          <dt>${key.replaceAll("_", " ")}</dt>
          <dd><del>${compact(before)}</del> → <ins>${compact(after)}</ins></dd>
        </div>
      `
    )
  }</dl>`;
}

function Detail({ id }: { readonly id: number }): View {
  const { now } = useWorld();
  const found = useRows(reads.overrides, { filters: [{ column: "id", is: "eq", value: id }], limit: 1 });
  const history = useRows(reads.overrideChanges, {
    filters: [{ column: "override_id", is: "eq", value: id }],
    limit: 50,
  });
  const override = rowsOf(found)[0];
  return html`<${Panel} title=${`Override ${id}`} actions=${html`<a href=${link("overrides")}>Close</a>`}>
    ${instead(found, "It is not there any more; what it was stands below.")}
    ${
    override !== undefined && html`
      <p><${Behaviour} pattern=${override.pattern_key} category=${override
        .action_category} /> <${ControlMark} override=${override} /><br />
        <${ScopeChips} scope=${override.scope_subset} /></p>
      <dl class="facts">
        <div><dt>what it does</dt><dd>${effect(override)}  ${steers(override)}</dd></div>
        <div><dt>confidence</dt><dd>${percent(override.confidence_score, 0)}</dd></div>
        <div><dt>trades</dt><dd>${count(override.n)}</dd></div>
        <div><dt>since</dt><dd>${moment(override.first_active_at)}</dd></div>
        <div><dt>newest evidence</dt><dd>${moment(override.last_evidence_at)}</dd></div>
        ${override.disabled_reason !== null && html`
          <div>
            <dt>off because</dt>
            <dd>${override.disabled_reason} (${override.disabled_by})</dd>
          </div>
        `}
      </dl>
      ${override.proposed !== null && html`
        <h3>What the loop would say</h3>
        <${Diff} old=${pickOld(override)} now=${override.proposed} />
      `}
      <${Actions} override=${override} />
    `
  }
    <h3>History</h3>
    ${instead(history, "No change is kept.")}
    <ol class="history">${
    rowsOf(history).map((entry) =>
      html`<li key=${entry.id}>
      <p><strong>${moment(entry.at)}</strong> <span class="aside">${ago(entry.at, now)}, ${entry.actor}${
        entry.run === null ? "" : `, run ${entry.run}`
      }</span>
      ${entry.reason !== null && html`<br />“${entry.reason}”`}</p>
      ${
        entry.old === null
          ? html`<p class="quiet">made: ${
            change(typeof entry.new?.["multiplier"] === "number" ? entry.new["multiplier"] : null)
          }, confidence ${
            number(typeof entry.new?.["confidence_score"] === "number" ? entry.new["confidence_score"] : null)
          }</p>`
          : entry.new === null
          ? html`<p class="quiet">deleted</p>`
          : html`<${Diff} old=${entry.old} now=${entry.new} />`
      }
    </li>`
    )
  }</ol>
  <//>`;
}

function Restore(): View {
  const world = useWorld();
  const [open, setOpen] = useState(false);
  const [asOf, setAsOf] = useState(typedMoment(world.now - 86_400_000));
  const restore = async (reason: string): Promise<string | null> => {
    const result = await world.source.call(
      "restore_overrides",
      { as_of: instantOf(asOf), reason },
      z.unknown(),
    );
    if (result.state === "there") {
      world.refresh();
      return null;
    }
    return result.state === "missing" ? "Not available in this release" : result.why;
  };
  return html`<${Action} allowed=${mayChange(world)} why=${whyNot(world)} onPress=${() =>
    setOpen(true)}>Restore…<//>
    ${
    open && html`
      <${AskReason} title="Restore all overrides" confirm="Restore" onClose=${() =>
        setOpen(false)} onConfirm=${restore}
        about="All overrides become what they were then: what is restored is pinned, what came since is set off, until it is given back to the loop.">
        <${Field}
          label="As they were at, UTC"><input type="datetime-local" step="1" required value=${asOf} onInput=${(
            event: Event,
          ) => setAsOf(textOf(event))} /><//>
          <//>
    `
  }`;
}

export function Overrides({ detail }: { readonly detail: string | null }): View {
  const [wanted, setWanted] = useState<Wanted>({
    sort: "changed",
    search: "",
    control: "",
    type: "",
    enabled: "",
  });
  const [typed, setTyped] = useState("");
  useEffect(() => {
    const timer = setTimeout(
      () => setWanted((before) => before.search === typed ? before : { ...before, search: typed }),
      300,
    );
    return (): void => clearTimeout(timer);
  }, [typed]);
  const choice = (name: keyof Wanted, label: string, options: readonly (readonly [string, string])[]): View =>
    html`<${Field} label=${label}><select value=${wanted[name]} onChange=${(event: Event) =>
      setWanted({ ...wanted, [name]: textOf(event) })}>
      ${options.map(([value, shown]) => html`<option value=${value}>${shown}</option>`)}</select><//>`;
  const id = detail === null ? null : Number(detail);
  return html`
    <div class="title">
      <h1>Overrides</h1>
      <${Restore} />
    </div>
    <p class="lead">What acts: lessons made actionable, and what people set by hand.</p>
    <div class="controls">
      <${Field} label="Behaviour has"><input type="search" value=${typed} onInput=${(event: Event) =>
        setTyped(textOf(event))} /><//>
          ${choice("sort", "Order", Object.entries(SORTS).map(([name, { label }]) => [name, label] as const))}
          ${choice("type", "Kind", [
            ["", "all"],
            ["pm_strength", "sizes"],
            ["pm_tuning", "gates and levers"],
            ["dm_alloc", "allocation"],
          ])}
          ${choice("control", "Control", [["", "all"], ["auto", "the loop's"], ["pinned", "pinned"], [
            "off",
            "off by hand",
          ], ["waiting", "with a proposal"]])}
          ${choice("enabled", "State", [["", "all"], ["on", "on"], ["off", "off"]])}
        </div>
        <div class=${id === null ? "" : "beside"}>
          <div><${VirtualRows} wanted=${wanted} chosen=${detail} /></div>
          ${id !== null && Number.isInteger(id) && html`<${Detail} key=${id} id=${id} />`}
        </div>
  `;
}
