/** What the clients make of a service that is down, hangs or answers nonsense, in both languages. */

import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert/mod.js";
import { type CameIn, FakeService, type Reaction } from "../../scripts/testing/clients/fake_service.ts";
import {
  answered,
  type AnyLevers,
  type AnySize,
  noCandidate,
  PYTHON,
  PythonSubject,
  refused,
  testIn,
  testInEachLanguage,
} from "../../scripts/testing/clients/subjects.ts";
import type { Candidate } from "./typescript/edgeloop.ts";

const CANDIDATE: Candidate = {
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope: { timeframe: "15m", chain: "solana" },
  a_value: 0.5,
  e_value: 0.4,
};

/** More time than a test needs, where it is not about time. */
const PATIENT = 20_000;

/** A sizing that moved A by 0.1 and E by -0.05: 0.45/0.35 of the size, then 0.8. */
const ROW = {
  mode: "posture",
  base_alloc_pct: 0.1,
  timeframe_share: 0.25,
  size_frac_raw: 0.35,
  pm_strength: 1.2857142857142858,
  exposure_skew: 0.8,
  size_frac: 0.36000000000000004,
  max_alloc_pct: 0.10285714285714287,
  a_final: 0.6,
  e_final: 0.35,
  confidence: 0.75,
  steer_max: 0.18,
  overrides: [],
  exposure: { enabled: true, masks: [] },
  shadow: {},
  config_version: 3,
  computed_at: "2026-01-05T09:00:00.123456+00:00",
};

const LEVERS = [
  { lever: "trail_mult", multiplier: 1.05, value: null, override_id: 7, scope_subset: { chain: "solana" } },
  { lever: "entry_delay_bars", multiplier: null, value: 2.5, override_id: 8, scope_subset: {} },
  { lever: "min_ts_for_add", multiplier: 1, value: 0.55, override_id: 9, scope_subset: {} },
  { lever: "of_our_own", multiplier: 1.5, value: null, override_id: null, scope_subset: null },
];

/** The numbers that are traded by. */
function numbersOf({ pm_strength, exposure_skew, size_frac, a_final, e_final }: AnySize): number[] {
  return [pm_strength, exposure_skew, size_frac, a_final, e_final];
}

/** By hand: (0.10 + 0.50 · 0.5) · 1 · 1 for the candidate. */
function assertNeutral(answer: AnySize, reason: RegExp): void {
  assertEquals([answer.source, answer.age_ms, answer.row], ["fallback", null, null]);
  assertEquals(numbersOf(answer), [1, 1, 0.35, 0.5, 0.4]);
  assertMatch(answer.reason ?? "", reason);
}

/** Nothing listens there. */
function deadPort(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** Answers batches by the candidates in them. */
function batch({ json }: CameIn, rowFor: (candidate: Candidate, place: number) => object): Reaction {
  const { candidates }: { candidates: Candidate[] } = JSON.parse(JSON.stringify(json));
  return {
    json: candidates.map((candidate, i) => ({ position: i + 1, error: null, ...rowFor(candidate, i) })),
  };
}

testInEachLanguage(
  "an answer is live, and its numbers are those that were sent, to the last digit",
  async (language) => {
    await using service = new FakeService(() => ({ json: ROW }));
    await using client = await language.open({ url: service.url, key: "sb_secret_x", timeoutMs: PATIENT });
    const answer = answered(await client.size(CANDIDATE));
    assertEquals([answer.source, answer.reason, answer.age_ms], ["live", null, 0]);
    assertEquals(numbersOf(answer), [1.2857142857142858, 0.8, 0.36000000000000004, 0.6, 0.35]);
    assertEquals(answer.row, ROW);
    const [request] = service.cameIn;
    assertEquals(request?.path, "/rest/v1/rpc/get_pm_sizing");
    assertEquals(request?.headers.get("apikey"), "sb_secret_x");
    assertEquals(request?.json, CANDIDATE);
    assertEquals(await client.warnings(), []);
  },
);

testInEachLanguage("a dead port is traded through, and told once", async (language) => {
  await using client = await language.open({ url: deadPort(), timeoutMs: PATIENT });
  assertNeutral(answered(await client.size(CANDIDATE)), /^No connection.*refused/i);
  const levers = answered(await client.levers(CANDIDATE));
  assertEquals([levers.source, levers.levers["trail_mult"]?.multiplier], ["fallback", 1]);
  const many = answered(await client.sizeMany([CANDIDATE, CANDIDATE]));
  for (const answer of many) assertNeutral(answer, /^No connection/);
  assertEquals((await client.warnings()).length, 1);
});

testInEachLanguage("a connection that is not made is tried once more", async (language) => {
  // Whoever expects TLS gets none: there is no connection before the handshake is over.
  let attempts = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async (): Promise<void> => {
    for await (const connection of listener) {
      attempts += 1;
      connection.close();
    }
  })();
  {
    await using client = await language.open({
      url: `https://127.0.0.1:${listener.addr.port}`,
      timeoutMs: PATIENT,
    });
    assertNeutral(answered(await client.size(CANDIDATE)), /^No connection/);
  }
  listener.close();
  await accepting;
  assertEquals(attempts, 2);
});

