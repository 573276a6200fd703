-- Panels: what screens and Grafana read, and the week in words. Stable interface: columns are added at the
-- end and never changed.

create view public.health_now
with (security_invoker = true)
as
select stage.stage, stage.problem is null as well, stage.problem, stage.backlog,
  extract(epoch from now() - stage.oldest_waiting_at)::float8 as oldest_waiting_seconds,
  stage.last_success_at, extract(epoch from now() - stage.last_success_at)::float8 as success_age_seconds,
  stage.failures, stage.release
from public.learning_health stage;
comment on view public.health_now is 'How each stage of the loop is doing, in figures that can be watched.';
comment on column public.health_now.stage is 'Stage, in the order in which data passes through.';
comment on column public.health_now.well is 'Whether nothing is wrong with it.';
comment on column public.health_now.problem is 'What is wrong, in words; null where nothing is.';
comment on column public.health_now.backlog is 'What waits.';
comment on column public.health_now.oldest_waiting_seconds is 'For how long the oldest of that has.';
comment on column public.health_now.last_success_at is 'When it last did its work.';
comment on column public.health_now.success_age_seconds is 'How long ago that was.';
comment on column public.health_now.failures is 'How often it failed lately.';
comment on column public.health_now.release is 'Release of the database.';

create view public.override_performance
with (security_invoker = true)
as
select override.id as override_id, override.override_type, override.pattern_key, override.action_category,
  override.scope_subset as scope, override.control, override.enabled, override.disabled_reason,
  case override.override_type
    when 'pm_tuning' then 'gains'
    else learning.outcome_unit(override.action_category, learning.config())
  end as unit, override.evidence_from,
  override.promised, override.baseline, override.baseline_sigma, coalesce(record.n, 0) as live_n,
  record.mean as live_mean, record.mean - override.baseline as live_effect, record.e_value as live_e_value,
  record.recorded_at
from public.pm_overrides override
left join learning.live_records record on record.override_id = override.id;
comment on view public.override_performance is
  'For every override what its decisions came to since it began to act, and for one that moves a gate the '
  'windows that only the move let in or kept out, against what it promised.';
comment on column public.override_performance.override_id is 'The override.';
comment on column public.override_performance.override_type is 'What it acts on.';
comment on column public.override_performance.pattern_key is 'Behaviour it applies to, dotted.';
comment on column public.override_performance.action_category is 'Action it applies to, or the lever.';
comment on column public.override_performance.scope is 'Where.';
comment on column public.override_performance.control is 'Whose word it is: auto, pinned or off.';
comment on column public.override_performance.enabled is 'Whether it acts.';
comment on column public.override_performance.disabled_reason is 'Why not.';
comment on column public.override_performance.unit is
  'What outcomes are in: points, of which a fraction of 0.01 is one, or R; gains for a gate, where a window '
  'that it decided is 1 if it let in a success or kept out a failure, else 0.';
comment on column public.override_performance.evidence_from is
  'Since when decisions count; when it began to act, or was switched off for breaking its promise.';
comment on column public.override_performance.promised is
  'How much better they were to be; of a gate the least share of gains, 0.5.';
comment on column public.override_performance.baseline is
  'The baseline when it began to act; 0, no gain, for a gate.';
comment on column public.override_performance.baseline_sigma is 'Its deviation.';
comment on column public.override_performance.live_n is
  'Decisions since then, in which it acted; of a gate the windows that it decided.';
comment on column public.override_performance.live_mean is
  'Mean of their winsorised outcomes; of a gate the share of gains.';
comment on column public.override_performance.live_effect is 'By how much that is above the baseline.';
comment on column public.override_performance.live_e_value is
  'Evidence that it keeps less than half of its promise, or a gate less than all of it, half gains: 1 is '
  'none, at 20 it is switched off.';
comment on column public.override_performance.recorded_at is 'When these figures came to be.';

create view public.sizing_daily
with (security_invoker = true)
as
with applied as (
  select (strand.created_at at time zone 'UTC')::date as day,
    learning.action_category(strand.content) as action_category, count(*)::integer as actions,
    avg(learning.multiplier_applied(strand.content, 'pm_strength')) as strength_applied,
    avg(learning.multiplier_applied(strand.content, 'exposure_skew')) as skew_applied,
    avg(learning.finite_number(strand.content -> 'size_frac')) as size_applied
  from public.ad_strands strand
  where strand.kind = 'pm_action' and strand.created_at >= now() - learning.sizing_retention()
  group by 1, 2
),
answered as (
  select (sizing.taken_at at time zone 'UTC')::date as day, sizing.action_category,
    count(*)::integer as sizings, count(*) filter (where sizing.held_out)::integer as held_out,
    avg(sizing.pm_strength) as strength_answered, avg(sizing.exposure_skew) as skew_answered,
    avg(sizing.size_frac) as size_answered,
    (count(*) filter (where abs(sizing.pm_strength - 1) > 0.005))::integer as moved
  from public.pm_sizings sizing
  where sizing.taken_at >= now() - learning.sizing_retention()
  group by 1, 2
)
select day, action_category, coalesce(applied.actions, 0) as actions, applied.strength_applied,
  applied.skew_applied, applied.size_applied, coalesce(answered.sizings, 0) as sizings,
  coalesce(answered.held_out, 0) as held_out, coalesce(answered.moved, 0) as moved,
  answered.strength_answered, answered.skew_answered, answered.size_answered
