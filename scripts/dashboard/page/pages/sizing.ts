import { useEffect, useState } from "preact/hooks";
import * as z from "zod/mini";
import { type Candidate, CATEGORIES, readCandidate, readScope, writeScope } from "../candidates.ts";
import { type Step, Waterfall } from "../charts.ts";
import {
  change,
  compact,
  instantOf,
  moment,
  number,
  percent,
  type Scope,
  scopeText,
  signed,
  typedMoment,
} from "../format.ts";
import {
  Field,
  html,
  instead,
  link,
  maySize,
  Panel,
  rowsOf,
  ScopeChips,
  Table,
  textOf,
  useRows,
  useWorld,
  type View,
} from "../parts.ts";
import * as reads from "../reads.ts";
import type { Result } from "../source.ts";

const contribution = z.object({
  id: z.optional(z.nullable(z.number())),
  scope_subset: z.optional(z.record(z.string(), z.string())),
  weight: z.optional(z.nullable(z.number())),
  share: z.optional(z.nullable(z.number())),
  pull: z.optional(z.nullable(z.number())),
  rest: z.optional(z.number()),
});
type Contribution = z.infer<typeof contribution>;

/** The bars from the base to the size; what is cut off at 0 and 1 has a bar of its own. */
export function stepsOf(sizing: reads.Sizing): Step[] {
  const { size_frac_raw: base, pm_strength, exposure_skew, size_frac } = sizing;
  const learned = base * pm_strength;
  const roomed = learned * exposure_skew;
  const cut = Math.abs(roomed - size_frac) > 1e-9;
  return [
    { name: "base", from: 0, to: base, total: true, shown: percent(base) },
    { name: "learned", from: base, to: learned, total: false, shown: change(pm_strength) },
    {
      name: exposure_skew < 1 ? "crowded book" : "room in the book",
      from: learned,
      to: roomed,
      total: false,
      shown: change(exposure_skew),
    },
    ...(cut ? [{ name: "cut at 100 %", from: roomed, to: size_frac, total: false, shown: "" }] : []),
    { name: "size", from: 0, to: size_frac, total: true, shown: percent(size_frac) },
  ];
}

interface Said {
  readonly mode: string;
  readonly size_frac: number;
  readonly pm_strength: number;
}

function Contributions({ rows }: { readonly rows: readonly Contribution[] }): View {
  if (rows.length === 0) return html`<p class="quiet">Nothing that was learned applies here.</p>`;
  return html`
    <${Table} label="Contributions" rows=${rows}
      rowKey=${(row: Contribution) => `${row.id}${JSON.stringify(row.scope_subset)}`} columns=${[
        {
          name: "in",
          show: (row: Contribution): View =>
            row.rest !== undefined
              ? html`${row.rest} more`
              : html`<${ScopeChips} scope=${row.scope_subset ?? {}} />`,
        },
        { name: "share", figure: true, show: (row: Contribution): string => percent(row.share, 0) },
        { name: "pull", figure: true, show: (row: Contribution): string => signed(row.pull, 3) },
        {
          name: "",
          show: (row: Contribution): View =>
            typeof row.id === "number"
              ? html`<a href=${link("overrides", row.id)}>override ${row.id}</a>`
              : null,
        },
      ]} />
  `;
}

function Answered({ sizing, lines, candidate }: {
  readonly sizing: reads.Sizing;
  readonly lines: readonly string[];
  readonly candidate: Candidate;
}): View {
  const steps = stepsOf(sizing);
  const contributions = z.array(contribution).safeParse(sizing.overrides);
  const near = lines.map((line) => line.trim()).filter((line) => line.startsWith("nearly matched: "));
  const others: Said[] = Object.entries(sizing.shadow ?? {}).flatMap(([mode, said]) => {
    const parsed = reads.shadowOutcome.safeParse(said);
    return parsed.success ? [{ mode, ...parsed.data }] : [];
  });
  const { mode, size_frac, pm_strength } = sizing;
  const modes: Said[] = [{ mode, size_frac, pm_strength }, ...others];
  return html`
    <div class="grid">
      <div class="stack">
        <${Panel} title=${`Size ${percent(sizing.size_frac)}`} note=${`Mode ${sizing.mode}, as of ${
          moment(sizing.computed_at)
        } UTC; at most ${percent(sizing.max_alloc_pct)} of the book${
          sizing.timeframe_share === null
            ? ""
            : `, of which its timeframe gets ${percent(sizing.timeframe_share)}`
        }.`}>
          <${Waterfall} steps=${steps} label=${steps.map(({ name, shown }) => `${name} ${shown}`).join(
            ", ",
          )} />
          <p class="quiet">Appetite ${number(sizing.a_final, 3)}, assertiveness to exit ${number(
            sizing.e_final,
            3,
          )}.</p>
          <//>
          <${Panel} title="Other modes" note="What they would have said of the same candidate.">
            <${Table} label="Other modes" rows=${modes} rowKey=${(row: Said) => row.mode} columns=${[
              {
                name: "mode",
                show: (row: Said): View =>
                  row.mode === sizing.mode ? html`<strong>${row.mode}</strong>` : html`${row.mode}`,
              },
              { name: "learned", figure: true, show: (row: Said): string => change(row.pm_strength) },
              { name: "size", figure: true, show: (row: Said): string => percent(row.size_frac) },
            ]} />
            <//>
            </div>
            <div class="stack">
              <${Panel} title="What made it" note="The overrides that acted, heaviest first.">
          <${Contributions} rows=${contributions.data ?? []} />
          <h3>Nearly matched</h3>
          ${near.length === 0
            ? html`<p class="quiet">No override was one pair away.</p>`
            : html`<ul class="plain">${
              near.map((line) => html`<li>${line.slice("nearly matched: ".length)}</li>`)
            }</ul>`}
        <//>
        <${ThenAndNow} candidate=${candidate} />
      </div>
    </div>
    <details class="panel"><summary>All of it in words</summary>
      <ul class="lines">${lines.map((line) =>
        html`<li class=${line.startsWith("  ") ? "inner" : ""}>${line.trim()}</li>`
      )}</ul>
    </details>
  `;
}

