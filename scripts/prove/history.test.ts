import { assertEquals, assertRejects } from "@std/assert/mod.js";
import type { Strand } from "../strand_file.ts";
import { readHistory } from "./history.ts";
import { WEEK } from "./calendar.ts";

const close = (id: string, written: string, exit: string): Strand => ({
  id,
  kind: "position_closed",
  created_at: written,
  content: { trade_id: id, trade_summary: { exit_timestamp: exit } },
});

Deno.test("a close is known from the later of its exit and its own time, and after the embargo; an action from its own", async () => {
  const strands: Strand[] = [
    close("late", "2024-01-05T00:00:00Z", "2024-01-02T00:00:00Z"),
    close("early", "2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"),
    { id: "action", kind: "pm_action", created_at: "2024-01-04T00:00:00Z", content: {} },
    { id: "window", kind: "episode_window", created_at: "2024-01-01T00:00:00Z", content: {} },
  ];
  const known = async (embargo: number): Promise<string[]> =>
    (await readHistory(strands, { cadence: WEEK, embargo })).strands
      .map(({ row, knownAt }) => `${row.id} ${new Date(knownAt).toISOString().slice(0, 10)}`);
  assertEquals(await known(0), ["early 2024-01-03", "action 2024-01-04", "late 2024-01-05"]);
  assertEquals(await known(2 * 86_400_000), ["action 2024-01-04", "early 2024-01-05", "late 2024-01-07"]);
});

Deno.test("strands outside of the days that were asked for are left out, and nothing is no history", async () => {
  const strands = [1, 2, 3].map((day): Strand => ({
    id: `${day}`,
    kind: "pm_action",
    created_at: `2024-01-0${day}T12:00:00Z`,
  }));
  const days = { cadence: WEEK, embargo: 0, from: Date.UTC(2024, 0, 2), until: Date.UTC(2024, 0, 3) };
  assertEquals((await readHistory(strands, days)).strands.map(({ row }) => row.id), ["2"]);
  await assertRejects(() => readHistory([], days), Error, "There is nothing to prove anything on");
});
