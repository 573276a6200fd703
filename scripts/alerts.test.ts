/** Alerts over HTTP: a webhook that listens, the schedule's own commands, and what it is told. */

import { assertEquals, assertMatch } from "@std/assert/mod.js";
import type { Stack } from "./stack/stack.ts";
import { startTestStack, testOnEachTarget } from "./testing/databases.ts";

/** The part of an address that makes it a secret. */
const PATH = "/services/T0/B0/fJ3kQ9";

interface Webhook extends AsyncDisposable {
  readonly url: string;
  /** Takes the bodies that came since it was asked last. */
  take(): unknown[];
  answersWith(status: number): void;
}

function startWebhook(): Webhook {
  let bodies: unknown[] = [];
  let status = 200;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || request.headers.get("content-type") !== "application/json") {
      return new Response("invalid_payload", { status: 400 });
    }
    bodies.push(await request.json());
    return new Response(status === 200 ? "ok" : `Cannot POST ${pathname}`, { status });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}${PATH}`,
    take: () => {
      const taken = bodies;
      bodies = [];
      return taken;
    },
    answersWith: (wanted) => {
      status = wanted;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs a job of the schedule by its own command, and lets what it sent arrive. */
async function run(stack: Stack, name: "watch" | "digest", times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    const [job] = await stack.query<{ command: string }>("select command from cron.job where jobname = $1", [
      `edgeloop-${name}`,
    ]);
    if (job === undefined) throw new Error(`${name} is not on the schedule.`);
    await stack.query(job.command);
    await stack.settle();
  }
}

async function storeWebhook(stack: Stack, url: string): Promise<void> {
  await stack.query(
    `select case when stored.id is null then vault.create_secret($1, wanted.name)::text
       else vault.update_secret(stored.id, $1)::text end
     from (values ('alert_webhook_url')) as wanted(name)
     left join vault.secrets stored on stored.name = wanted.name`,
    [url],
  );
}

async function problemOfAlerts(stack: Stack): Promise<string | null> {
  const [health] = await stack.query<{ problem: string | null }>(
    "select problem from public.learning_health where stage = 'alerts'",
  );
  return health?.problem ?? null;
}

testOnEachTarget(
  "a problem is told once and its end once, however often the watch goes round, and the week on Mondays",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup, { schedule: false });
    const webhook = cleanup.use(startWebhook());
    await storeWebhook(stack, webhook.url);
    await run(stack, "watch", 2);
    assertEquals(webhook.take(), [], "Where all is well there is nothing to tell.");

    const rejected = {
      id: "<!channel> & co",
      kind: "position_closed",
      content: { trade_id: 7 },
    };
    await stack.query("insert into public.ad_strands (id, kind, content) values ($1, $2, $3)", [
      rejected.id,
      rejected.kind,
      rejected.content,
    ]);
    await stack.settle();
    await run(stack, "watch", 3);
    const [told, ...more] = webhook.take() as { text: string; content: string; allowed_mentions: unknown }[];
    assertEquals(more, []);
    assertMatch(told?.content ?? "", /^Edgeloop: inbox is not well: 1 strand was rejected within a day/);
    assertEquals(told?.content.includes("<!channel> & co"), true);
    assertEquals(
      told?.text.includes("&lt;!channel&gt; &amp; co"),
      true,
      "It would ring at everybody in Slack.",
    );
    assertEquals(told?.allowed_mentions, { parse: [] }, "It would ring at everybody in Discord.");

    await stack.query("delete from public.ad_strands where id = $1", [rejected.id]);
    await run(stack, "watch", 3);
    const over = webhook.take() as { content: string }[];
    assertEquals(over.length, 1);
    assertMatch(
      over[0]?.content ?? "",
      /^Edgeloop: over since .* UTC, after 1 minute: inbox is not well: 1 strand/,
    );
    assertEquals(
      await stack.query(
        "select kind, closed_at >= opened_at as over, sent_at > closed_at as told from public.learning_alerts",
      ),
      [{ kind: "inbox", over: true, told: true }],
    );

    await run(stack, "digest", 2);
    const weeks = webhook.take() as { content: string }[];
    assertEquals(weeks.map(({ content }) => content.split("\n").map((line) => line.split(/[ :,]/)[0])), [
      ["Edgeloop", "Lessons", "Overrides", "Sizes", "Live", "Proof", "Health"],
    ]);
  },
);

testOnEachTarget(
  "a webhook that is none, or refuses, is told of in words and never by its address",
  async (target) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(target, cleanup, { schedule: false });
    const webhook = cleanup.use(startWebhook());
    const shown = async (): Promise<string> =>
      JSON.stringify([
        await stack.query("select * from public.learning_log"),
        await stack.query("select * from public.learning_alerts"),
        await stack.query("select * from public.learning_health"),
      ]);

    await stack.query("update vault.secrets set name = 'elsewhere' where name = 'edge_function_secret_key'");
    await run(stack, "watch");
    assertEquals(await stack.query("select kind, sent_at from public.learning_alerts"), [
      { kind: "doorbell", sent_at: null },
    ], "Without a webhook it is written down.");
    assertEquals(await problemOfAlerts(stack), null);

    for (
      const [url, fault] of [
        ["", "is blank"],
        [webhook.url.replace("http://", ""), "does not begin with https://"],
        [webhook.url.replace("/T0/", "/T 0/"), "has blanks in it"],
      ] as const
    ) {
      await storeWebhook(stack, url);
      await run(stack, "watch");
      await run(stack, "digest");
      assertEquals(
        (await problemOfAlerts(stack))?.startsWith(`alert_webhook_url in Vault ${fault}: `),
        true,
        fault,
      );
      assertEquals((await shown()).includes("fJ3kQ9"), false, fault);
    }
    assertEquals(webhook.take(), []);

    await storeWebhook(stack, webhook.url);
    webhook.answersWith(404);
    await run(stack, "watch", 2);
    assertEquals(webhook.take().length, 1, "What lasted meanwhile is told, once.");
    assertMatch(
      await problemOfAlerts(stack) ?? "",
      /^the webhook in alert_webhook_url answered 404 at .* UTC$/,
    );
    assertEquals((await shown()).includes("fJ3kQ9"), false);

    webhook.answersWith(200);
    await stack.query("update vault.secrets set name = 'edge_function_secret_key' where name = 'elsewhere'");
    await run(stack, "watch", 2);
    assertEquals(webhook.take().length, 1);
    assertEquals(await problemOfAlerts(stack), null, "With an answer it is well again.");
    assertEquals((await shown()).includes("fJ3kQ9"), false);
  },
);
