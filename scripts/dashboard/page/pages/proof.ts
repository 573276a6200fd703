import { Calibration } from "../charts.ts";
import { compact, count, day, inUnit, moment, number, percent } from "../format.ts";
import {
  AnyTable,
  Behaviour,
  html,
  instead,
  link,
  Mark,
  Panel,
  rowsOf,
  ScopeChips,
  Table,
  useRows,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";

function interval(
  gain: { readonly difference: number; readonly low: number | null; readonly high: number | null } | null,
  unit: string,
): string {
  if (gain === null) return "–";
  const ends = gain.low === null || gain.high === null
    ? ""
    : ` (${inUnit(gain.low, unit, 2)} to ${inUnit(gain.high, unit, 2)})`;
  return `${inUnit(gain.difference, unit, 2)}${ends}`;
}

function Ways({ ways, outcome, mode }: {
  readonly ways: readonly reads.Way[];
  readonly outcome: "roi" | "rr";
  readonly mode: string;
}): View {
  const unit = outcome === "roi" ? "points" : "R";
  return html`<${Table} label="Ways of sizing" rows=${ways} rowKey=${(way: reads.Way) => way.name} columns=${[
    {
      name: "way",
      show: (way: reads.Way): View =>
        way.name === mode ? html`<strong>${way.name}</strong>` : html`${way.name}`,
    },
    {
      name: `earned, ${unit}`,
      figure: true,
      show: (way: reads.Way): string => inUnit(way[outcome].per_unit, unit, 2),
    },
    {
      name: "uplift over base",
      figure: true,
      show: (way: reads.Way): string => interval(way[outcome].uplift, unit),
    },
    {
      name: "of a fixed tilt",
      figure: true,
      minor: true,
      show: (way: reads.Way): string => interval(way[outcome].level, unit),
    },
    { name: "moved", figure: true, show: (way: reads.Way): string => percent(way.moved, 0) },
    { name: "drawdown", figure: true, show: (way: reads.Way): string => number(way.drawdown) },
    { name: "Sharpe", figure: true, minor: true, show: (way: reads.Way): string => number(way.sharpe) },
    {
      name: "deflated",
      figure: true,
      minor: true,
      show: (way: reads.Way): string => percent(way.deflated_sharpe, 0),
    },
  ]} />`;
}

function Newest({ proof }: { readonly proof: reads.Proof }): View {
  const ways = reads.ways.safeParse(proof.ways);
  const report = reads.proofReport.safeParse(proof.report);
  const verdict = proof.verdict ?? "no verdict";
  if (!ways.success || !report.success) {
    return html`
      <${Panel} title="Verdict">
        <p class="verdict">${verdict}</p>
        <p class="quiet">Its figures have another form than this page knows: take the page of its release.</p>
        <//>
    `;
  }
  const { outcome, mode, calibration, signs, overfitting, placebos, sentence, cadence, cuts } = report.data;
  const unit = outcome === "roi" ? "points" : "R";
  const luck = placebos.flatMap(({ uplift }) => uplift === null ? [] : [uplift.difference]).sort((a, b) =>
    a - b
  );
  return html`
    <${Panel} title="Verdict">
      <p class="verdict">
        <${Mark} kind=${verdict === "shown"
          ? "proven"
          : verdict === "harm"
          ? "off"
          : "young"}>${verdict}<//>${" "}${sentence}</p>
          <p class="quiet">${count(proof.decisions)} decisions from ${day(proof.from_at)} to ${day(
            proof.to_at,
          )}, learned anew ${count(cuts)} times (every ${cadence}); run ${moment(proof.at)}.</p>
          <dl class="facts">
            <div><dt>believed signs that held</dt><dd>${signs.believed === 0
              ? "–"
              : `${count(signs.kept)} of ${count(signs.believed)}`}</dd></div>
            <div><dt>chance that the choice is overfitted</dt><dd>${percent(overfitting, 0)}</dd></div>
            <div><dt>of promises kept</dt><dd>${percent(calibration.slope, 0)}</dd></div>
            <div><dt>placebo, ${luck.length} drawn</dt><dd>${luck.length === 0
              ? "–"
              : luck.length === 1
              ? inUnit(luck[0], unit, 2)
              : `${inUnit(luck[0], unit, 2)} to ${inUnit(luck.at(-1), unit, 2)}`}</dd></div>
          </dl>
        <//>
        <${Panel} title="Ways of sizing" note="Per unit of capital, against the base; intervals by whole weeks resampled. What a fixed tilt earns is no learning.">
          <${Ways} ways=${ways.data} outcome=${outcome} mode=${mode} />
        <//>
        ${calibration.tenths.length > 0 && html`
          <${Panel} title="Promised and realised"
            note="By tenth of what was promised; on the line both are the same.">
            <${Calibration} points=${calibration
              .tenths} unit=${unit} label=${`Promised and realised effects of ${calibration.tenths.length} tenths, ${
              percent(calibration.slope, 0)
            } of promises kept`} />
            <//>
        `}
  `;
}

function Acting({ rows }: { readonly rows: readonly reads.Performance[] }): View {
  return html`<${Table} label="Live record of overrides" rows=${rows} rowKey=${(row: reads.Performance) =>
    row.override_id} columns=${[
    {
      name: "where",
      show: (row: reads.Performance): View =>
        html`
          <a href=${link("overrides", row.override_id)}><${Behaviour} pattern=${row
            .pattern_key} category=${row.action_category} /></a><br /><${ScopeChips}
            scope=${row.scope} />
        `,
    },
    {
      name: "promised",
      figure: true,
      show: (row: reads.Performance): string => inUnit(row.promised, row.unit),
    },
    {
      name: "came",
      figure: true,
      show: (row: reads.Performance): string => inUnit(row.live_effect, row.unit),
    },
    { name: "unit", show: (row: reads.Performance): string => row.unit, minor: true },
    { name: "decisions", figure: true, show: (row: reads.Performance): string => count(row.live_n) },
    {
      name: "against it",
      figure: true,
      show: (row: reads.Performance): string =>
        row.live_e_value === null ? "–" : `${number(row.live_e_value, 1)} of 20`,
    },
    {
      name: "",
      show: (row: reads.Performance): View => row.enabled ? null : html`<${Mark} kind="off">off<//>`,
    },
  ]} />`;
}

interface Kept {
  readonly module: string;
  readonly action_category: string;
  readonly kappa: number | null;
  readonly n: number | null;
  readonly weeks: number | null;
}

export function Proof(): View {
  const proofs = useRows(reads.proofs);
  const performance = useRows(reads.performance);
  const uplift = useRows(reads.uplift);
  const calibration = useRows(reads.calibration);
  const newest = rowsOf(proofs)[0];
  return html`
    <h1>Proof</h1>
        <p class="lead">Whether learning pays: on history, while it acts, and against chance.</p>
        ${newest === undefined &&
          html`<${Panel} title="On history">${
            instead(
              proofs,
              html`No proof is kept: <code>task prove --db URL --keep</code> replays your history and keeps what it finds here.`,
            )
          }<//>`}
        ${newest !== undefined && html`<${Newest} proof=${newest} />`}
        <${Panel} title="How much of what slices say held"
      note="In weeks they had not seen. What is left is luck.">
          ${instead(calibration, "Nothing has been calibrated yet; it takes ten weeks of decisions.")}
          ${rowsOf(calibration).length > 0 &&
            html`<${Table} label="Calibration" rows=${rowsOf(calibration)} rowKey=${(row: Kept) =>
              `${row.module}${row.action_category}`} columns=${[
              { name: "action", show: (row: Kept): string => `${row.module} ${row.action_category}` },
              { name: "held", figure: true, show: (row: Kept): string => percent(row.kappa, 0) },
              { name: "decisions", figure: true, show: (row: Kept): string => count(row.n) },
              { name: "weeks", figure: true, show: (row: Kept): string => count(row.weeks) },
            ]} />`}
        <//>
        <${Panel} title="While it acts" note="What each override promised, and what came since. Where the evidence against it comes to 20, the loop switches it off.">
          ${instead(performance, "No override acts yet.")}
          ${rowsOf(performance).length > 0 && html`<${Acting} rows=${rowsOf(performance)} />`}
        <//>
        <${Panel} title="Held out" note="Subjects sized without what was learned, beside those sized with it.">
          ${instead(uplift, "No experiment runs: set experiment.holdout.")}
          ${rowsOf(uplift).length > 0 &&
            html`<${AnyTable} label="Experiment" rows=${rowsOf(uplift)} show=${(value: unknown) =>
              compact(value)} />`}
        <//>
  `;
}
