/**
 * The files that `deno task test` leaves to `deno task test --all`, and what makes each of them long.
 *
 * @module
 */

export const LONG_TESTS: Readonly<Record<string, string>> = {
  "functions/_shared/lessons/luck.test.ts": "mines groups of luck and of planted effects",
  "functions/_shared/tuning/luck.test.ts": "simulates gates on luck",
  "scripts/access.test.ts": "tries everybody on everything, over SQL and HTTP",
  "scripts/allocation.property.test.ts": "replays hundreds of histories",
  "scripts/demo.test.ts": "runs the demo",
  "scripts/deploy.test.ts": "bundles the functions with the CLI",
  "scripts/guarantees.test.ts": "kills, loses and doubles what it can",
  "scripts/loop.test.ts": "whole histories through the whole stack",
  "scripts/migrations.test.ts": "pushes with the CLI, and compares whole schemas",
  "scripts/platform.test.ts": "pushes as the owners of projects of several kinds",
  "scripts/release/next_migration.test.ts": "finds migrations between whole schemas",
  "scripts/release/release.test.ts": "makes releases in folders of their own",
  "scripts/rpc.test.ts": "sends nonsense to every RPC",
  "scripts/sizing.property.test.ts": "sizes hundreds of worlds beside a plain reading",
  "scripts/sizing_concurrency.test.ts": "races connections",
  "scripts/loop/interleaved.test.ts": "interleaves connections, step by step and in races",
  "scripts/sql/one_home.test.ts": "builds sql/ anew for each figure",
  "scripts/sql/temporary_objects.test.ts": "attacks every function and view",
  "scripts/stack/stack.test.ts": "starts, stops and kills whole stacks",
  "scripts/stack/standins.test.ts": "waits for schedules and requests",
  "scripts/start.test.ts": "starts a stack",
  "scripts/tuning.test.ts": "tunes on whole histories",
  "scripts/upgrade.test.ts": "upgrades filled databases from every release",
};
