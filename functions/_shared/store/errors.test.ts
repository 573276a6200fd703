import { assert, assertEquals } from "@std/assert/mod.js";
import { StoreError } from "./errors.ts";

Deno.test("an error says which call failed, why and what to do", () => {
  const error = new StoreError("get_pm_config", {
    code: "42501",
    message: "permission denied",
    details: "for schema learning",
    hint: "Use the secret key.",
  });
  assertEquals(
    error.message,
    "get_pm_config failed: permission denied – for schema learning – Use the secret key.",
  );
  assertEquals([error.name, error.code], ["StoreError", "42501"]);
});

Deno.test("what the database did not say is left out", () => {
  assertEquals(
    new StoreError("ring", { message: "fetch failed", details: "", hint: null }).message,
    "ring failed: fetch failed",
  );
  assertEquals(new StoreError("ring", { message: "fetch failed" }).code, "");
});

Deno.test("data is blamed for what the database cannot take, perhaps where time or memory ran out, and for nothing else", () => {
  const blames = (code: string): string => new StoreError("apply", { code, message: "" }).blamesData;
  assertEquals(["22003", "23514", "54001", "P0001", "XX000", "21000"].map(blames), Array(6).fill("surely"));
  assertEquals(["57014", "53200"].map(blames), ["perhaps", "perhaps"]);
  assertEquals(["40001", "55P03", "PGRST301", "", "53300"].map(blames), Array(5).fill("no"));
});

Deno.test("a lost lease is told from other failures", () => {
  assert(new StoreError("save", { code: "55P03", message: "no longer held" }).isLeaseLost);
  assert(!new StoreError("save", { code: "57014", message: "timeout" }).isLeaseLost);
});
