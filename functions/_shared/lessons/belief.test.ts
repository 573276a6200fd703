import { assertEquals } from "@std/assert/mod.js";
import { type Believable, isBelieved } from "./belief.ts";
import type { MiningSettings } from "./settings.ts";
import { DEFAULT_SETTINGS } from "../../../scripts/testing/lessons/groups.ts";

interface Judged {
  readonly delta?: number;
  readonly edge?: number;
  readonly incremental?: number;
  readonly difference?: number;
  readonly selected?: boolean;
  readonly q?: number;
  readonly category?: string;
}

function believed(judged: Judged = {}, settings: Partial<MiningSettings> = {}): boolean {
  const lesson: Believable = {
    stats: {
      delta: judged.delta ?? 0.3,
      edge_raw: judged.edge ?? 0.2,
      incremental_edge: judged.incremental ?? 0.2,
      effect: judged.difference ?? 0.01,
      selected: judged.selected ?? false,
    },
    qValue: judged.q ?? 0.05,
  };
  return isBelieved(
    lesson,
    { ...DEFAULT_SETTINGS, ...settings },
    judged.category ?? "entry",
  );
}

Deno.test("a lesson is believed for its edge, its q and, where that is asked for, its increment", () => {
  assertEquals(believed(), true);
  assertEquals([believed({ edge: 0.05 }), believed({ edge: 0.049 })], [true, false]);
  assertEquals([believed({ q: 0.1 }), believed({ q: 0.101 })], [true, false]);
  assertEquals(believed({ q: 1 }, { max_q_value: null }), true);
  assertEquals(believed({ incremental: 0.1 }, { incremental_min: 0.2 }), false);
});

Deno.test("one whose mean lies on the other side than that of winsorised outcomes rests on outliers", () => {
  assertEquals(believed({ delta: 0.3, difference: -0.01 }), false);
  assertEquals(believed({ delta: -0.3, edge: -0.2, difference: -0.01 }), true);
  assertEquals(believed({ delta: 0.3, difference: 0 }), false);
});

Deno.test("what a whole trade's sign may have chosen is refused, where trims and exits are judged by it", () => {
  const selected = (category: string, settings: Partial<MiningSettings>): boolean =>
    believed({ selected: true, category }, settings);
  const byTrade = { trim_outcome: "trade", exit_outcome: "trade", add_outcome: "trade" } as const;
  assertEquals([selected("trim", byTrade), selected("exit", byTrade)], [false, false]);
  assertEquals([selected("entry", byTrade), selected("add", byTrade)], [true, true]);
  assertEquals([selected("trim", {}), selected("exit", {})], [true, true]);
  assertEquals(selected("exit", { ...byTrade, refuse_selected: false }), true);
  assertEquals(selected("trim", { exit_outcome: "trade" }), true);
});
