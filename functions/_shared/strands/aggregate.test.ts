import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { type Allowance, Stopwatch } from "../runtime/budget.ts";
import { StoreError } from "../store/errors.ts";
import { CallFailure, ScriptedDatabase } from "../../../scripts/testing/store/scripted_database.ts";
import { aggregateStrands } from "./aggregate.ts";

interface Written {
  readonly id: string;
  readonly revision: number;
  readonly content: unknown;
  readonly attempts: number;
}

const outcome = (id: string, content: unknown, revision = 1, attempts = 1): Written => ({
  id,
  revision,
  content,
  attempts,
});
const good = (id: string, attempts = 1): Written =>
  outcome(id, { episode_id: "e", outcome: "success" }, 1, attempts);
const claimed = (strands: readonly Written[]): unknown =>
  strands.map(({ id, revision, attempts }) => ({ id, revision, attempts }));
const claimIds = (args: unknown): string[] =>
  (args as { p_claims: { id: string }[] }).p_claims.map(({ id }) => id);
/** Reads what is asked for of the strands. */
const reads = (...strands: readonly Written[]) => (args: unknown): unknown =>
  strands.filter(({ id }) => claimIds(args).includes(id)).map(({ id, revision, content }) => ({
    id,
    revision,
    kind: "episode_outcome",
    module: "pm",
    created_at: "2025-01-15T10:30:00+00:00",
    received_at: "2025-01-15T10:31:00+00:00",
    content: JSON.stringify(content),
    regime_context: "{}",
  }));
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
      return claimed(times === 0 ? [good("a"), outcome("b", {}, 4)] : times === 1 ? [good("c")] : []);
    },
    read_claimed_strands: reads(good("a"), outcome("b", {}, 4), good("c")),
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
    "read_claimed_strands",
    "apply_strands",
    "claim_strands",
    "read_claimed_strands",
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
    claim_strands: () => claimed([good("a")]),
    read_claimed_strands: reads(good("a")),
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

Deno.test("an invocation whose trades are others' work leaves the strands to them and asks for another, one that ran out of time goes on", async () => {
  const contended = new ScriptedDatabase({
    claim_strands: () => claimed([good("a")]),
    read_claimed_strands: reads(good("a")),
    apply_strands: () => ({ ...NOTHING, postponed: 1, contended: true }),
    ring_edge_function: () => null,
  });
  assertEquals(await aggregateStrands(contended.store), {
    accepted: 0,
    rejected: 0,
    failed: 0,
    handedOver: true,
  });
  assertEquals(contended.names, [
    "claim_strands",
    "read_claimed_strands",
    "apply_strands",
    "ring_edge_function",
  ]);
  const clock = handClock();
  const slow = new ScriptedDatabase({
    claim_strands: (_, times) => {
      clock.now = 2000;
      return claimed(times === 0 ? [good("a")] : []);
    },
    read_claimed_strands: reads(good("a")),
    apply_strands: () => ({ ...NOTHING, postponed: 1 }),
  }, new Stopwatch(clock.read));
  await aggregateStrands(slow.store, PATIENT);
  assertEquals(slow.names, ["claim_strands", "read_claimed_strands", "apply_strands", "claim_strands"]);
});

Deno.test("what is the database's own trouble ends the invocation with its reason; the leases lapse", async () => {
  for (const code of ["40001", "53100", "57P01", "42501", "PGRST002", ""]) {
    const database = new ScriptedDatabase({
      claim_strands: () => claimed([good("a"), good("b")]),
      read_claimed_strands: reads(good("a"), good("b")),
      apply_strands: () => {
        throw new CallFailure(code, "not now");
      },
    });
    const error = await assertRejects(() => aggregateStrands(database.store), StoreError);
    assertEquals([error.code, error.message], [code, "apply_strands failed: not now"]);
    assertEquals(database.argsOf("apply_strands").length, 1, `${code} is tried once`);
  }
});

interface Applied {
  p_accepted: { id: string }[];
  p_rejected: { id: string; errors: unknown }[];
}

