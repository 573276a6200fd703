import { visible } from "../../functions/_shared/runtime/visible.ts";
import type { ImportListener } from "./import_trades.ts";

/** So many open trades are told one by one; the report counts all. */
const OPEN_TOLD = 10;

const encoder = new TextEncoder();
const printError = (text: string): void => void Deno.stderr.writeSync(encoder.encode(text));

/** Shows progress on the error stream: rewriting one line on a terminal, a line every few seconds elsewhere. */
export function importProgress(): ImportListener & { end(): void } {
  const terminal = Deno.stderr.isTerminal();
  const every = terminal ? 100 : 5_000;
  let last = performance.now();
  let shown = false;
  let told = 0;
  const clear = (): void => {
    if (shown && terminal) printError("\r\x1b[K");
    shown = false;
  };
  const show = (text: () => string): void => {
    const now = performance.now();
    if (now - last < every) return;
    last = now;
    printError(terminal ? `\r\x1b[K${text()}` : `${text()}\n`);
    shown = true;
  };
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return {
    onScan: (read, size) =>
      show(() => `Scanning ${megabytes(read)}${size === null ? "" : ` of ${megabytes(size)}`}`),
    onTrade: (read, total) =>
      show(() => `Importing trade ${read.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`),
    onRefused: (position, reasons) => {
      clear();
      printError(
        `Refused ${visible(position)}:\n${reasons.map((reason) => `  ${visible(reason)}\n`).join("")}`,
      );
    },
    onOpen: (position) => {
      clear();
      if (told < OPEN_TOLD) printError(`Still open, left out: ${visible(position)}\n`);
      told += 1;
    },
    end: clear,
  };
}
