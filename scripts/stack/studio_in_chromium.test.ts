/** Studio as a person sees it: in a browser. */

import { assertEquals, assertMatch } from "@std/assert/mod.js";
import { findChromium } from "../testing/chromium.ts";
import { startTestStack } from "../testing/databases.ts";

const CHROMIUM = await findChromium();

Deno.test({
  name: "Studio shows the tables and their rows in a browser (Chromium)",
  ignore: CHROMIUM === undefined,
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack("embedded", cleanup, { studio: true });
    await stack.query(
      "insert into public.ad_strands (id, kind, content) values ('seen-in-studio', 'note', '{}')",
    );
    const { success, stdout } = await new Deno.Command(CHROMIUM ?? "", {
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1300,900",
        "--virtual-time-budget=20000",
        "--dump-dom",
        `${stack.studioUrl}/editor/public.ad_strands`,
      ],
      stdout: "piped",
      stderr: "null",
    }).output();
    const page = new TextDecoder().decode(stdout).replaceAll(/<(style|script)\b.*?<\/\1>/gs, "").replaceAll(
      /<[^>]*>/g,
      " ",
    );
    assertEquals(success, true);
    assertMatch(page, /Table Editor.*pm_overrides/s);
    assertMatch(page, /seen-in-studio/);
  },
});
