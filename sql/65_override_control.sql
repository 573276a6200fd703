-- Control of overrides: whose word each is, and the history of who changed what.
--
--   auto     the loop's; it alone changes these
--   pinned   a person's, who edited a learned one or made one by hand
--   off      a person's, who switched it off
--
-- disabled_by follows (learning.normalise_override): user where control is off, loop where it switched an
-- override off itself.

create function learning.follow_hand()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former public.pm_overrides := old;
begin
  if tg_op = 'INSERT' then
    -- One that names its lesson is the loop's own, put back by a person.
    new.control := case
      when new.enabled and new.control = 'auto' and new.lesson_id is null then 'pinned'
      when new.enabled then new.control
      when new.control = 'auto' and new.disabled_by = 'loop' and new.lesson_id is not null then 'auto'
      else 'off'
    end;
    new.enabled := new.enabled and new.control <> 'off';
    return new;
  end if;
  -- What triggers and the loop write besides is nobody's edit.
  former.last_updated_at := new.last_updated_at;
  former.scope_mask := new.scope_mask;
  former.scope_digest := new.scope_digest;
  former.proposed := new.proposed;
  -- To approve what the loop says is to let it say so.
  if former is not distinct from new
    or (new.approved_at is distinct from former.approved_at and new.control = 'auto') then
    return new;
  end if;
  if new.control is distinct from former.control then
    if new.control = 'off' then
      new.enabled := false;
    elsif former.enabled and not new.enabled then
      new.control := 'off';
    elsif former.control = 'off' and new.control = 'pinned' then
      new.enabled := true;
    elsif new.control = 'auto' and new.lesson_id is null then
      new.control := 'pinned';
      new.enabled := true;
    end if;
  elsif new.enabled then
    new.control := 'pinned';
  elsif former.enabled or former.control = 'off'
    or (new.disabled_by = 'user' and former.disabled_by is distinct from 'user') then
    new.control := 'off';
  else
    new.control := 'pinned';
  end if;
  return new;
end
$$;
comment on function learning.follow_hand() is
  'Notes that a person edited, made or switched off an override, which is then no longer the loop''s to '
  'change; a control that he sets himself holds as he sets it.';
-- As learning.acts_as_loop, whose call for each row took a tenth of an upsert.
create trigger follow_hand before insert or update on public.pm_overrides
for each row when (current_setting('learning.actor', true) is distinct from 'loop')
execute function learning.follow_hand();
comment on trigger follow_hand on public.pm_overrides is
  'What a person says of an override is not undone by the loop.';

-- Before the rows of a statement: whether what meets a row that is there becomes an update of it, as its
-- writer says, or takes it over, can be told from which statement triggers fire.
create function learning.note_upsert()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('learning.upsert', (tg_op = 'UPDATE')::text, true);
  return null;
end
$$;
comment on function learning.note_upsert() is
  'Notes whether a statement inserts alone or, on conflict, updates: the one fires before inserts, the other '
  'before updates besides, in this order.';
create trigger note_insert before insert on public.pm_overrides
for each statement execute function learning.note_upsert();
comment on trigger note_insert on public.pm_overrides is
  'An insert by hand takes over a learned override, unless it says what to do on conflict.';
create trigger note_upsert before update on public.pm_overrides
for each statement execute function learning.note_upsert();
comment on trigger note_upsert on public.pm_overrides is
  'An insert by hand takes over a learned override, unless it says what to do on conflict.';

