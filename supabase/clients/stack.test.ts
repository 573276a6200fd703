/** The clients against a running stack, and their types against what it answers. */

import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import type { Database } from "../../functions/_shared/store/database.types.ts";
import type { Stack } from "../../scripts/stack/stack.ts";
import { ACTORS } from "../../scripts/testing/access_matrix.ts";
import {
  answered,
  type AnySize,
  type Language,
  LANGUAGES,
  noCandidate,
  PYTHON,
  PythonSubject,
  refused,
  testIn,
  TYPESCRIPT,
} from "../../scripts/testing/clients/subjects.ts";
import {
  startTestStack,
  type Target,
  testOnEachTarget,
  testOnRealPostgres,
} from "../../scripts/testing/databases.ts";
import {
  type Candidate,
  Edgeloop,
  MalformedCandidateError,
  NoAnswerError,
  type SizingRow,
} from "./typescript/edgeloop.ts";

/** The first request waits for the data API to read the schema. */
const PATIENT = 60_000;
const CANDIDATE: Candidate = {
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope: { timeframe: "15m", chain: "solana" },
};

function testOnEachTargetInEachLanguage(
  name: string,
  test: (target: Target, language: Language) => Promise<void>,
): void {
  for (const language of LANGUAGES) {
    if (language.isHere) testOnEachTarget(`${name}, in ${language.name}`, (target) => test(target, language));
    else testIn(language, name, () => Promise.resolve());
  }
}

async function configure(stack: Stack, settings: unknown): Promise<void> {
  await stack.query(
    `insert into public.learning_configs (module_id, config_data) values ('pm', $1)
     on conflict (module_id) do update set config_data = excluded.config_data`,
    [settings],
  );
}

async function overrideByHand(stack: Stack): Promise<void> {
  await stack.query(`
    insert into public.pm_overrides
      (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, confidence_score)
    values ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "15m"}', 1.15, 0.62, -0.38, 0.75)`);
}

/** README.md, "Ask for a sizing", by hand: 0.18 of steering towards 0.62 and -0.38, of the headroom that is left. */
function assertReadmesExample(answer: AnySize | null | undefined, source: AnySize["source"]): void {
  if (answer === null || answer === undefined) throw new Error("There is no answer.");
  const a = 0.5 + 0.18 * 0.62 * 0.5;
  const strength = (0.10 + 0.50 * a) / 0.35;
  assertEquals(answer.source, source, answer.reason ?? "");
  assertAlmostEquals(answer.a_final, a, 1e-9);
  assertAlmostEquals(answer.e_final, 0.5 - 0.18 * 0.38 * 0.5, 1e-9);
  assertAlmostEquals(answer.pm_strength, strength, 1e-9);
  assertEquals(answer.exposure_skew, 1.33);
  assertAlmostEquals(answer.size_frac, 0.35 * strength * 1.33, 1e-9);
}

testOnEachTargetInEachLanguage(
  "a running stack answers, refuses and is outlived",
  async (target, language) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    const open = { url: stack.apiUrl, key: stack.secretKey, timeoutMs: PATIENT };
    await using client = await language.open(open);
    await using deaf = await language.open({ ...open, url: "http://127.0.0.1:9" });

    // What is made up where nobody answers is what the database says where nothing is known.
    await configure(stack, { flags: { exposure_skew_enabled: false } });
    for (const action_category of ["entry", "trim"] as const) {
      for (const a_value of [undefined, 0, 0.3, 1]) {
        const candidate = { ...CANDIDATE, action_category, a_value, e_value: 0.2 };
        const said = answered(await client.size(candidate));
        const made = answered(await deaf.size(candidate));
        assertEquals([said.source, made.source], ["live", "fallback"], said.reason ?? "");
        for (const name of ["pm_strength", "exposure_skew", "size_frac", "a_final", "e_final"] as const) {
          assertAlmostEquals(made[name], said[name], 1e-12, name);
        }
      }
    }
    const neutral = answered(await client.levers(CANDIDATE));
    assertEquals(neutral.source, "live", neutral.reason ?? "");
    assertEquals(answered(await deaf.levers(CANDIDATE)).levers, neutral.levers);
    const known = await stack.query<{ lever: string }>("select lever from public.learning_levers");
    assertEquals(known.map(({ lever }) => lever).sort(), Object.keys(neutral.levers).sort());

    await configure(stack, {});
    await overrideByHand(stack);
    const one = answered(await client.size(CANDIDATE));
    assertReadmesExample(one, "live");
    const many = answered(await client.sizeMany([CANDIDATE, { ...CANDIDATE, action_category: "trim" }]));
    assertEquals({ ...many[0], row: null }, { ...one, row: null });
    assertEquals(many[1]?.size_frac, 0.35);
    // The lever of size is 1 + edge, and one made by hand that names no edge is about the size alone.
    assertEquals(answered(await client.levers(CANDIDATE)).levers["size_mult"]?.multiplier, 1);

    const tooLong: Candidate = { ...CANDIDATE, scope: { chain: "x".repeat(201) } };
    assertMatch(refused(await client.size(tooLong)).malformed.join(), /^Scope is not valid/);
    assertMatch(refused(await client.size({ ...CANDIDATE, as_of: "some day" })).malformed.join(), /some day/);
    const mixed = refused(
      await client.sizeMany([tooLong, CANDIDATE, noCandidate({ ...CANDIDATE, e_value: -1 })]),
    );
    assertReadmesExample(mixed.answers[1], "live");
    assertEquals(mixed.malformed.map((reason) => reason.slice(0, 14)), ["candidates[2]:", "candidates[0]:"]);

    for (const key of ["sb_secret_of_somebody_else", stack.publishableKey]) {
      await using stranger = await language.open({ ...open, key });
      const answer = answered(await stranger.size(CANDIDATE));
      assertEquals([answer.source, answer.pm_strength, answer.exposure_skew], ["fallback", 1, 1]);
      assertMatch(answer.reason ?? "", /^The service answered 40[13], look at url and key/);
      assert((await stranger.warnings()).every((line) => !line.includes(key)), "a key was told");
    }

    await stack.close();
    assertReadmesExample(answered(await client.size(CANDIDATE)), "stale");
    assertEquals(answered(await client.levers(CANDIDATE)).source, "stale");
  },
);

