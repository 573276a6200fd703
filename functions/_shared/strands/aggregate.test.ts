import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { type Allowance, Stopwatch } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { aggregateStrands } from "./aggregate.ts";

const outcome = (id: string, content: unknown): Record<string, unknown> => ({
  id,
  revision: 1,
  kind: "episode_outcome",
  module: "pm",
  created_at: "2025-01-15T10:30:00+00:00",
  content: JSON.stringify(content),
  regime_context: "{}",
});
const good = (id: string): Record<string, unknown> => outcome(id, { episode_id: "e", outcome: "success" });
const PATIENT: Allowance = { cpuMs: 1e9, wallMs: 1e9 };
const NOTHING = { accepted: 0, rejected: 0, failed: 0, postponed: 0 };

/** A clock that moves when it is told to. */
function handClock(): { now: number; read: () => number } {
  const clock = { now: 0, read: (): number => clock.now };
  return clock;
}

Deno.test("strands are claimed until none is due, and each verdict is handed on with its reasons", async () => {
  const clock = handClock();
  const database = new ScriptedDatabase({
    claim_strands: (_, times) => {
      // Late enough that nothing rang unheard.
      clock.now = 2000;
      return times === 0 ? [good("a"), { ...outcome("b", {}), revision: 4 }] : times === 1 ? [good("c")] : [];
    },
    apply_strands: (_, times) =>
      times === 0 ? { ...NOTHING, accepted: 1, rejected: 1 } : { ...NOTHING, accepted: 0, failed: 1 },
  }, new Stopwatch(clock.read));
  assertEquals(await aggregateStrands(database.store, PATIENT), {
    accepted: 1,
    rejected: 1,
    failed: 1,
    handedOver: false,
  });
  assertEquals(database.names, [
    "claim_strands",
    "apply_strands",
    "claim_strands",
    "apply_strands",
    "claim_strands",
  ]);
  const [first, second] = database.argsOf("apply_strands") as {
    p_accepted: unknown[];
    p_rejected: { id: string; revision: number; errors: { path: string }[] }[];
  }[];
  assertEquals(first?.p_accepted, [{ id: "a", revision: 1 }]);
  assertEquals(first?.p_rejected.map(({ id, revision }) => [id, revision]), [["b", 4]]);
  assertEquals(first?.p_rejected[0]?.errors.map(({ path }) => path), [
    "content.episode_id",
    "content.outcome",
  ]);
  assertEquals(second, { p_accepted: [{ id: "c", revision: 1 }], p_rejected: [] });
});

Deno.test("an empty inbox is looked at once more when the doorbell may ring again", async () => {
  const database = new ScriptedDatabase({ claim_strands: () => [] });
  await aggregateStrands(database.store);
  assertEquals(database.names, ["claim_strands", "claim_strands"]);
});

Deno.test("when the budget is spent another invocation is asked for", async () => {
  const clock = handClock();
  const database = new ScriptedDatabase({
    claim_strands: () => [good("a")],
    apply_strands: () => {
      clock.now += 30;
      return { ...NOTHING, accepted: 1 };
    },
    ring_edge_function: () => null,
  }, new Stopwatch(clock.read));
  const report = await aggregateStrands(database.store, { ...PATIENT, wallMs: 100 });
  assertEquals(report, { accepted: 4, rejected: 0, failed: 0, handedOver: true });
  assertEquals(database.calls.at(-1), {
    name: "ring_edge_function",
    args: { p_name: "aggregate-strands", p_body: {}, p_times: 1 },
  });
});

Deno.test("an invocation whose trades are others' work leaves the strands to them, one that ran out of time goes on", async () => {
  const contended = new ScriptedDatabase({
    claim_strands: () => [good("a")],
    apply_strands: () => ({ ...NOTHING, postponed: 1, contended: true }),
  });
  assertEquals(await aggregateStrands(contended.store), {
    accepted: 0,
    rejected: 0,
    failed: 0,
    handedOver: false,
  });
  assertEquals(contended.names, ["claim_strands", "apply_strands"]);
  const clock = handClock();
  const slow = new ScriptedDatabase({
    claim_strands: (_, times) => {
      clock.now = 2000;
      return times === 0 ? [good("a")] : [];
    },
    apply_strands: () => ({ ...NOTHING, postponed: 1 }),
  }, new Stopwatch(clock.read));
  await aggregateStrands(slow.store, PATIENT);
  assertEquals(slow.names, ["claim_strands", "apply_strands", "claim_strands"]);
});

Deno.test("a batch that the database refuses ends the invocation with its reason; the leases lapse", async () => {
  const database = new ScriptedDatabase({
    claim_strands: () => [good("a")],
    apply_strands: () => {
      throw new CallFailure("57014", "canceling statement due to statement timeout");
    },
  });
  const error = await assertRejects(() => aggregateStrands(database.store), StoreError);
  assertEquals([error.code, error.message], [
    "57014",
    "apply_strands failed: canceling statement due to statement timeout",
  ]);
});
