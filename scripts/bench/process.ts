/** What a process says of itself. */

import process from "node:process";

/** What the kernel says of this process; empty elsewhere than on Linux. */
export function processStatus(): string {
  return Deno.build.os === "linux" ? Deno.readTextFileSync("/proc/self/status") : "";
}

/** Seconds this process has had on a core, its compiler threads' included: the clock of an otherwise idle core. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Highest resident memory of this process so far, in megabytes. */
export function peakMb(): number {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(processStatus())?.[1];
  return kilobytes === undefined ? Deno.memoryUsage().rss / 2 ** 20 : Number(kilobytes) / 1024;
}
