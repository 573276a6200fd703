/** Studio's own listener: its page, its files, and what the page asks for. */

import { contentType } from "@std/media_types/content_type.js";

/** Where the library keeps the files of the page, which it names but does not serve. */
const ASSETS = new URL("static/", import.meta.resolve("@supabase/lite"));

/**
 * Answers a request of a browser on this machine. Whoever asks needs no key, so what comes from another site's page is
 * refused, and of the library nothing is served but the page, the data API and the list of tables: what else it tells about
 * itself has the database's address and password.
 */
export async function answerStudio(
  request: Request,
  library: (request: Request) => Response | Promise<Response>,
): Promise<Response> {
  const { origin, pathname } = new URL(request.url);
  if (isElsewhere(request, origin)) {
    return Response.json({ message: "Studio answers to its own page alone, not to one of another site." }, {
      status: 403,
    });
  }
  if (pathname.startsWith("/static/")) {
    return await file(pathname.slice("/static/".length)) ?? nothingAt(pathname);
  }
  if (pathname.startsWith("/rest/v1/") || pathname === "/_system/introspect") return await library(request);
  // The page reads from here, whatever the status, that it needs no key.
  if (pathname === "/_system/info") {
    return Response.json({ admin: true, message: notServed(pathname) }, { status: 404 });
  }
  if (/^\/(?:_system|rest|auth|storage)(?:\/|$)/.test(pathname)) {
    return nothingAt(pathname);
  }
  const page = new Response((await library(request)).body, {
    headers: { "content-type": "text/html; charset=UTF-8" },
  });
  page.headers.set("content-security-policy", "frame-ancestors 'none'");
  return page;
}

async function file(path: string): Promise<Response | undefined> {
  const extension = /^(?:assets\/)?\w[\w.-]*(\.\w+)$/.exec(path)?.[1];
  if (extension === undefined) return undefined;
  try {
    return new Response(await Deno.readFile(new URL(path, ASSETS)), {
      headers: { "content-type": contentType(extension) ?? "application/octet-stream" },
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function nothingAt(pathname: string): Response {
  return Response.json({ message: notServed(pathname) }, { status: 404 });
}

function notServed(pathname: string): string {
  return `Nothing is served at "${pathname}".`;
}

/** Whether a browser says that a page of another site is behind the request; following a link to the page is none. */
function isElsewhere(request: Request, own: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  const follows = request.headers.get("sec-fetch-mode") === "navigate" &&
    new URL(request.url).pathname === "/";
  if (site !== null && site !== "same-origin" && site !== "none" && !follows) return true;
  const origin = request.headers.get("origin");
  return origin !== null && origin.toLowerCase() !== own.toLowerCase();
}