from applied
full join answered using (day, action_category);
comment on view public.sizing_daily is
  'Sizes by day (UTC) and category, of the last 90 days: what actions say was applied, and what was answered '
  'as far as it is recorded.';
comment on column public.sizing_daily.day is 'The day.';
comment on column public.sizing_daily.action_category is 'entry, add, trim or exit.';
comment on column public.sizing_daily.actions is 'Actions of the PM.';
comment on column public.sizing_daily.strength_applied is 'Mean factor from what was learned, as they say.';
comment on column public.sizing_daily.skew_applied is 'Mean factor from crowding, as they say.';
comment on column public.sizing_daily.size_applied is 'Mean size, as they say.';
comment on column public.sizing_daily.sizings is 'Recorded answers of take_pm_sizing.';
comment on column public.sizing_daily.held_out is 'How many of them were held out of what was learned.';
comment on column public.sizing_daily.moved is 'How many of them were moved by more than 0.5 %.';
comment on column public.sizing_daily.strength_answered is 'Mean factor from what was learned, as answered.';
comment on column public.sizing_daily.skew_answered is 'Mean factor from crowding, as answered.';
comment on column public.sizing_daily.size_answered is 'Mean size, as answered.';

create view public.allocation_daily
with (security_invoker = true)
as
with told as (
  select (past_allocation.exit_at at time zone 'UTC')::date as day, past_allocation.*,
    row_number() over (
      partition by (past_allocation.exit_at at time zone 'UTC')::date, past_allocation.timeframe
      order by past_allocation.exit_at desc, past_allocation.trade_id collate "C" desc,
        past_allocation.module collate "C" desc
    ) as place
  from public.timeframe_allocation_history past_allocation
)
select told.day, told.timeframe,
  max(told.allocation) filter (where told.place = 1) as allocation,
  max(start.share) as start_allocation,
  max(told.desired_allocation) filter (where told.place = 1) as desired_allocation,
  max(told.roi_short) filter (where told.place = 1) as roi_short,
  max(told.roi_long) filter (where told.place = 1) as roi_long,
  count(*) filter (where told.trade_timeframe = told.timeframe)::integer as trades,
  coalesce(sum(told.trade_roi * (told.allocation - told.change))
    filter (where told.trade_timeframe = told.timeframe), 0) as earned_at_learned,
  coalesce(sum(told.trade_roi * start.share)
    filter (where told.trade_timeframe = told.timeframe), 0) as earned_at_start
from told
left join lateral (
  select begun.shares[array_position(begun.timeframes, told.timeframe)] as share
  from learning.start_shares() as begun
) as start on true
group by told.day, told.timeframe;
comment on view public.allocation_daily is
  'Shares of timeframes by day (UTC) on which a trade closed, and what its trades earned of the book at the '
  'learned and at the starting shares: told, and nothing is switched off by it.';
comment on column public.allocation_daily.day is 'The day.';
comment on column public.allocation_daily.timeframe is 'Timeframe.';
comment on column public.allocation_daily.allocation is 'Its share at the end of the day.';
comment on column public.allocation_daily.start_allocation is 'The share it started from.';
comment on column public.allocation_daily.desired_allocation is 'The share it was heading for.';
comment on column public.allocation_daily.roi_short is 'Mean ROI of its trades, memory of 14 days.';
comment on column public.allocation_daily.roi_long is 'Mean ROI of its trades, memory of 90 days.';
comment on column public.allocation_daily.trades is 'Trades on it that closed that day.';
comment on column public.allocation_daily.earned_at_learned is
  'Sum of their ROI times the share that it had before each.';
comment on column public.allocation_daily.earned_at_start is 'The same at the share it started from.';

create view public.exposure_now
with (security_invoker = true)
as
select pair.key as dimension, pair.value, sum(position_scope.exposure) as exposure,
  sum(position_scope.exposure) / nullif((
    select sum(whole_position_scope.exposure) from learning.position_scopes whole_position_scope
  ), 0) as share, count(*)::integer as positions
from learning.position_scopes position_scope
cross join lateral jsonb_each_text(
  position_scope.scope
    || jsonb_build_object('pattern_key', position_scope.pattern_key, 'all', 'all')
) as pair
group by pair.key, pair.value;
comment on view public.exposure_now is
  'What is held, by each value of each dimension, by pattern key, and all together (dimension all).';
comment on column public.exposure_now.dimension is 'Dimension, pattern_key or all.';
comment on column public.exposure_now.value is 'Its value; null for positions whose behaviour is not known.';
comment on column public.exposure_now.exposure is
  'Intended capital as a fraction of the book, or USD held where exposure.measure is value.';
