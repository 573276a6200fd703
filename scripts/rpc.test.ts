/** Whatever a client sends to the RPCs over HTTP is answered or refused, on every target. */

import { assert, assertEquals } from "@std/assert/mod.js";
import { ACTORS, FUNCTIONS } from "./testing/access_matrix.ts";
import type { Stack } from "./stack/stack.ts";
import { startTestStack, testOnEachTarget } from "./testing/databases.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Rpc {
  readonly name: string;
  readonly arguments: readonly { readonly name: string; readonly type: string }[];
}

const MEGABYTE = 1_000_000;

const CANDIDATE = {
  pattern_key: "pm.uptrend.S1.buy_flag",
  action_category: "entry",
  scope: { timeframe: "1h", chain: "solana" },
};

/** What is looked back to must be within the histories that are kept. */
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

/** What the RPCs answer to; every argument of every RPC has its place here. */
const SOUND: Readonly<Record<string, unknown>> = {
  ...CANDIDATE,
  a_value: 0.5,
  e_value: 0.5,
  previous_strength: 1,
  as_of: daysAgo(1),
  candidates: [CANDIDATE],
  timeframe: "1h",
  entry_context: { chain: "solana" },
  action_scope: { timeframe: "1h" },
  regime_context: { macro_phase: "recover" },
  subject: "token-1",
  t1: daysAgo(2),
  t2: daysAgo(1),
  id: 1,
  patch: { multiplier: 1.1 },
  enabled: false,
  module: "pm",
  reason: "tried",
};

const STRANGE_TEXTS = [
  "",
  " \t\n",
  "\u0000",
  "solana\u0000",
  "\ud800",
  "\udfff and \ud800",
  "\ufeff\u200b\u202eanalos\u202c",
  "e\u0301\u0327".repeat(60),
  "👩‍👩‍👧‍👦🏴‍☠️",
  "'; drop table pm_overrides; --",
  '{"$gt": 0}',
  "\\u0000 \\' \" % _ $1 :x ? {}",
  "NaN",
  "infinity",
  "-infinity",
  "2026-13-45T99:99:99Z",
  "294277-01-01",
  "1e400",
];

/** Values that no argument expects. */
const STRANGE_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  5e-324,
  [],
  [null],
  {},
  { nobody: { registered: "this" } },
  [[[[]]]],
  ...STRANGE_TEXTS,
];

/** JSON that JavaScript cannot hold. */
const STRANGE_JSON = [
  "1e400",
  "-1e400",
  "1e-400",
  "123456789012345678901234567890",
  '"\\ud800"',
  '"\\u0000"',
];

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

/** Scopes that are large, or that nobody registered. */
function strangeScopes(): unknown[] {
  return [
    { nobody: "registered", this: "dimension" },
    { chain: null, timeframe: "", bucket: " " },
    { chain: 1, timeframe: true, mcap_bucket: 1e-30 },
    { chain: { of: "objects" }, timeframe: ["1h"] },
    { chain: "x".repeat(201) },
    { chain: "x".repeat(MEGABYTE) },
    { nobody: "x".repeat(MEGABYTE) },
    { ["x".repeat(MEGABYTE)]: "x" },
    Object.fromEntries(Array.from({ length: 40_000 }, (_, place) => [`key ${place}`, `value ${place}`])),
    ...STRANGE_TEXTS.map((text) => ({ chain: text })),
    ...STRANGE_TEXTS.map((text) => ({ [text]: "x" })),
  ];
}

