/**
 * What the fast lane, `deno task test`, leaves to `deno task test --all`: whole files, each with what makes it long, and
 * three quarters of the cases of a property.
 *
 * @module
 */

/** Is "1" where the fast lane runs. */
export const FAST_LANE_VARIABLE = "EDGELOOP_FAST_LANE";

/** How many cases a property is tried on: all of them, but in the fast lane a quarter. */
export function cases(all: number): number {
  return Deno.env.get(FAST_LANE_VARIABLE) === "1" ? Math.ceil(all / 4) : all;
}

export const LONG_TESTS: Readonly<Record<string, string>> = {
  "functions/_shared/lessons/luck.test.ts": "mines groups of luck and of planted effects",
  "functions/_shared/tuning/luck.test.ts": "simulates gates on luck",
  "supabase/clients/faults.test.ts": "waits for services that hang, and starts Python for each test",
  "supabase/clients/stack.test.ts": "asks whole stacks in every language",
  "scripts/adopt/adoption.test.ts": "adopts whole databases, and kills it on the way",
  "scripts/access.test.ts": "tries everybody on everything, over SQL and HTTP",
  "scripts/alerts.test.ts": "starts stacks, and listens",
  "scripts/allocation.test.ts": "starts a stack",
  "scripts/allocation.property.test.ts": "replays hundreds of histories",
  "scripts/dashboard/screen.test.ts": "opens every page in a browser, as everybody",
  "scripts/demo.test.ts": "runs the demo",
  "scripts/deploy.test.ts": "bundles the functions with the CLI",
  "scripts/families.test.ts": "learns the sample through the whole stack",
  "scripts/guarantees.test.ts": "kills, loses and doubles what it can",
  "scripts/loop.test.ts": "whole histories through the whole stack",
  "scripts/market.test.ts": "feeds a recorded market",
  "scripts/migrations.test.ts": "pushes with the CLI, and compares whole schemas",
  "scripts/platform_pgtap.test.ts": "runs every SQL test as the owner of a project",
  "scripts/platform.test.ts": "pushes as the owners of projects of several kinds",
  "scripts/prove.test.ts": "proves whole histories",
  "scripts/readme/push.test.ts": "runs the CLI",
  "scripts/release/next_migration.test.ts": "finds migrations between whole schemas",
  "scripts/release/release.test.ts": "makes releases in folders of their own",
  "scripts/release/small_release.test.ts": "finds migrations between small schemas",
  "scripts/restore.test.ts": "dumps and restores whole databases",
  "scripts/rpc.test.ts": "sends nonsense to every RPC",
  "scripts/sizing.property.test.ts": "sizes hundreds of worlds beside a plain reading",
  "scripts/sizing_concurrency.test.ts": "races connections",
  "scripts/loop/unbearable.test.ts": "starts a stack",
  "scripts/loop/shapes.test.ts": "starts stacks",
  "scripts/loop/interleaved.test.ts": "interleaves connections, step by step and in races",
  "scripts/sql/one_home.test.ts": "builds sql/ anew for each figure",
  "scripts/sql/temporary_objects.test.ts": "attacks every function and view",
  "scripts/stack/disk_full.test.ts": "fills disks",
  "scripts/stack/doorbell.test.ts": "claims databases again and again",
  "scripts/stack/stack.test.ts": "starts, stops and kills whole stacks",
  "scripts/stack/standins.test.ts": "a database for each stand-in",
  "scripts/stack/studio_in_chromium.test.ts": "opens a browser",
  "scripts/start.test.ts": "starts a stack",
  "scripts/tuning.test.ts": "tunes on whole histories",
  "scripts/upgrade.test.ts": "upgrades filled databases from every release",
  "scripts/withdrawal.test.ts": "learns, deletes and learns again through the whole stack",
};