testInEachLanguage("what was asked is not asked again when the answer breaks off", async (language) => {
  await using service = new FakeService(() => "hangs up");
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  assertNeutral(answered(await client.size(CANDIDATE)), /^The answer broke off/);
  assertEquals(service.cameIn.length, 1);
});

testInEachLanguage(
  "a service that hangs is left when its time is over, by default 0.3 s",
  async (language) => {
    await using service = new FakeService(() => "hangs");
    await using client = await language.open({ url: service.url });
    assertNeutral(answered(await client.size(CANDIDATE)), /^No answer .*within (0\.3 s|300 ms)/);
    service.react(() => ({ json: ROW }));
  },
);

testInEachLanguage("an answer that trickles is left, too, wherever it has come to", async (language) => {
  for (const trickles of ["x", "HTTP/1.1 200 OK\r\nx: y\r\n"]) {
    await using service = new FakeService(() => ({ trickles }));
    await using client = await language.open({ url: service.url });
    assertNeutral(answered(await client.size(CANDIDATE)), /^No answer .*within|^The answer broke off/);
  }
});

testInEachLanguage("a handshake that hangs is left, too", async (language) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const silent = listener.accept();
  {
    await using client = await language.open({ url: `https://127.0.0.1:${listener.addr.port}` });
    assertNeutral(answered(await client.size(CANDIDATE)), /^No answer .*within/);
  }
  (await silent).close();
  listener.close();
});

const NO_SIZING: readonly Reaction[] = [
  { body: "" },
  { body: "no JSON" },
  { body: '{"mode": "posture"' },
  { body: JSON.stringify(ROW).replace('"pm_strength":1.2857142857142858', '"pm_strength":NaN') },
  { body: JSON.stringify(ROW).replace('"pm_strength":1.2857142857142858', '"pm_strength":1e999') },
  {
    body: JSON.stringify(ROW).replace(
      '"pm_strength":1.2857142857142858',
      `"pm_strength":1${"0".repeat(400)}`,
    ),
  },
  { body: "[".repeat(100_000) },
  { json: null },
  { json: [] },
  { json: [ROW] },
  { json: {} },
  { json: "a text" },
  { json: { ...ROW, pm_strength: "1.2" } },
  { json: { ...ROW, pm_strength: null } },
  { json: { ...ROW, pm_strength: true } },
  { json: { ...ROW, pm_strength: 0 } },
  { json: { ...ROW, pm_strength: -1 } },
  { json: { ...ROW, exposure_skew: -0.1 } },
  { json: { ...ROW, size_frac: 1.1 } },
  { json: { ...ROW, a_final: [0.5] } },
  { json: { ...ROW, timeframe_share: "half" } },
  { json: { ...ROW, overrides: {} } },
  { json: { ...ROW, shadow: [] } },
  { json: { ...ROW, computed_at: 5 } },
  { bytes: "hello, this is no HTTP\r\n\r\n" },
  { bytes: `HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n${JSON.stringify(ROW)}` },
  { bytes: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" },
  { bytes: "HTTP/1.1 204 No Content\r\n\r\n" },
];

testInEachLanguage("an answer of nonsense is none, whatever it is", async (language) => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  for (const nonsense of NO_SIZING) {
    service.react(() => nonsense);
    const answer = answered(await client.size(CANDIDATE));
    assertNeutral(answer, /^The (service answered|answer broke off)/);
  }
  service.react(() => ({ json: ROW }));
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
});

