import { useState } from "preact/hooks";
import { Interval, Story } from "../charts.ts";
import { count, counted, day, inUnit, moment, number, percent, signed } from "../format.ts";
import {
  Behaviour,
  type Column,
  describeScope,
  Field,
  html,
  instead,
  link,
  Mark,
  Panel,
  rowsOf,
  ScopeChips,
  Table,
  textOf,
  useRows,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";

function reachOf(families: readonly reads.Family[], unit: string): number {
  const ends = families.filter((family) => family.unit === unit)
    .flatMap(({ effect, effect_low, effect_high }) => [effect, effect_low ?? effect, effect_high ?? effect]);
  // An interval over few weeks can be so wide that all others would be dots.
  const sorted = ends.map(Math.abs).sort((a, b) => a - b);
  return Math.max(1e-6, (sorted[Math.floor(sorted.length * 0.95)] ?? 1) * 1.1);
}

function interval({ effect_low, effect_high, unit }: reads.Family): string {
  return effect_low === null || effect_high === null
    ? "no interval"
    : `${inUnit(effect_low, unit)} to ${inUnit(effect_high, unit)}`;
}

function Marks({ family }: { readonly family: reads.Family }): View {
  return html`${family.proven && html`<${Mark} kind="proven">proven<//>`} ${
    family.young && html`<${Mark} kind="young">young<//>`
  }`;
}

function Forest({ families }: { readonly families: readonly reads.Family[] }): View {
  const units = [...new Set(families.map(({ unit }) => unit))];
  return html`${
    units.map((unit) => {
      const rows = families.filter((family) => family.unit === unit);
      const reach = reachOf(families, unit);
      return html`
        <div class="scroll" tabindex="0" role="region" aria-label=${`Families in ${unit}`}>
          <table class="forest">
            <caption class="unseen">Families whose effect is in ${unit}</caption>
            <thead>
              <tr>
                <th scope="col">where</th>
                <th scope="col" class="axis"><span>${inUnit(-reach, unit)}</span><span>0</span><span>${inUnit(
                  reach,
                  unit,
                )}</span></th>
                <th scope="col" class="figure">effect, ${unit}</th>
                <th scope="col" class="figure minor">95 %</th>
                <th scope="col" class="figure">cautious</th>
                <th scope="col" class="figure minor">n</th>
                <th scope="col" class="figure minor">weeks</th>
                <th scope="col"><span class="unseen">marks</span></th>
              </tr>
            </thead>
            <tbody>${rows.map((family) =>
              html`
                <tr key=${family.lesson_id}>
                  <td><a href=${link("lessons", family.lesson_id)}><${Behaviour} pattern=${family
                    .pattern_key} category=${family.action_category} /></a>
                            <br /><${ScopeChips} scope=${family.scope} /></td>
                  <td class="axis">
                    <${Interval} low=${family.effect_low} high=${family.effect_high} effect=${family.effect}
                      cautious=${family.cautious} reach=${reach} />
                  </td>
                  <td class="figure strong">${inUnit(family.effect, unit)}</td>
                  <td class="figure minor">${interval(family)}</td>
                  <td class="figure">${inUnit(family.cautious, unit)}</td>
                  <td class="figure minor">${count(family.n)}</td>
                  <td class="figure minor">${count(family.weeks)}</td>
                  <td>
                    <${Marks} family=${family} />
                  </td>
                </tr>
              `
            )}</tbody>
          </table>
        </div>
      `;
    })
  }`;
}

const TRADE_COLUMNS: readonly Column<reads.Trade>[] = [
  { name: "closed", show: ({ traded_at }): string => moment(traded_at) },
  { name: "trade", show: ({ trade_id }): View => html`<code>${trade_id.slice(0, 13)}</code>`, minor: true },
  { name: "ROI", show: ({ roi }): string => percent(roi), figure: true },
  { name: "R", show: ({ rr }): string => signed(rr), figure: true },
  { name: "of its own", show: ({ own_roi }): string => percent(own_roi), figure: true, minor: true },
  { name: "USD", show: ({ pnl_usd }): string => signed(pnl_usd), figure: true },
];

function Family({ family }: { readonly family: reads.Family }): View {
  const story = useRows(reads.edges, {
    filters: [{ column: "lesson_id", is: "eq", value: family.lesson_id }],
  });
  const trades = useRows(reads.trades, {
    limit: 50,
    filters: [
      { column: "module", is: "eq", value: family.module },
      { column: "pattern_key", is: "eq", value: family.pattern_key },
      { column: "action_category", is: "eq", value: family.action_category },
      { column: "scope", is: "contains", value: family.scope },
    ],
  });
  const points = rowsOf(story).map(({ ts, edge, scale }) => ({ at: ts, value: edge * (scale ?? 1) }))
    .reverse();
  const members = family.members;
  return html`
    <p><a href=${link("lessons")}>All families</a></p>
    <h1>
      <${Behaviour} pattern=${family.pattern_key} category=${family.action_category} />
    </h1>
    <p class="lead">
      <${ScopeChips} scope=${family.scope} />
      <${Marks} family=${family} />
    </p>
    <p class="lead">${family.in_words}.</p>
    <p class="quiet">Believed since ${day(family.first_active_at)}; newest trade ${moment(
      family.last_evidence_at,
    )}.</p>
    <${Panel} title="How it developed"
      note="The edge at each run that had new evidence, in the unit of the outcome.">
          ${instead(story, "No run has had new evidence since.")}
          ${points.length === 1 &&
            html`<p class="quiet">One run so far: ${
              inUnit(points[0]?.value, family.unit)
            } ${family.unit} on ${moment(points[0]?.at)}.</p>`}
          ${points.length > 1 &&
            html`<${Story} points=${points} unit=${family.unit} label=${`Edge in ${family.unit} over ${points.length} runs, last ${
              inUnit(points.at(-1)?.value, family.unit)
            }`} />`}
        <//>
        <${Panel} title=${`${counted(members.length, "lesson")} in this family`}
          note="The first stands for all; the others hold by the same trades and act only through it.">
          <${Table} label="Lessons of the family" rows=${members} rowKey=${(
            row: reads.Family["members"][number],
          ) => row.lesson_id}
            columns=${[
              {
                name: "in",
                show: (row: reads.Family["members"][number]): View =>
                  html`<${ScopeChips} scope=${row.scope} />`,
              },
              {
                name: `effect, ${family.unit}`,
                figure: true,
                show: (row: reads.Family["members"][number]): string => inUnit(row.effect, family.unit),
              },
              {
                name: "95 %",
                figure: true,
                show: (row: reads.Family["members"][number]): string =>
                  row.effect_low === null
                    ? "–"
                    : `${inUnit(row.effect_low, family.unit)} to ${inUnit(row.effect_high, family.unit)}`,
              },
              {
                name: "n",
                figure: true,
                show: (row: reads.Family["members"][number]): string => count(row.n),
              },
              {
                name: "weeks",
                figure: true,
                show: (row: reads.Family["members"][number]): string => number(row.weeks, 0),
              },
              {
                name: "",
                show: (row: reads.Family["members"][number]): View =>
                  row.proven === true ? html`<${Mark} kind="proven">proven<//>` : null,
              },
            ]} />
        <//>
        <${Panel} title="Trades behind it" note="The newest 50; outcomes of the whole trade, and of the decision where it has its own.">
          ${instead(trades, "None is kept.")}
          ${rowsOf(trades).length > 0 && html`
            <${Table} label=${`Trades of ${
              describeScope(family.pattern_key, family.action_category, family.scope)
            }`}
              rows=${rowsOf(trades)} columns=${TRADE_COLUMNS} rowKey=${(row: reads.Trade) =>
                row.action_strand_id} />
          `}
        <//>
  `;
}

export function Lessons({ detail }: { readonly detail: string | null }): View {
  const families = useRows(reads.families);
  const [category, setCategory] = useState("");
  const rows = rowsOf(families);
  const opened = rows.find(({ lesson_id }) => String(lesson_id) === detail);
  if (detail !== null && opened !== undefined) return html`<${Family} family=${opened} />`;
  const categories = [...new Set(rows.map(({ action_category }) => action_category))];
  const shown = rows.filter(({ action_category }) => category === "" || action_category === category);
  return html`
    <h1>Lessons</h1>
        <p
      class="lead">What is believed, a line for each family of lessons that say the same. Dots are effects above the average
          of all, lines their 95 % intervals, rings the cautious effect: as much of it as effects of its kind were found to keep.</p>
        ${detail !== null && families?.state === "there" &&
          html`<p class="trouble" role="alert">Lesson ${detail} stands for no family any more.</p>`}
        ${instead(
          families,
          "Nothing is both large enough and beyond luck yet, so sizes stay as they are. Lessons are mined every hour; a context needs 33 trades.",
        )}
        ${categories.length > 1 && html`
          <div class="controls">
            <${Field} label="Action">
                <select value=${category} onChange=${(event: Event) => setCategory(textOf(event))}>
                  <option value="">all</option>${categories.map((name) =>
                    html`<option value=${name}>${name}</option>`
                  )}
                </select><//></div>
        `}
        ${rows.length > 0 && html`<${Forest} families=${shown} />`}
  `;
}
