/** Makes the tables take what the guest writes: its columns, its defaults, its views, its dimensions and settings. */

import { z } from "zod";
import { CROWDING_MASKS, MOST_DIMENSIONS } from "./plan.ts";
import {
  counted,
  finishStep,
  inTurn,
  isArchived,
  leaveBehind,
  type Plan,
  quoted,
  type Transaction,
  type Workplace,
} from "./state.ts";

/** The tables that the guest goes on writing. */
export const WRITTEN_TABLES = ["ad_strands", "lowcap_positions", "pattern_episode_events"] as const;

/** Flags that are off from the archive until `--act`. */
export const WAITING_FLAGS = [
  "learning_overrides_enabled",
  "tuning_overrides_enabled",
  "exposure_skew_enabled",
  "rescale_positions",
] as const;

interface ArchivedColumn {
  readonly name: string;
  readonly type: string;
  readonly default: string | null;
  readonly isOurs: boolean;
  readonly ourDefault: string | null;
}

/** Adds every archived column that the tables lack, nullable and with its default. */
export async function addGuestColumns(work: Workplace): Promise<void> {
  const told = await inTurn(work, "columns", async (transaction) => {
    const added: string[] = [];
    for (const table of WRITTEN_TABLES) {
      if (!await isArchived(transaction, table)) continue;
      for (const column of await readColumns(transaction, table)) {
        if (!column.isOurs) {
          await addColumn(transaction, table, column);
          added.push(`${table}.${column.name}`);
        } else if (column.default !== null && column.default !== column.ourDefault) {
          await takeDefault(transaction, table, column);
        }
      }
    }
    // What the loop writes meanwhile must not take the ids that the guest knows its rows by.
    if (await isArchived(transaction, "pattern_episode_events")) {
      await transaction`
        select setval(pg_get_serial_sequence('public.pattern_episode_events', 'id'), greatest(1, (
          select max(episode.id) from before_edgeloop.pattern_episode_events episode
        )))`;
    }
    const views = await remakeViews(transaction);
    await transaction`notify pgrst, 'reload schema'`;
    await finishStep(transaction, "columns");
    return { added, views };
  });
  work.say(
    `Added ${counted(told.added.length, "guest column")} and made ${
      counted(told.views, "view")
    } anew over the new tables.`,
  );
}

async function readColumns(transaction: Transaction, table: string): Promise<ArchivedColumn[]> {
  return [
    ...await transaction<ArchivedColumn[]>`
      select archived.attname::text as name, format_type(archived.atttypid, archived.atttypmod) as type,
        case when archived.attgenerated = '' and archived.attidentity = ''
          and pg_get_expr(written.adbin, written.adrelid) not like '%nextval(%'
          then pg_get_expr(written.adbin, written.adrelid) end as default,
        ours.attname is not null as "isOurs", pg_get_expr(our_default.adbin, our_default.adrelid) as "ourDefault"
      from pg_catalog.pg_attribute archived
      left join pg_catalog.pg_attrdef written
        on written.adrelid = archived.attrelid and written.adnum = archived.attnum
      left join pg_catalog.pg_attribute ours
        on ours.attrelid = to_regclass('public.' || ${table}) and ours.attname = archived.attname
        and not ours.attisdropped
      left join pg_catalog.pg_attrdef our_default
        on our_default.adrelid = ours.attrelid and our_default.adnum = ours.attnum
      where archived.attrelid = to_regclass('before_edgeloop.' || ${table}) and archived.attnum > 0
        and not archived.attisdropped
      order by archived.attnum`,
  ];
}

async function addColumn(transaction: Transaction, table: string, column: ArchivedColumn): Promise<void> {
  const name = quoted(column.name);
  await transaction.unsafe(
    `alter table public.${table} add column ${name} ${column.type}` +
      (column.default === null ? "" : ` default ${column.default}`),
  );
  await transaction.unsafe(
    `comment on column public.${table}.${name} is 'Guest column, as before_edgeloop.${table} had it.'`,
  );
  await transaction`
    insert into learning.guest_columns (relation, column_name, is_guest) values (${table}, ${column.name}, true)`;
}

