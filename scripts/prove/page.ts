/** A proof as one page that asks nothing of anybody: no script, no address, charts drawn by hand. */

import type { Curve, Proof } from "./proof.ts";
import { inUnit, upliftText } from "./sentence.ts";

const COLOURS = ["#888888", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b"];
const CHART = { width: 860, height: 300, margin: 44 } as const;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page. */
export function proofPage(proof: Proof): string {
  const shown = new Set(["base", "equal", "trailing", proof.mode, "calibrated", `${proof.mode} + exposure`]);
  const curves = proof.curves.filter(({ name }, i) => shown.has(name) || i >= 13).slice(0, COLOURS.length);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Edgeloop: proof on history</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
td, th { padding: 2px 10px; text-align: right; border-bottom: 1px solid #ddd; } td:first-child, th:first-child { text-align: left; }
.verdict { font-size: 1.15em; padding: .8em 1em; border-left: 6px solid #888; background: #f4f4f4; }
.shown { border-color: #2ca02c; } .harm { border-color: #d62728; }
svg { max-width: 100%; height: auto; } .axis { stroke: #bbb; } text { font-size: 12px; fill: #444; }
</style></head><body>
<h1>Proof on history</h1>
<p class="verdict ${proof.verdict.replace(" ", "-")}">${escaped(proof.sentence)}</p>
<p>${escaped(proof.source)}, ${escaped(proof.from.slice(0, 10))} to ${
    escaped(proof.to.slice(0, 10))
  }; ${proof.decisions} decisions,
${proof.cuts} cuts (${escaped(proof.cadence)}), embargo ${
    escaped(proof.embargo)
  }, configuration version ${proof.config_version},
release ${escaped(proof.release ?? "–")}.</p>
<h2>Earned by one unit of capital, week by week</h2>
${curvesChart(curves)}
<h2>Ways of sizing</h2>
${waysTable(proof)}
<h2>Promised and realised, by tenth</h2>
${promiseChart(proof)}
<p>Slope ${
    proof.calibration.slope?.toFixed(3) ?? "–"
  } (1: promises are kept). Beliefs that kept their sign in the next period:
${proof.signs.kept} of ${proof.signs.believed}. Probability of overfitting: ${
    proof.overfitting?.toFixed(3) ?? "–"
  }.</p>
<h2>Placebo</h2>
${placeboTable(proof)}
</body></html>
`;
}

function waysTable({ ways, outcome }: Proof): string {
  const number = (value: number | null, digits = 3): string => value === null ? "–" : value.toFixed(digits);
  const rows = ways.map((way) => {
    const { per_unit, uplift, level } = way[outcome];
    return [
      way.name,
      per_unit === null ? "–" : inUnit(per_unit, outcome),
      uplift === null ? "–" : upliftText(uplift, outcome),
      level === null ? "–" : upliftText(level, outcome),
      `${(100 * way.moved).toFixed(1)} %`,
      `${(100 * way.spread).toFixed(1)} %`,
      number(way.profit_factor, 2),
      `${(100 * way.drawdown).toFixed(2)} %`,
      number(way.sharpe),
      number(way.sortino),
      number(way.deflated_sharpe, 2),
    ];
  });
  return tableOf(
    ["way", "earned", "uplift [95 %]", "level", "moved", "by", "PF", "drawdown", "Sharpe", "Sortino", "DSR"],
    rows,
  );
}

function placeboTable({ placebos, outcome }: Proof): string {
  if (placebos.length === 0) return "<p>Not asked.</p>";
  return tableOf(
    ["seed", "uplift [95 %]", "sizes moved by"],
    placebos.map(({ seed, uplift, spread }) => [
      `${seed}`,
      uplift === null ? "–" : upliftText(uplift, outcome),
      `${(100 * spread).toFixed(2)} %`,
    ]),
  );
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${cells("th", head)}${rows.map((row) => cells("td", row)).join("\n")}</table>`;
}

/** Places values between the margins. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = values.reduce((least, value) => Math.min(least, value), 0);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  const span = high - low || 1;
  return (value) => from + (to - from) * (value - low) / span;
}

function curvesChart(curves: readonly Curve[]): string {
  const { width, height, margin } = CHART;
  const all = curves.flatMap(({ earned }) => earned);
  const y = scale(all, height - margin, 12);
  const weeks = Math.max(1, ...curves.map(({ earned }) => earned.length));
  const x = (week: number): number => margin + (width - margin - 12) * week / weeks;
  const lines = curves.map(({ name, earned }, i) => {
    const points = [0, ...earned].map((value, week) => `${x(week).toFixed(1)},${y(value).toFixed(1)}`).join(
      " ",
    );
    return `<polyline points="${points}" fill="none" stroke="${COLOURS[i]}" stroke-width="1.6"/>` +
      `<text x="${margin + 8}" y="${26 + 15 * i}" style="fill:${COLOURS[i]}">${escaped(name)}</text>`;
  });
  return chart(`<line class="axis" x1="${margin}" x2="${width}" y1="${y(0)}" y2="${y(0)}"/>
<text x="2" y="${y(0) + 4}">0</text><text x="${width - 90}" y="${height - 8}">${weeks} weeks</text>${
    lines.join("\n")
  }`);
}

function promiseChart({ calibration: { tenths }, outcome }: Proof): string {
  if (tenths.length === 0) return "<p>Nothing was promised.</p>";
  const { width, height, margin } = CHART;
  const values = tenths.flatMap(({ promised, realised }) => [promised, realised]);
  const y = scale(values, height - margin, 12);
  const step = (width - margin) / tenths.length;
  const bar = (value: number, x: number, colour: string): string =>
    `<rect x="${x.toFixed(1)}" y="${Math.min(y(0), y(value)).toFixed(1)}" width="${(step / 3).toFixed(1)}" ` +
    `height="${Math.abs(y(value) - y(0)).toFixed(1)}" fill="${colour}"><title>${
      inUnit(value, outcome)
    }</title></rect>`;
  return chart(
    `<line class="axis" x1="${margin}" x2="${width}" y1="${y(0)}" y2="${y(0)}"/>` +
      tenths.map(({ promised, realised }, i) =>
        bar(promised, margin + i * step, "#bbbbbb") + bar(realised, margin + i * step + step / 3, "#1f77b4") +
        `<text x="${margin + i * step + 8}" y="${height - 8}">${i + 1}</text>`
      ).join("\n") +
      `<text x="${
        margin + 8
      }" y="22">grey: promised, blue: realised, each tenth of decisions by promise</text>`,
  );
}

function chart(content: string): string {
  return `<svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img">${content}</svg>`;
}
