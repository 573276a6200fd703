import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { z } from "zod";
import { miningSettings } from "./settings.ts";
import { DEFAULT_SETTINGS } from "../../../scripts/testing/lessons/groups.ts";

Deno.test("of an effective configuration only what mining needs is taken", () => {
  assertEquals(
    miningSettings({
      ...DEFAULT_SETTINGS,
      strength_mode: "posture",
      decay: { source: "history", more: 1 },
      steering: { ...DEFAULT_SETTINGS.steering, base: 0.03 },
    }),
    { ...DEFAULT_SETTINGS, decay: { source: "history" } },
  );
});

Deno.test("a configuration that lacks a key or means another thing by it is refused", () => {
  assertThrows(() => miningSettings(null), z.ZodError);
  assertThrows(() => miningSettings({ ...DEFAULT_SETTINGS, cluster: "month" }), z.ZodError, "cluster");
  assertThrows(() => miningSettings({ ...DEFAULT_SETTINGS, edge_min: null }), z.ZodError, "edge_min");
});
