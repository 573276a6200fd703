import { assertEquals } from "@std/assert/mod.js";
import { ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { measureExperiment } from "./experiment.ts";

function packed(values: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(values.length * 8));
  for (const [i, value] of values.entries()) bytes.setFloat64(i * 8, value);
  return btoa(String.fromCharCode(...new Uint8Array(bytes.buffer)));
}

Deno.test("what an experiment shows is written by category", async () => {
  const database = new ScriptedDatabase({
    get_pm_config: () => ({ n_min: 33, max_q_value: 0.1, cluster: "week" }),
    read_experiment: () => [{
      category: "entry",
      outcome: packed([0.1, -0.1]),
      size: packed([0.5, 0.25]),
      strength: packed([1.5, 0.5]),
      acted_at: packed([0, 0]),
      // Two whole numbers of four bytes, 0 and 1.
      held_out: btoa("\0\0\0\0\0\0\0\x01"),
    }],
    save_uplift: () => 1,
  });
  assertEquals(await measureExperiment(database.store), 1);
  const [args] = database.argsOf("save_uplift") as {
    p_figures: Record<string, Record<string, number | null>>;
  }[];
  const { learned, held_out, weeks, difference, promised, low } = args?.p_figures["entry"] ?? {};
  // 0.1 less −0.1; strengths of mean 1 and variance 1/4; of one week there is no interval.
  assertEquals([learned, held_out, weeks, difference, promised, low], [1, 1, 1, 0.2, 0.25, null]);
});

Deno.test("without an experiment nothing is reckoned", async () => {
  const database = new ScriptedDatabase({ read_experiment: () => [] });
  assertEquals(await measureExperiment(database.store), 0);
  assertEquals(database.names, ["read_experiment"]);
});