comment on column public.exposure_now.share is 'The same as a part of all that is held.';
comment on column public.exposure_now.positions is 'How many positions.';

-- What may be configured, and what holds.

create view public.learning_settings
with (security_invoker = true)
as
select setting.module_id, setting.path, setting.kind,
  effective_config.config #> setting.keys as value, setting.default_value,
  coalesce(written_config.config_data #> setting.keys is not null, false) as is_set,
  setting.nullable, setting.minimum, setting.maximum, setting.choices,
  learning.accepted_values(setting) as accepts, setting.description
from learning.settings setting
left join learning.effective_configs effective_config on effective_config.module_id = setting.module_id
left join public.learning_configs written_config on written_config.module_id = setting.module_id;
comment on view public.learning_settings is
  'Every configuration key, a row each: the value that holds, its default, what it takes and what it does.';
comment on column public.learning_settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column public.learning_settings.path is 'Key, dotted where it is nested.';
comment on column public.learning_settings.kind is
  'Type of the value: number, integer, boolean, choice and others.';
comment on column public.learning_settings.value is 'Value that holds.';
comment on column public.learning_settings.default_value is 'Value that holds while the key is not set.';
comment on column public.learning_settings.is_set is 'Whether the configuration names the key.';
comment on column public.learning_settings.nullable is 'Whether null may be set.';
comment on column public.learning_settings.minimum is 'Smallest number accepted; null where it is no number.';
comment on column public.learning_settings.maximum is 'Largest number accepted; null where it is no number.';
comment on column public.learning_settings.choices is 'Texts accepted, for a choice.';
comment on column public.learning_settings.accepts is 'What the key takes, in words.';
comment on column public.learning_settings.description is 'What the key does.';

-- The week in words ---------------------------------------------------------------------------------------

create function learning.digest(since timestamptz)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  believed bigint;
  dropped bigint;
  switched_off text;
  sizes text;
  uplift text;
  proof constant public.learning_proofs := learning.newest_proof();
  health text;
begin
  select count(*) filter (where log_line.event = 'lesson_activated'),
    count(*) filter (where log_line.event = 'lesson_deprecated')
  into believed, dropped
  from public.learning_log log_line
  where log_line.at >= since and log_line.event in ('lesson_activated', 'lesson_deprecated');

  select format('%s switched off by evidence', learning.counted(count(*), 'override', 'overrides'))
  into switched_off
  from public.pm_override_history change
  where change.at >= since and change.actor = 'loop' and change.new ->> 'enabled' = 'false'
    and starts_with(change.new ->> 'disabled_reason', 'stopped adding value');

  select format('%s recorded, %s of them moved by more than 0.5 %% and %s held out; the PM told of %s',
    learning.counted(coalesce(sum(day.sizings), 0), 'size answered and', 'sizes answered and'),
    coalesce(sum(day.moved), 0), coalesce(sum(day.held_out), 0),
    learning.counted(coalesce(sum(day.actions), 0), 'action', 'actions'))
  into sizes
  from public.sizing_daily day
  where day.day >= (since at time zone 'UTC')::date;

  select string_agg(format('%s %s %s a unit of size [%s, %s] over %s (e = %s)', uplift.action_category,
    learning.in_unit(uplift.difference, uplift.unit), uplift.unit, learning.in_unit(uplift.low, uplift.unit),
    learning.in_unit(uplift.high, uplift.unit), learning.counted(uplift.weeks, 'week', 'weeks'),
    round(uplift.e_value::numeric, 1)), '; ' order by uplift.action_category)
  into uplift
  from public.learning_uplift uplift
  where uplift.difference is not null;

  select string_agg(format('%s is not well: %s', stage.stage, stage.problem), E'\n') into health
  from public.health_now stage
  where not stage.well;

  return concat_ws(E'\n',
    format('Edgeloop, the week since %s', learning.moment(since)),
    format('Lessons: %s came to be believed, %s were dropped', believed, dropped),
    'Overrides: ' || switched_off,
    'Sizes: ' || sizes,
    'Live experiment: ' || coalesce(uplift, 'nothing to tell yet'),
    'Proof: ' || coalesce(proof.report ->> 'sentence', proof.verdict,
      'none of this configuration and release'),
    'Health: ' || coalesce(E'\n' || health, 'all stages are well'));
end
$$;
comment on function learning.digest(timestamptz) is
  'What happened since then in a few plain lines: lessons, overrides, sizes, what the experiment and the '
  'proof say, and health.';

create function learning.send_digest()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Called by hand besides, it is told once an hour, too.
  if tg_op = 'UPDATE' and old.called_at > clock_timestamp() - interval '1 hour' then
    return null;
  end if;
  perform learning.send_to_webhook(learning.digest(now() - interval '7 days'));
  return null;
end
$$;
comment on function learning.send_digest() is 'Sends the week in words to the webhook, where there is one.';
create trigger digest after insert or update on learning.errands
for each row when (new.name = 'digest') execute function learning.send_digest();
comment on trigger digest on learning.errands is 'The errand digest.';
