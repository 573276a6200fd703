/** What the data API tells browsers about pages of other origins, as PostgREST does: any of them may ask, with a key. */

const METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"];
const ALWAYS_ALLOWED = ["Accept", "Accept-Language", "Content-Language"];
const EXPOSED = [
  "Content-Encoding",
  "Content-Location",
  "Content-Range",
  "Content-Type",
  "Date",
  "Location",
  "Server",
  "Transfer-Encoding",
  "Range-Unit",
];

/** The answer to a browser that asks whether it may send a request (a preflight); undefined for any other request. */
export function preflightAnswer(request: Request): Response | undefined {
  const { headers, method } = request;
  const wanted = headers.get("access-control-request-method");
  if (
    method !== "OPTIONS" || headers.get("origin") === null || wanted === null || !METHODS.includes(wanted)
  ) {
    return undefined;
  }
  const asked = (headers.get("access-control-request-headers") ?? "").split(",").map((name) => name.trim());
  const allowed = ["Authorization", ...asked.filter((name) => name !== ""), ...ALWAYS_ALLOWED];
  return new Response(null, {
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": METHODS.join(", "),
      "access-control-allow-headers": allowed.join(", "),
      "access-control-max-age": "86400",
    },
  });
}

/** Lets a page of another origin read the answer, where one asked. */
export function readableElsewhere(request: Request, response: Response): Response {
  if (request.headers.get("origin") === null) return response;
  const readable = new Response(response.body, response);
  readable.headers.set("access-control-allow-origin", "*");
  readable.headers.set("access-control-expose-headers", EXPOSED.join(", "));
  return readable;
}