async function takeDefault(transaction: Transaction, table: string, column: ArchivedColumn): Promise<void> {
  try {
    await transaction.savepoint((savepoint) =>
      savepoint.unsafe(
        `alter table public.${table} alter column ${quoted(column.name)} set default ${column.default}`,
      )
    );
  } catch (error) {
    await leaveBehind(transaction, "default", `${table}.${column.name}`, messageOf(error));
    return;
  }
  await transaction`
    insert into learning.guest_columns (relation, column_name, is_guest, former_default)
    values (${table}, ${column.name}, false, ${column.ourDefault})`;
}

/** The guest reads its views by their names; they show the new tables, with the rights of whoever asks. */
async function remakeViews(transaction: Transaction): Promise<number> {
  const views = await transaction<
    { name: string; kind: string; definition: string; grants: unknown; taken: boolean }[]
  >`
    select relation.name, relation.kind, relation.definition, relation.grants,
      to_regclass(format('public.%I', relation.name)) is not null as taken
    from before_edgeloop.adoption_relations relation
    join pg_catalog.pg_class archived
      on archived.relname = relation.name and archived.relnamespace = 'before_edgeloop'::regnamespace
    where relation.definition is not null
    -- A view on a view is younger than that.
    order by archived.oid`;
  let made = 0;
  for (const { name, kind, definition, grants, taken } of views) {
    if (kind !== "view" || taken) {
      await leaveBehind(
        transaction,
        kind,
        name,
        taken ? "Edgeloop has a relation of that name" : "it is not made anew; it stays in before_edgeloop",
      );
      continue;
    }
    try {
      await transaction.savepoint(async (savepoint) => {
        await savepoint.unsafe(
          `create view public.${quoted(name)} with (security_invoker = true) as ${definition}`,
        );
        for (const { role, right } of grantsSchema.parse(grants)) {
          await savepoint.unsafe(
            `grant ${right} on public.${quoted(name)} to ${role === "public" ? "public" : quoted(role)}`,
          );
        }
      });
    } catch (error) {
      await leaveBehind(
        transaction,
        "view",
        name,
        `it cannot be made over the new tables: ${messageOf(error)}`,
      );
      continue;
    }
    await transaction`
      update before_edgeloop.adoption_relations set made_anew = true where name = ${name}`;
    made += 1;
  }
  return made;
}

