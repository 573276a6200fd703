/**
 * What is done with each block of the README, and how far that goes on a machine without Docker and without an account.
 *
 * @module
 */

import { TextReader, Uint8ArrayWriter, ZipWriter } from "@zip.js/zip.js";
import type { Database } from "../stack/database.ts";
import { installStandIns } from "../stack/standins.ts";
import { createTestDatabase } from "../testing/databases.ts";
import { exportText, rawTrade } from "../testing/import/freqtrade_exports.ts";
import { type Block, commandsOf, type Step } from "./blocks.ts";
import { runPlatformCommands } from "./platform_commands.ts";
import { DENO_RUN, nodeCommand, type Session } from "./session.ts";

/** What earlier blocks give to later ones of their language. */
export type Connections = Record<string, string>;

/** Runs a block and answers how far that went; `null` is all the way. */
export type Run = (session: Session, block: Block, connections: Connections) => Promise<string | null>;

const CONNECT = "Connect";
const SIZING = "Ask for a sizing";
const PUSH = "Push it to Supabase";
const FROM_THE_PM = "From the PM";

/** The README's table under "Ask for a sizing": 0.35 · 1.0797 · 1.33. */
const SIZE = /0\.5026/;

export const STEPS: readonly Step<Run>[] = [
  { heading: "Try it", language: "sh", holds: "task demo\n", run: runEach },
  { heading: "Try it", language: "sh", holds: "import:freqtrade", run: runImport },
  {
    heading: PUSH,
    language: "sh",
    holds: "supabase link",
    run: (session, block) => runPlatformCommands(session, commandsOf(block)),
  },
  { heading: PUSH, language: "sql", holds: "vault.create_secret", run: storeSecretsTwice },
  { heading: PUSH, language: "sql", holds: "auth.users", run: giveLearningRole },
  {
    heading: "Move in where another system lives",
    language: "sh",
    holds: "task adopt",
    run: notRun(
      "it needs a database in which another system lives; scripts/adopt/adoption.test.ts makes one",
    ),
  },
  { heading: "Prove it", language: "sh", holds: "task prove", run: runEach },
  { heading: CONNECT, language: "sh", holds: "task start", run: startStack },
  { heading: CONNECT, language: "js", holds: "createClient", run: connectWith },
  {
    heading: CONNECT,
    language: "js",
    holds: "postgres(databaseUrl)",
    run: async (session, block, connections) => {
      const printed = await runJs(session, [connections.js, block.text]);
      if (!printed.includes("mine-lessons")) {
        throw new Error(`The stages were to be shown, and not ${printed}`);
      }
      return null;
    },
  },
  { heading: CONNECT, language: "sh", holds: "API_URL=", run: connectWith },
  { heading: CONNECT, language: "python", holds: "Edgeloop(", run: connectWith },
  { heading: "Write strands", language: "js", holds: "ad_strands", run: writeStrands },
  {
    heading: "Your own trades",
    language: "text",
    holds: "import:csv",
    run: notRun("it needs trades of one's own; scripts/import/ has tests with made-up ones"),
  },
  { heading: SIZING, language: "sql", holds: "insert into pm_overrides", run: runSql },
  {
    heading: SIZING,
    language: "js",
    holds: "get_pm_sizing",
    run: async (session, block, connections) =>
      expectSize(await runJs(session, [connections.js, block.text, "console.log(error, data.size_frac);"])),
  },
  {
    heading: SIZING,
    language: "sh",
    holds: "curl",
    run: async (session, block, connections) =>
      expectSize(await session.sh(`${connections.sh}\n${block.text}`)),
  },
  {
    heading: SIZING,
    language: "python",
    holds: "edgeloop.size(",
    run: async (session, block, connections) =>
      expectSize(await runPython(session, [connections.python, block.text, "print(sizing.size_frac)"])),
  },
  {
    heading: FROM_THE_PM,
    language: "python",
    holds: "apply_overrides",
    run: async (session, block, connections) =>
      expectSize(
        await runPython(session, [
          connections.python,
          block.text,
          `action = {"pattern_key": "pm.uptrend.S1.buy_flag", "action_category": "entry", "reasons": {}}`,
          `print(apply_overrides(action, {"timeframe": "15m", "chain": "solana"}, 0.5, 0.5))`,
        ]),
      ),
  },
  {
    heading: FROM_THE_PM,
    language: "ts",
    holds: "new Edgeloop(",
    run: async (session, block, connections) =>
      expectSize(
        await session.program(
          "program.ts",
          [
            connections.js,
            `const action = { pattern_key: "pm.uptrend.S1.buy_flag", action_category: "entry" } as const;`,
            `const [scope, a_value, e_value] = [{ timeframe: "15m", chain: "solana" }, 0.5, 0.5];`,
            block.text,
            "console.log(size_frac, pm_strength, exposure_skew, source);",
          ].join("\n"),
          [...DENO_RUN, "--quiet"],
        ),
      ),
  },
  { heading: "Hearing from it", language: "sql", holds: "alert_webhook_url", run: storeWebhookTwice },
  {
    heading: "Hearing from it",
    language: "js",
    holds: "edgeloop:overrides",
    run: notRun(
      "it needs Realtime, which the platform has; supabase/tests/11_alerts.test.sql has a stand-in for it",
    ),
  },
  {
    heading: "Restore",
    language: "sh",
    holds: "supabase db dump",
    run: notRun(
      "db dump starts Docker; scripts/restore.test.ts runs the script that it prints, and the rest",
    ),
  },
  { heading: "Configure", language: "sql", holds: "learning_configs", run: runSql },
  { heading: "Configure", language: "sql", holds: "scope_dimensions", run: runSql },
];

