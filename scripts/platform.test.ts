/** The migrations under the rights that a hosted project gives: see the role it pushes with. */

import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { compareSnapshots, snapshotSchema } from "./stack/schema_snapshot.ts";
import { storeSecret } from "./stack/standins.ts";
import { testOnEachTarget } from "./testing/databases.ts";
import { createProject } from "./testing/projects.ts";
import { push } from "./supabase_cli.ts";

/** What of a snapshot does not name the owner or the defaults the project came with. */
function withoutOwner(snapshot: readonly string[]): string[] {
  return snapshot
    .filter((line) => !line.startsWith("default privileges"))
    .map((line) => line.replaceAll(/edgeloop_owner_[0-9a-f]{8}/g, "owner"))
    .sort();
}

testOnEachTarget(
  "an owner without superuser's rights pushes, and whatever the defaults, the rights end up the same",
  async (target) => {
    await using newer = await createProject(target, "newer");
    await using older = await createProject(target, "older");
    for (const project of [newer, older]) {
      assertEquals([...await project.owner`select rolsuper from pg_roles where rolname = current_user`], [{
        rolsuper: false,
      }]);
      await push(project.ownerUrl);
    }
    const [first, second] = [await snapshotSchema(newer.admin), await snapshotSchema(older.admin)];
    assertEquals(compareSnapshots(withoutOwner(first), withoutOwner(second)), []);

    await push(older.ownerUrl);
    assertEquals(await snapshotSchema(older.admin), second);
  },
);

for (const privileges of ["newer", "older"] as const) {
  testOnEachTarget(`anon touches nothing where the project is of the ${privileges} kind`, async (target) => {
    await using project = await createProject(target, privileges);
    await push(project.ownerUrl);
    const relations = await project.admin<{ name: string }[]>`
      select c.oid::regclass::text as name from pg_class c
      where c.relnamespace in ('public'::regnamespace, 'learning'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm')`;
    assert(relations.length > 10);
    for (const { name } of relations) {
      const error = await assertRejects(() =>
        project.admin.begin(async (transaction) => {
          await transaction`set local role anon`;
          await transaction.unsafe(`select from ${name} limit 1`);
        }), Error);
      assertEquals((error as Error & { code?: string }).code, "42501", `${name}: ${error.message}`);
    }
    const callable = await project.admin`
      select p.oid::regprocedure::text as name from pg_proc p
      where p.pronamespace in ('public'::regnamespace, 'learning'::regnamespace)
        and has_function_privilege('anon', p.oid, 'execute')`;
    assertEquals([...callable], []);
  });
}