function whatOf({ what, id }: reads.Difference): View {
  const held = reads.scopeOf.safeParse(what);
  const shown = held.success
    ? html`<${ScopeChips} scope=${held.data} />`
    : html`${what === null ? "the book" : compact(what)}`;
  return id === null ? shown : html`<a href=${link("overrides", id)}>override ${id}</a>${" "}${shown}`;
}

function Compared({ value }: { readonly value: reads.Comparison }): View {
  const { before, after, difference, differences } = value;
  const taken = reads.sentences.safeParse(value.as_now).data ?? [];
  return html`
    <p class="verdict">${percent(before.size_frac)} → <strong>${percent(after.size_frac)}</strong>
      ${` (${signed(difference * 100, 1)} of 100)`}</p>
    <p class="quiet">learned ${change(before.pm_strength)} → ${change(after.pm_strength)}, book ${change(
      before.exposure_skew,
    )} → ${change(after.exposure_skew)}</p>
    ${differences.length === 0 && html`<p class="quiet">Nothing differs.</p>`}
    ${differences.length > 0 &&
      html`<${Table} label="Differences" rows=${differences} rowKey=${(row: reads.Difference) =>
        JSON.stringify(row)} columns=${[
        { name: "what", show: whatOf },
        { name: "", show: (row: reads.Difference): string => row.change },
        { name: "before", figure: true, show: (row: reads.Difference): string => compact(row.before) },
        { name: "after", figure: true, show: (row: reads.Difference): string => compact(row.after) },
        {
          name: "of 100",
          figure: true,
          show: (row: reads.Difference): string => row.effect === null ? "" : signed(row.effect * 100, 1),
        },
      ]} />`}
    ${taken.length > 0 &&
      html`<p class="note">Taken as it is now, as nothing is remembered of it: ${taken.join(", ")}.</p>`}
  `;
}

function ThenAndNow({ candidate }: { readonly candidate: Candidate }): View {
  const { source, now } = useWorld();
  const [then, setThen] = useState(typedMoment(now - 86_400_000));
  const [later, setLater] = useState("");
  const [answer, setAnswer] = useState<Result<reads.Comparison> | undefined>(undefined);
  const [asking, setAsking] = useState(false);
  const compare = async (event: Event): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    const { pattern_key, action_category, scope, a_value, e_value } = candidate;
    setAnswer(
      await source.call("compare_pm_sizing", {
        pattern_key,
        action_category,
        scope,
        t1: instantOf(then),
        t2: later === "" ? new Date().toISOString() : instantOf(later),
        a_value,
        e_value,
      }, reads.comparison),
    );
    setAsking(false);
  };
  return html`
    <${Panel} title="Then and now"
      note="Why it differs: overrides that came, went or changed, the book, the configuration.">
      <form class="controls" onSubmit=${compare}>
        <${Field}
          label="Then, UTC"><input type="datetime-local" step="1" required value=${then} onInput=${(
            event: Event,
          ) => setThen(textOf(event))} /><//>
          <${Field} label="Later, UTC (empty: now)"><input type="datetime-local" step="1" value=${later} onInput=${(
            event: Event,
          ) => setLater(textOf(event))} /><//>
          <button type="submit" disabled=${asking}>Compare</button>
        </form>
        ${answer !== undefined && instead(answer, "")}
        ${answer?.state === "there" && html`<${Compared} value=${answer.value} />`}
      <//>
  `;
}

interface Choice {
  readonly group: string;
  readonly shown: string;
  readonly candidate: Pick<Candidate, "pattern_key" | "action_category" | "scope">;
}

