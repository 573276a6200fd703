-- Comparison: why a size is different from what it was.

create table public.exposure_history (
  id bigint generated always as identity primary key,
  day date not null,
  pattern_key text,
  scope jsonb not null,
  scope_mask integer not null,
  exposure float8 not null,
  positions integer not null
);
create index exposure_history_day_idx on public.exposure_history (day);
alter table public.exposure_history enable row level security;
comment on table public.exposure_history is
  'What was held at the beginning of each day (UTC), by behaviour and scope; kept for 400 days.';
comment on column public.exposure_history.id is 'Identity.';
comment on column public.exposure_history.day is 'The day; a book that held nothing has one row for it.';
comment on column public.exposure_history.pattern_key is 'Behaviour that held it; null where unknown.';
comment on column public.exposure_history.scope is 'Scope of the positions.';
comment on column public.exposure_history.scope_mask is 'Its dimensions as bits.';
comment on column public.exposure_history.exposure is
  'Intended capital as a fraction of the book, or USD held where exposure.measure was value.';
comment on column public.exposure_history.positions is 'How many positions.';

create function learning.record_exposure()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  recorded integer;
begin
  if exists (select from public.exposure_history past_exposure where past_exposure.day = today) then
    return 0;
  end if;
  insert into public.exposure_history (day, pattern_key, scope, scope_mask, exposure, positions)
  select today, position_scope.pattern_key, position_scope.scope, position_scope.scope_mask,
    sum(position_scope.exposure), count(*)
  from learning.position_scopes position_scope
  group by position_scope.pattern_key, position_scope.scope, position_scope.scope_mask;
  get diagnostics recorded = row_count;
  if recorded = 0 then
    insert into public.exposure_history (day, scope, scope_mask, exposure, positions)
    values (today, '{}', 0, 0, 0);
    recorded := 1;
  end if;
  return recorded;
end
$$;
comment on function learning.record_exposure() is
  'Writes down what is held, once a day; returns how many rows.';