testIn(PYTHON, "a signed-in pm asks with a token of its own", async () => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack("embedded", cleanup);
  const open = { url: stack.apiUrl, key: stack.publishableKey, timeoutMs: PATIENT };
  const access_token = await stack.signJwt(ACTORS.pm.claims);
  await using pm = await PythonSubject.open(open, { access_token });
  const answer = answered(await pm.size(CANDIDATE));
  assertEquals(answer.source, "live", answer.reason ?? "");
});

testOnRealPostgres("every other RPC is asked, explained or refused alike in both languages", async () => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack("postgres", cleanup);
  await overrideByHand(stack);
  const auth = { persistSession: false, autoRefreshToken: false };
  const supabase = createClient(stack.apiUrl, stack.secretKey, { auth });
  const edgeloop = new Edgeloop(supabase, { timeoutMs: PATIENT, warn: () => undefined });
  const contexts = {
    entry_context: { chain: "solana" },
    action_scope: { timeframe: "15m" },
    regime_context: { macro_phase: "recover" },
  };
  const answers = {
    explain: await edgeloop.explain(CANDIDATE),
    overrides: await edgeloop.overrides(CANDIDATE),
    allocation: await edgeloop.allocation("15m", { chain: "solana" }),
    config: await edgeloop.config(),
    unified_scope: await edgeloop.unifiedScope(contexts),
    call: await edgeloop.call("get_pm_config"),
  };
  assertEquals(answers.unified_scope, { chain: "solana", timeframe: "15m", macro_phase: "recover" });
  assertEquals([answers.allocation.base, answers.allocation.share], [0.1, 0.15]);
  assertEquals(answers.overrides.length, 1);
  assertEquals(answers.call, answers.config);
  assert(answers.explain.some((line) => line.includes("strength 1.079714")), answers.explain.join("\n"));
  const timed = { computed_at: "then" };
  if (PYTHON.isHere) {
    await using python = await PythonSubject.open({
      url: stack.apiUrl,
      key: stack.secretKey,
      timeoutMs: PATIENT,
    });
    const given = {
      explain: CANDIDATE,
      overrides: CANDIDATE,
      allocation: { timeframe: "15m", scope: { chain: "solana" } },
      config: undefined,
      unified_scope: contexts,
      call: { rpc: "get_pm_config", arguments: {} },
    };
    for (const [what, question] of Object.entries(given)) {
      const { told } = await python.command(what, question);
      const answer = Object.entries(answers).find(([name]) => name === what)?.[1];
      // An explanation begins with when it was given.
      if (what === "explain") {
        assertEquals(z.array(z.string()).parse(told).slice(1), answers.explain.slice(1));
      } else if (what !== "allocation") assertEquals(told, answer, what);
      else assertEquals({ ...z.looseObject({}).parse(told), ...timed }, { ...answers.allocation, ...timed });
    }
    const refusedByBoth = await python.command("call", { rpc: "get_pm_sizing", arguments: { scope: 7 } });
    assertMatch(String(refusedByBoth["no_answer"]), /404/);
  }
  await assertRejects(() => edgeloop.call("no_such_rpc"), NoAnswerError, "404");
  await assertRejects(() => edgeloop.explain(noCandidate({})), MalformedCandidateError, "pattern_key");
  await stack.close();
  await assertRejects(() => edgeloop.config(), NoAnswerError);
});

// Types.

