/** The screen as people meet it: in a browser, as everybody, on nothing, on a market and on very much. */

import { assert, assertEquals, assertMatch } from "@std/assert/mod.js";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { z } from "zod";
import type { Stack } from "../stack/stack.ts";
import { findChromium, pathOf } from "../testing/chromium.ts";
import { fillMarket, fillOverrides } from "../testing/dashboard/market.ts";
import { startTestStack, TEST_DATABASE_VARIABLE } from "../testing/databases.ts";
import { pageResponse } from "./build.ts";
import { linkFor, type Role } from "./links.ts";
import { writeReport } from "./report.ts";

const CHROMIUM = await findChromium();
const TARGET = Deno.env.get(TEST_DATABASE_VARIABLE) === undefined ? "embedded" : "postgres";
/** On a server as many as the largest book has; the embedded database takes a tenth in the time. */
const MANY = TARGET === "postgres" ? 100_000 : 10_000;
const PAGES = [
  "today",
  "lessons",
  "sizing",
  "overrides",
  "book",
  "gates",
  "money",
  "proof",
  "settings",
  "log",
];

const violations = z.array(z.string());

/** Somebody who looks, and whatever the browser complained about meanwhile. */
class Visitor implements AsyncDisposable {
  readonly complaints: string[] = [];

