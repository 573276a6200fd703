/** Drawings: Observable Plot where they stand still, uPlot where there are many points and a pointer to follow. */

import {
  axisX,
  axisY,
  cell,
  dot,
  lineY,
  link,
  plot,
  type PlotOptions,
  rect,
  ruleX,
  ruleY,
  text,
} from "@observablehq/plot";
import { useEffect, useRef, useState } from "preact/hooks";
import UPlot from "uplot";
import { number, percent, signed } from "./format.ts";
import { html, type View } from "./parts.ts";

/** Colours that people who confuse red and green tell apart, from the style sheet. */
const SERIES = [
  "var(--series-1)",
  "var(--series-2)",
  "var(--series-3)",
  "var(--series-4)",
  "var(--series-5)",
];

/** The width that an element has, followed as it changes. */
function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => setWidth(Math.floor(element.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return (): void => observer.disconnect();
  }, []);
  return [box, width];
}

function Drawing(
  { label, draw, state }: {
    readonly label: string;
    readonly draw: (width: number) => PlotOptions;
    /** What the drawing shows; a change draws it anew. */
    readonly state: unknown;
  },
): View {
  const [box, width] = useWidth();
  useEffect(() => {
    if (width === 0) return;
    const figure = plot({
      width,
      style: { background: "none", fontFamily: "inherit", fontSize: "12px" },
      ...draw(width),
    });
    // The words stand on the element around it; what Plot says by itself would be read a second time.
    figure.setAttribute("aria-hidden", "true");
    box.current?.replaceChildren(figure);
  }, [width, JSON.stringify(state)]);
  return html`<div class="drawing" ref=${box} role="img" aria-label=${label}></div>`;
}

export interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly total: boolean;
  readonly shown: string;
}

/** From the base to the size, a bar for what each factor adds or takes. */
export function Waterfall(
  { steps, label }: { readonly steps: readonly Step[]; readonly label: string },
): View {
  const names = steps.map(({ name }) => name);
  const highest = Math.max(0.01, ...steps.flatMap(({ from, to }) => [from, to]));
  const colour = ({ total, from, to }: Step): string =>
    total ? "var(--total)" : to >= from ? "var(--up)" : "var(--down)";
  return html`<${Drawing} label=${label} state=${steps} draw=${(width: number): PlotOptions => ({
    height: 46 * steps.length + 30,
    marginLeft: width < 500 ? 110 : 150,
    marginRight: 80,
    x: {
      domain: [0, highest * 1.05],
      tickFormat: (value: number) => percent(value, 0),
      label: null,
      grid: true,
      ticks: 5,
    },
    y: { domain: names, label: null, padding: 0.35 },
    marks: [
      axisY({ tickSize: 0, fontSize: 13 }),
      rect(steps, {
        x1: (step: Step) => Math.min(step.from, step.to),
        x2: (step: Step) => Math.max(step.from, step.to),
        y: "name",
        fill: colour,
        rx: 2,
      }),
      text(steps, {
        x: (step: Step) => Math.max(step.from, step.to),
        y: "name",
        text: "shown",
        textAnchor: "start",
        dx: 6,
        fontSize: 13,
        fill: "currentColor",
      }),
      ruleX([0], { stroke: "var(--line)" }),
    ],
  })} />`;
}

export interface Cell {
  readonly x: string;
  readonly y: string;
  readonly value: number;
}

/** How much is held where two dimensions meet; darker is more. */
export function HeatMap({ cells, label }: { readonly cells: readonly Cell[]; readonly label: string }): View {
  const highest = Math.max(0, ...cells.map(({ value }) => value));
  const rows = new Set(cells.map(({ y }) => y)).size;
  const columns = new Set(cells.map(({ x }) => x)).size;
  const strength = ({ value }: Cell): number => highest === 0 ? 0.05 : 0.05 + 0.95 * value / highest;
  return html`<${Drawing} label=${label} state=${cells} draw=${(width: number): PlotOptions => ({
    width: Math.min(width, 180 + 150 * columns),
    height: 40 * rows + 42,
    marginBottom: 6,
    padding: 0,
    marginLeft: Math.min(160, 24 + 7 * Math.max(...cells.map(({ y }) => y.length))),
    marginTop: 34,
    x: { label: null, axis: "top", tickSize: 0, padding: 0, tickRotate: width < 560 ? -30 : 0 },
    y: { label: null, tickSize: 0, padding: 0 },
    opacity: { type: "identity" },
    marks: [
      cell(cells, { x: "x", y: "y", fill: "var(--heat)", fillOpacity: strength, inset: 1, rx: 3 }),
      text(cells, {
        x: "x",
        y: "y",
        text: (each: Cell) => each.value === 0 ? "" : percent(each.value, 1),
        fontSize: 12,
        fill: (each: Cell) => strength(each) > 0.5 ? "var(--on-heat)" : "var(--ink)",
      }),
    ],
  })} />`;
}

export interface Dated {
  readonly at: string;
  readonly value: number;
}

/** One figure over time. */
export function Story(
  { points, unit, label }: {
    readonly points: readonly Dated[];
    readonly unit: string;
    readonly label: string;
  },
): View {
  const shown = points.map(({ at, value }) => ({
    at: new Date(at),
    value: unit === "points" ? value * 100 : value,
  }));
  return html`<${Drawing} label=${label} state=${[points, unit]} draw=${(): PlotOptions => ({
    height: 190,
    marginLeft: 52,
    x: { type: "utc", label: null },
    y: { label: null, grid: true, tickFormat: (value: number) => signed(value, 1), ticks: 4 },
    marks: [
      ruleY([0], { stroke: "var(--line)" }),
      lineY(shown, { x: "at", y: "value", stroke: "var(--up)", strokeWidth: 2, curve: "step-after" }),
      dot(shown, { x: "at", y: "value", fill: "var(--up)", r: shown.length > 60 ? 1.5 : 3 }),
    ],
  })} />`;
}

