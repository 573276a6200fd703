import { assert, assertEquals } from "@std/assert/mod.js";
import { linkFor, ROLES } from "./links.ts";

Deno.test("a link is one role's, for eight hours, and no server sees its token", async () => {
  for (const role of ROLES) {
    let signed: Readonly<Record<string, unknown>> = {};
    const before = Math.floor(Date.now() / 1000);
    const link = await linkFor({
      apiUrl: "http://127.0.0.1:1",
      signJwt: (claims) => {
        signed = claims;
        return Promise.resolve("a.b.c");
      },
    }, role);
    assertEquals(link, "http://127.0.0.1:1/#token=a.b.c");
    assertEquals(signed["app_metadata"], { learning_role: role });
    const lifetime = Number(signed["exp"]) - before;
    assert(lifetime >= 8 * 3600 && lifetime <= 8 * 3600 + 5, `${lifetime} seconds`);
  }
});
