import { useMemo } from "preact/hooks";
import { Moving } from "../charts.ts";
import { drawdownOf, equityOf, minutes, sharesByDay } from "../equity.ts";
import { count, number, percent, signed } from "../format.ts";
import { html, instead, Panel, rowsOf, Table, useManyRows, useRows, type View } from "../parts.ts";
import * as reads from "../reads.ts";

interface Share {
  readonly timeframe: string;
  readonly current_allocation: number;
  readonly desired_allocation: number | null;
  readonly roi_short: number | null;
  readonly roi_long: number | null;
  readonly n: number;
  readonly reason: string | null;
}

export function Money(): View {
  const now = useRows(reads.allocation);
  const history = useManyRows(reads.allocationHistory, 8);
  const sized = useManyRows(reads.sizedTrades, 6);
  const shares = useMemo(() => sharesByDay(rowsOf(history)), [history]);
  const equity = useMemo(() => equityOf(rowsOf(sized)), [sized]);
  const lines = useMemo(() => [
    { name: "as sized", values: equity.learned },
    { name: "at base size", values: equity.base },
  ], [equity]);
  const falls = useMemo(() => [
    { name: "as sized", values: drawdownOf(equity.learned) },
    { name: "at base size", values: drawdownOf(equity.base) },
  ], [equity]);
  const last = equity.learned.at(-1);
  const lastBase = equity.base.at(-1);
  return html`
    <h1>Money</h1>
    <p class="lead">Where capital moves between timeframes, and what sizes came to.</p>
    <${Panel} title="Capital by timeframe">
          ${instead(now, "No timeframe has a share yet.")}
          ${rowsOf(now).length > 0 &&
            html`<${Table} label="Shares now" rows=${
              rowsOf(now).toSorted((a, b) => minutes(a.timeframe) - minutes(b.timeframe))
            } rowKey=${(row: Share) => row.timeframe} columns=${[
              { name: "timeframe", show: (row: Share): string => row.timeframe },
              { name: "share", figure: true, show: (row: Share): string => percent(row.current_allocation) },
              {
                name: "heading for",
                figure: true,
                show: (row: Share): string => percent(row.desired_allocation),
              },
              { name: "ROI, 14 days", figure: true, show: (row: Share): string => percent(row.roi_short) },
              { name: "ROI, 90 days", figure: true, show: (row: Share): string => percent(row.roi_long) },
              { name: "trades", figure: true, show: (row: Share): string => count(row.n) },
              { name: "because", show: (row: Share): string => row.reason ?? "", minor: true },
            ]} />`}
          ${instead(history, "No trade has closed yet, so shares stand where they start.")}
          ${shares.at.length > 1 &&
            html`<${Moving} at=${shares.at} series=${shares.series} shown="percent" label=${`Share of each timeframe over ${shares.at.length} days: ${
              shares.series.map(({ name, values }) => `${name} ${percent(values.at(-1))}`).join(", ")
            }`} />`}
        <//>
        <${Panel} title="Equity at learned and base size" note="Sums of size × return of entries whose trades are closed, in units of what a full size puts in; base is what the size would have been without what was learned.">
          ${instead(
            sized,
            "No action says yet what was applied to its size: pm_strength_applied in its reasons.",
          )}
          ${sized?.state === "there" && sized.rows.length > 0 && equity.at.length === 0 &&
            html`<p class="quiet">None of the newest actions says what was applied and is closed.</p>`}
          ${equity.at.length > 0 && equity.moved === 0 &&
            html`<p class="quiet">No size was moved by learning yet, so both lines are one: ${
              number(last)
            }.</p>`}
          ${equity.moved > 0 &&
            html`<p><strong>${signed(last)}</strong> as sized, <strong>${
              signed(lastBase)
            }</strong> at base size; ${count(equity.moved)} entries were moved.</p>`}
          ${equity.at.length > 1 && html`
            <${Moving} at=${equity.at} series=${lines} shown="number" label=${`Equity as sized ${
              number(last)
            }, at base size ${number(lastBase)}`} />
            <h3>Drawdown</h3>
            <${Moving} at=${equity
              .at} series=${falls} shown="number" height=${160} label=${`Deepest drawdown as sized ${
              number(Math.min(...(falls[0]?.values ?? [0])))
            }, at base size ${number(Math.min(...(falls[1]?.values ?? [0])))}`} />
          `}
        <//>
  `;
}