export interface Kept {
  readonly promised: number;
  readonly realised: number;
}

/** What was promised against what came, with the line on which both are the same. */
export function Calibration(
  { points, unit, label }: {
    readonly points: readonly Kept[];
    readonly unit: string;
    readonly label: string;
  },
): View {
  const scale = unit === "points" ? 100 : 1;
  const shown = points.map(({ promised, realised }) => ({
    promised: promised * scale,
    realised: realised * scale,
  }));
  const reach = Math.max(
    0.01,
    ...shown.flatMap(({ promised, realised }) => [Math.abs(promised), Math.abs(realised)]),
  );
  return html`<${Drawing} label=${label} state=${[points, unit]} draw=${(width: number): PlotOptions => ({
    height: Math.min(width, 320),
    marginLeft: 52,
    x: { label: `promised, ${unit}`, domain: [-reach, reach], grid: true },
    y: { label: `came, ${unit}`, domain: [-reach, reach], grid: true },
    marks: [
      link([{ from: -reach, to: reach }], {
        x1: "from",
        y1: "from",
        x2: "to",
        y2: "to",
        stroke: "var(--line-strong)",
        strokeDasharray: "4 4",
      }),
      dot(shown, { x: "promised", y: "realised", fill: "var(--up)", r: 4 }),
      axisX({ label: `promised, ${unit}` }),
    ],
  })} />`;
}

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

function resolved(colour: string, element: Element): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name === undefined ? colour : getComputedStyle(element).getPropertyValue(name).trim();
}

/** Series over time, with a pointer that reads them off. */
export function Moving(
  { at, series, label, shown, height }: {
    /** Seconds since 1970. */
    readonly at: readonly number[];
    readonly series: readonly Series[];
    readonly label: string;
    readonly shown: "percent" | "number";
    readonly height?: number;
  },
): View {
  const [box, width] = useWidth();
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme((before) => before + 1));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return (): void => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = box.current;
    if (element === null || width === 0) return;
    const value = (figure: number | null): string =>
      shown === "percent" ? percent(figure) : number(figure, 2);
    const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
    const last = at.length - 1;
    const axis = {
      stroke: resolved("var(--soft)", element),
      grid: { stroke: resolved("var(--line)", element), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    const chart = new UPlot(
      {
        width,
        height: height ?? 260,
        tzDate: (seconds: number) => UPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        legend: { live: true },
        cursor: { points: { size: 7 } },
        // Where nobody points, what holds now is told.
        hooks: {
          setCursor: [(self) => {
            if (self.cursor.idx === null || self.cursor.idx === undefined) {
              self.setLegend({ idx: last }, false);
            }
          }],
        },
        scales: { x: { time: true } },
        axes: [{
          ...axis,
          space: 90,
          size: 32,
          values: (_chart, splits) => splits.map((split) => dayOf(split)),
        }, {
          ...axis,
          size: 62,
          values: (_chart, splits) => splits.map((split) => value(split)),
        }],
        series: [
          {
            label: "day",
            value: (_chart, seconds: number | null) => seconds === null ? "–" : dayOf(seconds),
          },
          ...series.map(({ name }, place) => ({
            label: name,
            stroke: resolved(SERIES[place % SERIES.length] ?? "", element),
            width: 2,
            dash: place === 1 && series.length === 2 ? [6, 4] : [],
            points: { show: false },
            value: (_chart: UPlot, figure: number | null): string => value(figure),
          })),
        ],
      },
      [[...at], ...series.map(({ values }) => [...values])],
      element,
    );
    chart.setLegend({ idx: last }, false);
    return (): void => chart.destroy();
  }, [width, theme, label, at, series]);
  return html`
    <div class="moving" role="img" aria-label=${label}>
      <div ref=${box}></div>
    </div>
  `;
}

/** An effect with its interval and, hollow, the cautious one, on an axis that all rows share. */
export function Interval(
  { low, high, effect, cautious, reach }: {
    readonly low: number | null;
    readonly high: number | null;
    readonly effect: number;
    readonly cautious: number | null;
    /** Where the axis ends on either side of 0. */
    readonly reach: number;
  },
): View {
  const place = (value: number): string =>
    `${(50 + 48 * Math.max(-1, Math.min(1, value / reach))).toFixed(2)}%`;
  const colour = effect >= 0 ? "var(--up)" : "var(--down)";
  return html`<svg class="interval" width="100%" height="22" aria-hidden="true">
    <line x1="50%" x2="50%" y1="0" y2="22" stroke="var(--line-strong)" />
    ${
    low !== null && high !== null &&
    html`
      <line x1=${place(low)} x2=${place(high)} y1="11" y2="11" stroke=${colour} stroke-width="2"
        stroke-linecap="round" />
    `
  }
    ${
    cautious !== null &&
    html`<circle cx=${
      place(cautious)
    } cy="11" r="4" fill="var(--ground)" stroke=${colour} stroke-width="1.5" />`
  }
    <circle cx=${place(effect)} cy="11" r="4.5" fill=${colour} />
  </svg>`;
}
