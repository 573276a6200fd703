-- Strength reconciliation: overrides of sizes and allocation follow the active lessons.
--
-- A pass goes through all keys (type, pattern key, category), in pieces that each are a transaction of their
-- own and none longer than its budget. Whoever asks for a size reads one key. So a key is taken over whole,
-- in one piece, where it can be; of one that is too large for that, what lapsed goes first and what is wanted
-- comes after, scope by scope: until it is through some scopes are as they were or have nothing to say, and
-- no evidence counts twice under two names.

create table learning.strength_reconciliation (
  single boolean primary key default true check (single),
  run bigint not null default 0,
  started_at timestamptz,
  finished_at timestamptz,
  after_group_id bigint not null default 0,
  span_under_way jsonb,
  leased_until timestamptz
);
alter table learning.strength_reconciliation enable row level security;
comment on table learning.strength_reconciliation is
  'How far the pass over the strength and allocation overrides has got; what dies is taken up from here.';
comment on column learning.strength_reconciliation.single is 'There is one row.';
comment on column learning.strength_reconciliation.run is 'Number of the pass.';
comment on column learning.strength_reconciliation.started_at is 'When it began; null before the first.';
comment on column learning.strength_reconciliation.finished_at is
  'When it ended; null while it is under way.';
comment on column learning.strength_reconciliation.after_group_id is
  'Every key whose first mining group has no larger id is done.';
comment on column learning.strength_reconciliation.span_under_way is
  'What comes next within a key that takes several statements (learning.key_span); null between keys.';
comment on column learning.strength_reconciliation.leased_until is
  'Until when somebody is taken to be at work on it.';
insert into learning.strength_reconciliation default values;

create function learning.reconcile_span(span learning.key_span)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  wanted_overrides learning.wanted_override[];
  lapsed_overrides learning.lapsed_override[];
begin
  -- In one statement, so that both are of one moment: else an override that another run makes in between
  -- would seem to have lapsed.
  with active as materialized (
    select mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category,
      acting_lesson.scope_digest
    from learning.mining_groups mining_group
    join learning.acting_lessons acting_lesson using (module, pattern_key, action_category)
    where mining_group.id = any (span.group_ids) and span.step <> 'take'
      and acting_lesson.scope_digest > span.after_digest
      and acting_lesson.scope_digest <= coalesce(span.last_digest, 'z')
  ),
  keys as materialized (
    select distinct mining_group.lesson_type as override_type, mining_group.pattern_key,
      mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.id = any (span.group_ids) and span.step <> 'take'
  )
  select array(
      select wanted::learning.wanted_override
      from learning.strength_overrides(span.group_ids, span.after_digest, span.last_digest) as wanted
      where span.step <> 'lapse'
    ),
    array(
      select (override.id, learning.strength_lapse_reason(override.lesson_id))::learning.lapsed_override
      from keys
      join public.pm_overrides override using (override_type, pattern_key, action_category)
      where override.scope_digest > span.after_digest
        and override.scope_digest <= coalesce(span.last_digest, 'z')
        -- Not in rather than not exists: it is hashed however few rows are expected, and the other would
        -- compare all with all.
        and (override.override_type, override.pattern_key, override.action_category, override.scope_digest)
          not in (
            select active.lesson_type, active.pattern_key, active.action_category, active.scope_digest
            from active
          )
        and learning.is_reconciled(override)
    )
  into wanted_overrides, lapsed_overrides;
  return learning.reconcile(wanted_overrides, lapsed_overrides);
end
$$;
comment on function learning.reconcile_span(learning.key_span) is
  'Brings the overrides of some keys, or of a part of one, in line with the active lessons.';

create function learning.after_span(pass learning.strength_reconciliation, span learning.key_span)
returns learning.strength_reconciliation
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if span.step <> 'whole' and span.last_digest is not null then
    span.after_digest := span.last_digest;
    pass.span_under_way := to_jsonb(span);
  elsif span.step = 'lapse' then
    span.step := 'take';
    span.after_digest := '';
    pass.span_under_way := to_jsonb(span);
  else
    pass.span_under_way := null;
    pass.after_group_id := span.last_group_id;
    update learning.mining_groups mining_group
    set lagging_since = null
    from unnest(span.group_ids, span.mined_at) as taken_over(id, mined_at)
    where mining_group.id = taken_over.id and mining_group.lagging_since is not null
      -- One that was mined again meanwhile is still ahead of what acts.
      and mining_group.mined_at = taken_over.mined_at;
  end if;
  return pass;
end
$$;
comment on function learning.after_span(learning.strength_reconciliation, learning.key_span) is
  'How far a pass has got when a span is done; notes of whole keys that what acts is what was learned.';

create function public.reconcile_overrides(
  p_after bigint default 0, p_limit integer default 1000, p_budget_ms integer default 1200
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Most lessons are not active: reading those that are, by their index, is most of what there is to do.
set enable_seqscan = off
set jit = off
as $$
declare
  deadline constant timestamptz := clock_timestamp() + make_interval(secs => p_budget_ms / 1000.0);
  pass learning.strength_reconciliation;
  span learning.key_span;
  done jsonb;
  spans integer := 0;
  created bigint := 0;
  changed bigint := 0;
  disabled bigint := 0;
begin
  -- Whoever else works on it is waited for: a piece is short.
  select reconciliation.* into strict pass
  from learning.strength_reconciliation reconciliation
  where reconciliation.single
  for update;
  if p_after = 0 and (pass.started_at is null or pass.finished_at is not null) then
    pass := (true, pass.run + 1, now(), null, 0, null, null);
  end if;
  perform learning.act_as('loop', 'strength ' || pass.run);
  -- A pass that somebody else brought to its end is over.
  while pass.finished_at is null and p_after in (0, pass.run) loop
    span := case
      when pass.span_under_way is null then learning.next_keys(pass.after_group_id, p_limit)
      else jsonb_populate_record(null::learning.key_span, pass.span_under_way)
    end;
    if span.group_ids is null then
      pass.finished_at := clock_timestamp();
      exit;
    end if;
    -- A large key has a piece to itself from its beginning, so that all of it fits in where it can.
    exit when spans > 0 and (
      clock_timestamp() >= deadline or (pass.span_under_way is null and span.step = 'lapse')
    );
    span.last_digest := learning.end_of_span(span, p_limit);
    done := learning.reconcile_span(span);
    pass := learning.after_span(pass, span);
    spans := spans + 1;
    created := created + (done ->> 'created')::bigint;
    changed := changed + (done ->> 'changed')::bigint;
    disabled := disabled + (done ->> 'disabled')::bigint;
  end loop;
  update learning.strength_reconciliation reconciliation
  set run = pass.run, started_at = pass.started_at, finished_at = pass.finished_at,
    after_group_id = pass.after_group_id, span_under_way = pass.span_under_way,
    leased_until = case when pass.finished_at is null then learning.lease_end() end
  where reconciliation.single;
  perform learning.act_as('');
  return jsonb_build_object(
    'next', case when pass.finished_at is null and p_after in (0, pass.run) then pass.run end,
    'created', created, 'changed', changed, 'disabled', disabled
  );
end
$$;
comment on function public.reconcile_overrides(bigint, integer, integer) is
  'Brings strength and allocation overrides in line with the active lessons, key by key, with p_limit rows '
  'in a statement, for p_budget_ms: the next piece of pass p_after; 0 takes up the pass that was left, or '
  'begins one. next is the pass, null at its end. For the edge functions.';
