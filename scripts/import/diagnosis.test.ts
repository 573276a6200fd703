import { assertEquals } from "@std/assert/mod.js";
import { Diagnosis } from "./diagnosis.ts";

Deno.test("trades are summed up by what was behind them and what ended them, what lost most first", () => {
  const diagnosis = new Diagnosis();
  diagnosis.add({ entry: "dip", exit: "roi" }, 0.02);
  diagnosis.add({ entry: "dip", exit: "stop_loss" }, -0.1);
  diagnosis.add({ entry: "dip", exit: "roi" }, 0.04);
  diagnosis.add({ entry: "dip", exit: "roi" }, -0.01);
  const [, head, ...rows] = diagnosis.lines().map((line) => line.trim().split(/\s{2,}/));
  assertEquals(head?.map((cell) => cell.replaceAll(/[^a-z]|\[\d+m/g, "").replaceAll(/^m|m$/g, "")).length, 6);
  assertEquals(rows, [
    ["dip", "stop_loss", "1", "-10.00 %", "-10.00 %", "0 %"],
    ["dip", "roi", "3", "+1.67 %", "+5.00 %", "67 %"],
  ]);
});

Deno.test("the table fits 80 columns, and many rows become few without losing a trade", () => {
  const diagnosis = new Diagnosis();
  for (let at = 0; at < 200; at++) {
    diagnosis.add({ entry: `a tag of many words ${at} `.repeat(5), exit: `exit_${at}`.repeat(9) }, at / 1000);
  }
  const lines = diagnosis.lines();
  // deno-lint-ignore no-control-regex -- colours of the head
  assertEquals(lines.every((line) => line.replaceAll(/\x1b\[\d+m/g, "").length <= 80), true);
  assertEquals(lines.some((line) => /176 others/.test(line)), true);
  assertEquals(new Diagnosis().lines(), []);
});