testInEachLanguage("a batch or levers of nonsense are none, whatever they are", async (language) => {
  await using service = new FakeService(() => ({ json: [] }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const row = { ...ROW, error: null };
  for (
    const json of [
      [],
      {},
      [{ ...row, position: 1 }],
      [{ ...row, position: 2 }, { ...row, position: 1 }],
      [{ ...row, position: 1 }, { ...row, position: 2, pm_strength: null }],
      [{ ...row, position: 1 }, { ...row, position: 2, error: "a text" }],
      [null, null],
    ]
  ) {
    service.react(() => ({ json }));
    const answers = answered(await client.sizeMany([CANDIDATE, CANDIDATE]));
    for (const answer of answers) assertNeutral(answer, /^The service answered nonsense/);
  }
  const [trail, delay] = LEVERS;
  for (
    const json of [
      [],
      {},
      null,
      [null],
      [{ ...trail, lever: 1 }],
      [{ ...trail, multiplier: null }],
      [{ ...trail, multiplier: "1" }],
      [{ ...trail, scope_subset: "{}" }],
      [{ ...delay, value: null }],
    ]
  ) {
    service.react(() => ({ json }));
    const levers = answered(await client.levers(CANDIDATE));
    assertEquals(levers.source, "fallback", JSON.stringify(json));
    assertMatch(levers.reason ?? "", /^The service answered nonsense/);
  }
});

testInEachLanguage(
  "an answer of an error is none, and a key that is refused is said to be one",
  async (language) => {
    await using service = new FakeService(() => "hangs up");
    await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
    for (const status of [400, 408, 429, 500, 502, 503, 504]) {
      service.react(() => ({ status, json: { code: "57014", message: "cancelled" } }));
      assertNeutral(
        answered(await client.size(CANDIDATE)),
        new RegExp(`^The service answered ${status}: cancelled$`),
      );
    }
    for (const status of [401, 403, 404]) {
      service.react(() => ({ status, json: { message: "Invalid API key" } }));
      assertNeutral(
        answered(await client.size(CANDIDATE)),
        new RegExp(`^The service answered ${status}, look at url and key: Invalid API key$`),
      );
    }
    service.react(() => ({ status: 502, body: "<html>Bad gateway</html>" }));
    assertNeutral(answered(await client.size(CANDIDATE)), /502: <html>/);
    service.react(() => ({ status: 301, json: {} }));
    assertNeutral(answered(await client.size(CANDIDATE)), /301/);
    assertEquals((await client.warnings()).length, 12);
  },
);

testInEachLanguage(
  "a malformed candidate is refused with every reason, and nothing is asked",
  async (language) => {
    await using service = new FakeService(() => ({ json: ROW }));
    await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
    const { malformed } = refused(
      await client.size(noCandidate({
        pattern_key: " ",
        action_category: "buy",
        scope: { chain: ["solana"] },
        a_value: 1.01,
        e_value: "0.5",
        previous_strength: 0,
        as_of: 5,
        size: 1,
      })),
    );
    assertEquals(malformed.length, 8);
    assertMatch(malformed[0] ?? "", /no argument ['"]size['"]/);
    for (const [i, name] of ["pattern_key", "action_category", "scope", "a_value", "e_value"].entries()) {
      assertMatch(malformed[i + 1] ?? "", new RegExp(`^Argument ${name} must be .* and is `));
    }
    assertMatch(malformed[6] ?? "", /^Argument previous_strength .* is 0$/);
    for (
      const given of [null, [], "text", {}, { ...CANDIDATE, scope: null }, { ...CANDIDATE, a_value: true }]
    ) {
      refused(await client.size(noCandidate(given)));
      refused(await client.levers(noCandidate(given)));
    }
    assertEquals(service.cameIn, []);
  },
);

testInEachLanguage("what is left out or null is the service's to choose", async (language) => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const scope = { chain: null, A_mode: 1.5, on: true };
  const short = { pattern_key: "pm.x", action_category: "trim", scope } as const;
  answered(await client.size({ ...short, a_value: null, previous_strength: null }));
  assertEquals(service.cameIn[0]?.json, short);
});

testInEachLanguage("a candidate that the database refuses is refused", async (language) => {
  const refusal = { code: "22023", message: "Scope is not valid", hint: "Shorten it." };
  await using service = new FakeService(() => ({ status: 400, json: refusal }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  assertEquals(refused(await client.size(CANDIDATE)).malformed, ["Scope is not valid. Shorten it."]);
  assertEquals(refused(await client.levers(CANDIDATE)).malformed, ["Scope is not valid. Shorten it."]);
  assertEquals(refused(await client.sizeMany([CANDIDATE, CANDIDATE])).malformed, [
    "candidates[0] to [1]: Scope is not valid. Shorten it.",
  ]);
  // The same words of a service that broke are no refusal.
  service.react(() => ({ status: 500, json: refusal }));
  assertNeutral(answered(await client.size(CANDIDATE)), /500/);
});

testInEachLanguage("the last known answer stands in, moved to what is asked now", async (language) => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  answered(await client.size(CANDIDATE));
  service.react(() => ({ status: 503, json: {} }));
  const same = answered(
    await client.size({ ...CANDIDATE, scope: { chain: "solana", timeframe: "15m" } }),
  );
  assertEquals(same.source, "stale");
  assertMatch(same.reason ?? "", /^The service answered 503/);
  assert(same.age_ms !== null && same.age_ms > 0);
  assertEquals(numbersOf(same), [1.2857142857142858, 0.8, 0.36000000000000004, 0.6, 0.35]);
  assertEquals(same.row, ROW);

  // A was moved by +0.1 and E by -0.05; the size is (0.10 + 0.50 · 0.7) · 0.45/0.35 · 0.8.
  const other = answered(await client.size({ ...CANDIDATE, a_value: 0.7, e_value: 0.8 }));
  assertEquals([other.source, other.pm_strength, other.exposure_skew], ["stale", 1.2857142857142858, 0.8]);
  assertAlmostEquals(other.a_final, 0.8, 1e-12);
  assertAlmostEquals(other.e_final, 0.75, 1e-12);
  assertAlmostEquals(other.size_frac, 0.45 * 0.45 / 0.35 * 0.8, 1e-12);
  const edge = answered(await client.size({ ...CANDIDATE, a_value: 0.95, e_value: 0.01 }));
  assertEquals([edge.a_final, edge.e_final], [1, 0]);

  assertNeutral(answered(await client.size({ ...CANDIDATE, action_category: "add" })), /503/);
  service.react(() => ({ json: ROW }));
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
});

testInEachLanguage(
  "an answer that is too old leaves its skew, at most 1, to a fallback",
  async (language) => {
    await using service = new FakeService(() => ({ json: ROW }));
    await using client = await language.open({ url: service.url, timeoutMs: PATIENT, staleAfterMs: 0 });
    answered(await client.size(CANDIDATE));
    service.react(() => ({ json: { ...ROW, exposure_skew: 1.33 } }));
    const roomy: Candidate = { ...CANDIDATE, scope: { chain: "base" } };
    answered(await client.size(roomy));
    service.react(() => "hangs up");
    const crowded = answered(await client.size(CANDIDATE));
    assertEquals([crowded.source, crowded.row], ["fallback", null]);
    // 0.35 · 1 · 0.8
    assertEquals(numbersOf(crowded), [1, 0.8, 0.35 * 0.8, 0.5, 0.4]);
    assertNeutral(answered(await client.size(roomy)), /broke off/);
  },
);

testInEachLanguage("beyond what is to be remembered, the oldest answer is forgotten", async (language) => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT, remember: 2 });
  const of = (chain: string): Candidate => ({ ...CANDIDATE, scope: { chain } });
  for (const chain of ["solana", "base", "solana", "bsc"]) answered(await client.size(of(chain)));
  service.react(() => "hangs up");
  const sources: string[] = [];
  for (const chain of ["solana", "base", "bsc"]) sources.push(answered(await client.size(of(chain))).source);
  assertEquals(sources, ["stale", "fallback", "stale"]);
});

testInEachLanguage("many are asked for a hundred at a time and answered in their order", async (language) => {
  await using service = new FakeService((request) =>
    batch(request, ({ a_value }) => ({ ...ROW, a_final: a_value }))
  );
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const candidates = Array.from({ length: 250 }, (_, i) => ({ ...CANDIDATE, a_value: i / 1_000 }));
  const answers = answered(await client.sizeMany(candidates));
  assertEquals(answers.map(({ a_final }) => a_final), candidates.map(({ a_value }) => a_value));
  assertEquals(answers.every(({ source }) => source === "live"), true);
  assertEquals(
    service.cameIn.map(({ path, json }) => [path, JSON.stringify(json).match(/pattern_key/g)?.length]),
    [100, 100, 50].map((length) => ["/rest/v1/rpc/get_pm_sizing_batch", length]),
  );
  assertEquals(await client.sizeMany([]), []);

  // Each is remembered by itself.
  service.react(() => "hangs up");
  const [stale] = answered(await client.sizeMany([CANDIDATE]));
  assertEquals([stale?.source, stale?.row?.["a_final"]], ["stale", 0.249]);
});

testInEachLanguage("once many are not answered, no more are asked for", async (language) => {
  let pieces = 0;
  await using service = new FakeService((request) =>
    ++pieces === 2 ? { status: 503, json: {} } : batch(request, () => ROW)
  );
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const candidates = Array.from({ length: 300 }, (_, i) => ({ ...CANDIDATE, pattern_key: `pm.x${i}` }));
  const answers = answered(await client.sizeMany(candidates));
  assertEquals(answers.map(({ source }) => source), [
    ...Array(100).fill("live"),
    ...Array(200).fill("fallback"),
  ]);
  assertEquals(service.cameIn.length, 2);
});

testInEachLanguage("malformed ones among many lose nothing else", async (language) => {
  const error = { code: "22023", message: "Scope is not valid", details: null, hint: "Shorten it." };
  const nulls = Object.fromEntries(Object.keys(ROW).map((name) => [name, null]));
  await using service = new FakeService((request) =>
    batch(request, ({ scope }) => scope["chain"] === "long" ? { ...nulls, error } : ROW)
  );
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const { malformed, answers } = refused(
    await client.sizeMany([
      CANDIDATE,
      noCandidate({ ...CANDIDATE, a_value: 2 }),
      { ...CANDIDATE, scope: { chain: "long" } },
      CANDIDATE,
    ]),
  );
  assertEquals(answers.map((answer) => answer?.source), ["live", undefined, undefined, "live"]);
  assertEquals(malformed.length, 2);
  assertMatch(
    malformed[0] ?? "",
    /^candidates\[1\]: Argument a_value must be a number from 0 to 1 and is 2$/,
  );
  assertEquals(malformed[1], "candidates[2]: Scope is not valid. Shorten it.");
});

testInEachLanguage(
  "levers that are not told are neutral, those that once were stand in",
  async (language) => {
    await using service = new FakeService(() => ({ json: LEVERS }));
    await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
    const live = answered(await client.levers(CANDIDATE));
    assertEquals(live.source, "live");
    assertEquals(service.cameIn[0]?.json, {
      pattern_key: CANDIDATE.pattern_key,
      action_category: "entry",
      scope: CANDIDATE.scope,
    });
    const stood = ({ levers }: AnyLevers, name: string): unknown[] => [
      levers[name]?.multiplier,
      levers[name]?.value,
      levers[name]?.override_id,
    ];
    assertEquals(stood(live, "trail_mult"), [1.05, null, 7]);
    assertEquals(stood(live, "entry_delay_bars"), [null, 2.5, 8]);
    assertEquals(stood(live, "of_our_own"), [1.5, null, null]);
    assertEquals(stood(live, "size_mult"), [1, null, null]);

    service.react(() => ({ status: 500, json: {} }));
    const stale = answered(await client.levers(CANDIDATE));
    assertEquals([stale.source, stale.levers], ["stale", live.levers]);
    const fallback = answered(await client.levers({ ...CANDIDATE, action_category: "exit" }));
    assertEquals(fallback.source, "fallback");
    assertEquals(stood(fallback, "trail_mult"), [1, null, null]);
    assertEquals(stood(fallback, "entry_delay_bars"), [1, 0, null]);
    assertEquals(stood(fallback, "min_ts_for_add"), [1, null, null]);
  },
);

testInEachLanguage("what is wrong is told when it changes, not with every answer", async (language) => {
  await using service = new FakeService(() => ({ status: 503, json: {} }));
  await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
  const ask = async (reaction: Reaction): Promise<void> => {
    service.react(() => reaction);
    await client.size(CANDIDATE);
    await client.size(CANDIDATE);
  };
  await ask({ status: 503, json: {} });
  await ask("hangs up");
  await ask({ json: ROW });
  await ask("hangs up");
  assertEquals((await client.warnings()).map((line) => line.slice(0, 22)), [
    "The service answered 5",
    "The answer broke off: ",
    "The answer broke off: ",
  ]);
});

testInEachLanguage(
  "a connection is used again, and one that was closed meanwhile made anew",
  async (language) => {
    await using service = new FakeService(() => ({ json: ROW }));
    await using client = await language.open({ url: service.url, timeoutMs: PATIENT });
    for (let i = 0; i < 5; i += 1) assertEquals(answered(await client.size(CANDIDATE)).source, "live");
    assertEquals(service.connections, 1);
    service.hangUp();
    assertEquals(answered(await client.size(CANDIDATE)).source, "live");
    assertEquals([service.connections, service.cameIn.length], [2, 6]);
  },
);

testIn(PYTHON, "a connection that the server closes as it is used again is made anew", async () => {
  let asked = 0;
  await using service = new FakeService(() => ++asked === 2 ? "hangs up" : { json: ROW });
  await using client = await PYTHON.open({ url: service.url, timeoutMs: PATIENT });
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
  assertEquals([service.connections, asked], [2, 3]);
});

testIn(PYTHON, "an answer that trickles holds its connection no longer than it is waited for", async () => {
  await using service = new FakeService(() => ({ trickles: "HTTP/1.1 200 OK\r\nx: y\r\n" }));
  await using client = await PythonSubject.open({ url: service.url }, { connections: 1 });
  assertEquals(answered(await client.size(CANDIDATE)).source, "fallback");
  service.react(() => ({ json: ROW }));
  const sources: string[] = [];
  for (let i = 0; i < 20 && !sources.includes("live"); i += 1) {
    sources.push(answered(await client.size(CANDIDATE)).source);
  }
  assertEquals(sources.at(-1), "live");
});

testIn(PYTHON, "an answer that closes its connection is one", async () => {
  await using service = new FakeService(() => ({ json: ROW, closes: true }));
  await using client = await PYTHON.open({ url: service.url, timeoutMs: PATIENT });
  for (let i = 0; i < 3; i += 1) assertEquals(answered(await client.size(CANDIDATE)).source, "live");
  assertEquals(service.connections, 3);
});

testIn(PYTHON, "threads share a client, and each gets the answer to its own question", async () => {
  // So that many are on their way at once.
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  await using service = new FakeService(async ({ json }) => {
    if (service.cameIn.length >= 8) resolve();
    await enough;
    const { a_value }: Candidate = JSON.parse(JSON.stringify(json));
    return { json: { ...ROW, a_final: a_value } };
  });
  await using client = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT });
  const candidates = Array.from({ length: 40 }, (_, i) => ({ ...CANDIDATE, a_value: i / 64 }));
  const answers = answered(await client.atOnce(candidates));
  assertEquals(answers.map(({ a_final }) => a_final), candidates.map(({ a_value }) => a_value));
  assertEquals([service.connections, service.cameIn.length], [8, 40]);
});

