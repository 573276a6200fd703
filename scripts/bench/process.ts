/** What a process says of itself. */

import process from "node:process";

/** What the kernel says of this process; empty elsewhere than on Linux. */
function processStatus(): string {
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

/** The command that keeps a process on one core, compiler threads included; empty where there is none. */
export function oneCore(): string[] {
  const core = /Cpus_allowed_list:.*?(\d+)$/m.exec(processStatus())?.[1];
  if (core === undefined || !PATH.some((folder) => exists(`${folder}/taskset`))) return [];
  return ["taskset", "--cpu-list", core];
}

const PATH = (Deno.env.get("PATH") ?? "").split(":");

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
