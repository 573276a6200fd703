import { assertEquals } from "@std/assert/mod.js";
import { preflightAnswer, readableElsewhere } from "./cors.ts";

const ORIGIN = { origin: "http://example.com" };

function ask(headers: Readonly<Record<string, string>>, method = "OPTIONS"): Request {
  return new Request("http://127.0.0.1:1/rest/v1/items", { method, headers });
}

// The expected headers are those of PostgREST's own test of a preflight.
Deno.test("a browser that asks whether it may is answered as PostgREST answers", () => {
  const response = preflightAnswer(ask({
    ...ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "Foo,Bar",
  }));
  assertEquals(response?.status, 200);
  assertEquals(Object.fromEntries(response?.headers ?? []), {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD",
    "access-control-allow-headers": "Authorization, Foo, Bar, Accept, Accept-Language, Content-Language",
    "access-control-max-age": "86400",
  });
});

Deno.test("only the question of a browser is one: an origin, and a method that there is", () => {
  const wanted = { "access-control-request-method": "POST" };
  assertEquals(preflightAnswer(ask({ ...ORIGIN, ...wanted }))?.status, 200);
  assertEquals(preflightAnswer(ask(wanted)), undefined);
  assertEquals(preflightAnswer(ask(ORIGIN)), undefined);
  assertEquals(preflightAnswer(ask({ ...ORIGIN, ...wanted }, "GET")), undefined);
  assertEquals(preflightAnswer(ask({ ...ORIGIN, "access-control-request-method": "BREW" })), undefined);
});

Deno.test("a page of another origin can read the answer and how many rows there are", async () => {
  const answer = (): Response => new Response("[]", { status: 206, headers: { "content-range": "0-1/9" } });
  const read = readableElsewhere(ask(ORIGIN, "GET"), answer());
  assertEquals([read.status, await read.text(), read.headers.get("content-range")], [206, "[]", "0-1/9"]);
  assertEquals(read.headers.get("access-control-allow-origin"), "*");
  assertEquals(read.headers.get("access-control-expose-headers")?.includes("Content-Range"), true);
  assertEquals(readableElsewhere(ask({}, "GET"), answer()).headers.get("access-control-allow-origin"), null);
});
