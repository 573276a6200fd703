import { useState } from "preact/hooks";
import * as z from "zod/mini";
import { check, nested, typedOf } from "../checks.ts";
import { ago, compact } from "../format.ts";
import {
  Action,
  AskReason,
  differences,
  Field,
  html,
  instead,
  Mark,
  mayChange,
  Panel,
  rowsOf,
  textOf,
  useRows,
  useWorld,
  type View,
  whyNot,
} from "../parts.ts";
import * as reads from "../reads.ts";

function Input({ setting, typed, onType, disabled, faulty }: {
  readonly setting: reads.Setting;
  readonly typed: string;
  readonly onType: (text: string) => void;
  readonly disabled: boolean;
  readonly faulty: boolean;
}): View {
  const id = `setting-${setting.module_id}-${setting.path}`;
  const common = {
    id,
    disabled,
    "aria-label": `${setting.path} of ${setting.module_id}`,
    "aria-invalid": faulty,
    "aria-describedby": `${id}-about`,
  };
  const change = (event: Event): void => onType(textOf(event));
  const options = setting.kind === "boolean" ? ["true", "false"] : setting.choices ?? [];
  if (setting.kind === "boolean" || setting.kind === "choice") {
    const all = setting.nullable ? [...options, "null"] : options;
    return html`<select ...${common} value=${typed} onChange=${change}>${
      all.map((value) => html`<option value=${value} selected=${value === typed}>${value}</option>`)
    }</select>`;
  }
  return html`<input ...${common} value=${typed} onInput=${change} spellcheck="false" />`;
}

function History(): View {
  const { now } = useWorld();
  const history = useRows(reads.configChanges, { limit: 20 });
  const inner = (row: Readonly<Record<string, unknown>> | null): Record<string, unknown> => {
    const found = z.object({ config_data: z.record(z.string(), z.unknown()) }).safeParse(row);
    return found.data?.config_data ?? {};
  };
  return html`<${Panel} title="Who changed it">
    ${instead(history, "Nothing was changed yet: all keys have their defaults.")}
    <ol class="history">${
    rowsOf(history).map((entry) =>
      html`
        <li key=${entry.id}>
          <p><strong>${entry.module_id}</strong>
              <span class="aside">${ago(entry.at, now)}, ${entry.actor}</span>${entry.reason !== null &&
                html`<br />“${entry.reason}”`}</p>
          <dl class="diff">${differences(inner(entry.old), inner(entry.new)).map(({ key, old, now: after }) =>
            html`
              <div>
                <dt>${key}</dt>
                <dd><del>${compact(old)}</del> → <ins>${compact(after)}</ins></dd>
              </div>
            `
          )}</dl>
        </li>
      `
    )
  }</ol>
  <//>`;
}

export function Settings(): View {
  const world = useWorld();
  const allowed = mayChange(world);
  const settings = useRows(reads.settings);
  const [edits, setEdits] = useState<ReadonlyMap<string, string>>(new Map());
  const [search, setSearch] = useState("");
  const [onlySet, setOnlySet] = useState(false);
  const [saving, setSaving] = useState<string | null>(null);
  const keyOf = ({ module_id, path }: reads.Setting): string => `${module_id} ${path}`;
  const rows = rowsOf(settings);
  const words = search.toLowerCase();
  const shown = rows.filter((setting) =>
    `${setting.path} ${setting.description}`.toLowerCase().includes(words) && (!onlySet || setting.is_set)
  );
  const edited = rows.flatMap((setting) => {
    const typed = edits.get(keyOf(setting));
    return typed === undefined || typed === typedOf(setting.value)
      ? []
      : [{ setting, typed, checked: check(setting, typed) }];
  });
  const faults = new Map(
    edited.flatMap(({ setting, checked }) =>
      "trouble" in checked ? [[keyOf(setting), checked.trouble] as const] : []
    ),
  );
  const modules = [...new Set(rows.map(({ module_id }) => module_id))];
  const save = async (module: string, reason: string): Promise<string | null> => {
    const values = new Map(
      edited.flatMap(({ setting, checked }) =>
        setting.module_id === module && "value" in checked ? [[setting.path, checked.value] as const] : []
      ),
    );
    const result = await world.source.call(
      "set_config",
      { module, patch: nested(values), reason },
      z.unknown(),
    );
    if (result.state !== "there") {
      return result.state === "missing" ? "Not available in this release" : result.why;
    }
    setEdits(new Map([...edits].filter(([key]) => !key.startsWith(`${module} `))));
    world.refresh();
    return null;
  };
  const pending = modules.filter((module) => edited.some(({ setting }) => setting.module_id === module));
  return html`
    <h1>Settings</h1>
    <p class="lead">Every key with what it does. A change holds at the next call.</p>
    <div class="controls">
      <${Field} label="Search"><input type="search" value=${search} onInput=${(event: Event) =>
        setSearch(textOf(event))} /><//>
          <label class="tick"><input type="checkbox" checked=${onlySet} onChange=${() =>
            setOnlySet(!onlySet)} /> only those that are set</label>
          <div class="end row">
            ${pending.map((module) =>
              html`<${Action} allowed=${allowed && faults.size === 0} kind="primary" why=${
                allowed ? "Something typed is out of its range" : whyNot(world)
              } onPress=${() => setSaving(module)}>Save ${module}…<//>`
            )}
            ${pending.length > 0 &&
              html`<button type="button" onClick=${() => setEdits(new Map())}>Discard</button>`}
            ${pending.length === 0 &&
              html`<${Action} allowed=${false} why=${
                allowed ? "Nothing is changed" : whyNot(world)
              } onPress=${() => {}}>Save…<//>`}
          </div>
        </div>
        ${instead(settings, "No key is listed.")}
        ${modules.map((module) => {
          const own = shown.filter(({ module_id }) => module_id === module);
          return own.length > 0 && html`
            <${Panel} title=${module === "pm"
              ? "Portfolio manager"
              : module === "decision_maker"
              ? "Decision maker"
              : module}>
              <ul class="settings">${own.map((setting) => {
                const key = keyOf(setting);
                const trouble = faults.get(key);
                const id = `setting-${setting.module_id}-${setting.path}`;
                return html`
                  <li key=${key}>
                    <div class="setting-name"><code>${setting.path}</code> ${setting.is_set &&
                      html`<${Mark} kind="pinned">set<//>`}</div>
                    <${Input} setting=${setting} typed=${edits.get(key) ??
                      typedOf(setting.value)} disabled=${!allowed} faulty=${trouble !== undefined}
                      onType=${(text: string) => setEdits(new Map(edits).set(key, text))} />
                    <p id=${`${id}-about`}
                      class="note">${setting.description} <span class="aside">Takes ${setting
                        .accepts}; default ${typedOf(setting.default_value)}.</span>
                            ${trouble !== undefined &&
                              html`<br /><span class="trouble" role="alert">${trouble}.</span>`}</p>
                  </li>
                `;
              })}</ul>
              <//>
          `;
        })}
        <${History} />
        ${saving !== null && html`
          <${AskReason} title=${`Save the settings of ${saving}`} confirm="Save"
            about="They hold at the next call; the history keeps what was before." onClose=${() =>
              setSaving(null)}
            onConfirm=${(reason: string) => save(saving, reason)}>
            <dl class="diff">${edited.filter(({ setting }) => setting.module_id === saving).map((
              { setting, typed },
            ) =>
              html`
                <div>
                  <dt>${setting.path}</dt>
                  <dd><del>${compact(setting.value)}</del> → <ins>${typed}</ins></dd>
                </div>
              `
            )}</dl>
            <//>
        `}
  `;
}
