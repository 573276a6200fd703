import { assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import { foreignHost, serveLocally } from "./local_server.ts";

/** Status and body of a request whose Host is as given; null leaves it out. */
async function ask(
  port: number,
  host: string | null,
  version = "1.1",
): Promise<[status: number, body: string]> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [
    `GET / HTTP/${version}`,
    ...(host === null ? [] : [`Host: ${host}`]),
    "Connection: close",
    "",
    "",
  ];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  const answer = await new Response(connection.readable).text();
  return [Number(answer.split(" ")[1]), answer.slice(answer.indexOf("\r\n\r\n") + 4)];
}

Deno.test("a local server answers under the names of this machine with its port, and under no other", async () => {
  await using server = serveLocally(0, () => new Response("served"));
  const { port } = server.addr;
  for (const name of ["127.0.0.1", "localhost", "[::1]", "LocalHost"]) {
    assertEquals(await ask(port, `${name}:${port}`), [200, "served"], name);
  }
  for (
    const host of [
      `evil.example:${port}`,
      "evil.example",
      "127.0.0.1",
      "localhost",
      `127.0.0.1:${port === 65_535 ? 1 : port + 1}`,
      `127.0.0.1.evil.example:${port}`,
      `localhost.:${port}`,
      `0.0.0.0:${port}`,
    ]
  ) {
    const [status, body] = await ask(port, host);
    assertEquals(status, 403, host);
    assertStringIncludes(body, "is not served here; ask 127.0.0.1:");
  }
});

Deno.test("the port may be left out where it is the one that http has by itself", () => {
  const request = (host: string): Request => new Request("http://127.0.0.1/", { headers: { host } });
  assertEquals(foreignHost(request("localhost"), 80), undefined);
  assertEquals(foreignHost(request("evil.example"), 80)?.status, 403);
});