/** A database that refuses to read or to apply whatever contains one strand. */
function refusing(call: "read" | "apply", culprit: string, failure: CallFailure, attempts = 1): {
  database: ScriptedDatabase;
  rejected: () => unknown[];
  accepted: () => string[];
} {
  const clock = handClock();
  const strands = ["a", "b", "c", "d", "e"].map((id) => good(id, attempts));
  const database = new ScriptedDatabase({
    claim_strands: (_, times) => {
      clock.now = 2000;
      return claimed(times === 0 ? strands : []);
    },
    read_claimed_strands: (args) => {
      if (call === "read" && claimIds(args).includes(culprit)) throw failure;
      return reads(...strands)(args);
    },
    apply_strands: (args) => {
      const { p_accepted, p_rejected } = args as unknown as Applied;
      if (call === "apply" && p_accepted.some(({ id }) => id === culprit)) throw failure;
      return { ...NOTHING, accepted: p_accepted.length, rejected: p_rejected.length };
    },
  }, new Stopwatch(clock.read));
  const verdicts = (): Applied[] => database.argsOf("apply_strands") as Applied[];
  return {
    database,
    rejected: () => verdicts().flatMap(({ p_rejected }) => p_rejected),
    // What was in a call that failed counts once it went through.
    accepted: () =>
      verdicts().map(({ p_accepted }) => p_accepted.map(({ id }) => id)).filter((ids) =>
        !ids.includes(culprit)
      )
        .flat().sort(),
  };
}

for (const call of ["read", "apply"] as const) {
  Deno.test(`a batch that the database refuses to ${call} is halved until the culprit stands alone and is rejected in its words`, async () => {
    const { database, rejected, accepted } = refusing(
      call,
      "d",
      new CallFailure("54000", "out of memory", "1 GB"),
    );
    assertEquals(await aggregateStrands(database.store, PATIENT), {
      accepted: 4,
      rejected: 1,
      failed: 0,
      handedOver: false,
    });
    assertEquals(rejected(), [{
      id: "d",
      revision: 1,
      errors: [{ path: "", message: "The database refuses it: out of memory – 1 GB (SQLSTATE 54000)" }],
    }]);
    assertEquals(accepted(), ["a", "b", "c", "e"]);
  });

  Deno.test(`a strand that is too slow to ${call} is left to later claims and rejected at the third`, async () => {
    for (const attempts of [1, 2, 3]) {
      const { database, rejected, accepted } = refusing(
        call,
        "b",
        new CallFailure("57014", "timeout"),
        attempts,
      );
      const report = await aggregateStrands(database.store, PATIENT);
      assertEquals([report.accepted, report.rejected, report.failed], attempts < 3 ? [4, 0, 1] : [4, 1, 0]);
      assertEquals(rejected().length, attempts < 3 ? 0 : 1);
      assertEquals(accepted(), ["a", "c", "d", "e"]);
      assertEquals(database.argsOf("insert learning_log").length, attempts < 3 ? 1 : 0);
    }
  });
}

Deno.test("a refused batch is not halved any more when the budget is spent", async () => {
  const clock = handClock();
  const database = new ScriptedDatabase({
    claim_strands: () => claimed([good("a"), good("b"), good("c"), good("d")]),
    read_claimed_strands: reads(good("a"), good("b"), good("c"), good("d")),
    apply_strands: () => {
      clock.now += 8000;
      throw new CallFailure("57014", "timeout");
    },
  }, new Stopwatch(clock.read));
  await assertRejects(
    () => aggregateStrands(database.store, { ...PATIENT, wallMs: 15_000 }),
    StoreError,
    "timeout",
  );
  assertEquals(database.argsOf("apply_strands").length, 2);
});

Deno.test("a strand whose trade cannot be applied is rejected once it has come alone often enough", async () => {
  for (const [attempts, code, rejections] of [[3, "22003", 1], [2, "22003", 0], [9, "40P01", 0]] as const) {
    const clock = handClock();
    const database = new ScriptedDatabase({
      claim_strands: (_, times) => {
        clock.now = 2000;
        return claimed(times === 0 ? [good("a", attempts)] : []);
      },
      read_claimed_strands: reads(good("a")),
      apply_strands: (_, times) =>
        times === 0
          ? { ...NOTHING, failed: 1, failures: [{ code, reason: "out of range" }] }
          : { ...NOTHING, rejected: 1 },
    }, new Stopwatch(clock.read));
    const report = await aggregateStrands(database.store, PATIENT);
    assertEquals([report.failed, report.rejected], [1, rejections]);
  }
});

