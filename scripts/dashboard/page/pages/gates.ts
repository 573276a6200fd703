import * as z from "zod/mini";
import { change, count, counted, percent, signed } from "../format.ts";
import {
  html,
  instead,
  link,
  Panel,
  rowsOf,
  ScopeChips,
  Table,
  useManyRows,
  useRows,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";
import { ControlMark } from "./overrides.ts";

const rates = z.object({
  wr: z.nullish(z.number()),
  fpr: z.nullish(z.number()),
  mr: z.nullish(z.number()),
  dr: z.nullish(z.number()),
  acted_success: z.nullish(z.number()),
  acted_failure: z.nullish(z.number()),
  skipped_success: z.nullish(z.number()),
  skipped_failure: z.nullish(z.number()),
});

const GATES: Readonly<Record<string, string>> = {
  ts: "trend score",
  halo: "halo distance",
  slope: "slope",
  entry_zone: "entry zone",
};

interface Tally {
  readonly gate: string;
  dodged: number;
  missed: number;
}

/** What each gate kept out, by how it ended; a window that several gates held counts for each. */
export function tally(
  windows: readonly { decision: string; outcome: string | null; blocked_by: readonly string[] }[],
): Tally[] {
  const found = new Map<string, Tally>();
  for (const { decision, outcome, blocked_by } of windows) {
    if (decision !== "skipped") continue;
    for (const gate of blocked_by.length === 0 ? ["another gate"] : blocked_by) {
      const entry = found.get(gate) ?? { gate, dodged: 0, missed: 0 };
      if (outcome === "failure") entry.dodged++;
      if (outcome === "success") entry.missed++;
      found.set(gate, entry);
    }
  }
  return [...found.values()].sort((a, b) => b.dodged + b.missed - a.dodged - a.missed);
}

function Share(
  { good, bad, label }: { readonly good: number; readonly bad: number; readonly label: string },
): View {
  const total = Math.max(1, good + bad);
  return html`
    <svg class="share" width="140" height="12" role="img" aria-label=${label}>
      <rect x="0" y="0" width=${140 * good / total} height="12" fill="var(--up)" rx="2" />
      <rect x=${140 * good / total + 1} y="0" width=${Math.max(
        0,
        140 * bad / total - 1,
      )} height="12" fill="var(--down)" rx="2" />
    </svg>
  `;
}

export function Gates(): View {
  const windows = useManyRows(reads.windows, 3);
  const lessons = useRows(reads.gateLessons, { limit: 12 });
  const moves = useRows(reads.overrides, {
    filters: [{ column: "override_type", is: "eq", value: "pm_tuning" }],
    limit: 200,
  });
  const seen = rowsOf(windows);
  const acted = seen.filter(({ decision }) => decision === "acted");
  const caught = acted.filter(({ outcome }) => outcome === "success").length;
  const letIn = acted.filter(({ outcome }) => outcome === "failure").length;
  const gates = tally(seen);
  return html`
    <h1>Gates</h1>
    <p class="lead">What the entry gates let in and kept out, and where learning moved them.</p>
    <div class="grid">
      <${Panel} title="Caught and dodged" note=${seen.length > 0
        ? `The newest ${counted(seen.length, "window")} of episodes.`
        : undefined}>
          ${instead(windows, "No episode window has been sent. The PM writes them as episode_window.")}
          ${seen.length > 0 && html`
            <p><strong>${count(acted.length)}</strong> let in: ${count(caught)} did well, ${count(
              letIn,
            )} did not.</p>
            <p>
              <${Share} good=${caught} bad=${letIn} label=${`${
                percent(caught / Math.max(1, caught + letIn), 0)
              } of those let in did well`} />
            </p>
            <${Table} label="What each gate kept out" rows=${gates} rowKey=${(row: Tally) =>
              row.gate} columns=${[
              { name: "kept out by", show: (row: Tally): string => GATES[row.gate] ?? row.gate },
              { name: "dodged", figure: true, show: (row: Tally): string => count(row.dodged) },
              { name: "missed", figure: true, show: (row: Tally): string => count(row.missed) },
              {
                name: "rightly",
                figure: true,
                show: (row: Tally): string => percent(row.dodged / Math.max(1, row.dodged + row.missed), 0),
              },
              {
                name: "",
                show: (row: Tally): View =>
                  html`<${Share} good=${row.dodged} bad=${row.missed} label=${`${row.dodged} dodged, ${row.missed} missed`} />`,
              },
            ]} />
          `}
        <//>
        <${Panel} title="Where gates were moved">
          ${instead(moves, "No move has been found that gains twice what it costs, twice over.")}
          ${rowsOf(moves).length > 0 &&
            html`<${Table} label="Moved gates" rows=${rowsOf(moves)} rowKey=${(row: reads.Override) =>
              row.id} columns=${[
              {
                name: "gate",
                show: (row: reads.Override): View =>
                  html`<a href=${link("overrides", row.id)}>${
                    GATES[row.action_category.replace("tuning_", "").replace("_min", "")] ??
                      row.action_category
                  }</a>`,
              },
              {
                name: "in",
                show: (row: reads.Override): View => html`<${ScopeChips} scope=${row.scope_subset} />`,
              },
              {
                name: "by",
                figure: true,
                show: (row: reads.Override): string =>
                  row.value === null ? change(row.multiplier) : signed(row.value, 3),
              },
              {
                name: "sure",
                figure: true,
                show: (row: reads.Override): string => percent(row.confidence_score, 0),
              },
              { name: "", show: (row: reads.Override): View => html`<${ControlMark} override=${row} />` },
            ]} />`}
        <//>
        </div>
        <${Panel} title="By context" note="Shares among windows whose outcome is known, the largest contexts first.">
          ${instead(lessons, "Nothing has been mined from windows yet.")}
          ${rowsOf(lessons).length > 0 &&
            html`<${Table} label="Rates by context" rows=${rowsOf(lessons)} rowKey=${(
              row: reads.GateLesson,
            ) => row.id} columns=${[
              {
                name: "in",
                show: (row: reads.GateLesson): View => html`<${ScopeChips} scope=${row.scope_subset} />`,
              },
              { name: "windows", figure: true, show: (row: reads.GateLesson): string => count(row.n) },
              ...([["let in, did well", "wr"], ["let in, did not", "fpr"], ["kept out, missed", "mr"], [
                "kept out, dodged",
                "dr",
              ]] as const).map(([name, key]) => ({
                name,
                figure: true,
                show: (row: reads.GateLesson): string =>
                  percent(rates.safeParse(row.stats).data?.[key] ?? null, 0),
              })),
            ]} />`}
        <//>
  `;
}
