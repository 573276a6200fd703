/** What every HTTP server of a stack has in common: it is for this machine alone. */

const LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Serves on 127.0.0.1; port 0 takes any free one. A web page elsewhere can have its own name point to this machine and then
 * read what is served here as its own (DNS rebinding), so a request that names another host is refused.
 */
export function serveLocally(
  port: number,
  handler: (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: (): void => {} },
    (request, info) => foreignHost(request, server.addr.port) ?? handler(request, info),
  );
  return server;
}

/** The refusal of a request whose Host is not a name of this machine with the port; undefined where it is one. */
export function foreignHost(request: Request, port: number): Response | undefined {
  const host = (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
  const allowed = LOCAL_NAMES.map((name) => `${name}:${port}`);
  // A client leaves out the port that its protocol has by itself.
  if (allowed.includes(host) || (port === 80 && LOCAL_NAMES.includes(host))) return undefined;
  return Response.json({
    message: `"${host}" is not served here; ask ${allowed.slice(0, -1).join(", ")} or ${allowed.at(-1)}.`,
  }, { status: 403 });
}