  constructor(readonly page: Page, readonly origin: string) {
    page.setDefaultTimeout(15_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) {
        this.complaints.push(`asked elsewhere: ${url}`);
      }
    });
  }

  static async come(
    browser: Browser,
    stack: Stack,
    role: Role | "nobody",
    options: { readonly dark?: boolean; readonly width?: number } = {},
  ): Promise<Visitor> {
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1280, height: 900 },
      colorScheme: options.dark === true ? "dark" : "light",
      reducedMotion: "reduce",
    });
    const visitor = new Visitor(page, stack.apiUrl);
    await page.goto(role === "nobody" ? `${stack.apiUrl}/` : await linkFor(stack, role));
    await page.evaluate(axe.source);
    return visitor;
  }

  /** Goes to a page, and waits until all of it is read. */
  async open(place: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
    await this.page.locator(`nav a[aria-current][href="#/${place.split("/")[0]}"]`).waitFor();
    await this.settled();
  }

  async settled(): Promise<void> {
    // What is read sets off further reads: twice nothing waits.
    for (let quiet = 0; quiet < 2; quiet++) {
      await this.page.locator(".waiting").first().waitFor({ state: "detached" });
      await this.page.waitForTimeout(60);
    }
  }

  text(): Promise<string> {
    return this.page.locator("main").innerText();
  }

  /** What keeps people out, by the rules of WCAG 2 of levels A and AA. */
  async barriers(): Promise<string[]> {
    return violations.parse(
      await this.page.evaluate(
        `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
        resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
          nodes.slice(0, 3).map(({ html, failureSummary }) => id + ": " + html + " " + failureSummary)))`,
      ),
    );
  }

  /** Opens every page and says what is wrong with any. */
  async walk(look: { readonly barriers: boolean }): Promise<void> {
    for (const place of PAGES) {
      await this.open(place);
      const text = await this.text();
      assert(!/undefined|NaN|\[object/.test(text), `${place} says ${text}`);
      assertEquals(await this.page.locator("[role=alert]").allInnerTexts(), [], place);
      if (look.barriers) assertEquals(await this.barriers(), [], place);
      assertEquals(
        await this.page.evaluate("document.documentElement.scrollWidth - innerWidth"),
        0,
        `${place} is wider than the screen`,
      );
    }
    assertEquals(this.complaints, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

async function offers(stack: Stack, name: string): Promise<boolean> {
  const rows = await stack.query("select from learning_interface where name = $1", [name]);
  return rows.length > 0;
}

async function idOf(stack: Stack, pattern: string): Promise<number> {
  const [row] = await stack.query<{ id: number }>(
    "select id from pm_overrides where pattern_key = $1 and override_type = 'pm_strength'",
    [pattern],
  );
  if (row === undefined) throw new Error(`No override is about ${pattern}.`);
  return row.id;
}

/** The database's clock as a field for day and time takes it. */
async function nowOf(stack: Stack): Promise<string> {
  const [row] = await stack.query<{ now: string }>(
    `select to_char(date_trunc('second', now() at time zone 'utc') + interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS') as now`,
  );
  return row?.now ?? "";
}

async function onNothing(browser: Browser, stack: Stack, t: Deno.TestContext): Promise<void> {
  await t.step("signed out it asks who is there, and nothing else is to be had", async () => {
    await using visitor = await Visitor.come(browser, stack, "nobody");
    await visitor.page.getByLabel("Mail address").waitFor();
    assertEquals(await visitor.barriers(), []);
    await visitor.page.getByLabel("Token", { exact: true }).fill("no.token.atall");
    await visitor.page.getByRole("button", { name: "Enter" }).click();
    assertMatch(await visitor.page.getByRole("alert").innerText(), /no token/);
    assertEquals(visitor.complaints, []);
  });
  await t.step("an empty database says what to do first, and no page breaks", async () => {
    await using visitor = await Visitor.come(browser, stack, "viewer");
    await visitor.settled();
    assertMatch(await visitor.text(), /Nothing is here yet[\s\S]*Send strands/);
    await visitor.walk({ barriers: true });
  });
  await t.step("the token is taken out of the address", async () => {
    await using visitor = await Visitor.come(browser, stack, "viewer");
    await visitor.settled();
    assertEquals(new URL(visitor.page.url()).hash, "#/today");
  });
}

async function onAMarket(browser: Browser, stack: Stack, t: Deno.TestContext): Promise<void> {
  await t.step("a viewer sees every page, in light", async () => {
    await using visitor = await Visitor.come(browser, stack, "viewer");
    await visitor.walk({ barriers: true });
    await visitor.open("lessons");
    assertMatch(await visitor.text(), /\+11\.5\s+\+9\.5 to \+13\.5/);
    await visitor.page.locator(".forest a").first().click();
    await visitor.settled();
    assertMatch(await visitor.text(), /2 lessons in this family/);
    assertEquals(await visitor.barriers(), []);
    assertEquals(visitor.complaints, []);
  });
  await t.step("in dark, and on a phone, nothing is lost", async () => {
    await using dark = await Visitor.come(browser, stack, "viewer", { dark: true });
    await dark.walk({ barriers: true });
    await using phone = await Visitor.come(browser, stack, "viewer", { width: 360 });
    await phone.walk({ barriers: false });
  });
  await t.step("a viewer's buttons are off, and what he sends all the same is refused", async () => {
    await using visitor = await Visitor.come(browser, stack, "viewer");
    const id = await idOf(stack, "pm.uptrend.S2.dip");
    await visitor.open(`overrides/${id}`);
    for (const name of ["Pin…", "Switch off…", "Restore…"]) {
      assert(await visitor.page.getByRole("button", { name }).isDisabled(), name);
    }
    const token = await stack.signJwt({ app_metadata: { learning_role: "viewer" } });
    const headers = {
      apikey: stack.publishableKey,
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    };
    const patched = await fetch(`${stack.apiUrl}/rest/v1/pm_overrides?id=eq.${id}`, {
      method: "PATCH",
      headers,
      body: '{"enabled": false}',
    });
    await patched.body?.cancel();
    assertEquals(patched.status, 403);
    if (await offers(stack, "switch_override")) {
      const called = await fetch(`${stack.apiUrl}/rest/v1/rpc/switch_override`, {
        method: "POST",
        headers,
        body: JSON.stringify({ id, enabled: false, reason: "because" }),
      });
      await called.body?.cancel();
      assertEquals(called.status, 403);
    }
    const [row] = await stack.query<{ enabled: boolean }>("select enabled from pm_overrides where id = $1", [
      id,
    ]);
    assertEquals(row?.enabled, true);
  });
  await t.step(
    "a pm is told a size in steps, with what made it and what else would have been said",
    async () => {
      await using visitor = await Visitor.come(browser, stack, "pm");
      await visitor.walk({ barriers: false });
      await visitor.open("sizing");
      await visitor.page.getByLabel("Choose one").selectOption({ index: 1 });
      await visitor.page.getByRole("heading", { name: "Other modes" }).waitFor();
      await visitor.settled();
      assertMatch(await visitor.text(), /Size \d+\.\d %[\s\S]*override \d+/);
      assertMatch(
        await visitor.page.getByRole("img", { name: /^base 35\.0 %, learned \+/ }).innerText(),
        /base/,
      );
      assertEquals(await visitor.barriers(), []);
      assertEquals(visitor.complaints, []);
    },
  );
  await t.step("with the keyboard alone one comes to a page and into its rows", async () => {
    await using visitor = await Visitor.come(browser, stack, "viewer");
    await visitor.settled();
    await visitor.page.keyboard.press("Tab");
    assertEquals(await visitor.page.evaluate("document.activeElement.textContent"), "To the page");
    for (let press = 0; press < 5; press++) await visitor.page.keyboard.press("Tab");
    assertEquals(await visitor.page.evaluate("document.activeElement.textContent"), "Overrides");
    await visitor.page.keyboard.press("Enter");
    await visitor.settled();
    assertEquals(await visitor.page.evaluate("document.activeElement.id"), "main");
  });
  await t.step("a report shows the same and asks nobody", async () => {
    const file = await Deno.makeTempFile({ suffix: ".html" });
    try {
      await writeReport(file, stack.databaseUrl);
      const page = await browser.newPage();
      const visitor = new Visitor(page, "file://");
      await page.goto(`file://${file}`);
      await page.evaluate(axe.source);
      visitor.complaints.length = 0;
      await visitor.walk({ barriers: false });
      await visitor.open("lessons");
      assertMatch(await visitor.text(), /A report of[\s\S]*\+11\.5/);
      await page.close();
    } finally {
      await Deno.remove(file);
    }
  });
}

async function atTheWheel(browser: Browser, stack: Stack, t: Deno.TestContext): Promise<void> {
  const ready = await offers(stack, "pin_override");
  await t.step({
    name: "an operator pins, switches off, gives back and restores, each with a reason",
    ignore: !ready,
    fn: async () => {
      await using visitor = await Visitor.come(browser, stack, "operator");
      const { page } = visitor;
      await visitor.walk({ barriers: false });
      const id = await idOf(stack, "pm.uptrend.S2.dip");
      const stateOf = async (): Promise<unknown> =>
        (await stack.query(
          "select control, enabled, round(multiplier::numeric, 4)::float8 as multiplier from pm_overrides where id = $1",
          [id],
        ))[0];
      const then = await nowOf(stack);
      // What is typed knows no parts of a second.
      await page.waitForTimeout(1_100);
      const press = (name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
      const reason = (text: string): Promise<void> => page.getByLabel("Reason").fill(text);
      const learned = { control: "auto", enabled: true, multiplier: 0.8196 };
      assertEquals(await stateOf(), learned);

      await visitor.open(`overrides/${id}`);
      await press("Pin…");
      assertEquals(await visitor.barriers(), []);
      await page.getByRole("dialog").getByLabel("factor", { exact: true }).fill("0.75");
      await reason("fees rose");
      await press("Pin");
      await page.getByText("“fees rose”").waitFor();
      assertEquals(await stateOf(), { control: "pinned", enabled: true, multiplier: 0.75 });

      await press("Switch off…");
      await reason("not today");
      await press("Switch off");
      await page.getByText("“not today”").waitFor();
      assertEquals(await stateOf(), { control: "off", enabled: false, multiplier: 0.75 });

      await visitor.open("sizing");
      await page.getByLabel("or paste one as JSON").fill(
        '{"pattern_key": "pm.uptrend.S2.dip", "action_category": "entry", "scope": {"age_bucket": "<1d"}}',
      );
      await page.keyboard.press("Tab");
      await page.getByRole("heading", { name: "Then and now" }).waitFor();
      await page.getByLabel("Then, UTC").fill(then);
      await press("Compare");
      await page.getByRole("table", { name: "Differences" }).getByText(`override ${id}`).waitFor();
      assertMatch(await page.getByRole("table", { name: "Differences" }).innerText(), /went/);
      assertEquals(await visitor.barriers(), []);

      await visitor.open(`overrides/${id}`);
      await press("Restore…");
      await page.getByLabel("As they were at").fill(then);
      await reason("it was a bad day");
      await press("Restore");
      await page.getByText("“it was a bad day”").first().waitFor();
      assertEquals(await stateOf(), { ...learned, control: "pinned" });

      await press("Give back to the loop…");
      await reason("over");
      await press("Give back");
      await page.getByText("“over”").waitFor();
      assertEquals(await stateOf(), learned);
      assertEquals(visitor.complaints, []);
    },
  });
  await t.step({
    name: "what is typed for a setting is checked before it is saved, and then holds",
    ignore: !await offers(stack, "set_config"),
    fn: async () => {
      await using visitor = await Visitor.come(browser, stack, "operator");
      const { page } = visitor;
      await visitor.open("settings");
      const field = page.getByLabel("n_min of pm");
      await field.fill("1");
      assertMatch(await visitor.text(), /n_min takes a whole number from 2/);
      assert(await page.getByRole("button", { name: "Save pm…" }).isDisabled());
      await field.fill("40");
      await page.getByRole("button", { name: "Save pm…" }).click();
      await page.getByLabel("Reason").fill("fewer and better");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByText("“fewer and better”").waitFor();
      assertEquals(
        await stack.query(
          "select config_data -> 'n_min' as n_min from learning_configs where module_id = 'pm'",
        ),
        [{ n_min: 40 }],
      );
      assertEquals(visitor.complaints, []);
    },
  });
}

async function onVeryMuch(browser: Browser, stack: Stack, t: Deno.TestContext): Promise<void> {
  await t.step(
    `${MANY.toLocaleString("en")} overrides scroll to the last, and are found by name`,
    async () => {
      await using visitor = await Visitor.come(browser, stack, "viewer");
      const { page } = visitor;
      await visitor.open("overrides");
      await page.getByText(new RegExp(`^${(MANY + 4).toLocaleString("en")} overrides$`)).waitFor();
      assert(await page.locator(".vbox [role=row]").count() < 60, "only what is in sight is drawn");
      await page.getByLabel("Order").selectOption("most trades");
      await visitor.settled();
      await page.evaluate("document.querySelector('.vbox').scrollTo({ top: 1e9 })");
      await page.locator(`.vbox [aria-rowindex="${MANY + 5}"] a`).waitFor();
      assertEquals(await visitor.barriers(), []);
      await page.getByLabel("Behaviour has").fill("retest");
      await page.getByText("1 override", { exact: true }).waitFor();
      await page.locator(".vbox a").first().click();
      await page.getByRole("heading", { name: /^Override \d+$/ }).waitFor();
      await visitor.settled();
      assertMatch(await visitor.text(), /History/);
      await visitor.walk({ barriers: false });
    },
  );
}

Deno.test({
  name: "the screen shows everybody what he may see and lets nobody do more (Chromium)",
  ignore: CHROMIUM === undefined,
  // The browser and what drives it end with the test; its pipes are not the test's to count.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack(TARGET, cleanup, { page: (key) => pageResponse({ key }) });
    const browser = await chromium.launch({
      executablePath: await pathOf(CHROMIUM ?? ""),
      args: ["--no-sandbox", "--disable-gpu"],
    });
    cleanup.defer(() => browser.close());
    await onNothing(browser, stack, t);
    await fillMarket(stack);
    await onAMarket(browser, stack, t);
    await fillOverrides(stack, MANY);
    await onVeryMuch(browser, stack, t);
    await atTheWheel(browser, stack, t);
  },
});