create function learning.take_over_override()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former public.pm_overrides;
begin
  if current_setting('learning.upsert', true) = 'true' then
    return new;
  end if;
  delete from public.pm_overrides override
  where (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
    = (new.override_type, new.pattern_key, new.action_category, md5(new.scope_subset::text))
    and override.lesson_id is not null
  returning override.* into former;
  if former.id is not null then
    new.id := former.id;
    new.lesson_id := former.lesson_id;
    new.first_active_at := former.first_active_at;
    new.proposed := former.proposed;
  end if;
  return new;
end
$$;
comment on function learning.take_over_override() is
  'Lets an override that a person inserts take the place of the learned one in its scope, with its id and '
  'its lesson.';
create trigger take_over_override before insert on public.pm_overrides
for each row when (new.lesson_id is null and current_setting('learning.actor', true) is distinct from 'loop')
execute function learning.take_over_override();
comment on trigger take_over_override on public.pm_overrides is
  'One can be made by hand where one was learned; the loop leaves it alone from then on.';

create table public.pm_override_history (
  id bigint generated always as identity primary key,
  override_id bigint not null,
  at timestamptz not null default now(),
  actor text not null,
  run text,
  reason text,
  old jsonb,
  new jsonb
);
create index pm_override_history_override_idx on public.pm_override_history (override_id, at);
create index pm_override_history_at_idx on public.pm_override_history (at);
alter table public.pm_override_history enable row level security;
comment on table public.pm_override_history is
  'Every change of pm_overrides, written by triggers; kept for 400 days. An override as it was is the '
  'present row with old of all later changes put over it, the newest first.';
comment on column public.pm_override_history.id is 'Order of writing.';
comment on column public.pm_override_history.override_id is 'The override.';
comment on column public.pm_override_history.at is 'When.';
comment on column public.pm_override_history.actor is
  'Who: loop for the loop itself, else a signed-in user''s mail address or id, or the role of the database.';
comment on column public.pm_override_history.run is 'Run of the loop; null for a person.';
comment on column public.pm_override_history.reason is
  'Why, where whoever changed it said so in the setting learning.reason of his transaction.';
comment on column public.pm_override_history.old is
  'The columns that changed as they were, all of them where it was deleted; null where it is new.';
comment on column public.pm_override_history.new is
  'The columns that changed as they are now, all of them where it is new; null where it was deleted.';

-- All of these run as their owner: whoever may write overrides need not be able to write their history.
create function learning.remember_new_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  put_back bigint[];
begin
  -- One that took the place of another, or was deleted and put back within a transaction, has changed.
  if not learning.acts_as_loop() then
    with completed as (
      update public.pm_override_history change
      set new = to_jsonb(new_override)
      from new_overrides new_override
      where change.override_id = new_override.id and change.at = now() and change.new is null
      returning change.override_id
    )
    select array_agg(completed.override_id) into put_back from completed;
  end if;
  insert into public.pm_override_history (override_id, actor, run, reason, new)
  select new_override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
    to_jsonb(new_override)
  from new_overrides new_override
  where put_back is null or new_override.id <> all (put_back);
  return null;
end
$$;
comment on function learning.remember_new_overrides() is 'Writes down who made the overrides of a statement.';

create function learning.remember_changed_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A plan that was made for a statement without rows is kept for one of thousands, and would compare all with
-- all.
set enable_nestloop = off
as $$
declare
  actor constant text := learning.actor();
  run constant text := learning.actor_note('run');
  reason constant text := learning.actor_note('reason');
  -- What the loop promises of one it makes is no change of it.
  by_loop constant boolean := learning.acts_as_loop();
begin
  with compared as materialized (
    -- Written out: to take both rows apart and compare key by key takes several times as long.
    select former.id, former, present, array[
      'id', 'last_updated_at', 'scope_digest', 'proposed',
      case when former.override_type is not distinct from present.override_type then 'override_type' end,
      case when former.pattern_key is not distinct from present.pattern_key then 'pattern_key' end,
      case when former.action_category is not distinct from present.action_category
        then 'action_category' end,
      case when former.scope_subset is not distinct from present.scope_subset then 'scope_subset' end,
      case when former.scope_mask is not distinct from present.scope_mask then 'scope_mask' end,
      case when former.multiplier is not distinct from present.multiplier then 'multiplier' end,
      case when former.dir_a is not distinct from present.dir_a then 'dir_a' end,
      case when former.dir_e is not distinct from present.dir_e then 'dir_e' end,
      case when former.value is not distinct from present.value then 'value' end,
      case when former.edge_raw is not distinct from present.edge_raw then 'edge_raw' end,
      case when former.n is not distinct from present.n then 'n' end,
      case when former.variance is not distinct from present.variance then 'variance' end,
      case when former.confidence_score is not distinct from present.confidence_score
        then 'confidence_score' end,
      case when former.decay_state is not distinct from present.decay_state then 'decay_state' end,
      case when former.half_life_hours is not distinct from present.half_life_hours
        then 'half_life_hours' end,
      case when former.lesson_id is not distinct from present.lesson_id then 'lesson_id' end,
      case when former.enabled is not distinct from present.enabled then 'enabled' end,
      case when former.disabled_by is not distinct from present.disabled_by then 'disabled_by' end,
      case when former.disabled_reason is not distinct from present.disabled_reason
        then 'disabled_reason' end,
      case when former.first_active_at is not distinct from present.first_active_at
        then 'first_active_at' end,
      case when former.last_evidence_at is not distinct from present.last_evidence_at
        then 'last_evidence_at' end,
      case when former.control is not distinct from present.control then 'control' end,
      case when by_loop or former.evidence_from is not distinct from present.evidence_from
        then 'evidence_from' end,
      case when by_loop or former.promised is not distinct from present.promised then 'promised' end,
      case when by_loop or former.baseline is not distinct from present.baseline then 'baseline' end,
      case when by_loop or former.baseline_sigma is not distinct from present.baseline_sigma
        then 'baseline_sigma' end,
      case when former.approved_at is not distinct from present.approved_at then 'approved_at' end,
      case when former.approved_by is not distinct from present.approved_by then 'approved_by' end
    ] as left_out
    from old_overrides former
    join new_overrides present using (id)
  ),
  changes as materialized (
    select compared.id, to_jsonb(compared.former) - compared.left_out as old,
      to_jsonb(compared.present) - compared.left_out as new
    from compared
  )
  insert into public.pm_override_history (override_id, actor, run, reason, old, new)
  select changes.id, actor, run, reason, changes.old, changes.new
  from changes
  where changes.old <> '{}';
  return null;
end
$$;
comment on function learning.remember_changed_overrides() is
  'Writes down who changed the overrides of a statement, and the columns that changed.';

create function learning.remember_deleted_overrides()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    insert into public.pm_override_history (override_id, actor, run, reason, old)
    select override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
      to_jsonb(override)
    from public.pm_overrides override
    order by override.id;
  else
    insert into public.pm_override_history (override_id, actor, run, reason, old)
    select old_override.id, learning.actor(), learning.actor_note('run'), learning.actor_note('reason'),
      to_jsonb(old_override)
    from old_overrides old_override;
  end if;
  return null;
end
$$;
comment on function learning.remember_deleted_overrides() is
  'Writes down who deleted overrides, and what they were.';

create trigger remember_new_overrides after insert on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.remember_new_overrides();
comment on trigger remember_new_overrides on public.pm_overrides is
  'Who made an override can be looked up.';
create trigger remember_changed_overrides after update on public.pm_overrides
referencing old table as old_overrides new table as new_overrides
for each statement execute function learning.remember_changed_overrides();
comment on trigger remember_changed_overrides on public.pm_overrides is
  'Who changed an override, and what it said before, can be looked up.';
create trigger remember_deleted_overrides after delete on public.pm_overrides
referencing old table as old_overrides
for each statement execute function learning.remember_deleted_overrides();
comment on trigger remember_deleted_overrides on public.pm_overrides is
  'What was deleted can be looked up.';
create trigger remember_truncated_overrides before truncate on public.pm_overrides
for each statement execute function learning.remember_deleted_overrides();
comment on trigger remember_truncated_overrides on public.pm_overrides is
  'What was deleted can be looked up.';

create function learning.enabled_spans(p_override_id bigint, enabled_now boolean)
returns tstzmultirange
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  spans tstzmultirange;
begin
  with flips as (
    select change.at, change.id, (change.old ->> 'enabled')::boolean as before,
      coalesce((change.new ->> 'enabled')::boolean, false) as after
    from public.pm_override_history change
    where change.override_id = p_override_id and (change.old ? 'enabled' or change.new ? 'enabled')
  ),
  spells as (
    select flips.at as from_at, lead(flips.at, 1, 'infinity') over (order by flips.at, flips.id) as to_at,
      flips.after as enabled
    from flips
    union all
    -- What was before the first that is remembered; that an override was made is no end of anything.
    select '-infinity', first_flip.at, coalesce(first_flip.before, first_flip.after)
    from (select * from flips order by flips.at, flips.id limit 1) as first_flip
  )
  select range_agg(tstzrange(spells.from_at, spells.to_at)) filter (where spells.enabled) into spans
  from spells
  having count(*) > 0;
  return case
    when found then coalesce(spans, '{}')
    when enabled_now then tstzmultirange(tstzrange(null, null))
    else '{}'
  end;
end
$$;
comment on function learning.enabled_spans(bigint, boolean) is
  'When an override was enabled, by its history; as it is now where that remembers nothing.';

create trigger broadcast_overrides after insert on public.pm_override_history
referencing new table as new_changes
for each statement execute function learning.broadcast_overrides();
comment on trigger broadcast_overrides on public.pm_override_history is 'Whoever listens hears of it.';
