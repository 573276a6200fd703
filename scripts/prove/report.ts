/** A proof for a person at a terminal of 80 columns. */

import { bold, dim, green, red } from "@std/fmt/colors.js";
import { visible } from "../../functions/_shared/runtime/visible.ts";
import { table } from "../table.ts";
import { luckOf, type Proof, type Verdict } from "./proof.ts";
import { inUnit, upliftText } from "./sentence.ts";

const WIDTH = 80;
const TINTS: Readonly<Record<Verdict, (text: string) => string>> = {
  shown: green,
  harm: red,
  "not shown": (text) => text,
};

/** The whole report. */
export function renderProof(proof: Proof): string {
  return [
    ...heading("What was replayed"),
    ...wrapped(spanText(proof), "  "),
    ...heading(
      `What every way of sizing earned, in ${
        proof.outcome === "roi" ? "points" : "R"
      } for each unit of capital`,
    ),
    earnedTable(proof),
    ...heading("How it went, week by week"),
    riskTable(proof),
    ...heading("What was promised and what came of it"),
    ...promiseLines(proof),
    ...heading("What luck would have printed"),
    ...luckLines(proof),
    "",
    ...wrapped(visible(proof.sentence), "  ").map((line) => bold(TINTS[proof.verdict](line))),
    "",
  ].join("\n");
}

function heading(text: string): string[] {
  return ["", bold(text)];
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

function counted(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function spanText(proof: Proof): string {
  const parts = [
    `${visible(proof.source)}, ${proof.from.slice(0, 10)} to ${proof.to.slice(0, 10)}: ${
      counted(proof.decisions, "entry or add", "entries and adds")
    } of closed trades, learned from at ${counted(proof.cuts, "cut")} (${proof.cadence}).`,
  ];
  const unknown = proof.unknown[proof.outcome];
  if (unknown > 0) parts.push(`Of ${counted(unknown, "decision")} nobody knows what came of it by itself.`);
  if (proof.rejected > 0) parts.push(`${counted(proof.rejected, "strand was", "strands were")} rejected.`);
  if (proof.refused.count > 0) {
    parts.push(
      `${counted(proof.refused.count, "decision")} could not be sized: ${
        visible(proof.refused.reason ?? "")
      }`,
    );
  }
  return parts.join(" ");
}

const figure = (value: number | null, digits: number): string => value === null ? "–" : value.toFixed(digits);
const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

function earnedTable({ ways, outcome }: Proof): string {
  return table(
    ["way", "earned", "uplift [95 %]", "level alone", "moved", "by"],
    ways.map(({ name, moved, spread, ...figures }) => {
      const { per_unit, uplift, level } = figures[outcome];
      return [
        name,
        per_unit === null ? "–" : inUnit(per_unit, outcome),
        name === "base" || uplift === null ? "" : upliftText(uplift, outcome),
        name === "base" || level === null ? "" : inUnit(level.difference, outcome),
        name === "base" ? "" : share(moved),
        name === "base" ? "" : share(spread),
      ];
    }),
    [1, 2, 3, 4, 5],
    WIDTH,
  );
}

function riskTable({ ways }: Proof): string {
  return table(
    ["way", "profit factor", "drawdown", "Sharpe", "Sortino", "deflated"],
    ways.map((way) => [
      way.name,
      figure(way.profit_factor, 2),
      share(way.drawdown),
      figure(way.sharpe, 3),
      figure(way.sortino, 3),
      figure(way.deflated_sharpe, 2),
    ]),
    [1, 2, 3, 4, 5],
    WIDTH,
  );
}

function promiseLines({ calibration, signs, outcome, overfitting, ways }: Proof): string[] {
  const { tenths, slope } = calibration;
  const promised = tenths.some((tenth) => tenth.promised !== 0);
  return [
    ...(promised
      ? [table(
        ["tenth of decisions", "promised", "came"],
        tenths.map((tenth, i) => [
          `${i + 1}`,
          inUnit(tenth.promised, outcome),
          inUnit(tenth.realised, outcome),
        ]),
        [1, 2],
        WIDTH,
      )]
      : ["  Nothing was promised."]),
    ...wrapped(
      [
        slope === null ? "" : `Of each point promised ${slope.toFixed(2)} came (1: promises are kept).`,
        signs.believed === 0
          ? "No lesson was believed about entries or adds that had decisions in the next period."
          : `Of ${counted(signs.believed, "belief")} held at a cut ${
            counted(signs.kept, "kept its sign", "kept their sign")
          } in the next period.`,
        overfitting === null
          ? ""
          : `In ${
            share(overfitting)
          } of splits the best of these ${ways.length} ways was below the middle elsewhere.`,
      ].filter((text) => text !== "").join(" "),
      "  ",
    ),
  ];
}

function luckLines({ placebos, outcome, mode }: Proof): string[] {
  if (placebos.length === 0) return ["  It was not asked (--placebos)."];
  const lines = placebos.slice(0, 5).flatMap(({ seed, uplift, spread }) =>
    wrapped(
      `Weeks shuffled by seed ${seed}, mode ${mode}: ${
        uplift === null ? "nothing sized" : upliftText(uplift, outcome)
      }, sizes moved by ${share(spread)}`,
      "  ",
    )
  );
  if (placebos.length === 1) lines.push(dim("  One draw, which may be lucky itself."));
  if (placebos.length > 5) lines.push(`  … and ${placebos.length - 5} more.`);
  const earned = placebos.flatMap(({ uplift }) => uplift?.difference ?? []);
  if (placebos.length >= 20) {
    lines.push(`  95 % of them earned less than ${inUnit(luckOf(earned), outcome)}.`);
  }
  return lines;
}
