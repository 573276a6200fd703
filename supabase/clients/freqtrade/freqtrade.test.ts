/** The strategy's side of freqtrade, called as freqtrade calls it, and that it asks for what the import writes. */

import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { TextLineStream } from "@std/streams/text_line_stream.js";
import { z } from "zod";
import { readTrade } from "../../../scripts/import/freqtrade/trade.ts";
import { tradeStrands } from "../../../scripts/import/strands.ts";
import { PYTHON } from "../../../scripts/testing/clients/subjects.ts";
import { FACTS, rawTrade } from "../../../scripts/testing/import/freqtrade_exports.ts";

const HERE = new URL(".", import.meta.url).pathname;
const CLIENT = new URL("../python/", import.meta.url).pathname;
const BOT = new URL("../../../scripts/testing/clients/freqtrade_bot.py", import.meta.url).pathname;

const QUESTION = {
  mode: "live",
  name: "SizedStrategy",
  pair: "SOL/USDT",
  current_time: "2024-01-01T16:10:00+00:00",
  current_rate: 106.5,
  proposed_stake: 100,
  min_stake: 10,
  max_stake: 1000,
  leverage: 1,
  entry_tag: "dip",
  side: "long",
};

const replySchema = z.object({ stake: z.number(), log: z.array(z.string()) });
const askedSchema = z.object({
  pattern_key: z.string(),
  action_category: z.string(),
  scope: z.record(z.string(), z.string()),
});
type Asked = z.infer<typeof askedSchema>;

/** A service that answers every size with the strength it is set to, or not at all. */
class Service implements AsyncDisposable {
  strength: number | null = 1.15;
  readonly asked: Asked[] = [];
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    async (request) => {
      this.asked.push(askedSchema.parse(await request.json()));
      if (this.strength === null) return new Response("down", { status: 503 });
      return Response.json({
        mode: "posture",
        base_alloc_pct: 0.1,
        timeframe_share: null,
        size_frac_raw: 0.35,
        pm_strength: this.strength,
        exposure_skew: 1.33,
        size_frac: 0.5,
        max_alloc_pct: 0.1,
        a_final: 0.5,
        e_final: 0.5,
        confidence: 0.5,
        steer_max: 0.1,
        overrides: [],
        exposure: { enabled: false, masks: [] },
        shadow: {},
        config_version: 1,
        computed_at: "2024-01-01T00:00:00Z",
      });
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

/** A bot in a process of its own. */
class Bot implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: AsyncIterator<string>;

  constructor(env: Record<string, string>) {
    this.#process = new Deno.Command("python3", {
      args: [BOT, HERE, CLIENT],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    const lines: ReadableStream<string> = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async stake(
    changes: Partial<Omit<typeof QUESTION, "entry_tag">> & { entry_tag?: string | null },
  ): Promise<z.infer<typeof replySchema>> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify({ ...QUESTION, ...changes })}\n`));
    const { value } = await this.#lines.next();
    return replySchema.parse(JSON.parse(String(value)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#lines.return?.();
    await this.#process.status;
  }
}

Deno.test({
  name:
    "a stake is the proposed one times what was learned, and the proposed one where nobody answers (python3)",
  ignore: !PYTHON.isHere,
  fn: async () => {
    await using service = new Service();
    await using bot = new Bot({ EDGELOOP_URL: service.url, EDGELOOP_KEY: "sb_secret_test" });
    const live = await bot.stake({});
    assertAlmostEquals(live.stake, 115, 1e-9);
    assertEquals(live.log.at(-1)?.endsWith("stake 115 = proposed 100 x 1.150 (live)"), true);
    assertAlmostEquals((await bot.stake({ mode: "dry_run" })).stake, 115, 1e-9);
    service.strength = 9;
    assertEquals((await bot.stake({})).stake, 300);
    assertEquals((await bot.stake({ max_stake: 250 })).stake, 250);
    service.strength = 0.01;
    assertEquals((await bot.stake({})).stake, 30);
    assertEquals((await bot.stake({ min_stake: 40 })).stake, 40);
    service.strength = null;
    assertEquals((await bot.stake({})).stake, 30);
    assertEquals((await bot.stake({ pair: "ADA/USDT" })).stake, 100);
    const before = service.asked.length;
    for (const mode of ["backtest", "hyperopt"]) assertEquals((await bot.stake({ mode })).stake, 100);
    assertEquals(service.asked.length, before);
    await using lost = new Bot({ EDGELOOP_URL: "", EDGELOOP_KEY: "" });
    const unset = await lost.stake({});
    assertEquals([unset.stake, unset.log[0]?.startsWith("EDGELOOP_URL and EDGELOOP_KEY are not set")], [
      100,
      true,
    ]);
  },
});

Deno.test({
  name: "what a strategy asks for is what the import calls such a trade, whatever its names (python3)",
  ignore: !PYTHON.isHere,
  fn: async () => {
    await using service = new Service();
    await using bot = new Bot({ EDGELOOP_URL: service.url, EDGELOOP_KEY: "sb_secret_test" });
    const trades = [
      { name: "SizedStrategy", tag: "dip", side: "long", time: "2024-01-01T16:10:00+00:00" },
      { name: "Nostalgia_X6", tag: null, side: "short", time: "2024-02-04T07:59:59+00:00" },
      { name: "S", tag: "买入", side: "long", time: "2024-03-05T08:00:00+00:00" },
      { name: "S", tag: " rsi < 30 (1h) ", side: "long", time: "2024-03-06T02:00:00+02:00" },
      { name: "S", tag: "x".repeat(120), side: "short", time: "2024-03-07T23:59:59+00:00" },
    ];
    for (const { name, tag, side, time } of trades) {
      await bot.stake({
        name,
        current_time: time,
        side,
        entry_tag: tag,
      });
      const value = rawTrade({
        enter_tag: tag,
        is_short: side === "short",
        open_timestamp: Date.parse(time),
        close_timestamp: 1.72e12,
      });
      const { trade } = readTrade({ strategy: name, index: 0, value, fromBot: false }, FACTS);
      if (trade === undefined) throw new Error(`${name} was refused`);
      const [entry] = tradeStrands(trade, "id");
      assertEquals(service.asked.at(-1), askedSchema.parse(entry?.content));
    }
  },
});
