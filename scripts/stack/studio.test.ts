import { assertEquals, assertMatch } from "@std/assert/mod.js";
import { answerStudio } from "./studio.ts";

const STUDIO = "http://127.0.0.1:54399";

/** What the library was asked for, and what came of it. */
async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ response: Response; asked: string[] }> {
  const asked: string[] = [];
  const response = await answerStudio(new Request(STUDIO + path, { headers }), (request) => {
    asked.push(new URL(request.url).pathname);
    return new Response("the library's", { headers: { "content-type": "text/plain" } });
  });
  return { response, asked };
}

Deno.test("the files of Studio's page come as what they are", async () => {
  const assets: string[] = [];
  const folder = new URL("static/assets/", import.meta.resolve("@supabase/lite"));
  for await (const { name } of Deno.readDir(folder)) assets.push(`assets/${name}`);
  const types: Readonly<Record<string, string>> = {
    js: "text/javascript; charset=UTF-8",
    css: "text/css; charset=UTF-8",
    woff2: "font/woff2",
    ico: "image/vnd.microsoft.icon",
  };
  for (const path of [...assets, "favicon.ico"]) {
    const { response, asked } = await ask(`/static/${path}`);
    assertEquals([response.status, asked], [200, []], path);
    assertEquals(response.headers.get("content-type"), types[path.split(".").at(-1) ?? ""], path);
    const file = await Deno.readFile(new URL(`../${path}`, folder));
    assertEquals((await response.arrayBuffer()).byteLength, file.length, path);
  }
});

Deno.test("of the files nothing is served but the page's own", async () => {
  for (
    const path of [
      "missing.js",
      "assets/",
      "assets",
      "..%2findex.js",
      "assets/..%2f..%2findex.js",
      "%2e%2e%2findex.js",
      "assets//etc/passwd",
      "assets/nothing.css",
    ]
  ) {
    const { response, asked } = await ask(`/static/${path}`);
    assertEquals([response.status, asked], [404, []], path);
  }
});

Deno.test("what the library tells about itself and its database is not served", async () => {
  for (
    const path of [
      "/_system/info",
      "/_system/config",
      "/_system/ping",
      "/_system",
      "/_system/",
      "/auth/v1/settings",
    ]
  ) {
    const { response, asked } = await ask(path);
    assertEquals([response.status, asked], [404, []], path);
    assertMatch(await response.text(), /Nothing is served at/, path);
  }
});

Deno.test("the page, the data API and the list of tables are the library's", async () => {
  for (const path of ["/", "/editor/public.ad_strands", "/rest/v1/ad_strands", "/_system/introspect"]) {
    const { response, asked } = await ask(path, { "sec-fetch-site": "same-origin", origin: STUDIO });
    assertEquals([await response.text(), asked], ["the library's", [path]]);
  }
  const { response } = await ask("/");
  assertEquals(response.headers.get("content-security-policy"), "frame-ancestors 'none'");
});

Deno.test("a page of another site gets nothing out of Studio, but a link may lead there", async () => {
  const foreign: readonly [path: string, headers: Record<string, string>][] = [
    ["/rest/v1/ad_strands", { origin: "http://evil.example" }],
    ["/rest/v1/ad_strands", { origin: "null" }],
    ["/rest/v1/ad_strands", { origin: "http://127.0.0.1:1" }],
    ["/rest/v1/rpc/anything", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
    ["/rest/v1/rpc/anything", { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }],
    ["/rest/v1/rpc/anything", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
    ["/_system/introspect", { "sec-fetch-site": "cross-site" }],
  ];
  for (const [path, headers] of foreign) {
    const { response, asked } = await ask(path, headers);
    assertEquals([response.status, asked], [403, []], JSON.stringify(headers));
  }
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  assertEquals((await ask("/", link)).response.status, 200);
  assertEquals((await ask("/rest/v1/ad_strands", { "sec-fetch-site": "none" })).response.status, 200);
});
