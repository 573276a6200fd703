-- Levers: the numbers the PM lets learning move, how far, and where each stands for a candidate.

create table public.learning_levers (
  lever text primary key,
  kind text not null check (kind in ('multiplier', 'additive', 'target')),
  neutral float8,
  lower_bound float8 not null,
  upper_bound float8 not null,
  max_step float8 check (max_step > 0 and max_step < 'infinity'),
  action_categories text[],
  description text not null,
  check (lower_bound <= upper_bound),
  -- NaN lies above every number.
  constraint learning_levers_bounds_are_finite
    check (lower_bound > '-infinity' and upper_bound < 'infinity'),
  check (neutral between lower_bound and upper_bound),
  check ((neutral is null) = (kind = 'target'))
);
alter table public.learning_levers enable row level security;
comment on table public.learning_levers is
  'Every number the PM lets learning move, with its bounds. A hand-made pm_tuning override names the lever '
  'as its action_category.';
comment on column public.learning_levers.lever is 'Name of the lever.';
comment on column public.learning_levers.kind is
  'multiplier: a factor on the PM''s own number; additive: added to it; target: takes its place.';
comment on column public.learning_levers.neutral is
  'Where the lever stands when nothing is known; null for a target: the PM''s own number holds.';
comment on column public.learning_levers.lower_bound is 'The lever never goes below this.';
comment on column public.learning_levers.upper_bound is 'The lever never goes above this.';
comment on column public.learning_levers.max_step is
  'Furthest that one call moves it from neutral in edge_weighted mode, for a factor as a ratio; null: no '
  'limit but its bounds.';
comment on column public.learning_levers.action_categories is
  'Actions the lever belongs to; null: it stands whatever the action, as a gate does.';
comment on column public.learning_levers.description is 'What the lever does.';

insert into public.learning_levers
  (lever, kind, neutral, lower_bound, upper_bound, max_step, action_categories, description) values
  ('size_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry,add}', 'Scales the size of the position.'),
  ('entry_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{entry,add}',
    'Scales the appetite to enter and add.'),
  ('exit_aggression_mult', 'multiplier', 1, 0.8, 1.2, 0.02, '{trim,exit}',
    'Scales the assertiveness to trim and exit.'),
  ('entry_delay_bars', 'additive', 0, 0, 3, 0.2, '{entry,add}', 'Bars to wait before the next entry or add.'),
  ('phase1_frac_mult', 'multiplier', 1, 0.7, 1.3, 0.02, '{entry}', 'Scales the first part of an entry.'),
  ('trim_delay_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim}', 'Stretches the time between trims.'),
  ('trail_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{trim,exit}',
    'Scales the distance of the trailing stop.'),
  ('min_ts_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Trend strength an add asks for.'),
  ('min_ox_for_trim', 'target', null, 0, 1, 0.05, '{trim}', 'Overextension a trim asks for.'),
  ('min_dx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Discount an add asks for.'),
  ('max_edx_for_add', 'target', null, 0, 1, 0.05, '{add}', 'Exhaustion above which nothing is added.'),
  ('wait_for_signal_x', 'target', null, 0, 1, 0.05, '{entry,add}',
    'Signal strength to wait for before acting.'),
  ('phase_scaling_s1_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S1.'),
  ('phase_scaling_s2_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S2.'),
  ('phase_scaling_s3_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{entry,add}',
    'Scales adds in trend state S3.'),
  ('panic_trigger_mult', 'multiplier', 1, 0.8, 1.25, 0.02, '{exit}',
    'Scales the threshold of the emergency exit.'),
  ('wait_n_bars_after_trim', 'additive', 0, 0, 5, 0.2, '{entry,add}',
    'Bars to wait after a trim before buying again.'),
  ('tuning_ts_min', 'additive', 0, -0.1, 0.1, null, null,
    'Added to the trend strength that the entry gate asks for.'),
  ('tuning_halo', 'additive', 0, -0.2, 0.2, null, null,
    'Added to the distance from the average that the entry gate allows.'),
  ('tuning_slope', 'additive', 0, -0.002, 0.002, null, null,
    'Added to the slope that the entry gate asks for.'),
  ('tuning_dx_min', 'additive', 0, -0.1, 0.1, null, null, 'Added to the discount that the S3 gate asks for.');

