import { useState } from "preact/hooks";
import { type Cell, HeatMap } from "../charts.ts";
import { counted, percent } from "../format.ts";
import {
  Field,
  html,
  instead,
  Panel,
  rowsOf,
  ScopeChips,
  Table,
  textOf,
  useRows,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";
import type { Answer } from "../source.ts";

interface Exposure {
  readonly mask: number;
  readonly scope: Readonly<Record<string, string>>;
  readonly exposure: number;
  readonly positions: number;
}

function useExposure(mask: number): Answer<Exposure> | undefined {
  return useRows<Exposure>(mask === 0 ? null : reads.exposure, {
    filters: [{ column: "mask", is: "eq", value: mask }],
  });
}

/** The two dimensions in which most is told apart. */
export function widest(rows: readonly Exposure[]): readonly [string, string] {
  const values = new Map<string, number>();
  for (const { scope, exposure } of rows) {
    const [dimension, ...others] = Object.keys(scope);
    if (dimension !== undefined && others.length === 0 && exposure > 0) {
      values.set(dimension, (values.get(dimension) ?? 0) + 1);
    }
  }
  const sorted = [...values.entries()].sort((a, b) => b[1] - a[1]).map(([dimension]) => dimension);
  return [sorted[1] ?? "timeframe", sorted[0] ?? "chain"];
}

/** Values by how much they hold, the largest first. */
function byWeight(rows: readonly Exposure[], dimension: string): string[] {
  const held = new Map<string, number>();
  for (const { scope, exposure } of rows) {
    const value = scope[dimension] ?? "";
    held.set(value, (held.get(value) ?? 0) + exposure);
  }
  return [...held.entries()].sort((a, b) => b[1] - a[1]).map(([value]) => value);
}

/** Every pair of values, so that what is not held shows as a gap. */
export function cellsOf(rows: readonly Exposure[], one: string, other: string): Cell[] {
  const found = new Map(
    rows.map(({ scope, exposure }) => [JSON.stringify([scope[one], scope[other]]), exposure]),
  );
  return byWeight(rows, other).slice(0, 14).flatMap((y) =>
    byWeight(rows, one).slice(0, 10).map((x) => ({ x, y, value: found.get(JSON.stringify([x, y])) ?? 0 }))
  );
}

export function Book(): View {
  const dimensions = useRows(reads.dimensions);
  const bits = new Map(rowsOf(dimensions).map(({ dim, bit }) => [dim, bit]));
  const largest = useRows<Exposure>(reads.exposure);
  const [first, second] = widest(rowsOf(largest));
  const [chosenOne, setOne] = useState<string | null>(null);
  const [chosenOther, setOther] = useState<string | null>(null);
  const one = chosenOne ?? first;
  const other = chosenOther ?? second;
  const bitOf = (dim: string): number => {
    const bit = bits.get(dim);
    return bit === undefined ? 0 : 2 ** bit;
  };
  const both = useExposure(one === other ? bitOf(one) : bitOf(one) + bitOf(other));
  const alone = useExposure(bitOf(one));
  const rows = rowsOf(both).filter(({ exposure }) => exposure > 0);
  const singles = rowsOf(alone).filter(({ exposure }) => exposure > 0);
  const total = singles.reduce((sum, { exposure }) => sum + exposure, 0);
  const pick = (label: string, value: string, set: (value: string) => void): View =>
    html`<${Field} label=${label}><select value=${value} onChange=${(event: Event) => set(textOf(event))}>
      ${[...bits.keys()].map((dim) => html`<option value=${dim}>${dim}</option>`)}</select><//>`;
  return html`
    <h1>Book</h1>
    <p
      class="lead">Intended capital of watchlist and active positions, as a share of the book, where two dimensions meet.
          What is crowded leaves less room for more of the same.</p>
    <div class="controls">${pick("Across", one, setOne)} ${pick("Down", other, setOther)}</div>
    <${Panel} title=${`${one} × ${other}`} note=${total > 0
      ? `${percent(total)} of the book is held where ${one} is known.`
      : undefined}>
          ${instead(
            both,
            "Nothing is held, so there is room for everything. Positions go into lowcap_positions.",
          )}
          ${rows.length > 0 && one !== other && html`
            <${HeatMap} cells=${cellsOf(rows, one, other)}
              label=${`Exposure by ${one} and ${other}, largest ${
                percent(Math.max(...rows.map(({ exposure }) => exposure)))
              }`} />
          `}
          ${both?.state === "there" && both.rows.length > 0 && rows.length === 0 &&
            html`<p class="quiet">Nothing is held where both are known.</p>`}
        <//>
        ${rows.length > 0 && html`
          <${Panel} title="The same as a list">
            <${Table} label="Exposure" rows=${rows} rowKey=${(row: Exposure) =>
              JSON.stringify(row.scope)} columns=${[
              { name: "where", show: (row: Exposure): View => html`<${ScopeChips} scope=${row.scope} />` },
              { name: "of the book", figure: true, show: (row: Exposure): string => percent(row.exposure) },
              {
                name: "",
                show: (row: Exposure): View =>
                  html`<meter min="0" max=${Math.max(total, row.exposure)} value=${row.exposure} aria-label=${
                    percent(row.exposure)
                  }></meter>`,
              },
              {
                name: "positions",
                figure: true,
                show: (row: Exposure): string => counted(row.positions, "position"),
              },
            ]} />
            <//>
        `}
  `;
}
