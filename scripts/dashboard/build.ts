/** Makes the page: one HTML file that needs nothing from elsewhere. */

import { encodeBase64 } from "@std/encoding/base64.js";

const PAGE = new URL("page/", import.meta.url);

/** Where the data API is and the key it knows, where whoever makes the page knows them. */
export interface Known {
  readonly url?: string;
  readonly key?: string;
}

/** Script and style, before they are put together. */
export interface Parts {
  readonly script: string;
  readonly style: string;
  /** Of the script, as the policy names it. */
  readonly hash: string;
}

let made: Promise<Parts> | undefined;

/** The parts of the page, bundled once in the life of the process. */
export function parts(): Promise<Parts> {
  made ??= makeParts();
  // What failed once, a download for example, is tried again when it is asked for next.
  made.catch(() => {
    made = undefined;
  });
  return made;
}

async function makeParts(): Promise<Parts> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", new URL("main.ts", PAGE).pathname],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`The screen could not be bundled. ${new TextDecoder().decode(stderr).trim()}`);
  }
  const script = new TextDecoder().decode(stdout).trim();
  // The parser of HTML knows no strings: it would end the script there.
  if (/<\/script/i.test(script)) throw new Error("The bundle of the screen holds an end tag of a script.");
  const style = (await Deno.readTextFile(new URL("style.css", PAGE))).replaceAll(/\n\s*/g, "\n").trim();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  return { script, style, hash: `sha256-${encodeBase64(digest)}` };
}

/** What the page may load, run and talk to. */
export function policy(hash: string): string {
  return [
    "default-src 'none'",
    `script-src '${hash}'`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "connect-src 'self' https: http://127.0.0.1:*",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

/** The page, with a snapshot of rows in it where it is a report. */
export function pageOf({ script, style, hash }: Parts, known: Known, snapshot?: unknown): string {
  const meta = Object.entries(known).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<meta name="edgeloop-${name}" content="${attribute(value)}">\n`).join("");
  // No text of a row may end the element it stands in.
  const data = snapshot === undefined
    ? ""
    : `<script type="application/json" id="snapshot">${
      JSON.stringify(snapshot).replaceAll("<", "\\u003c")
    }</script>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(hash)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
${meta}<title>Edgeloop</title>
<link rel="icon" href="data:,">
<style>
${style}
</style>
</head>
<body>
<div id="app"></div>
<noscript><p>This page is drawn by its own script, which this browser does not run.</p></noscript>
${data}<script type="module">${script}</script>
</body>
</html>
`;
}

/** The page as a server sends it. */
export async function pageResponse(known: Known): Promise<Response> {
  const built = await parts();
  return new Response(pageOf(built, known), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `${policy(built.hash)}; frame-ancestors 'none'`,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}
