/** The steps of an adoption, one after the other, from wherever it was left. */

import { SQL_DIRECTORY } from "../stack/schema_sources.ts";
import { archive, pushRelease } from "./archive.ts";
import { buildBridge } from "./bridge.ts";
import { carryEpisodes, carryPositions, carryStrands, carryTrades } from "./carry.ts";
import { addGuestColumns, applySettings, digestConfigs, WAITING_FLAGS } from "./columns.ts";
import { type Look, look } from "./look.ts";
import { type BuiltIn, describe, makePlan, type PlanOptions } from "./plan.ts";
import { prove, releaseFlags } from "./prove.ts";
import { inTurn, type Plan, readState, type StepName, STEPS, type Workplace } from "./state.ts";

/** What was seen, and what would be done. */
export interface Proposal {
  readonly seen: Look;
  readonly plan: Plan;
  readonly sentences: readonly string[];
}

/** Looks, and plans; changes nothing. */
export async function propose(work: Workplace, options: PlanOptions): Promise<Proposal> {
  const seen = await look(work.sql);
  const plan = makePlan(seen, await readBuiltIn(), options);
  return { seen, plan, sentences: describe(seen, plan) };
}

/** Does what is not done yet. The proposal is needed where nothing is. */
export async function adopt(work: Workplace, proposal: Proposal | null): Promise<void> {
  if (await readState(work.sql) === null) {
    if (proposal === null) throw new Error("An adoption begins with a plan.");
    if (proposal.seen.obstacles.length > 0) throw new Error(proposal.seen.obstacles.join("\n"));
    await archive(work, proposal.plan, proposal.seen);
  }
  const begun = await readState(work.sql);
  if (begun === null) throw new Error("The adoption that was under way was undone meanwhile.");
  const runs: Readonly<Record<StepName, () => Promise<void>>> = {
    archive: () => Promise.resolve(),
    push: () => pushRelease(work),
    columns: () => addGuestColumns(work),
    settings: () => applySettings(work, begun.plan),
    positions: () => carryPositions(work),
    strands: () => carryStrands(work),
    trades: () => carryTrades(work),
    episodes: () => carryEpisodes(work),
    bridge: () => buildBridge(work),
    prove: () => prove(work),
  };
  for (const step of STEPS) {
    if (begun.done.has(step)) continue;
    work.progress(`${STEPS.indexOf(step) + 1} of ${STEPS.length}: ${step}`);
    try {
      await runs[step]();
    } catch (error) {
      throw new Error(
        `Step ${step}: ${
          error instanceof Error ? error.message : String(error)
        }. What was done before stays; ` +
          "--apply goes on from there, --undo puts back what was there.",
        { cause: error },
      );
    }
  }
}

/** Lets overrides, crowding and rescaling act, as the guest's own flags say or as is usual. */
export async function act(work: Workplace): Promise<void> {
  const state = await readState(work.sql);
  if (state === null) throw new Error("Nothing was adopted here.");
  if (state.finishedAt === null) throw new Error("The adoption is not done: --apply goes on with it.");
  await inTurn(work, "prove", async (transaction) => {
    await releaseFlags(transaction);
    await transaction`
      update before_edgeloop.adoption set acted_at = coalesce(acted_at, now()) where is_there`;
    await digestConfigs(transaction);
  });
  const [flags] = await work.sql<{ flags: Record<string, unknown> }[]>`
    select public.get_pm_config() -> 'flags' as flags`;
  work.say(
    `It acts: ${WAITING_FLAGS.map((flag) => `flags.${flag} is ${flags?.flags[flag]}`).join(", ")}.`,
  );
}

/** The dimensions that `sql/` registers. */
export async function readBuiltIn(): Promise<BuiltIn[]> {
  const text = await Deno.readTextFile(new URL("10_dimensions.sql", SQL_DIRECTORY));
  const rows = [...text.matchAll(/^ {2}\('(\w+)', \d+, '(?:entry|action|regime)', '\{([^}]*)\}'\)/gm)];
  return rows.map(([, dim = "", aliases = ""]) => ({
    dim,
    aliases: aliases === "" ? [] : aliases.split(","),
  }));
}
