import { bold, cyan, dim, green, red, yellow } from "@std/fmt/colors.js";
import { visible } from "../../functions/_shared/runtime/visible.ts";
import { broken, type DressedCell, table, terminalWidth } from "../table.ts";
import type { GatePosition } from "./gates.ts";
import type { PlantedEffect } from "../sample/sample.ts";
import type { Candidate, Counts, ExposureRow, FamilyRow, SizingRow } from "./findings.ts";

/** Everything the report speaks of. */
export interface Findings {
  readonly counts: Counts;
  /** How the loop is doing, a line each. */
  readonly health: readonly string[];
  readonly planted: readonly (PlantedEffect & { readonly found: FamilyRow | null })[];
  readonly families: readonly FamilyRow[];
  readonly gates: readonly GatePosition[];
  readonly exposure: readonly ExposureRow[];
  readonly totalExposure: number;
  readonly candidates: readonly (Candidate & { readonly sizing: SizingRow })[];
  readonly asOf: string | null;
}

/** Where nobody says how wide the screen is. */
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

function tint(sign: number): (text: string) => string {
  return (text) => sign > 0 ? green(text) : sign < 0 ? red(text) : text;
}

function tinted(text: string, sign: number): DressedCell {
  return { text, dress: tint(sign) };
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function screenWidth(): number {
  return terminalWidth() ?? LINE_WIDTH;
}

/** A sentence in lines of the screen's width, indented. */
function sentence(text: string): string[] {
  return broken(text, screenWidth() - 2).map((line) => `  ${line}`);
}

/** Indented lines of the screen's width, broken between pairs. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  const width = screenWidth();
  for (const part of text.split("  ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 2 + part.length <= width) {
      lines[lines.length - 1] = `${line}  ${part}`;
    } else lines.push(`    ${part}`);
  }
  return lines;
}

/** Pairs two blanks apart, what others wrote in them made visible. */
function scopeText(scope: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(scope);
  return pairs.length === 0
    ? "everywhere"
    : pairs.map(([name, value]) => visible(`${name}=${value}`)).join("  ");
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
    ...sentence(
      `${n(counts.strands)} strands became ${n(counts.events)} events, ${n(counts.lessons)} lessons ` +
        `(${n(counts.active_lessons)} of them believed) and ${n(counts.overrides)} overrides` +
        (counts.rejected === 0 ? "; none was rejected." : ";"),
    ),
    ...(counts.rejected === 0
      ? []
      : [yellow(`  ${n(counts.rejected)} were rejected (see strand_receipts.errors).`)]),
    ...health.flatMap((line) =>
      broken(visible(line), screenWidth() - 10).map((part, place) =>
        `  ${dim(place === 0 ? "health" : "      ")}  ${part}`
      )
    ),
  ].join("\n");
}

function plantedSection({ planted }: Findings): string {
  if (planted.length === 0) return "";
  return [
    heading("What was hidden in the sample, and whether the loop found it"),
    ...planted.flatMap((effect) => [
      ...sentence(visible(effect.description)),
      ...broken(
        `${visible(`${effect.patternKey} ${effect.actionCategory}`)}, ${scopeText(effect.scope)}`,
        screenWidth() - 13,
      ).map((part, place) => `    ${dim(place === 0 ? "where" : "     ")}    ${part}`),
      `    ${dim("planted")}  ${tint(effect.effect)(signed(effect.effect, 1))} of ROI    ${dim("found")}  ` +
      (effect.found === null ? red("no") : green(
        `${inUnit(effect.found.effect, effect.found)} ${effect.found.unit}${
          intervalText(effect.found)
        }, n ${effect.found.n}${labels(effect.found)}`,
      )),
    ]),
  ].join("\n");
}

function learnedSection({ families, counts }: Findings): string {
  const of = counts.active_lessons === 1
    ? "1 lesson is believed"
    : `${counts.active_lessons} lessons are believed`;
  if (families.length === 0) {
    return [
      heading(`What was learned (${of})`),
      ...sentence(
        "Nothing about entries and adds is both large enough and beyond luck, so sizes stay as they are.",
      ),
    ].join("\n");
  }
  return [
    heading(`What was learned (${of})`),
    ...sentence(
      "About entries and adds a line for each family of lessons that say the same, with the effect above the " +
        "average of all and where it lies with 95 %:",
    ),
    ...familyLines(families),
  ].join("\n");
}

/** Of each family a line in figures, and below it where it holds, however long that is. */
function familyLines(families: readonly FamilyRow[]): string[] {
  const effects = families.map((family) => `${inUnit(family.effect, family)} ${family.unit}`);
  const intervals = families.map((family) => intervalText(family).trim());
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length));
  return families.flatMap((family, place) => [
    `  ${tint(family.effect)((effects[place] ?? "").padStart(widest(effects)))}  ` +
    `${(intervals[place] ?? "").padStart(widest(intervals))}  n ${family.n}, ` +
    `${counted(family.weeks, "week")}, ${counted(family.lessons, "lesson")}${labels(family)}`,
    ...wrapped(`${visible(`${family.pattern_key} ${family.action_category}`)}, ${scopeText(family.scope)}`),
  ]);
}

/** A difference as people know it: in points of ROI, or in multiples of the risk. */
function inUnit(difference: number, { unit }: FamilyRow): string {
  return unit === "points" ? signedNumber(difference * 100, 1) : signedNumber(difference, 2);
}

function intervalText(family: FamilyRow): string {
  const { effect_low, effect_high } = family;
  return effect_low === null || effect_high === null
    ? ""
    : ` (${inUnit(effect_low, family)} to ${inUnit(effect_high, family)})`;
}

/** What else is to be said of it, each after a comma. */
function labels({ young, proven }: FamilyRow): string {
  return (young ? ", young" : "") + (proven ? ", proven" : "");
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
  const lines = [heading(`What the PM should do next${asOf === null ? "" : ` (as of ${visible(asOf)})`}`)];
  for (const { label, pattern_key, action_category, scope, sizing } of candidates) {
    lines.push(
      "",
      `  ${bold(visible(label))}`,
      ...wrapped(`${visible(`${pattern_key} ${action_category}`)}, ${scopeText(scope)}`).map((line) =>
        dim(line)
      ),
    );
    if (sizing.error !== null) {
      lines.push(red(`    ${visible(sizing.error.message)}`));
      continue;
    }
    lines.push(...broken(`size: ${inSteps(sizing)}`, screenWidth() - 4).map((line) => `    ${bold(line)}`));
    lines.push(table(
      ["", "base", "learned", "because"],
      [
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

/** What each factor makes of a size, one after the other. */
function inSteps({ size_frac_raw, pm_strength, exposure_skew, size_frac }: SizingRow): string {
  return [
    `base ${percent(size_frac_raw, 1)}`,
    `learned ${changeBy(pm_strength)}`,
    percent(size_frac_raw * pm_strength, 1),
    `${exposure_skew < 1 ? "crowded book" : "room in the book"} ${changeBy(exposure_skew)}`,
    percent(size_frac, 1),
  ].join(" → ");
}

/** By how much a factor changes what it is applied to. */
function changeBy(factor: number): string {
  const change = Math.round(factor * 100 - 100);
  return `${change < 0 ? "−" : "+"}${Math.abs(change)} %`;
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