testOnEachTarget(
  "the doorbell and every job work with the rights of the owner and the data API",
  async (target) => {
    await using project = await createProject(target, "newer");
    await push(project.ownerUrl);
    await storeSecret(project.admin, "project_url", "http://127.0.0.1:1", "Where.");
    await storeSecret(project.admin, "edge_function_secret_key", "sb_secret_test", "The key.");
    await project.admin.begin(async (transaction) => {
      await transaction`set local role service_role`;
      await transaction`insert into public.ad_strands (id, kind, content) values ('s', 'pm_action', '{}')`;
    });
    const queued = (): Promise<{ url: string; apikey: string }[]> =>
      project.admin<{ url: string; apikey: string }[]>`
      select url, headers ->> 'apikey' as apikey from net.http_request_queue order by id`.then((
        rows,
      ) => [...rows]);
    assertEquals(await queued(), [
      { url: "http://127.0.0.1:1/functions/v1/aggregate-strands", apikey: "sb_secret_test" },
    ]);

    const jobs = await project.owner<{ jobname: string; command: string; username: string }[]>`
    select jobname, command, username from cron.job order by jobid`;
    assertEquals(jobs.length, 7);
    for (const { command, username } of jobs) {
      assertEquals([...await project.owner`select current_user::text as name`], [{ name: username }]);
      await project.owner.unsafe(command);
    }
    assertEquals([
      ...await project.admin`select component, event, message from public.learning_log where level = 'ERROR'`,
    ], []);
    const rung = (await queued()).map(({ url }) => url.replace(/.*\//, ""));
    assertEquals(
      new Set(rung),
      new Set(["aggregate-strands", "mine-lessons", "mine-tuning", "materialize-overrides"]),
    );
  },
);

testOnEachTarget(
  "pruning deletes the details of the loop's own runs with the rights of the owner",
  async (target) => {
    await using project = await createProject(target, "newer");
    await push(project.ownerUrl);
    const [owner] = await project.owner<{ name: string }[]>`select current_user::text as name`;
    // The platform's row security shows each role its own runs.
    await project.admin`
    insert into cron.job_run_details (jobid, username, status, start_time, end_time)
    select job.jobid, ${
      owner?.name ?? ""
    }, 'succeeded', now() - age.days * interval '1 day', now() - age.days * interval '1 day'
    from cron.job job cross join (values (29), (31)) as age(days) where job.jobname = 'edgeloop-sweep'`;
    const [prune] = await project.owner<{ command: string }[]>`
    select command from cron.job where jobname = 'edgeloop-prune'`;
    await project.owner.unsafe(prune?.command ?? "");
    assertEquals([
      ...await project
        .admin`select now() - end_time < interval '30 days' as is_recent from cron.job_run_details`,
    ], [{ is_recent: true }]);
    assertEquals([...await project.admin`select message from public.learning_log where level <> 'INFO'`], []);
  },
);

/** Realtime as the platform has it, with what a policy and a broadcast need of it. */
const REALTIME = `
  create schema realtime;
  create table realtime.messages (
    topic text not null, extension text not null, payload jsonb, event text, private boolean
  );
  alter table realtime.messages enable row level security;
  create function realtime.topic() returns text language sql stable
    as $$ select nullif(current_setting('realtime.topic', true), '') $$;
  create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
    language plpgsql
    as $$ begin insert into realtime.messages values (topic, 'broadcast', payload, event, private); end $$;
  grant usage on schema realtime to authenticated;
  grant select on realtime.messages to authenticated`;

testOnEachTarget(
  "a push lets listeners in where it may, goes through where it may not, and overrides are written in either case",
  async (target) => {
    for (const mayMakePolicies of [true, false]) {
      await using project = await createProject(target, "newer");
      await project.admin.unsafe(REALTIME).simple();
      const [owner] = await project.owner<{ name: string }[]>`select current_user::text as name`;
      if (mayMakePolicies) {
        await project.admin.unsafe(
          `grant usage on schema realtime to ${owner?.name}; alter table realtime.messages owner to ${owner?.name}`,
        ).simple();
      }
      await push(project.ownerUrl);
      assertEquals(
        [
          ...await project.admin`
          select policyname, cmd, roles from pg_policies where schemaname = 'realtime'`,
        ],
        mayMakePolicies
          ? [{ policyname: "edgeloop_overrides", cmd: "SELECT", roles: ["authenticated"] }]
          : [],
      );
      await project.admin.begin(async (transaction) => {
        await transaction`set local role service_role`;
        await transaction`
          insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
          values ('pm_strength', 'pm.a', 'entry', '{}', 1.2)`;
      });
      assertEquals([
        ...await project.admin`
          select override.pattern_key,
            (select count(*)::integer from realtime.messages where payload -> 'ids' = jsonb_build_array(override.id)) as told
          from public.pm_overrides override`,
      ], [{ pattern_key: "pm.a", told: mayMakePolicies ? 1 : 0 }]);
      assertEquals(
        [
          ...await project.admin`
          select level, event from public.learning_log where component = 'alerts' order by id`,
        ],
        mayMakePolicies ? [] : [{ level: "WARNING", event: "listeners_not_admitted" }, {
          level: "ERROR",
          event: "broadcast_failed",
        }],
      );
    }
  },
);