/** Bodies for one RPC: each argument missing, replaced by everything strange, or joined by one that nobody knows. */
function bodiesFor(rpc: Rpc, answered: Readonly<Record<string, unknown>> = SOUND): string[] {
  const sound = Object.fromEntries(rpc.arguments.map(({ name }) => [name, answered[name]]));
  const bodies = [
    JSON.stringify(sound),
    JSON.stringify({ ...sound, nobody: "knows this" }),
    "{}",
    "",
    "null",
    "[]",
    '"text"',
    "not JSON",
    "{",
    nested(5_000),
    `{"scope": ${nested(5_000)}}`,
  ];
  for (const { name, type } of rpc.arguments) {
    const { [name]: _left, ...others } = sound;
    bodies.push(JSON.stringify(others));
    const values = [...STRANGE_VALUES, ...(type === "jsonb" ? strangeScopes() : ["x".repeat(MEGABYTE)])];
    bodies.push(...values.map((value) => JSON.stringify({ ...others, [name]: value })));
    const rest = JSON.stringify(others).slice(1, -1);
    bodies.push(
      ...[...STRANGE_JSON, nested(3_000)].map((value) =>
        `{${rest}${rest === "" ? "" : ","}${JSON.stringify(name)}:${value}}`
      ),
    );
    if (name === "candidates") {
      const strange = [
        ...STRANGE_VALUES,
        ...Object.keys(CANDIDATE).flatMap((key) =>
          STRANGE_VALUES.map((value) => ({ ...CANDIDATE, [key]: value }))
        ),
        ...["a_value", "e_value", "previous_strength", "as_of", "nobody"].flatMap((key) =>
          STRANGE_VALUES.map((value) => ({ ...CANDIDATE, [key]: value }))
        ),
        ...strangeScopes().map((scope) => ({ ...CANDIDATE, scope })),
      ];
      bodies.push(
        ...strange.map((candidate) => JSON.stringify({ candidates: [candidate, CANDIDATE] })),
        JSON.stringify({ candidates: Array(1_001).fill(CANDIDATE) }),
      );
    }
  }
  return bodies;
}

testOnEachTarget("Nothing a client sends to the RPCs makes a 500", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  await insertOverride(stack);
  const ask = await asking(stack, "pm");
  for (const rpc of await readRpcs(stack)) {
    assertEquals(
      (await ask(rpc.name, bodiesFor(rpc)[0] ?? "")).status,
      200,
      `${rpc.name} answers what is sound`,
    );
  }
  const refusals = await askStrangely(ask, await readRpcs(stack));
  assert(refusals > 100, `only ${refusals} requests were refused`);
});

testOnEachTarget(
  "Nothing an operator sends to the wheel makes a 500, and overrides and configuration survive it",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup);
    const id = await insertOverride(stack);
    const ask = await asking(stack, "operator");
    const refusals = await askStrangely(ask, await readRpcs(stack, true), { id });
    assert(refusals > 100, `only ${refusals} requests were refused`);
    const released = await ask(
      "pin_override",
      JSON.stringify({ id, patch: { multiplier: 1.5 }, reason: "after all" }),
    );
    assertEquals([released.status, JSON.parse(released.body).multiplier], [200, 1.5]);
    const [faults] = await stack.query<{ faults: unknown }>(
      "select learning.configuration_faults(module_id, config_data) as faults from learning_configs where module_id = 'pm'",
    );
    assertEquals(faults?.faults ?? [], []);
  },
);

/** Returns its id. */
async function insertOverride(stack: Stack): Promise<number> {
  const [override] = await stack.query<{ id: number }>(`
    insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, confidence_score)
    values ('pm_strength', 'pm.uptrend.S1.buy_flag', 'entry', '{"timeframe": "1h"}', 1.2, 0.5, 0.9)
    returning id::integer`);
  return override?.id ?? NaN;
}

type Ask = (rpc: string, body: string) => Promise<Answer>;