const scopeSchema = z.record(z.string(), z.string());
const contributed = { weight: z.number(), share: z.number(), pull: z.number() };
const outcomeSchema = z.strictObject({
  pm_strength: z.number(),
  size_frac: z.number(),
  max_alloc_pct: z.number(),
  a_final: z.number(),
  e_final: z.number(),
});
const rowSchema = z.strictObject({
  mode: z.string(),
  base_alloc_pct: z.number(),
  timeframe_share: z.number().nullable(),
  size_frac_raw: z.number(),
  pm_strength: z.number(),
  exposure_skew: z.number(),
  size_frac: z.number(),
  max_alloc_pct: z.number(),
  a_final: z.number(),
  e_final: z.number(),
  confidence: z.number(),
  steer_max: z.number(),
  overrides: z.array(z.union([
    z.strictObject({ id: z.int(), scope_subset: scopeSchema, ...contributed }),
    z.strictObject({ rest: z.int(), ...contributed }),
  ])),
  exposure: z.union([
    z.strictObject({ enabled: z.literal(false), masks: z.array(z.never()) }),
    z.strictObject({
      enabled: z.boolean(),
      alpha: z.number(),
      beta: z.number(),
      total: z.number(),
      cap: z.number().nullable(),
      weight_sum: z.number(),
      concentration: z.number(),
      crowding: z.number().nullable(),
      masks: z.array(z.union([
        z.strictObject({
          scope: scopeSchema,
          weight: z.number(),
          exposure: z.number(),
          pattern_exposure: z.number(),
        }),
        z.strictObject({ rest: z.int(), concentration: z.number() }),
      ])),
    }),
  ]),
  shadow: z.record(z.string(), outcomeSchema),
  config_version: z.int(),
  computed_at: z.iso.datetime({ offset: true }),
  ignored: z.record(z.string(), z.string().nullable()).exactOptional(),
});

/** What is accepted by one is described by the other, and every column of the database is in it. */
type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;
type Mutable<T> = T extends readonly (infer Each)[] ? Mutable<Each>[]
  : T extends object ? { -readonly [key in keyof T]: Mutable<T[key]> }
  : T;
const schemaIsTheType: Same<Mutable<z.infer<typeof rowSchema>>, Mutable<SizingRow>> = true;
type Column = keyof Database["public"]["CompositeTypes"]["pm_sizing"];
const typeHasEveryColumn: Exclude<Column, keyof SizingRow> extends never ? true : false = true;

testOnEachTarget("a sizing is of the type that it is said to be, whatever made it", async (target) => {
  assert(schemaIsTheType && typeHasEveryColumn);
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const dimensions = ["chain", "mcap_bucket", "vol_bucket", "age_bucket", "intent", "market_family"];
  const scope: Record<string, string> = {
    timeframe: "15m",
    ...Object.fromEntries(dimensions.map((dim) => [dim, `of ${dim}`])),
  };
  // 64 overrides that act, and 28 masks that are crowded.
  await stack.query(
    `insert into public.pm_overrides
       (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, confidence_score, edge_raw, n, variance)
     select 'pm_strength', 'pm.uptrend.S1.buy_flag', action_category, (
         select coalesce(jsonb_object_agg(pair.key, pair.value), '{}')
         from jsonb_each($1::jsonb - 'timeframe') with ordinality as pair(key, value, place)
         where subset & (1 << (pair.place::integer - 1)) <> 0
       ), 1.1, 0.5, -0.2, 0.8, 0.6, 200, 0.1
     from generate_series(0, 63) as subset cross join unnest('{entry,trim}'::text[]) as action_category`,
    [scope],
  );
  await stack.query(
    `insert into public.lowcap_positions (token_chain, token_contract, timeframe, status, total_allocation_pct, entry_context)
     values ($1::jsonb ->> 'chain', 'token', '15m', 'active', 0.1, $1::jsonb - 'chain')`,
    [scope],
  );
  await using client = await TYPESCRIPT.open({
    url: stack.apiUrl,
    key: stack.secretKey,
    timeoutMs: PATIENT,
  });
  const seen = { rows: 0, restOfOverrides: 0, restOfMasks: 0, shares: 0, noShares: 0, noCrowding: 0 };
  for (const strength_mode of ["posture", "multiplier", "edge_weighted", "calibrated"]) {
    for (
      const others of [{}, { exposure: { cap: 0.5 } }, { flags: { exposure_skew_enabled: false } }, {
        flags: { learning_overrides_enabled: false },
      }]
    ) {
      await configure(stack, { strength_mode, ...others });
      for (const action_category of ["entry", "add", "trim", "exit"] as const) {
        for (const asked of [scope, { ...scope, timeframe: "7m" }, {}, { nobody: "knows" }]) {
          const answer = answered(await client.size({ ...CANDIDATE, action_category, scope: asked }));
          assertEquals(answer.source, "live", answer.reason ?? "");
          const row = rowSchema.parse(answer.row);
          seen.rows += 1;
          if (row.overrides.some((each) => "rest" in each)) seen.restOfOverrides += 1;
          if (row.exposure.masks.some((each) => "rest" in each)) seen.restOfMasks += 1;
          if (row.timeframe_share === null) seen.noShares += 1;
          else seen.shares += 1;
          if ("crowding" in row.exposure && row.exposure.crowding === null) seen.noCrowding += 1;
        }
      }
    }
  }
  for (const [what, times] of Object.entries(seen)) assert(times > 0, `no ${what}`);
});
