import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert/mod.js";
import { encodeBase64 } from "@std/encoding/base64.js";
import { parseDashboardArguments } from "../dashboard.ts";
import { parseReportArguments } from "../report.ts";
import { pageOf, pageResponse, parts } from "./build.ts";

async function gzipped(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

Deno.test("the whole screen is below 300 kB compressed and loads nothing from anywhere", async () => {
  const page = pageOf(await parts(), {});
  const bytes = await gzipped(page);
  assert(bytes < 300_000, `${bytes} bytes`);
  assertEquals(
    [...page.slice(0, page.indexOf('<script type="module">')).matchAll(/(?:src|href)="([^"]*)"/g)].map((
      found,
    ) => found[1]),
    [
      "data:,",
    ],
  );
});

Deno.test("the policy lets one script run, by its digest, and is sent with the page as well", async () => {
  const response = await pageResponse({ key: "sb_publishable_a" });
  const page = await response.text();
  const [, script = ""] = /<script type="module">([\s\S]*)<\/script>\n<\/body>/.exec(page) ?? [];
  const digest = encodeBase64(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script)));
  const policy =
    `default-src 'none'; script-src 'sha256-${digest}'; style-src 'unsafe-inline'; img-src data:; ` +
    "connect-src 'self' https: http://127.0.0.1:*; base-uri 'none'; form-action 'none'";
  assertStringIncludes(page, `<meta http-equiv="Content-Security-Policy" content="${policy}">`);
  assertEquals(response.headers.get("content-security-policy"), `${policy}; frame-ancestors 'none'`);
  assertStringIncludes(page, '<meta name="edgeloop-key" content="sb_publishable_a">');
});

Deno.test("no text of a row and no address ends the element it stands in", () => {
  const built = { script: "", style: "", hash: "sha256-" };
  const page = pageOf(built, { url: 'https://a"><script>' }, {
    rows: { log: [{ message: "</script><b>" }] },
  });
  assertStringIncludes(page, 'content="https://a&quot;>&lt;script>"');
  assertStringIncludes(page, "\\u003c/script>\\u003cb>");
});

Deno.test("what a command line lacks is said, and a secret key goes into no page", () => {
  assertThrows(() => parseDashboardArguments([]), Error, "--out takes the file to write");
  assertThrows(() => parseDashboardArguments(["--out", "a", "--url", "http://b"]), Error, "https://");
  assertThrows(() => parseDashboardArguments(["--out", "a", "--key", "sb_secret_b"]), Error, "publishable");
  assertEquals(parseDashboardArguments(["--out", "a", "--url", "https://b/", "--key", "sb_publishable_c"]), {
    out: "a",
    url: "https://b",
    key: "sb_publishable_c",
  });
  assertThrows(() => parseReportArguments(["--out", "a", "--db", "b"]), Error, "postgres://");
  assertEquals(parseReportArguments(["--out", "a"]), { out: "a" });
  assertMatch(String(assertThrows(() => parseReportArguments(["--outt", "a"]))), /--out/);
});