testIn(
  PYTHON,
  "who waits too long for one of the connections is told so, and no question is left over",
  async () => {
    await using service = new FakeService(() => "hangs");
    await using client = await PythonSubject.open(
      { url: service.url, timeoutMs: 300 },
      { connections: 1 },
    );
    const answers = answered(await client.atOnce([CANDIDATE, CANDIDATE, CANDIDATE]));
    assertEquals(answers.map(({ source }) => source), ["fallback", "fallback", "fallback"]);
    // The connection is free again when the first is over, for whoever came a little later.
    const reasons = answers.map(({ reason }) => reason ?? "");
    assert(
      reasons.some((reason) => reason.includes("waiting for one of its connections")),
      reasons.join("; "),
    );
    service.react(() => ({ json: ROW }));
    await client.command("close");
    const asked = service.cameIn.length;
    while (answered(await client.size(CANDIDATE)).source !== "live");
    assert(service.cameIn.length > asked);
  },
);

testIn(PYTHON, "a process that was forked off asks for itself", async () => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using client = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT });
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
  assertEquals(answered(await client.inChild(CANDIDATE)).source, "live");
  assertEquals(answered(await client.size(CANDIDATE)).source, "live");
});

testIn(PYTHON, "a signed-in user's token is sent, and one that cannot be had is traded through", async () => {
  await using service = new FakeService(() => ({ json: ROW }));
  await using user = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT }, {
    access_token: "of.a.user",
  });
  assertEquals(answered(await user.size(CANDIDATE)).source, "live");
  assertEquals(service.cameIn[0]?.headers.get("authorization"), "Bearer of.a.user");
  await using nobody = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT }, {
    access_token_fails: true,
  });
  assertNeutral(answered(await nobody.size(CANDIDATE)), /^access_token gave no token: KeyError/);
});

testIn(PYTHON, "what settings are to blame for is logged as an error, what passes as a warning", async () => {
  await using service = new FakeService(() => ({ status: 401, json: { message: "Invalid API key" } }));
  await using client = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT });
  await client.size(CANDIDATE);
  service.react(() => ({ status: 503, json: {} }));
  await client.size(CANDIDATE);
  service.react(() => ({ json: ROW }));
  await client.size(CANDIDATE);
  assertEquals((await client.logged()).map(([level]) => level), ["ERROR", "WARNING", "INFO"]);
});

testIn(PYTHON, "levers are had by what they do", async () => {
  await using service = new FakeService(() => ({ json: LEVERS }));
  await using client = await PythonSubject.open({ url: service.url, timeoutMs: PATIENT });
  assertEquals(await client.command("accessors", CANDIDATE), {
    trail_mult: 1.05,
    entry_delay_bars: 2.5,
    min_ts_for_add: 0.55,
  });
  service.react(() => ({ json: LEVERS.slice(0, 1) }));
  assertEquals(await client.command("accessors", CANDIDATE), {
    trail_mult: 1.05,
    entry_delay_bars: 0,
    min_ts_for_add: 0.6,
  });
});
