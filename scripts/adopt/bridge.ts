/** What hangs between the guest's other tables and ours, and whether a row that it writes becomes a window. */

import { counted, finishStep, inTurn, isArchived, leaveBehind, quoted, type Workplace } from "./state.ts";

/** Makes the foreign keys anew and tries a write of the guest's kind, which is taken back. */
export async function buildBridge(work: Workplace): Promise<void> {
  const told = await inTurn(work, "bridge", async (transaction) => {
    const keys = await transaction<{ child: string; name: string; definition: string }[]>`
      select foreign_key.child, foreign_key.name, foreign_key.definition
      from before_edgeloop.adoption_foreign_keys foreign_key where not foreign_key.made_anew`;
    for (const { child, name, definition } of keys) {
      try {
        await transaction.savepoint((savepoint) =>
          savepoint.unsafe(
            `alter table ${child} add constraint ${quoted(name)} ${
              definition.replace(/ NOT VALID$/, "")
            } not valid`,
          )
        );
      } catch (error) {
        await leaveBehind(
          transaction,
          "foreign key",
          `${child}.${name}`,
          error instanceof Error ? error.message : String(error),
        );
        continue;
      }
      await transaction`
        update before_edgeloop.adoption_foreign_keys set made_anew = true where child = ${child} and name = ${name}`;
    }
    const rows = await isArchived(transaction, "pattern_episode_events");
    if (rows) {
      // In a transaction of its own that is taken back: a sequence moves on, and nothing else does.
      await transaction.unsafe(`
        do $try$
        declare
          outcome text;
        begin
          insert into public.pattern_episode_events (scope, pattern_key, episode_id, decision, factors)
          values ('{}', 'module=pm|pattern_key=adoption.trial', 'adoption', 'skipped', '{}');
          update public.pattern_episode_events set outcome = 'success' where episode_id = 'adoption'
          returning pattern_episode_events.outcome into strict outcome;
          raise exception using errcode = 'ADOPT', message = outcome;
        exception when sqlstate 'ADOPT' then
          null;
        end
        $try$`);
    }
    await finishStep(transaction, "bridge");
    return { keys: keys.length, rows };
  });
  work.say(
    (told.rows
      ? "Rows that you insert into pattern_episode_events are windows, and outcomes that you set by id are theirs: tried " +
        "and taken back. "
      : "") + `Made ${counted(told.keys, "foreign key")} anew.`,
  );
}
