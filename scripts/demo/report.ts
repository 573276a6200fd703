import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors.js";
import { table } from "../table.ts";
import type { GatePosition } from "./gates.ts";
import type { PlantedEffect } from "../sample/sample.ts";
import type { Candidate, Counts, ExposureRow, LessonRow, OutcomeUnit, SizingRow } from "./findings.ts";

/** Everything the report speaks of. */
export interface Findings {
  readonly counts: Counts;
  /** How the loop is doing, a line each. */
  readonly health: readonly string[];
  readonly planted: readonly (PlantedEffect & { readonly found: LessonRow | null })[];
  readonly lessons: readonly LessonRow[];
  readonly unit: OutcomeUnit;
  readonly gates: readonly GatePosition[];
  readonly exposure: readonly ExposureRow[];
  readonly totalExposure: number;
  readonly candidates: readonly (Candidate & { readonly sizing: SizingRow })[];
  readonly asOf: string | null;
}

const LINE_WIDTH = 100;

function percent(fraction: number, digits = 2): string {
  return `${(fraction * 100).toFixed(digits)} %`;
}

function signed(fraction: number, digits = 2): string {
  return `${fraction > 0 ? "+" : ""}${percent(fraction, digits)}`;
}

function signedNumber(value: number, digits = 3): string {
  return `${value > 0 ? "+" : ""}${value.toFixed(digits)}`;
}

function tinted(text: string, sign: number): string {
  return sign > 0 ? green(text) : sign < 0 ? red(text) : text;
}

/** Indented lines of at most about a hundred characters, broken between pairs. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const part of text.split("  ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + part.length < LINE_WIDTH) {
      lines[lines.length - 1] = `${line}  ${part}`;
    } else lines.push(`    ${part}`);
  }
  return lines;
}

function scopeText(scope: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(scope);
  return pairs.length === 0 ? "everywhere" : pairs.map(([name, value]) => `${name}=${value}`).join("  ");
}

function small(probability: number): string {
  return probability === 0
    ? "0"
    : probability < 0.0001
    ? probability.toExponential(0)
    : probability.toFixed(4);
}

/** The report of a demo, for a person. */
export function renderReport(findings: Findings): string {
  return [
    fedSection(findings),
    plantedSection(findings),
    learnedSection(findings),
    gatesSection(findings),
    heldSection(findings),
    sizingSection(findings),
  ].filter((section) => section !== "").join("\n\n") + "\n";
}

function heading(text: string): string {
  return bold(cyan(text));
}

function fedSection({ counts, health }: Findings): string {
  const n = (value: number): string => value.toLocaleString("en");
  return [
    heading("What was fed"),
    `  ${n(counts.strands)} strands became ${n(counts.events)} events, ${n(counts.lessons)} lessons ` +
    `(${n(counts.active_lessons)} of them active) and ${n(counts.overrides)} overrides; ` +
    (counts.rejected === 0
      ? "none was rejected."
      : yellow(`${n(counts.rejected)} were rejected (see strand_receipts.errors).`)),
    ...health.map((line) => `  ${dim("health")}  ${line}`),
  ].join("\n");
}

function plantedSection({ planted }: Findings): string {
  if (planted.length === 0) return "";
  return [
    heading("What was hidden in the sample, and whether the loop found it"),
    ...planted.flatMap((effect) => [
      `  ${effect.description}`,
      `    ${dim("where")}    ${effect.patternKey} ${effect.actionCategory}, ${scopeText(effect.scope)}`,
      `    ${dim("planted")}  ${tinted(signed(effect.effect, 1), effect.effect)} of ROI    ${
        dim("found")
      }  ` +
      (effect.found === null ? red("no") : green(
        `edge ${signedNumber(effect.found.edge_raw)}, n ${effect.found.n}, q ${small(effect.found.q_value)}`,
      )),
    ]),
  ].join("\n");
}

