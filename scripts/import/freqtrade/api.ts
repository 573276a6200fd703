/**
 * Reads the trades of a bot that runs, over its REST API: page by page, with the user and password of its `api_server`.
 *
 * @module
 */

import { z } from "zod";
import { BotFacts, ExportError, type RawTrade, strategyOf } from "./export.ts";
import { NumbersThatAreNone } from "./numbers_that_are_none.ts";
import type { TradeSource } from "./source.ts";

/** Where a bot is and who asks. */
export interface BotAddress {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const PAGE = 500;
const PATIENCE_MS = 30_000;

const pageSchema = z.object({
  trades: z.array(z.unknown()),
  total_trades: z.number().int().nonnegative().optional(),
});
const countSchema = z.object({ current: z.number().int().nonnegative() });

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause);

function basic({ user, password }: BotAddress): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** The address of an endpoint, whether the address of the bot was given or that of its API. */
function endpoint(url: string, path: string): URL {
  const root = new URL(url);
  root.pathname = `${root.pathname.replace(/\/+$/, "").replace(/\/api\/v1(\/.*)?$/, "")}/api/v1/${path}`;
  root.search = "";
  root.username = "";
  root.password = "";
  return root;
}

async function ask(
  address: BotAddress,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<unknown> {
  const url = endpoint(address.url, path);
  url.search = new URLSearchParams(query).toString();
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: basic(address), accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (cause) {
    throw new ExportError(
      `No bot answers at ${url.origin}: ${
        messageOf(cause)
      }. Its configuration must have api_server enabled, and ` +
        `listen_ip_address and listen_port say where it listens.`,
      { cause },
    );
  }
  const text = await response.text();
  if (response.status === 401) {
    throw new ExportError(
      `The bot at ${url.origin} refuses the user "${address.user}" or the password. They are api_server.username and ` +
        `api_server.password of its configuration; give them as FREQTRADE_USER and FREQTRADE_PASSWORD.`,
    );
  }
  if (!response.ok) {
    throw new ExportError(
      `The bot at ${url.origin} answers ${response.status} to ${url.pathname}: ${text.slice(0, 200)}`,
    );
  }
  try {
    const bytes = new NumbersThatAreNone().next(new TextEncoder().encode(text));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ExportError(`${url.origin} is no freqtrade bot: it answers ${url.pathname} with no JSON.`, {
      cause,
    });
  }
}

async function readPage(address: BotAddress, offset: number): Promise<z.infer<typeof pageSchema>> {
  const answer = await ask(address, "trades", {
    limit: String(PAGE),
    offset: String(offset),
    order_by_id: "true",
  });
  const page = pageSchema.safeParse(answer);
  if (page.success) return page.data;
  throw new ExportError(
    `${new URL(address.url).origin} is no freqtrade bot: it answers /api/v1/trades without trades.`,
  );
}

/** The closed trades of a bot, all of them; one that closes meanwhile comes at the end. */
async function readAll(address: BotAddress): Promise<unknown[]> {
  const trades: unknown[] = [];
  for (;;) {
    const page = await readPage(address, trades.length);
    trades.push(...page.trades);
    if (page.trades.length === 0 || trades.length >= (page.total_trades ?? Infinity)) return trades;
  }
}

/** Opens a bot's API. Nothing is asked before the scan; the API tells of open trades only how many there are. */
export function openBot(address: BotAddress): TradeSource {
  let closed: readonly unknown[] = [];
  return {
    name: new URL(address.url).origin,
    size: null,
    scan: async (): Promise<BotFacts["strategies"]> => {
      closed = await readAll(address);
      const facts = new BotFacts();
      for (const trade of closed) facts.add(trade);
      return facts.strategies;
    },
    countOpen: async (): Promise<number> => countSchema.parse(await ask(address, "count", {})).current,
    trades: async function* (): AsyncGenerator<RawTrade> {
      yield* closed.map((value, index): RawTrade => ({
        strategy: strategyOf(value),
        index,
        value,
        fromBot: true,
      }));
    },
    [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve(),
  };
}