create type public.pm_lever as (
  lever text,
  multiplier float8,
  value float8,
  override_id bigint,
  scope_subset jsonb
);
comment on type public.pm_lever is
  'One answer of get_pm_levers: where a lever stands, and which override put it there.';
comment on column public.pm_lever.lever is 'Name of the lever.';
comment on column public.pm_lever.multiplier is
  'Factor on the PM''s own number; for additive levers and targets the factor their value amounted to, where '
  'known.';
comment on column public.pm_lever.value is
  'Change of an additive lever or value of a target; null where the lever is a factor, or a target that '
  'nothing sets.';
comment on column public.pm_lever.override_id is 'The override that set it; null where the lever is neutral.';
comment on column public.pm_lever.scope_subset is 'Scope of that override.';

create function learning.within_step(lever public.learning_levers, stood float8, wanted float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when lever.max_step is null then wanted
    when lever.kind = 'multiplier'
      then learning.clamp(wanted, stood / (1 + lever.max_step), stood * (1 + lever.max_step))
    else learning.clamp(wanted, stood - lever.max_step, stood + lever.max_step)
  end;
end
$$;
comment on function learning.within_step(public.learning_levers, float8, float8) is
  'As far towards what is wanted as one step of a lever leads from where it stood.';

create function learning.within_bounds(lever public.learning_levers, wanted float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.clamp(wanted, lever.lower_bound, lever.upper_bound);
end
$$;
comment on function learning.within_bounds(public.learning_levers, float8) is
  'What is wanted of a lever, kept within its bounds.';

create function learning.learned_levers(
  edge float8, fade float8, missed_at_entry float8, missed_at_exit float8
)
returns table (lever text, multiplier float8, value float8)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select learned.lever, learned.multiplier, learned.value
  from (values
    ('size_mult', 1 + edge, null),
    ('entry_aggression_mult', 1 + edge, null),
    ('exit_aggression_mult', 1 + edge, null),
    ('entry_delay_bars', null, missed_at_entry),
    ('phase1_frac_mult', 1 - 0.1 * missed_at_entry, null),
    ('trim_delay_mult', 1 - missed_at_exit / 15, null),
    ('trail_mult', case when edge > 0 then 1.05 when edge < 0 then 0.95 end, null),
    -- A target has no way between it and nothing: it lapses when what is left of the edge calls for none.
    ('min_ts_for_add', null, case when edge * fade > 0.3 then 0.55 end),
    ('min_ox_for_trim', null, case when edge * fade > 0.3 then 0.40 end)
  ) as learned(lever, multiplier, value)
  where learned.multiplier is not null or learned.value is not null;
$$;
comment on function learning.learned_levers(float8, float8, float8, float8) is
  'What a lesson says of the levers, from its edge in the unit of the outcome and the mean buckets of what '
  'its trades missed at entry and exit (0 to 3, null where unknown); bounds and fading come after.';

create function learning.offered_levers(candidate learning.candidate, config jsonb)
returns table (
  lever text, override_id bigint, scope_subset jsonb, specificity float8, confidence float8, fade float8,
  multiplier float8, value float8
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  strength_acts constant boolean := learning.overrides_act('pm_strength', candidate.scope, config);
  tuning_acts constant boolean := learning.overrides_act('pm_tuning', candidate.scope, config);
  fade_half_life constant float8 := (config -> 'staleness_half_life_hours')::float8;
begin
  return query
  with containing as (
    select override.*, index_entry.specificity, index_entry.confidence, index_entry.edge,
      learning.fade(candidate.as_of, override.last_evidence_at, fade_half_life) as fade
    from learning.override_index_groups index_group
    cross join lateral learning.contained_overrides(index_group, candidate.scope) as index_entry
    join public.pm_overrides override on override.id = index_entry.override_id
    where index_group.pattern_key = candidate.pattern_key
      and case index_group.override_type
        when 'pm_strength' then strength_acts and index_group.action_category = candidate.action_category
        when 'pm_tuning' then tuning_acts
      end
  )
  select containing.action_category, containing.id, containing.scope_subset, containing.specificity,
    containing.confidence, containing.fade, containing.multiplier, containing.value
  from containing
  where containing.override_type = 'pm_tuning'
  union all
  select learned.lever, containing.id, containing.scope_subset, containing.specificity, containing.confidence,
    containing.fade, learned.multiplier, learned.value
  from containing
  left join public.learning_lessons lesson on lesson.id = containing.lesson_id
  cross join lateral learning.learned_levers(
    -- A lever moves by what is earned more or less, whatever the edge is measured in.
    containing.edge * learning.scale_of_lesson(lesson.stats), containing.fade,
    (lesson.stats ->> 'm_e')::float8, (lesson.stats ->> 'm_x')::float8
  ) as learned
  where containing.override_type = 'pm_strength'
    -- One that is pinned is a person's word, whatever became of its lesson.
    and (lesson.id is null or lesson.status = 'active' or containing.control = 'pinned')
    -- One made by hand that names no edge is about the size alone.
    and (lesson.id is not null or containing.edge <> 0);
end
$$;
comment on function learning.offered_levers(learning.candidate, jsonb) is
  'What each override that a candidate contains says of the levers, before bounds and fading.';

create function learning.lever_stand(
  lever public.learning_levers, said_multiplier float8, said_value float8, fade float8, by_step boolean,
  out multiplier float8, out value float8
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if fade is null then
    multiplier := case lever.kind when 'multiplier' then lever.neutral else 1 end;
    value := case lever.kind when 'additive' then lever.neutral end;
  elsif lever.kind = 'multiplier' then
    multiplier := learning.faded(
      learning.within_bounds(lever, coalesce(said_multiplier, lever.neutral)), lever.neutral, fade
    );
    if by_step then
      multiplier := learning.within_step(lever, lever.neutral, multiplier);
    end if;
  elsif lever.kind = 'additive' then
    multiplier := learning.faded(said_multiplier, 1, fade);
    value := learning.faded(
      learning.within_bounds(lever, coalesce(said_value, lever.neutral)), lever.neutral, fade
    );
    if by_step then
      value := learning.within_step(lever, lever.neutral, value);
    end if;
  else
    multiplier := learning.faded(said_multiplier, 1, fade);
    value := learning.within_bounds(lever, said_value);
  end if;
end
$$;
comment on function learning.lever_stand(public.learning_levers, float8, float8, float8, boolean) is
  'Where a lever stands by what an override says of it, faded; neutral where fade is null, because none says '
  'anything.';

create function public.get_pm_levers(pattern_key text, action_category text, scope jsonb)
returns setof public.pm_lever
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  by_step constant boolean := config ->> 'strength_mode' = 'edge_weighted';
  candidate learning.candidate;
begin
  perform learning.require_pm();
  candidate := learning.check_candidate(pattern_key, action_category, scope, null, null, null, null);
  return query
  with chosen as (
    select distinct on (offered.lever) offered.*
    from learning.offered_levers(candidate, config) as offered
    join public.learning_levers lever on lever.lever = offered.lever
    where (lever.action_categories is null or candidate.action_category = any (lever.action_categories))
      and (lever.kind = 'multiplier' or offered.multiplier is not null or offered.value is not null)
      and (lever.kind <> 'target' or offered.value is not null)
    order by offered.lever, offered.specificity desc, offered.confidence desc, offered.override_id desc
  )
  select lever.lever, stand.multiplier, stand.value, chosen.override_id, chosen.scope_subset
  from public.learning_levers lever
  left join chosen on chosen.lever = lever.lever
  cross join lateral learning.lever_stand(
    lever.*, chosen.multiplier, chosen.value, chosen.fade, by_step
  ) as stand
  order by lever.lever;
end
$$;
comment on function public.get_pm_levers(text, text, jsonb) is
  'Where every lever stands for a candidate: set by the most specific override that speaks of it, alone, and '
  'neutral where none does.';