const grantsSchema = z.array(
  z.object({
    role: z.string(),
    right: z.enum(["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]),
  }),
);

/** Registers the dimensions and carries over what the guest configured; until `--act` nothing acts. */
export async function applySettings(work: Workplace, plan: Plan): Promise<void> {
  const kept = await inTurn(work, "settings", async (transaction) => {
    await transaction`delete from public.scope_dimensions dimension where dimension.dim = any (${plan.freed})`;
    for (const { dim, source } of plan.added) {
      await transaction`
        insert into public.scope_dimensions (dim, bit, source)
        select ${dim}, min(free.bit), ${source}
        from generate_series(0, ${MOST_DIMENSIONS - 1}) as free(bit)
        where free.bit not in (select dimension.bit from public.scope_dimensions dimension)`;
    }
    const configs = await isArchived(transaction, "learning_configs")
      ? await transaction<{ row: unknown }[]>`
        select to_jsonb(config) as row from before_edgeloop.learning_configs config`
      : [];
    const guests = configs.map(({ row }) => configSchema.parse(row));
    for (const module of ["pm", "decision_maker"]) {
      const written = guests.find(({ module_id }) => module_id === module);
      const document = await fitting(transaction, module, written?.config_data ?? {});
      const merged = module === "pm" ? pmConfig(document, plan) : { ...document, allocation_unit: plan.unit };
      await transaction`
        insert into public.learning_configs (module_id, config_data, updated_by, notes)
        values (${module}, ${JSON.stringify(merged)}, 'adopt', ${written?.notes ?? null})`;
    }
    const others = guests.filter(({ module_id }) => !["pm", "decision_maker"].includes(module_id));
    for (const { module_id, config_data, updated_at, updated_by, notes } of others) {
      await transaction`
        insert into public.learning_configs (module_id, config_data, updated_at, updated_by, notes)
        values (${module_id}, ${JSON.stringify(config_data)}, coalesce(${
        updated_at ?? null
      }::timestamptz, now()), ${updated_by ?? null}, ${notes ?? null})`;
    }
    await digestConfigs(transaction);
    await finishStep(transaction, "settings");
    return others.length;
  });
  work.say(
    `Registered ${counted(plan.added.length, "dimension")} and freed ${plan.freed.length}; ` +
      `carried over the settings of pm, decision_maker and ${counted(kept, "module")} of yours. ` +
      `Until --act ${WAITING_FLAGS.map((flag) => `flags.${flag}`).join(", ")} are off.`,
  );
}

/** Notes what the configurations are, so that a change is seen when the adoption is to be undone. */
export async function digestConfigs(transaction: Transaction): Promise<void> {
  await transaction`
    insert into before_edgeloop.adoption_digests (relation, id, digest)
    select 'learning_configs', config.module_id, md5(config.config_data::text) from public.learning_configs config
    on conflict (relation, id) do update set digest = excluded.digest`;
}

const objectSchema = z.record(z.string(), z.unknown());

const configSchema = z.object({
  module_id: z.string(),
  config_data: z.unknown(),
  updated_at: z.string().nullish(),
  updated_by: z.string().nullish(),
  notes: z.string().nullish(),
});

/** The keys of a configuration that are accepted; the others are left behind, with the reason. */
async function fitting(
  transaction: Transaction,
  module: string,
  document: unknown,
): Promise<Record<string, unknown>> {
  const read = objectSchema.safeParse(document);
  if (!read.success) {
    await leaveBehind(transaction, "configuration", module, "it is no object");
    return {};
  }
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(read.data)) {
    const [judged] = await transaction<{ faults: string[] }[]>`
      select learning.configuration_faults(${module}, ${JSON.stringify({ [key]: value })}::jsonb) as faults`;
    const faults = judged?.faults ?? [];
    if (faults.length === 0) kept[key] = value;
    else await leaveBehind(transaction, "setting", `${module}.${key}`, faults.join("; "));
  }
  return kept;
}

/** The flags a guest named, as ours have them. */
export function guestFlags(document: Readonly<Record<string, unknown>>): Record<string, boolean> {
  const flags = objectSchema.safeParse(document.feature_flags);
  const known = [
    "learning_overrides_enabled",
    "tuning_overrides_enabled",
    "exposure_skew_enabled",
    "dm_alloc_overrides_enabled",
    "ae_v2_enabled",
  ];
  return Object.fromEntries(
    Object.entries(flags.success ? flags.data : {}).flatMap(([name, value]) =>
      known.includes(name) && typeof value === "boolean" ? [[name, value]] : []
    ),
  );
}

function pmConfig(document: Readonly<Record<string, unknown>>, plan: Plan): Record<string, unknown> {
  const part = (key: string): Record<string, unknown> => objectSchema.safeParse(document[key]).data ?? {};
  return {
    ...document,
    flags: {
      ...part("flags"),
      ...guestFlags(document),
      ...Object.fromEntries(WAITING_FLAGS.map((flag) => [flag, false])),
    },
    ...(Object.keys(plan.thresholds).length === 0
      ? {}
      : { tuning: { ...part("tuning"), ...plan.thresholds } }),
    ...(plan.crowdingByValue
      ? { exposure: { ...part("exposure"), measure: "value", masks: CROWDING_MASKS, empty: 1 } }
      : {}),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