function learnedSection({ lessons, counts, unit }: Findings): string {
  const of = counts.active_lessons === 1
    ? "1 lesson is active"
    : `${counts.active_lessons} lessons are active`;
  if (lessons.length === 0) {
    return [
      heading(`What was learned (${of})`),
      "  Nothing about entries and adds is both large enough and beyond luck, so sizes stay as they are.",
    ].join("\n");
  }
  return [
    heading(`What was learned (${of}; the strongest about entries and adds)`),
    table(
      ["behaviour", "action", "where", "n", "average", "edge", "q", "add", "exit"],
      lessons.map((lesson) => [
        lesson.pattern_key,
        lesson.action_category,
        scopeText(lesson.scope_subset),
        String(lesson.n),
        outcomeText(lesson.stats.avg, unit),
        tinted(signedNumber(lesson.edge_raw), lesson.edge_raw),
        small(lesson.q_value),
        signedNumber(lesson.stats.dirA, 2),
        signedNumber(lesson.stats.dirE, 2),
      ]),
      [3, 4, 5, 6, 7, 8],
    ),
  ].join("\n");
}

/** An average as people know it: a percentage of ROI, or a multiple of the risk. */
function outcomeText(average: number, { outcome, outcome_scale }: OutcomeUnit): string {
  return outcome === "roi"
    ? signed(average * outcome_scale)
    : `${signedNumber(average * outcome_scale, 2)} R`;
}

function gatesSection({ gates }: Findings): string {
  if (gates.length === 0) return "";
  return [
    heading("Where the entry gates stand"),
    table(
      ["", "gate", "before", "after", "because"],
      gates.map(({ label, lever, before, after, movedBy }) => [
        label,
        lever,
        before.toFixed(2),
        tinted(after.toFixed(2), movedBy === null ? 0 : 1),
        movedBy === null ? "nothing was learned here" : `learned in ${scopeText(movedBy)}`,
      ]),
      [2, 3],
    ),
  ].join("\n");
}

function heldSection({ exposure, totalExposure }: Findings): string {
  if (exposure.length === 0) {
    return [heading("What is held"), "  Nothing: every candidate finds an empty book."].join("\n");
  }
  return [
    heading(`What is held (${percent(totalExposure, 1)} of the book, most crowded first)`),
    table(
      ["where", "held", "positions", ""],
      exposure.map((row) => [
        scopeText(row.scope),
        percent(row.exposure, 1),
        String(row.positions),
        "█".repeat(Math.round(20 * row.exposure / totalExposure)),
      ]),
      [1, 2],
    ),
  ].join("\n");
}

function sizingSection({ candidates, asOf }: Findings): string {
  const lines = [heading(`What the PM should do next${asOf === null ? "" : ` (as of ${asOf})`}`)];
  for (const { label, pattern_key, action_category, scope, sizing } of candidates) {
    lines.push(
      "",
      `  ${bold(label)}`,
      ...wrapped(`${pattern_key} ${action_category}, ${scopeText(scope)}`).map((line) => dim(line)),
    );
    if (sizing.error !== null) {
      lines.push(red(`    ${sizing.error.message}`));
      continue;
    }
    const change = sizing.size_frac / sizing.size_frac_raw;
    lines.push(table(
      ["", "base", "learned", "because"],
      [
        [
          "size",
          percent(sizing.size_frac_raw, 1),
          tinted(percent(sizing.size_frac, 1), Math.round((change - 1) * 1000)),
          `strength ×${sizing.pm_strength.toFixed(3)}, crowding ×${sizing.exposure_skew.toFixed(3)}`,
        ],
        [
          "of the book, at most",
          percent(sizing.base_alloc_pct),
          percent(sizing.max_alloc_pct),
          allocationText(sizing),
        ],
        [
          "appetite A / exit E",
          "",
          `${sizing.a_final.toFixed(3)} / ${sizing.e_final.toFixed(3)}`,
          lessonsText(sizing),
        ],
      ],
      [1, 2],
    ));
  }
  return lines.join("\n");
}

function allocationText({ timeframe_share }: SizingRow): string {
  return timeframe_share === null ? "" : `of which its timeframe gets ${percent(timeframe_share, 1)}`;
}

function lessonsText({ overrides, confidence }: SizingRow): string {
  // The last entry of a long list stands for the rest of it.
  const contributions = overrides.reduce((sum, { rest }) => sum + (rest ?? 1), 0);
  if (contributions === 0) return "nothing learned applies here";
  const trust = confidence === null ? "" : `, confidence ${confidence.toFixed(2)}`;
  return `${contributions} ${contributions === 1 ? "lesson applies" : "lessons apply"}${trust}`;
}