/** Strands of as many trades, an action and a close of each, the one far from the other. */
function tradesOf(count: number): Written[] {
  const strand = (kind: string) => (_: unknown, i: number): Written =>
    outcome(`${kind}-${i}`, { episode_id: `e${i}`, outcome: "success" });
  return [
    ...Array.from({ length: count }, strand("first")),
    ...Array.from({ length: count }, strand("last")),
  ];
}

/** A database with an inbox: what was claimed is due no more. Time passes by `applyMs` whenever strands take effect. */
function inboxOf(strands: readonly Written[], applyMs: (strands: number) => number): {
  database: ScriptedDatabase;
  applied: () => string[][];
  claims: () => number[];
} {
  const clock = handClock();
  let due = [...strands];
  const database = new ScriptedDatabase({
    claim_strands: ({ p_limit }) => {
      const next = due.slice(0, Number(p_limit));
      due = due.slice(Number(p_limit));
      if (next.length === 0) clock.now += 2_000;
      return claimed(next);
    },
    read_claimed_strands: reads(...strands),
    apply_strands: (args) => {
      const { p_accepted } = args as unknown as Applied;
      clock.now += applyMs(p_accepted.length);
      return { ...NOTHING, accepted: p_accepted.length };
    },
    ring_edge_function: () => null,
  }, new Stopwatch(clock.read));
  return {
    database,
    applied: () =>
      (database.argsOf("apply_strands") as Applied[]).map(({ p_accepted }) => p_accepted.map(({ id }) => id)),
    claims: () => database.argsOf("claim_strands").map((args) => (args as { p_limit: number }).p_limit),
  };
}

Deno.test("many strands take effect in two lanes, those of one episode in the same", async () => {
  const { database, applied } = inboxOf(tradesOf(301), () => 0);
  assertEquals((await aggregateStrands(database.store, PATIENT)).accepted, 602);
  const lanes = applied();
  assertEquals(lanes.map(({ length }) => length), [302, 300]);
  for (const lane of lanes) {
    const told = new Set(lane);
    for (const id of lane) assertEquals(told.has(id.replace("first", "last")), true, id);
  }
});

Deno.test("where a claim has many megabytes the one half takes effect before the other is read", async () => {
  const heavy = tradesOf(150).map((strand) => ({
    ...strand,
    content: { ...strand.content as object, note: "x".repeat(30_000) },
  }));
  const { database, applied } = inboxOf(heavy, () => 0);
  assertEquals((await aggregateStrands(database.store, PATIENT)).accepted, 300);
  assertEquals(database.names.filter((name) => name !== "claim_strands").slice(0, 6), [
    "read_claimed_strands",
    "apply_strands",
    "read_claimed_strands",
    "apply_strands",
  ]);
  assertEquals(applied().map(({ length }) => length), [150, 150]);
});

Deno.test("few strands take effect at once", async () => {
  const { database, applied } = inboxOf(tradesOf(99), () => 0);
  await aggregateStrands(database.store, PATIENT);
  assertEquals(applied().map(({ length }) => length), [198]);
});

Deno.test("batches grow while they are quick and shrink where they are slow", async () => {
  const quick = inboxOf(tradesOf(3_500), () => 1);
  assertEquals((await aggregateStrands(quick.database.store, PATIENT)).accepted, 7_000);
  // Each claim is sent while the batch before it takes effect, so what was learned of a batch counts for the next but one.
  assertEquals(quick.claims().slice(0, 4), [1_000, 2_000, 2_000, 4_000]);
  const slow = inboxOf(tradesOf(1_800), () => 4_000);
  await aggregateStrands(slow.database.store, PATIENT);
  assertEquals(slow.claims().slice(0, 4), [1_000, 500, 500, 250]);
});

Deno.test("while many strands take effect the next are read already, and none of them is left when the budget is spent", async () => {
  const { database, applied } = inboxOf(tradesOf(6_000), () => 10);
  const report = await aggregateStrands(database.store, { ...PATIENT, wallMs: 45 });
  // Of 12,000 four claims, the last of them sent before the third had taken effect and the budget was spent.
  assertEquals([report.accepted, report.handedOver], [1_000 + 2_000 + 2_000 + 4_000, true]);
  const steps = database.names.filter((name) => name === "claim_strands" || name === "apply_strands");
  const [claim, apply] = ["claim_strands", "apply_strands"];
  // Nothing is claimed ahead before a batch has taken effect.
  assertEquals(steps.slice(0, 7), [claim, apply, apply, claim, claim, apply, apply]);
  assertEquals(applied().flat().length, 9_000);
});