async function asking(stack: Stack, actor: "pm" | "operator"): Promise<Ask> {
  const headers = {
    apikey: stack.publishableKey,
    authorization: `Bearer ${await stack.signJwt(ACTORS[actor].claims)}`,
    "content-type": "application/json",
  };
  return async (rpc, body) => {
    const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/${rpc}`, { method: "POST", headers, body });
    return { status: response.status, body: await response.text() };
  };
}

/** Asks everything strange of some RPCs, fails on an answer that is none, and returns how many were refused. */
async function askStrangely(
  ask: Ask,
  rpcs: readonly Rpc[],
  own: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const faults: string[] = [];
  let refusals = 0;
  for (const rpc of rpcs) {
    for (const body of bodiesFor(rpc, { ...SOUND, ...own })) {
      const answer = await ask(rpc.name, body);
      const fault = faultOf(answer);
      if (fault !== null) faults.push(`${rpc.name} ${shortened(body)}: ${fault}`);
      if (answer.status !== 200) refusals += 1;
    }
  }
  assertEquals(faults, []);
  return refusals;
}

testOnEachTarget("Scopes and contexts that are too large are refused at once", async (target) => {
  await using cleanup = new AsyncDisposableStack();
  const stack = await startTestStack(target, cleanup);
  const headers = {
    apikey: stack.publishableKey,
    authorization: `Bearer ${await stack.signJwt(ACTORS.pm.claims)}`,
    "content-type": "application/json",
  };
  // Short where they travel, and 250 MB as text; the local data API makes them null, Postgres itself does not.
  const many = Array.from({ length: 1_900 }, (_, place) => `"k${place}":1e131071`);
  const long = Array.from({ length: 200 }, (_, place) => `"k${place}":"${"x".repeat(400)}"`);
  const refusals = {
    "must have at most 256 keys and has 1900": many,
    "must have at most 65536 bytes and has": long,
  };
  for (const rpc of await readRpcs(stack)) {
    for (
      const { name } of rpc.arguments.filter(({ name, type }) => type === "jsonb" && name !== "candidates")
    ) {
      const { [name]: _left, ...others } = Object.fromEntries(
        rpc.arguments.map((argument) => [argument.name, SOUND[argument.name]]),
      );
      const rest = JSON.stringify(others).slice(1, -1);
      for (const [reason, pairs] of Object.entries(refusals)) {
        const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/${rpc.name}`, {
          method: "POST",
          headers,
          body: `{${rest}${rest === "" ? "" : ","}"${name}":{${pairs.join(",")}}}`,
        });
        const { code, message } = await response.json();
        assertEquals([response.status, code], [400, "22023"], `${rpc.name} ${name}`);
        assert(String(message).includes(reason), `${rpc.name} ${name}: ${message}`);
      }
    }
  }
  const scope = Object.fromEntries(Array.from({ length: 2_000 }, (_, place) => [`key ${place}`, "x"]));
  const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/get_pm_sizing_batch`, {
    method: "POST",
    headers,
    body: JSON.stringify({ candidates: [...Array(100).fill({ ...CANDIDATE, scope }), CANDIDATE] }),
  });
  const rows: { error: { message: string } | null; ignored: unknown }[] = await response.json();
  assertEquals(response.status, 200);
  assertEquals(
    rows.slice(0, 100).map(({ error }) => error?.message),
    Array(100).fill("Scope is not valid: scope must have at most 256 keys and has 2000"),
  );
  assertEquals(rows[100]?.ignored, {});
});

/** The RPCs that a pm may call, or an operator alone, and their arguments, from the database itself. */
async function readRpcs(stack: Stack, operatorOnly = false): Promise<Rpc[]> {
  const names = Object.entries(FUNCTIONS)
    .filter(([name, rights]) =>
      name.startsWith("public.") && rights.authenticated && (rights.operatorOnly ?? false) === operatorOnly
    )
    .map(([name]) => name.slice("public.".length));
  const rpcs = await stack.query<{ name: string; arguments: Rpc["arguments"] }>(
    `select p.proname as name, coalesce((
       select jsonb_agg(jsonb_build_object('name', p.proargnames[argument.place], 'type', argument.type::regtype::text)
         order by argument.place)
       from unnest(p.proargtypes::oid[]) with ordinality as argument(type, place)
     ), '[]') as arguments
     from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proname = any ($1)
     order by p.proname`,
    [names],
  );
  assertEquals(rpcs.map(({ name }) => name), names.sort());
  for (const rpc of rpcs) {
    for (const { name } of rpc.arguments) assert(name in SOUND, `${rpc.name}: what is a sound ${name}?`);
  }
  return rpcs;
}

/** What is wrong with an answer; null where nothing is. */
function faultOf({ status, body }: Answer): string | null {
  if (status === 200) return null;
  if (status >= 500) return `${status} ${body.slice(0, 300)}`;
  let refusal: { code?: unknown; message?: unknown; hint?: unknown };
  try {
    refusal = JSON.parse(body);
  } catch {
    return `${status} without a reason: ${body.slice(0, 300)}`;
  }
  if (typeof refusal.message !== "string" || refusal.message === "") {
    return `${status} without a message: ${body.slice(0, 300)}`;
  }
  // What the data API refuses before a function is called has a code of its own.
  return refusal.code === "22023" && (typeof refusal.hint !== "string" || refusal.hint === "")
    ? `22023 without a hint: ${body.slice(0, 300)}`
    : null;
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