create function learning.put_configuration_back(as_of timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  former record;
begin
  for former in
    select distinct on (config_change.module_id) config_change.module_id, config_change.old
    from public.learning_config_history config_change
    where config_change.at > as_of and config_change.module_id in ('pm', 'decision_maker')
    order by config_change.module_id, config_change.at, config_change.id
  loop
    delete from public.learning_configs written_config where written_config.module_id = former.module_id;
    if former.old is not null then
      insert into public.learning_configs (module_id, config_data, version)
      values (former.module_id, former.old -> 'config_data', (former.old ->> 'version')::integer);
    end if;
  end loop;
end
$$;
comment on function learning.put_configuration_back(timestamptz) is
  'Writes the configuration as it was then; whoever calls it takes it back.';

create function learning.put_overrides_back(
  as_of timestamptz, p_pattern_key text, p_action_category text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed bigint[];
  past public.pm_overrides[];
begin
  select array_agg(former.override_id),
    array_agg(jsonb_populate_record(null::public.pm_overrides, former.state)) filter (where former.existed)
  into changed, past
  from learning.overrides_as_of(as_of, p_pattern_key, p_action_category) as former;
  delete from public.pm_overrides override where override.id = any (changed);
  insert into public.pm_overrides (
    id, override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, dir_e, value, edge_raw,
    n, variance, confidence_score, decay_state, half_life_hours, lesson_id, enabled, disabled_by,
    disabled_reason, first_active_at, last_evidence_at, control
  )
  select past_override.id, past_override.override_type, past_override.pattern_key,
    past_override.action_category, past_override.scope_subset, past_override.multiplier, past_override.dir_a,
    past_override.dir_e, past_override.value, past_override.edge_raw, past_override.n,
    past_override.variance, past_override.confidence_score, past_override.decay_state,
    past_override.half_life_hours, past_override.lesson_id, past_override.enabled, past_override.disabled_by,
    past_override.disabled_reason, past_override.first_active_at, past_override.last_evidence_at,
    past_override.control
  from unnest(past) as past_override;
end
$$;
comment on function learning.put_overrides_back(timestamptz, text, text) is
  'Writes the overrides of a key as they were then; whoever calls it takes it back.';

create function learning.put_exposure_back(as_of timestamptz)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  last_day constant date := (
    select max(past_exposure.day) from public.exposure_history past_exposure
    where past_exposure.day <= (as_of at time zone 'UTC')::date
  );
begin
  if last_day is null then
    return false;
  end if;
  delete from learning.position_scopes position_scope where true;
  insert into learning.position_scopes (position_id, pattern_key, scope, scope_mask, exposure)
  select gen_random_uuid(), past_exposure.pattern_key, past_exposure.scope, past_exposure.scope_mask,
    past_exposure.exposure
  from public.exposure_history past_exposure
  where past_exposure.day = last_day and past_exposure.positions > 0;
  return true;
end
$$;
comment on function learning.put_exposure_back(timestamptz) is
  'Writes what was held at the beginning of that day; whoever calls it takes it back. False where that is '
  'not known.';

create type learning.past_sizing as (sizing public.pm_sizing, config jsonb, as_now text[]);
comment on type learning.past_sizing is 'A size as it would have been at another time.';
comment on column learning.past_sizing.sizing is 'The row of get_pm_sizing.';
comment on column learning.past_sizing.config is 'The configuration that held.';
comment on column learning.past_sizing.as_now is 'What is taken as it is now.';

create function learning.size_as_of(candidate learning.candidate)
returns learning.past_sizing
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  past learning.past_sizing;
begin
  past.as_now := array['shares of timeframes', 'dimensions'];
  -- Everything is written as it was, asked, and taken back: so the one sizing there is answers, whatever time
  -- is asked for.
  begin
    perform learning.act_as('loop', 'comparison');
    if candidate.as_of < now() then
      begin
        perform learning.put_configuration_back(candidate.as_of);
      exception when data_exception then
        -- What was configured then this release would refuse.
        past.as_now := past.as_now || 'configuration'::text;
      end;
      perform learning.put_overrides_back(
        candidate.as_of, candidate.pattern_key, candidate.action_category
      );
      -- What is held is remembered once a day; of a moment ago the book as it is tells more.
      if candidate.as_of < now() - interval '5 minutes'
        and not learning.put_exposure_back(candidate.as_of) then
        past.as_now := past.as_now || 'exposure'::text;
      end if;
    end if;
    past.config := learning.config();
    if past.config ->> 'strength_mode' = 'calibrated' then
      past.as_now := past.as_now || 'calibrated effects'::text;
    end if;
    past.sizing := (learning.size_candidates(array[candidate]))[1];
    raise exception using errcode = 'EL002', message = 'What was written to look back is taken back.';
  exception when sqlstate 'EL002' then
    null;
  end;
  return past;
end
$$;
comment on function learning.size_as_of(learning.candidate) is
  'A candidate''s size at its own time, with the configuration that held and what was taken as it is now, '
  'because nothing is remembered of it.';

create function learning.differences_of_sizings(
  former public.pm_sizing, later public.pm_sizing, former_config jsonb, later_config jsonb
)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with pulls as (
      select coalesce(former_pull.id, later_pull.id) as id,
        coalesce(later_pull.scope_subset, former_pull.scope_subset) as scope_subset,
        former_pull.pull as before, later_pull.pull as after
      from jsonb_to_recordset(former.overrides) as former_pull(id bigint, scope_subset jsonb, pull float8)
      full join jsonb_to_recordset(later.overrides) as later_pull(id bigint, scope_subset jsonb, pull float8)
        on coalesce(later_pull.id, 0) = coalesce(former_pull.id, 0)
        and later_pull.scope_subset is not distinct from former_pull.scope_subset
    ),
    settings as (
      select coalesce(former_key.key, later_key.key) as key, former_key.value as before,
        later_key.value as after
      from jsonb_each(former_config) as former_key
      full join jsonb_each(later_config) as later_key on later_key.key = former_key.key
    ),
    differences as (
      select case when pulls.id is null then 'slice' else 'override' end as kind, pulls.id,
        pulls.scope_subset as what, case
          when pulls.before is null then 'came' when pulls.after is null then 'went' else 'changed'
        end as change, to_jsonb(pulls.before) as before, to_jsonb(pulls.after) as after,
        former.size_frac_raw * (coalesce(pulls.after, 0) - coalesce(pulls.before, 0)) as effect
      from pulls
      where pulls.before is distinct from pulls.after
      union all
      select 'exposure', null, null, 'changed', to_jsonb(former.exposure_skew), to_jsonb(later.exposure_skew),
        later.size_frac_raw * later.pm_strength * (later.exposure_skew - former.exposure_skew)
      where former.exposure_skew <> later.exposure_skew
      union all
      select 'configuration', null, to_jsonb(settings.key), 'changed', settings.before, settings.after, null
      from settings
      where settings.before is distinct from settings.after
    )
    select coalesce(jsonb_agg(
      to_jsonb(differences) order by abs(differences.effect) desc nulls last, differences.id
    ), '[]')
    from differences
  );
end
$$;
comment on function learning.differences_of_sizings(
  public.pm_sizing, public.pm_sizing, jsonb, jsonb
) is
  'What made two sizes differ, the largest first: kind (override, slice, exposure, configuration), id, what, '
  'change (came, went, changed), before and after (pull, skew or value) and the effect in parts of the size.';

create function public.compare_pm_sizing(
  pattern_key text, action_category text, scope jsonb, t1 timestamptz, t2 timestamptz,
  a_value float8 default 0.5, e_value float8 default 0.5
)
returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  candidates learning.candidate[];
  former learning.past_sizing;
  later learning.past_sizing;
begin
  perform learning.require_pm();
  if not coalesce(t1 between now() - learning.history_retention() and now(), false) then
    perform learning.refuse_argument('t1',
      format('a time within the last %s days', extract(day from learning.history_retention())), t1::text);
  elsif not coalesce(t2 between now() - learning.history_retention() and now() + interval '1 day', false) then
    perform learning.refuse_argument('t2',
      format('a time within the last %s days', extract(day from learning.history_retention())), t2::text);
  end if;
  candidates := array[
    learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, 1, t1),
    learning.check_candidate(pattern_key, action_category, scope, a_value, e_value, 1, t2)
  ];
  former := learning.size_as_of(candidates[1]);
  later := learning.size_as_of(candidates[2]);
  return jsonb_build_object(
    'before', to_jsonb(former.sizing) || jsonb_build_object('as_of', t1),
    'after', to_jsonb(later.sizing) || jsonb_build_object('as_of', t2),
    'difference', (later.sizing).size_frac - (former.sizing).size_frac,
    'differences', learning.differences_of_sizings(
      former.sizing, later.sizing, former.config, later.config
    ),
    'as_now', to_jsonb(former.as_now)
  );
end
$$;
comment on function public.compare_pm_sizing(text, text, jsonb, timestamptz, timestamptz, float8, float8) is
  'Why a size differs between two times: before and after are the rows of get_pm_sizing as they would have '
  'been, differences says what made the difference, the largest first, as_now names what is taken as it is '
  'now because nothing is remembered of it.';
