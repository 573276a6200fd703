import { ago, counted, day, moment, percent, signed } from "../format.ts";
import {
  Behaviour,
  html,
  instead,
  link,
  Panel,
  rowsOf,
  ScopeChips,
  useRows,
  useWorld,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";

const DAY_MS = 86_400_000;

interface Change {
  readonly what: string;
  readonly change: reads.OverrideChange;
}

function told(change: reads.OverrideChange): string | null {
  if (change.old === null) return "learned";
  if (change.new === null) return "deleted";
  if (change.new["enabled"] === false) return "switched off";
  if (change.new["enabled"] === true) return "back on";
  return "control" in change.new ? `now ${String(change.new["control"])}` : null;
}

function subject(change: reads.OverrideChange, known: ReadonlyMap<number, reads.Override>): View {
  const override = known.get(change.override_id);
  if (override === undefined) return html`override ${change.override_id}`;
  return html`
    <${Behaviour} pattern=${override.pattern_key} category=${override.action_category} />
    <${ScopeChips} scope=${override.scope_subset} />
  `;
}

function Health(): View {
  const health = useRows(reads.health);
  const { now } = useWorld();
  const rows = rowsOf(health);
  const problems = rows.filter(({ problem }) => problem !== null);
  const waiting = rows.filter(({ backlog }) => backlog > 0);
  const learned = rows.find(({ stage }) => stage === "mine-lessons")?.last_success_at;
  return html`<${Panel} title="Health">
    ${instead(health, "Nothing says how it is doing: your role may not read.")}
    ${
    rows.length > 0 && html`
      <p class="verdict">${problems.length === 0
        ? html`<span class="good">All stages are well.</span>`
        : html`<span class="bad">${
          counted(problems.length, "stage needs", "stages need")
        } a person.</span>`} ${waiting.length === 0
        ? "Nothing waits."
        : `${waiting.map(({ stage, backlog }) => `${backlog} in ${stage}`).join(", ")} wait.`}
      ${` Lessons were mined ${ago(learned, now)}.`}</p>
      <ul class="plain">${problems.map(({ stage, problem }) =>
        html`<li><strong>${stage}</strong> ${problem}</li>`
      )}</ul>
    `
  }
  <//>`;
}

function Since(): View {
  const { now } = useWorld();
  const history = useRows(reads.overrideChanges, { limit: 400 });
  const recent = rowsOf(history).filter(({ at }) => now - new Date(at).getTime() < DAY_MS);
  const changes: Change[] = recent.flatMap((change) => {
    const what = told(change);
    return what === null ? [] : [{ what, change }];
  });
  const shown = changes.slice(0, 8);
  const ids = [...new Set(shown.map(({ change }) => change.override_id))];
  const overrides = useRows(ids.length === 0 ? null : reads.overrides, {
    limit: ids.length,
    filters: [{ column: "id", is: "in", value: ids }],
  });
  const known = new Map(rowsOf(overrides).map((override) => [override.id, override]));
  return html`<${Panel} title="Since yesterday" note="What acts on sizes and gates, and what no longer does.">
    ${instead(history, "Nothing has changed yet.")}
    ${
    history?.state === "there" && history.rows.length > 0 && changes.length === 0 &&
    html`<p class="quiet">Nothing came, went or was switched in the last day.</p>`
  }
    <ul class="changes">${
    shown.map(({ what, change }) =>
      html`<li key=${change.id}>
        <span class="what">${what}</span> ${subject(change, known)}
        <span class="aside">${change.actor === "loop" ? "" : `by ${change.actor}, `}${ago(change.at, now)}${
        change.reason === null ? "" : `: ${change.reason}`
      }</span></li>`
    )
  }</ul>
    ${
    changes.length > shown.length &&
    html`<p><a href=${link("overrides")}>${changes.length - shown.length} more</a></p>`
  }
  <//>`;
}

function Applied(): View {
  const { now } = useWorld();
  const sized = useRows(reads.sizedTrades, { limit: 500 });
  const rows = rowsOf(sized).filter(({ pm_strength_applied }) => pm_strength_applied !== null);
  const recent = rows.filter(({ acted_at }) => now - new Date(acted_at).getTime() < DAY_MS);
  const moved = rows.filter(({ pm_strength_applied }) => Math.abs((pm_strength_applied ?? 1) - 1) > 0.005);
  const mean = moved.reduce((sum, { pm_strength_applied }) => sum + (pm_strength_applied ?? 1), 0) /
    moved.length;
  return html`<${Panel} title="Sizes answered">
    ${instead(sized, "No action says yet what was applied to its size.")}
    ${
    rows.length > 0 &&
    html`<p><strong>${recent.length}</strong> in the last day. ${`Of the newest ${rows.length}, `}<strong>${
      percent(moved.length / rows.length, 0)
    }</strong> were moved by what was learned${
      moved.length === 0 ? "" : `, on average by ${signed((mean - 1) * 100, 1)} %`
    }.</p>`
  }
  <//>`;
}

function Verdict(): View {
  const proofs = useRows(reads.proofs, { limit: 1 });
  const newest = rowsOf(proofs)[0];
  return html`<${Panel} title="Does it pay?">
    ${
    instead(
      proofs,
      html`No proof is kept. <code>task prove --db URL --keep</code> walks through your history and says whether
      learning would have paid.`,
    )
  }
    ${
    newest !== undefined && html`<p class="verdict"><strong>${newest.verdict ?? "no verdict"}</strong>
      on ${day(newest.from_at)} to ${day(newest.to_at)}, run ${moment(newest.at)}.
      <a href=${link("proof")}>The figures</a></p>`
  }
  <//>`;
}

/** What to do where there is nothing yet. */
function First(): View {
  return html`
    <${Panel} title="Nothing is here yet">
      <ol class="steps">
        <li><strong>Send strands.</strong> Every step of your PM as a <code>pm_action</code>, every closed trade as a
            <code>position_closed</code>; the README says how under “Write strands”.</li>
        <li><strong>Or bring a history.</strong> <code>task import:freqtrade FILE</code> reads backtests.</li>
        <li><strong>Or look first.</strong> <code>task demo --db postgres://…</code> feeds an invented market into a
            database of yours.</li>
        <li>Lessons are mined every hour at :08; the first ones need 33 trades in one context.</li>
      </ol>
      <//>
  `;
}

export function Today(): View {
  const trades = useRows(reads.trades, { limit: 1 });
  const log = useRows(reads.log, { limit: 1 });
  const families = useRows(reads.families);
  const empty = trades?.state === "there" && trades.rows.length === 0;
  const best = rowsOf(families).filter(({ action_category }) => ["entry", "add"].includes(action_category))
    .slice(0, 3);
  return html`
    <h1>Today</h1>
    <p class="lead">Whether it is well, what it learned, and whether that pays.</p>
        ${empty && html`<${First} />`}
        <div class="grid">
      <${Health} />
      <${Verdict} />
      <${Since} />
      <div class="stack">
        <${Applied} />
        <${Panel} title="What is believed most">
              ${instead(
                families,
                "Nothing is both large enough and beyond luck yet, so sizes stay as they are.",
              )}
              <ul class="changes">${best.map((family) =>
                html`<li key=${family.lesson_id}><a href=${
                  link("lessons", family.lesson_id)
                }><${Behaviour} pattern=${family.pattern_key}
              category=${family.action_category} /></a> <${ScopeChips} scope=${family.scope} />
            <span class="aside">${family.in_words}</span></li>`
              )}</ul>
            <//>
          </div>
        </div>
        ${log?.state === "there" && log.rows.length > 0 &&
          html`<p class="quiet">Newest line of the log: ${log.rows[0]?.message}</p>`}
  `;
}