function notRun(reason: string): Run {
  return () => Promise.resolve(`not run: ${reason}`);
}

/** The tests run in a step of their own wherever this does. */
async function runEach(session: Session, block: Block): Promise<string | null> {
  const left: string[] = [];
  for (const command of commandsOf(block)) {
    if (command.endsWith(" task test") && Deno.env.get("EDGELOOP_README_WITHOUT_TESTS") === "1") {
      left.push(`"${command}" not run: EDGELOOP_README_WITHOUT_TESTS says that it has been`);
    } else await session.sh(command);
  }
  return left.length === 0 ? null : left.join("; ");
}

async function runImport(session: Session, block: Block): Promise<string | null> {
  const trades = Array.from({ length: 40 }, (_, place) => {
    const openedAt = Date.UTC(2024, 0, 1 + place, 16);
    return rawTrade({
      open_timestamp: openedAt,
      close_timestamp: openedAt + 3_600_000,
      profit_ratio: place % 3 === 0 ? -0.02 : 0.015,
      orders: [],
    });
  });
  const writer = new ZipWriter(new Uint8ArrayWriter());
  await writer.add("backtest-result.json", new TextReader(exportText({ ichi: trades })));
  await Deno.writeFile(`${session.folder}/backtest-result.zip`, await writer.close());
  return await runEach(session, block);
}

/** On a database of its own: the stack's has the secrets of the stack. */
async function storeSecretsTwice(_session: Session, block: Block): Promise<string | null> {
  await using database = await createTestDatabase("embedded", "nothing");
  await installStandIns(database.sql);
  await runStatementOfSecrets(database.sql, block);
  return "in a database of this machine, twice";
}

/** Runs the README's statement twice, the second time with other values, and looks what is stored after each. */
export async function runStatementOfSecrets(sql: Database, { text }: Block): Promise<void> {
  for (const [ref, key] of [["abc", "sb_secret_1"], ["def", "sb_secret_2"]] as const) {
    await sql.unsafe(text.replace("<ref>", ref).replace("sb_secret_…", key));
    const stored = await sql<{ secret: string }[]>`
      select decrypted_secret as secret from vault.decrypted_secrets
      where name in ('project_url', 'edge_function_secret_key') order by name`;
    const secrets = stored.map(({ secret }) => secret).join(" ");
    if (secrets !== `${key} https://${ref}.supabase.co`) throw new Error(`Vault has "${secrets}".`);
  }
}

async function storeWebhookTwice(_session: Session, { text }: Block): Promise<string | null> {
  await using database = await createTestDatabase("embedded", "nothing");
  await installStandIns(database.sql);
  for (const path of ["first", "second"]) {
    await database.sql.unsafe(text.replace("…", path));
    const stored = await database.sql<{ secret: string }[]>`
      select decrypted_secret as secret from vault.decrypted_secrets where name = 'alert_webhook_url'`;
    const secrets = stored.map(({ secret }) => secret).join(" ");
    if (secrets !== `https://hooks.slack.com/services/${path}`) throw new Error(`Vault has "${secrets}".`);
  }
  return "in a database of this machine, twice";
}

async function giveLearningRole(session: Session, block: Block): Promise<string | null> {
  await using database = await createTestDatabase("embedded", "nothing");
  await database.sql.unsafe(`
    create schema auth;
    create table auth.users (email text, raw_app_meta_data jsonb);
    insert into auth.users values ('you@example.com', '{"provider": "email"}')`).simple();
  await database.sql.unsafe(block.text);
  const [user] = await database.sql`select raw_app_meta_data ->> 'learning_role' as role from auth.users`;
  if (user?.role !== "pm") throw new Error(`The user in ${session.folder} has the role ${user?.role}.`);
  return "on a table like the platform's";
}

async function startStack(session: Session, block: Block): Promise<string | null> {
  await session.start(commandsOf(block).join("\n"));
  return null;
}

async function connectWith(session: Session, block: Block, connections: Connections): Promise<string | null> {
  connections[block.language] = block.text;
  if (block.language === "sh") {
    const printed = await session.sh(
      `${block.text}\nprintf '%s\\n' "$API_URL" "$SECRET_KEY"`,
    );
    if (!/^http:\S+\nsb_secret_\S+\n$/.test(printed)) throw new Error(`Read were ${printed}`);
  } else if (block.language === "js") await runJs(session, [block.text]);
  else await runPython(session, [block.text]);
  return null;
}

async function writeStrands(
  session: Session,
  block: Block,
  connections: Connections,
): Promise<string | null> {
  await runJs(session, [connections.js, block.text]);
  await using sql = await session.database();
  const deadline = Date.now() + 60_000;
  while (true) {
    const [found] = await sql<{ events: number }[]>`
      select count(*)::integer as events from public.pattern_trade_events where trade_id = 'trade-1'`;
    if (found?.events === 1) return null;
    if (Date.now() > deadline) throw new Error("The trade did not become an event within a minute.");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function runSql(session: Session, block: Block): Promise<string | null> {
  await using sql = await session.database();
  await sql.unsafe(block.text);
  return null;
}

async function runJs(session: Session, parts: readonly (string | undefined)[]): Promise<string> {
  return await session.program("program.mjs", parts.join("\n"), await nodeCommand());
}

async function runPython(session: Session, parts: readonly (string | undefined)[]): Promise<string> {
  const env = { PYTHONPATH: `${session.folder}/supabase/clients/python` };
  return await session.program("program.py", `${parts.join("\n")}\n`, ["python3"], env);
}

function expectSize(printed: string): null {
  if (!SIZE.test(printed)) {
    throw new Error(`The README promises a size of 0.5026, and this came:\n${printed}`);
  }
  return null;
}