export function Sizing(): View {
  const world = useWorld();
  const allowed = maySize(world);
  const recent = useRows(reads.trades, {
    limit: 40,
    filters: [{ column: "action_category", is: "eq", value: "entry" }],
  });
  const [candidate, setCandidate] = useState<Candidate>({
    pattern_key: "pm.uptrend.S1.buy_flag",
    action_category: "entry",
    scope: {},
    a_value: 0.5,
    e_value: 0.5,
  });
  const [scope, setScope] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [asked, setAsked] = useState<Candidate | null>(null);
  const [sizing, setSizing] = useState<Result<reads.Sizing> | undefined>(undefined);
  const [lines, setLines] = useState<readonly string[]>([]);
  const take = (chosen: Candidate): void => {
    setCandidate(chosen);
    setScope(writeScope(chosen.scope));
    setTrouble(null);
    setAsked(chosen);
  };
  useEffect(() => {
    if (asked === null || !allowed) return;
    let current = true;
    const parameters = { ...asked };
    world.source.call("get_pm_sizing", parameters, reads.sizing).then((found) => {
      if (current) setSizing(found);
    });
    world.source.call("explain_pm_sizing", parameters, reads.sentences).then((found) => {
      if (current) setLines(found.state === "there" ? found.value : []);
    });
    return (): void => {
      current = false;
    };
  }, [asked, world.tick]);
  const families = useRows(reads.families);
  const choices: readonly Choice[] = [
    ...rowsOf(families).filter(({ action_category }) => CATEGORIES.includes(action_category)).slice(0, 12)
      .map(
        ({ pattern_key, action_category, scope: held }): Choice => ({
          group: "What is believed",
          shown: `${pattern_key} ${action_category}, ${scopeText(held)}`,
          candidate: { pattern_key, action_category, scope: held },
        }),
      ),
    ...rowsOf(recent).map(({ pattern_key, action_category, scope: held, traded_at }): Choice => ({
      group: "Recent entries",
      shown: `${moment(traded_at)} ${pattern_key}, ${scopeText(held).slice(0, 60)}`,
      candidate: { pattern_key, action_category, scope: held },
    })),
  ];
  const groups = Map.groupBy(choices.map((choice, place) => ({ ...choice, place })), ({ group }) => group);
  const ask = (event: Event): void => {
    event.preventDefault();
    const read: Scope | string = readScope(scope);
    if (typeof read === "string") setTrouble(read);
    else take({ ...candidate, scope: read });
  };
  const choose = (event: Event): void => {
    const chosen = choices[Number(textOf(event))];
    if (chosen !== undefined) take({ ...candidate, ...chosen.candidate });
  };
  const paste = (event: Event): void => {
    const text = textOf(event).trim();
    if (text === "") return;
    const read = readCandidate(text);
    if (typeof read === "string") setTrouble(read);
    else take(read);
  };
  const set = (change: Partial<Candidate>): void => setCandidate({ ...candidate, ...change });
  return html`
    <h1>Sizing</h1>
        ${!allowed &&
          html`<p class="quiet" role="status">${
            world.source.live
              ? "Only users with the learning role pm or operator may ask for sizes."
              : "A report answers no questions: open the screen for that."
          }</p>`}
        <${Panel} title="Candidate">
      <form onSubmit=${ask}>
        <div class="controls even">
          <${Field} label="Choose one">
                <select onChange=${choose} disabled=${!allowed || choices.length === 0}>
                  <option value="">${choices.length === 0 ? "none yet" : "…"}</option>
                  ${[...groups].map(([group, own]) =>
                    html`<optgroup label=${group}>${
                      own.map(({ place, shown }) => html`<option value=${place}>${shown}</option>`)
                    }</optgroup>`
                  )}
                </select><//>
              <${Field} label="or paste one as JSON"><input disabled=${!allowed} placeholder='{"pattern_key": …, "scope": {…}}' onChange=${paste} /><//>
            </div>
            <div class="controls even">
              <${Field} label="Behaviour"><input required value=${candidate.pattern_key} onInput=${(
                event: Event,
              ) => set({ pattern_key: textOf(event) })} /><//>
              <${Field} label="Action"><select value=${candidate.action_category} onChange=${(event: Event) =>
                set({ action_category: textOf(event) })}>
                ${CATEGORIES.map((name) => html`<option value=${name}>${name}</option>`)}</select><//>
              <${Field} label="Appetite"><input type="number" min="0" max="1" step="any" required value=${candidate
                .a_value} onInput=${(event: Event) => set({ a_value: Number(textOf(event)) })} /><//>
              <${Field} label="Exit"><input type="number" min="0" max="1" step="any" required value=${candidate
                .e_value} onInput=${(event: Event) => set({ e_value: Number(textOf(event)) })} /><//>
            </div>
            <${Field} label="Scope, a pair a line"><textarea rows="4" spellcheck="false" value=${scope} placeholder="timeframe=1h" onInput=${(
              event: Event,
            ) => setScope(textOf(event))} /><//>
            ${trouble !== null && html`<p class="trouble" role="alert">${trouble}.</p>`}
            <div class="row"><button type="submit" class="primary" disabled=${!allowed}>How large?</button></div>
          </form>
        <//>
        ${asked !== null && allowed && instead(sizing, "")}
        ${asked !== null && sizing?.state === "there" &&
          html`<${Answered} sizing=${sizing.value} lines=${lines} candidate=${asked} />`}
  `;
}
