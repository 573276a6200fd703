import { useState } from "preact/hooks";
import { moment } from "../format.ts";
import { Field, html, instead, Mark, Panel, rowsOf, Table, textOf, useRows, type View } from "../parts.ts";
import type { Filter } from "../reads.ts";
import * as reads from "../reads.ts";

interface Line {
  readonly id: number;
  readonly at: string;
  readonly level: string;
  readonly component: string;
  readonly event: string;
  readonly message: string;
}

const PAGE = 100;

export function Log(): View {
  const [level, setLevel] = useState("");
  const [search, setSearch] = useState("");
  const [from, setFrom] = useState(0);
  const filters: Filter[] = [
    ...(level === "" ? [] : [{ column: "level", is: "eq", value: level } satisfies Filter]),
    ...(search === "" ? [] : [{ column: "message", is: "like", value: search } satisfies Filter]),
  ];
  const lines = useRows(reads.log, { filters, from, limit: PAGE });
  const rows = rowsOf(lines);
  return html`
    <h1>Log</h1>
    <p class="lead">What the loop did and why; kept for 30 days. Times are UTC.</p>
    <div class="controls">
      <${Field} label="Level"><select value=${level} onChange=${(event: Event) => {
        setLevel(textOf(event));
        setFrom(0);
      }}>
            <option value="">all</option><option>INFO</option><option>WARNING</option><option>ERROR</option></select><//>
          <${Field} label="Message has"><input type="search" value=${search} onChange=${(event: Event) => {
            setSearch(textOf(event));
            setFrom(0);
          }} /><//>
        </div>
        <${Panel} title="Lines">
          ${instead(lines, "Nothing was written yet.")}
          ${rows.length > 0 &&
            html`<${Table} label="Log" rows=${rows} rowKey=${(row: Line) => row.id} columns=${[
              {
                name: "at",
                show: (row: Line): View => html`<time datetime=${row.at}>${moment(row.at)}</time>`,
              },
              {
                name: "level",
                show: (row: Line): View =>
                  row.level === "INFO"
                    ? html`<span class="quiet">info</span>`
                    : html`<${Mark} kind=${
                      row.level === "ERROR" ? "off" : "young"
                    }>${row.level.toLowerCase()}<//>`,
              },
              { name: "by", show: (row: Line): string => row.component, minor: true },
              { name: "what", show: (row: Line): View => html`<span class="message">${row.message}</span>` },
            ]} />`}
          <div class="row">
            <button type="button" disabled=${from === 0} onClick=${() =>
              setFrom(Math.max(0, from - PAGE))}>Newer</button>
            <button type="button" disabled=${rows.length < PAGE} onClick=${() =>
              setFrom(from + PAGE)}>Older</button>
          </div>
        <//>
  `;
}
