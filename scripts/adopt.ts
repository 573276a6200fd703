/**
 * Moves Edgeloop into a database in which another portfolio manager lives (scripts/README.md, "Adopting").
 *
 *     deno task adopt --db URL [--apply | --act | --undo]
 */

import { parseArgs } from "@std/cli/parse_args.js";
import { bold, dim } from "@std/fmt/colors.js";
import { visible, visibleLines } from "../functions/_shared/runtime/visible.ts";
import type { PlanOptions } from "./adopt/plan.ts";
import { proof } from "./adopt/prove.ts";
import { act, adopt, propose } from "./adopt/run.ts";
import { readState, STEPS, type Workplace } from "./adopt/state.ts";
import { undo } from "./adopt/undo.ts";
import { optionsOrExitCode, print, unknownArgument } from "./command_line.ts";
import { connect } from "./stack/database.ts";
import { startEmbedded } from "./stack/embedded.ts";
import { findTenancy } from "./stack/guests.ts";

const HELP = `deno task adopt --db URL [options]

Without --apply it looks, and changes nothing.

  --db URL          the database, by the role that owns its tables; no superuser is needed
  --data DIR        or the embedded database that is kept in this folder
  --apply           archive, push, carry over; goes on wherever it was stopped
  --act             let overrides, crowding and rescaling act, once you have seen what they would do
  --undo            put everything back, while nothing newer is there
  --discard         with --undo: also where something newer would be lost
  --unit UNIT       how total_allocation_pct is written: fraction or percent
  --dims a,b,c      the dimensions to register, instead of those that are proposed
  --crowding value  reckon crowding by what is held in USD, as it was before
  --ts-min N, --halo-max N, --slope-min N
                    thresholds of the gates for episodes that name none
  --help            show this`;

/** What the command line asks for. */
export interface AdoptOptions {
  readonly databaseUrl?: string;
  readonly dataDirectory?: string;
  readonly does: "look" | "apply" | "act" | "undo";
  readonly discard: boolean;
  readonly plan: PlanOptions;
}

/** Reads the command line; throws with what is wrong and what would be right. */
export function parseAdoptArguments(args: readonly string[]): AdoptOptions | "help" {
  const unknown: string[] = [];
  const string = ["db", "data", "unit", "dims", "crowding", "ts-min", "halo-max", "slope-min"] as const;
  const boolean = ["apply", "act", "undo", "discard", "help"] as const;
  const options = parseArgs([...args], {
    string,
    boolean,
    alias: { h: "help" },
    unknown: (argument: string) => {
      unknown.push(argument);
      return false;
    },
  });
  const [argument] = unknown;
  if (argument !== undefined) {
    throw new Error(`${unknownArgument(argument, [...string, ...boolean])}\n\n${HELP}`);
  }
  if (options.help === true) return "help";
  if ((options.db === undefined) === (options.data === undefined)) {
    throw new Error(`Either --db or --data says which database.\n\n${HELP}`);
  }
  if (options.db !== undefined && !/^postgres(?:ql)?:\/\//.test(options.db)) {
    throw new Error(`--db takes an address such as postgres://user@host/database, not "${options.db}".`);
  }
  if (options.data === "") throw new Error(`--data takes a value.\n\n${HELP}`);
  const asked = (["apply", "act", "undo"] as const).filter((name) => options[name] === true);
  if (asked.length > 1) throw new Error(`--${asked.join(" and --")} do not go together.`);
  if (options.discard === true && options.undo !== true) throw new Error("--discard goes with --undo.");
  if (options.unit !== undefined && options.unit !== "fraction" && options.unit !== "percent") {
    throw new Error(`--unit takes fraction or percent, not "${options.unit}".`);
  }
  if (options.crowding !== undefined && options.crowding !== "value") {
    throw new Error(`--crowding takes value, not "${options.crowding}".`);
  }
  const threshold = (name: "ts-min" | "halo-max" | "slope-min"): number | undefined => {
    const text = options[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || Math.abs(value) > 1e6) {
      throw new Error(`--${name} takes a number from -1e6 to 1e6, not "${text}".`);
    }
    return value;
  };
  const [tsMin, haloMax, slopeMin] = [threshold("ts-min"), threshold("halo-max"), threshold("slope-min")];
  return {
    does: asked[0] ?? "look",
    discard: options.discard === true,
    ...(options.db === undefined ? {} : { databaseUrl: options.db }),
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
    plan: {
      crowdingByValue: options.crowding === "value",
      thresholds: {
        ...(tsMin === undefined ? {} : { ts_min: tsMin }),
        ...(haloMax === undefined ? {} : { halo_max: haloMax }),
        ...(slopeMin === undefined ? {} : { slope_min: slopeMin }),
      },
      ...(options.unit === undefined ? {} : { unit: options.unit }),
      ...(options.dims === undefined ? {} : {
        dimensions: options.dims.split(",").map((name: string) => name.trim()).filter((name: string) =>
          name !== ""
        ),
      }),
    },
  };
}

/** Does what was asked for; returns the exit code. */
export async function runAdoption(work: Workplace, options: AdoptOptions): Promise<number> {
  const state = await readState(work.sql);
  if (options.does === "undo") {
    const losses = await undo(work, options);
    if (losses.length === 0) return 0;
    work.say(
      `Not undone. This would be lost: ${
        losses.join(", ")
      }. --undo --discard puts back what was there all the same.`,
    );
    return 1;
  }
  if (options.does === "act") {
    await act(work);
    return 0;
  }
  if (state !== null) return await goOn(work, options, state);

  const tenancy = await findTenancy(work.sql);
  const [released] = await work.sql<{ released: boolean }[]>`
    select to_regclass('learning.releases') is not null as released`;
  if (released?.released === true) {
    work.say("Edgeloop lives here already, and nothing that it would have to adopt.");
    return 0;
  }
  if (!tenancy.isOurs && tenancy.guests.length === 0) {
    work.say(
      "Nothing here has a name that Edgeloop needs: `task start --db URL` or `supabase db push` is enough.",
    );
    return 0;
  }
  const proposal = await propose(work, options.plan);
  for (const sentence of proposal.sentences) work.say(sentence);
  if (options.does === "look") {
    work.say(
      proposal.seen.obstacles.length > 0
        ? "Nothing was changed, and nothing can be before what is in the way is gone."
        : `Nothing was changed. --apply does it: ${STEPS.join(", ")}.`,
    );
    return proposal.seen.obstacles.length > 0 ? 1 : 0;
  }
  await adopt(work, proposal);
  return 0;
}

async function goOn(
  work: Workplace,
  options: AdoptOptions,
  state: NonNullable<Awaited<ReturnType<typeof readState>>>,
): Promise<number> {
  if (state.finishedAt !== null) {
    work.say(
      `Adopted at ${state.finishedAt}; ${
        state.actedAt === null ? "it does not act yet: --act lets it" : `it acts since ${state.actedAt}`
      }.`,
    );
    for (const line of await proof(work.sql)) work.say(line);
    return 0;
  }
  const left = STEPS.filter((step) => !state.done.has(step));
  work.say(
    `An adoption was begun at ${state.begunAt}, by the plan that was made then. Left: ${left.join(", ")}.`,
  );
  if (options.does === "look") {
    work.say("Nothing was changed. --apply goes on, --undo puts back what was there.");
    return 0;
  }
  await adopt(work, null);
  return 0;
}

/** What is told of an adoption, on a terminal; a guest's database may have any characters in its names and rows. */
export function tellers(
  write: (line: string) => void,
  prefix: () => string,
): Pick<Workplace, "say" | "progress"> & { readonly stopped: (error: unknown) => void } {
  return {
    say: (sentence) => write(visible(sentence)),
    progress: (line) => write(`${prefix()} ${visible(line)}`),
    stopped: (error) =>
      write(`${bold("Stopped.")} ${visibleLines(error instanceof Error ? error.message : String(error))}`),
  };
}

async function main(): Promise<number> {
  const options = optionsOrExitCode(parseAdoptArguments, HELP);
  if (typeof options === "number") return options;
  await using cleanup = new AsyncDisposableStack();
  const startedAt = performance.now();
  const { stopped, ...told } = tellers(
    print,
    () => dim(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s`),
  );
  try {
    let { databaseUrl } = options;
    if (databaseUrl === undefined) {
      const embedded = await startEmbedded(
        options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory },
      );
      cleanup.defer(() => embedded.close());
      databaseUrl = embedded.databaseUrl;
    }
    const sql = connect(databaseUrl, { max: 1, applicationName: "adopt" });
    cleanup.defer(() => sql.end({ timeout: 5 }));
    return await runAdoption({ sql, databaseUrl, ...told }, options);
  } catch (error) {
    stopped(error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
