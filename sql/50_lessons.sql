-- Lessons: which groups are due for mining, who is mining them, and what was found.

create table public.learning_lessons (
  id bigint generated always as identity primary key,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  scope_subset jsonb not null,
  scope_mask integer not null,
  lesson_type text not null check (lesson_type in ('pm_strength', 'tuning_rates', 'dm_alloc')),
  n integer not null,
  stats jsonb not null,
  edge_raw float8,
  p_value float8,
  q_value float8,
  decay_halflife_hours float8,
  status text not null check (status in ('candidate', 'active', 'deprecated')),
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  updated_at timestamptz not null default now(),
  scope_digest text not null generated always as (md5(scope_subset::text)) stored,
  unique (module, pattern_key, action_category, scope_digest)
);
create index learning_lessons_active_idx on public.learning_lessons (module, pattern_key, action_category) where status = 'active';
create index learning_lessons_status_idx on public.learning_lessons (lesson_type, status, id);
alter table public.learning_lessons enable row level security;
comment on table public.learning_lessons is 'What was learned: the statistics of one behaviour in one scope.';
comment on column public.learning_lessons.id is 'Identity.';
comment on column public.learning_lessons.module is 'Who acted: pm or dm.';
comment on column public.learning_lessons.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_lessons.action_category is 'entry, add, trim, exit, allocation, or tuning for gates.';
comment on column public.learning_lessons.scope_subset is 'The scope: every trade behind the lesson contains it.';
comment on column public.learning_lessons.scope_mask is 'Dimensions of scope_subset as bits.';
comment on column public.learning_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column public.learning_lessons.n is 'Trades (for tuning: windows) behind it.';
comment on column public.learning_lessons.stats is 'All statistics; outcomes in units of outcome_scale, times in hours.';
comment on column public.learning_lessons.edge_raw is 'Edge against the baseline after decay; null for tuning.';
comment on column public.learning_lessons.p_value is 'Two-sided p value of the difference to the baseline; null for tuning.';
comment on column public.learning_lessons.q_value is 'Benjamini-Hochberg false discovery rate within the group; null for tuning.';
comment on column public.learning_lessons.decay_halflife_hours is 'Half-life of the edge; null where it is stable or unknown.';
comment on column public.learning_lessons.status is 'candidate; active when large and beyond luck; deprecated once it was active and no longer is.';
comment on column public.learning_lessons.first_active_at is 'When it first became active.';
comment on column public.learning_lessons.last_evidence_at is 'Close of the newest trade behind it.';
comment on column public.learning_lessons.updated_at is 'When the row changed last.';
comment on column public.learning_lessons.scope_digest is 'Short form of scope_subset for uniqueness.';

create table public.learning_edge_history (
  lesson_id bigint not null references public.learning_lessons (id) on delete cascade,
  ts timestamptz not null,
  edge float8 not null,
  n integer not null,
  primary key (lesson_id, ts)
);
alter table public.learning_edge_history enable row level security;
comment on table public.learning_edge_history is 'How the edge of lessons that are or were active developed: one snapshot per run in which the evidence changed, the last 500 each.';
comment on column public.learning_edge_history.lesson_id is 'The lesson.';
comment on column public.learning_edge_history.ts is 'When the snapshot was taken.';
comment on column public.learning_edge_history.edge is 'Edge before decay.';
comment on column public.learning_edge_history.n is 'Trades behind it.';

create view public.pattern_scope_stats
with (security_invoker = true)
as
select lesson.id as lesson_id, lesson.module, lesson.pattern_key, lesson.action_category, lesson.scope_mask,
  lesson.scope_subset as scope_values, lesson.n, lesson.stats, lesson.updated_at
from public.learning_lessons lesson
where lesson.lesson_type <> 'tuning_rates' and lesson.status <> 'deprecated';
comment on view public.pattern_scope_stats is 'Lessons that hold, as mask, values, n and statistics.';
comment on column public.pattern_scope_stats.lesson_id is 'The lesson.';
comment on column public.pattern_scope_stats.module is 'Who acted: pm or dm.';
comment on column public.pattern_scope_stats.pattern_key is 'Behaviour, dotted.';
comment on column public.pattern_scope_stats.action_category is 'Category of the action.';
comment on column public.pattern_scope_stats.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_stats.scope_values is 'The scope.';
comment on column public.pattern_scope_stats.n is 'Trades behind it.';
comment on column public.pattern_scope_stats.stats is 'All statistics.';
comment on column public.pattern_scope_stats.updated_at is 'When the lesson changed last.';

create table learning.mining_cycles (
  family text primary key check (family in ('strength', 'tuning')),
  cycle bigint not null default 0,
  last_event_id bigint not null default 0,
  started_at timestamptz
);
alter table learning.mining_cycles enable row level security;
comment on table learning.mining_cycles is 'The mining cycle under way: every group of it is mined on the events that were there when it began.';
comment on column learning.mining_cycles.family is 'strength for lessons from trades, tuning for lessons from episodes.';
comment on column learning.mining_cycles.cycle is 'Number of the cycle.';
comment on column learning.mining_cycles.last_event_id is 'Newest event of the cycle.';
comment on column learning.mining_cycles.started_at is 'When the cycle began.';
insert into learning.mining_cycles (family) values ('strength'), ('tuning');

create table learning.mining_groups (
  id bigint generated always as identity primary key,
  family text not null references learning.mining_cycles (family),
  lesson_type text not null,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  evidence_version bigint not null default 1,
  mined_version bigint not null default 0,
  mined_cycle bigint not null default 0,
  mined_at timestamptz,
  mined_settings text,
  mined_baseline float8,
  run jsonb,
  progress jsonb,
  lease_token uuid,
  leased_until timestamptz,
  unique (module, pattern_key, action_category)
);
create index mining_groups_family_idx on learning.mining_groups (family);
alter table learning.mining_groups enable row level security;
comment on table learning.mining_groups is 'The groups that are mined, what is due and who is at work.';
comment on column learning.mining_groups.id is 'Identity.';
comment on column learning.mining_groups.family is 'Cycle that the group is mined in.';
comment on column learning.mining_groups.lesson_type is 'Type of the lessons that come from the group.';
comment on column learning.mining_groups.module is 'Who acted.';
comment on column learning.mining_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.mining_groups.action_category is 'Category of the action, or tuning.';
comment on column learning.mining_groups.evidence_version is 'Grows with each change of the group''s events.';
comment on column learning.mining_groups.mined_version is 'Evidence version that the lessons rest on.';
comment on column learning.mining_groups.mined_cycle is 'Cycle in which it was mined last.';
comment on column learning.mining_groups.mined_at is 'When it was mined last.';
comment on column learning.mining_groups.mined_settings is 'Digest of the configuration and the registry it was mined under.';
comment on column learning.mining_groups.mined_baseline is 'Baseline mean it was mined against.';
comment on column learning.mining_groups.run is 'What the run under way works with: events, settings, baseline; empty while a due group waits for it, null between runs.';
comment on column learning.mining_groups.progress is 'Where the run under way has got to, in the miner''s own terms; null at its beginning.';
comment on column learning.mining_groups.lease_token is 'Invocation that holds the group.';
comment on column learning.mining_groups.leased_until is 'When another invocation may take over.';

create table learning.baselines (
  action_category text primary key,
  n integer not null,
  mean float8 not null,
  winsorised_mean float8 not null,
  sigma float8 not null,
  lower_bound float8 not null,
  upper_bound float8 not null,
  measured_at timestamptz not null default now()
);
alter table learning.baselines enable row level security;
comment on table learning.baselines is 'What slices are compared with, measured at the start of each cycle.';
comment on column learning.baselines.action_category is 'Category whose trades it covers; empty for all trades.';
comment on column learning.baselines.n is 'Distinct trades.';
comment on column learning.baselines.mean is 'Mean outcome.';
comment on column learning.baselines.winsorised_mean is 'Mean of the winsorised outcomes.';
comment on column learning.baselines.sigma is 'Population standard deviation of the winsorised outcomes.';
comment on column learning.baselines.lower_bound is '2 % quantile of the outcomes.';
comment on column learning.baselines.upper_bound is '98 % quantile of the outcomes.';
comment on column learning.baselines.measured_at is 'When it was measured.';

create function learning.mark_groups_changed(changed learning.group_key[])
returns void
language sql
set search_path = ''
as $$
  insert into learning.mining_groups as held (family, lesson_type, module, pattern_key, action_category)
  select distinct
    case when marked.action_category = 'tuning' then 'tuning' else 'strength' end,
    case
      when marked.action_category = 'tuning' then 'tuning_rates'
      when marked.module = 'dm' and marked.action_category = 'allocation' then 'dm_alloc'
      else 'pm_strength'
    end,
    marked.module, marked.pattern_key, marked.action_category
  from unnest(changed) as marked
  -- Every writer takes the rows in the same order and none deadlocks.
  order by 3, 4, 5
  on conflict (module, pattern_key, action_category) do update set evidence_version = held.evidence_version + 1;
$$;
comment on function learning.mark_groups_changed(learning.group_key[]) is 'Notes that the events of some groups changed.';

create function learning.mining_settings()
returns text
language sql
stable
set search_path = ''
as $$
  select md5(concat_ws(' ',
    (select jsonb_build_object('outcome', held.config -> 'outcome', 'outcome_scale', held.config -> 'outcome_scale', 'n_min', held.config -> 'n_min',
        'edge_min', held.config -> 'edge_min', 'incremental_min', held.config -> 'incremental_min', 'max_q_value', held.config -> 'max_q_value',
        'cluster', held.config -> 'cluster', 'baseline', held.config -> 'baseline', 'selection', held.config -> 'selection',
        'max_lessons_per_group', held.config -> 'max_lessons_per_group', 'decay', held.config -> 'decay',
        'roi_scale', held.config #> '{steering,roi_scale}', 'relative', held.config #> '{steering,relative}',
        'lookback_days', held.config #> '{tuning,lookback_days}')::text
      from learning.effective_configs held where held.module_id = 'pm'),
    (select string_agg(known.dim || '=' || known.bit, ',' order by known.bit) from public.scope_dimensions known)
  ));
$$;
comment on function learning.mining_settings() is 'Digest of all that mining depends on besides the events: its configuration and the registry.';

create function learning.measure_baselines()
returns void
language plpgsql
set search_path = ''
as $$
declare
  config jsonb := learning.config();
begin
  with outcomes as materialized (
    select trade.action_categories,
      case config ->> 'outcome' when 'rr' then trade.rr else trade.roi end / (config ->> 'outcome_scale')::float8 as y
    from learning.closed_trades trade
    where trade.action_categories <> '{}'
  ),
  populations as (
    select '' as action_category, outcomes.y from outcomes
    union all
    select category.name, outcomes.y
    from outcomes
    cross join lateral unnest(outcomes.action_categories) as category(name)
    where config ->> 'baseline' = 'category'
  ),
  bounds as (
    select populations.action_category, count(*)::integer as n, avg(populations.y) as mean,
      percentile_cont(array[0.02, 0.98]) within group (order by populations.y) as bound
    from populations
    group by populations.action_category
  ),
  measured as (
    select bounds.action_category, bounds.n, bounds.mean, bounds.bound,
      avg(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])) as winsorised_mean,
      coalesce(stddev_pop(least(greatest(populations.y, bounds.bound[1]), bounds.bound[2])), 0) as sigma
    from bounds
    join populations using (action_category)
    group by bounds.action_category, bounds.n, bounds.mean, bounds.bound
  ),
  gone as (
    delete from learning.baselines held
    where not exists (select from measured where measured.action_category = held.action_category)
  )
  insert into learning.baselines (action_category, n, mean, winsorised_mean, sigma, lower_bound, upper_bound)
  select measured.action_category, measured.n, measured.mean, measured.winsorised_mean, measured.sigma, measured.bound[1], measured.bound[2]
  from measured
  on conflict (action_category) do update set
    n = excluded.n, mean = excluded.mean, winsorised_mean = excluded.winsorised_mean, sigma = excluded.sigma,
    lower_bound = excluded.lower_bound, upper_bound = excluded.upper_bound, measured_at = now();
end
$$;
comment on function learning.measure_baselines() is 'Measures the baselines over all distinct trades that have an event.';

create function learning.baseline_of(group_category text)
returns learning.baselines
language sql
stable
set search_path = ''
as $$
  select held.*
  from learning.baselines held
  where held.action_category = case learning.config() ->> 'baseline' when 'category' then group_category else '' end;
$$;
comment on function learning.baseline_of(text) is 'The baseline that a group of the given category is compared with.';

create function learning.due_groups(p_family text)
returns setof bigint
language sql
stable
set search_path = ''
as $$
  select due.id
  from learning.mining_groups due
  join learning.mining_cycles current_cycle on current_cycle.family = due.family
  left join lateral learning.baseline_of(due.action_category) as baseline on due.family = 'strength'
  where due.family = p_family
    and (
      due.run is not null
      -- Events that came after the cycle began wait for the next one.
      or due.mined_version < due.evidence_version and due.mined_cycle < current_cycle.cycle
      or due.mined_settings is distinct from (select learning.mining_settings())
      or abs(baseline.mean - due.mined_baseline) > 0.01 * baseline.sigma
      or due.mined_at < now() - interval '1 day'
    );
$$;
comment on function learning.due_groups(text) is
  'Groups whose run is under way or whose events, configuration, registry or baseline changed, or that were not mined for a day.';

create function public.start_mining(p_family text)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  due bigint[];
begin
  -- Holding the row keeps a second cycle from beginning on baselines that are being measured.
  update learning.mining_cycles begun
  set cycle = begun.cycle + 1, started_at = now()
  where begun.family = p_family;
  update learning.mining_cycles begun
  set last_event_id = case p_family
    when 'tuning' then (select coalesce(max(episode.id), 0) from public.pattern_episode_events episode)
    else (select coalesce(max(event.id), 0) from public.pattern_trade_events event)
  end
  where begun.family = p_family;
  if p_family = 'strength' then
    perform learning.measure_baselines();
  end if;
  -- Due groups are marked, so that the sweep finds those that no invocation came to. Every writer takes the rows in the
  -- same order and none deadlocks.
  due := array(
    select held.id from learning.mining_groups held
    where held.id in (select learning.due_groups(p_family))
    order by held.module, held.pattern_key, held.action_category
    for update
  );
  update learning.mining_groups held set run = coalesce(held.run, '{}'::jsonb) where held.id = any (due);
  return cardinality(due);
end
$$;
comment on function public.start_mining(text) is
  'Begins a mining cycle: measures the baselines, marks the groups that are due and returns how many. For the edge functions.';

create function learning.begin_run(p_group learning.mining_groups)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'started_at', now(),
    'cycle', current_cycle.cycle,
    'last_event_id', current_cycle.last_event_id,
    'evidence_version', p_group.evidence_version,
    'settings', learning.mining_settings(),
    'config', learning.config(),
    'baseline', (
      select to_jsonb(baseline) - 'action_category' - 'measured_at'
      from learning.baseline_of(p_group.action_category) as baseline
      where baseline.n is not null
    ),
    'dimensions', (
      select jsonb_agg(jsonb_build_object('bit', known.bit, 'dim', known.dim) order by known.bit) from public.scope_dimensions known
    )
  )
  from learning.mining_cycles current_cycle
  where current_cycle.family = p_group.family;
$$;
comment on function learning.begin_run(learning.mining_groups) is 'What a run of a group works with from beginning to end, however many invocations it takes.';

create function public.claim_mining_group(p_family text)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  claimed learning.mining_groups;
begin
  select held.* into claimed
  from learning.mining_groups held
  where held.id in (select learning.due_groups(p_family))
    and (held.leased_until is null or held.leased_until < clock_timestamp())
  order by held.progress is null, held.mined_at nulls first, held.id
  limit 1
  for update skip locked;
  if claimed.id is null then
    return null;
  end if;
  update learning.mining_groups held
  set lease_token = gen_random_uuid(),
    leased_until = clock_timestamp() + interval '60 seconds',
    -- Without progress there is nothing to go on with: it begins with what holds now.
    run = case when held.progress is null then learning.begin_run(held) else held.run end
  where held.id = claimed.id
  returning held.* into claimed;
  return jsonb_build_object(
    'group_id', claimed.id, 'lease_token', claimed.lease_token, 'lesson_type', claimed.lesson_type, 'module', claimed.module,
    'pattern_key', claimed.pattern_key, 'action_category', claimed.action_category, 'run', claimed.run, 'progress', claimed.progress
  );
end
$$;
comment on function public.claim_mining_group(text) is
  'Leases one due group to the caller, with what its run works with and where it has got to; null where none is left. For the edge functions.';

create function learning.require_lease(p_group_id bigint, p_lease_token uuid)
returns learning.mining_groups
language plpgsql
set search_path = ''
as $$
declare
  held learning.mining_groups;
begin
  select leased.* into held from learning.mining_groups leased where leased.id = p_group_id and leased.lease_token = p_lease_token for update;
  if held.id is null then
    raise exception using
      errcode = '55P03',
      message = format('Lease %s on mining group %s is no longer held', p_lease_token, p_group_id),
      hint = 'Another invocation took the group over; stop and claim another one.';
  end if;
  return held;
end
$$;
comment on function learning.require_lease(bigint, uuid) is 'The leased group, or an error where the lease passed on.';

create function public.save_mining_progress(p_group_id bigint, p_lease_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set progress = p_progress, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.save_mining_progress(bigint, uuid, jsonb) is
  'Writes down where a run has got to and gives the group back for the next invocation. For the edge functions.';

create function public.restart_mining_group(p_group_id bigint, p_lease_token uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform learning.require_lease(p_group_id, p_lease_token);
  update learning.mining_groups held
  set run = '{}'::jsonb, progress = null, lease_token = null, leased_until = null
  where held.id = p_group_id;
end
$$;
comment on function public.restart_mining_group(bigint, uuid) is
  'Gives up a run whose events were corrected under way; the group is due again from the beginning. For the edge functions.';

create function learning.packed(chunks bytea)
returns text
language sql
immutable
set search_path = ''
as $$
  select replace(encode(coalesce(chunks, ''::bytea), 'base64'), E'\n', '');
$$;
comment on function learning.packed(bytea) is 'Bytes as one line of base64.';

create function learning.packed_dimensions()
returns text
language sql
stable
set search_path = ''
as $$
  select coalesce(string_agg(format(
    '%L, learning.packed(string_agg(int4send(coalesce(event.scope_codes[%s], 0)), ''''::bytea))', known.bit, known.bit + 1
  ), ', ' order by known.bit), '')
  from public.scope_dimensions known;
$$;
comment on function learning.packed_dimensions() is
  'Arguments for jsonb_build_object that pack each dimension''s codes of rows named event; one pass over the rows does them all.';

create function public.read_mining_group(p_group_id bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  held learning.mining_groups;
  packed jsonb;
begin
  select known.* into held from learning.mining_groups known where known.id = p_group_id;
  execute format($query$
    select jsonb_build_object(
      'rows', count(*)::integer,
      'roi', learning.packed(string_agg(float8send(event.roi), ''::bytea)),
      'rr', learning.packed(string_agg(float8send(event.rr), ''::bytea)),
      'acted_at', learning.packed(string_agg(float8send(extract(epoch from event.acted_at)::float8 * 1000), ''::bytea)),
      'traded_at', learning.packed(string_agg(float8send(extract(epoch from event.traded_at)::float8 * 1000), ''::bytea)),
      'duration_hours', learning.packed(string_agg(float8send(event.duration_hours), ''::bytea)),
      'time_to_s3_hours', learning.packed(string_agg(float8send(coalesce(event.time_to_s3_hours, 'NaN')), ''::bytea)),
      'could_enter_better', learning.packed(string_agg(float8send(coalesce(event.could_enter_better, 'NaN')), ''::bytea)),
      'could_exit_better', learning.packed(string_agg(float8send(coalesce(event.could_exit_better, 'NaN')), ''::bytea)),
      'did_trim', learning.packed(string_agg(int4send(event.did_trim::integer), ''::bytea)),
      'reached_s3', learning.packed(string_agg(int4send(event.reached_s3::integer), ''::bytea)),
      'dimensions', jsonb_build_object(%s)
    )
    from (
      select first_action.*
      from (
        select distinct on (action.trade_id) action.*
        from public.pattern_trade_events action
        where action.module = $1 and action.pattern_key = $2 and action.action_category = $3 and action.id <= $4
        order by action.trade_id, action.acted_at, action.action_strand_id collate "C"
      ) as first_action
      order by first_action.traded_at, first_action.trade_id collate "C"
    ) as event
  $query$, learning.packed_dimensions())
  into packed
  using held.module, held.pattern_key, held.action_category, (held.run ->> 'last_event_id')::bigint;
  return packed;
end
$$;
comment on function public.read_mining_group(bigint) is
  'A group''s trades in packed columns (base64 of big-endian values), one row per trade by its first action, oldest close first. For the edge functions.';

create function public.read_module_trades(p_module text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'roi', learning.packed(string_agg(float8send(trade.roi), ''::bytea)),
    'did_trim', learning.packed(string_agg(int4send(trade.did_trim::integer), ''::bytea)),
    'reached_s3', learning.packed(string_agg(int4send(trade.reached_s3::integer), ''::bytea))
  )
  from (
    select distinct on (event.trade_id) event.roi, event.did_trim, event.reached_s3
    from public.pattern_trade_events event
    where event.module = p_module
    order by event.trade_id
  ) as trade;
$$;
comment on function public.read_module_trades(text) is
  'What posture is judged by, of every distinct trade of a module, in packed columns. For the edge functions.';

create function public.read_scope_values(p_codes integer[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(held.code, held.value), '{}'::jsonb)
  from learning.scope_values held
  where held.code = any (p_codes);
$$;
comment on function public.read_scope_values(integer[]) is 'What the codes in packed columns stand for. For the edge functions.';

create function public.read_edge_history(p_group_id bigint)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('scope_subset', series.scope_subset, 'ts', series.ts, 'edge', series.edge)), '[]'::jsonb)
  from (
    select lesson.scope_subset,
      jsonb_agg(extract(epoch from snapshot.ts)::float8 * 1000 order by snapshot.ts) as ts,
      jsonb_agg(snapshot.edge order by snapshot.ts) as edge
    from learning.mining_groups held
    join public.learning_lessons lesson using (module, pattern_key, action_category)
    join public.learning_edge_history snapshot on snapshot.lesson_id = lesson.id
    where held.id = p_group_id
    group by lesson.id, lesson.scope_subset
  ) as series;
$$;
comment on function public.read_edge_history(bigint) is 'Earlier snapshots of the edges of a group''s lessons, oldest first. For the edge functions.';

create function learning.prune_edge_history(lesson_ids bigint[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
  pruned integer;
begin
  delete from public.learning_edge_history snapshot
  using (
    select kept.lesson_id, kept.ts, row_number() over (partition by kept.lesson_id order by kept.ts desc) as age
    from public.learning_edge_history kept
    where kept.lesson_id = any (lesson_ids)
  ) as aged
  where snapshot.lesson_id = aged.lesson_id and snapshot.ts = aged.ts and aged.age > 500;
  get diagnostics pruned = row_count;
  return pruned;
end
$$;
comment on function learning.prune_edge_history(bigint[]) is 'Deletes all but the last 500 snapshots of some lessons; returns how many.';

create function public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  held learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  outcome jsonb;
begin
  with found as materialized (
    select lesson.scope_subset, md5(lesson.scope_subset::text) as scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value,
      lesson.q_value, lesson.decay_halflife_hours, lesson.status, lesson.last_evidence_at
    from jsonb_to_recordset(p_lessons) as lesson(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8, decay_halflife_hours float8,
      status text, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare all with all.
  gone as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, p_value, q_value,
      decay_halflife_hours, status, first_active_at, last_evidence_at
    )
    select held.module, held.pattern_key, held.action_category, found.scope_subset, learning.scope_mask(found.scope_subset),
      held.lesson_type, found.n, found.stats, found.edge_raw, found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value, q_value = excluded.q_value,
      decay_halflife_hours = excluded.decay_halflife_hours,
      status = case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end,
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value, lesson.decay_halflife_hours, lesson.last_evidence_at,
        lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value, excluded.decay_halflife_hours,
        excluded.last_evidence_at,
        case when excluded.status = 'candidate' and lesson.first_active_at is not null then 'deprecated' else excluded.status end)
    returning lesson.id, lesson.scope_subset, lesson.scope_digest, lesson.n, lesson.stats, lesson.edge_raw, lesson.q_value, lesson.status,
      lesson.first_active_at, lesson.last_evidence_at
  ),
  lapsed as (
    update public.learning_lessons lesson
    set status = 'deprecated', updated_at = now()
    from gone
    where lesson.id = gone.id and gone.status = 'active'
    returning lesson.id, lesson.scope_subset, lesson.n, lesson.edge_raw, lesson.q_value
  ),
  dropped as (
    delete from public.learning_lessons lesson
    using gone
    where lesson.id = gone.id and gone.status = 'candidate'
    returning lesson.id
  ),
  -- A former lesson is the row as it was before this statement, which is all that its other parts see.
  snapshots as (
    insert into public.learning_edge_history (lesson_id, ts, edge, n)
    select written.id, now(), (written.stats ->> 'edge_before_decay')::float8, written.n
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.first_active_at is not null
      and written.stats ? 'edge_before_decay'
      and (former.id is null or former.first_active_at is null
        or (former.n, former.last_evidence_at, former.stats -> 'avg') is distinct from (written.n, written.last_evidence_at, written.stats -> 'avg'))
    on conflict (lesson_id, ts) do nothing
    returning lesson_id
  ),
  changes as (
    select 'lesson_activated' as event, written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    left join public.learning_lessons former on former.id = written.id
    where written.status = 'active' and former.status is distinct from 'active'
    union all
    select 'lesson_deprecated', written.scope_subset, written.n, written.edge_raw, written.q_value
    from written
    join public.learning_lessons former on former.id = written.id
    where written.status = 'deprecated' and former.status = 'active'
    union all
    select 'lesson_deprecated', lapsed.scope_subset, lapsed.n, lapsed.edge_raw, lapsed.q_value from lapsed
  ),
  logged as (
    insert into public.learning_log (level, component, event, message, details)
    select 'INFO', case held.lesson_type when 'tuning_rates' then 'mine-tuning' else 'mine-lessons' end, changes.event,
      format('%s %s %s in %s: n=%s edge=%s q=%s', case changes.event when 'lesson_activated' then 'Active' else 'No longer active' end,
        held.pattern_key, held.action_category, changes.scope_subset, changes.n, round(changes.edge_raw::numeric, 4), changes.q_value),
      jsonb_build_object('pattern_key', held.pattern_key, 'action_category', held.action_category, 'scope_subset', changes.scope_subset,
        'n', changes.n, 'edge_raw', changes.edge_raw, 'q_value', changes.q_value)
    from changes
    where held.lesson_type <> 'tuning_rates'
    returning event
  )
  select jsonb_build_object(
    'written', (select count(*) from written), 'deprecated', (select count(*) from lapsed), 'deleted', (select count(*) from dropped),
    'snapshots', (select count(*) from snapshots), 'logged', (select count(*) from logged)
  )
  into outcome;

  perform learning.prune_edge_history(array(
    select lesson.id
    from public.learning_lessons lesson
    where lesson.module = held.module and lesson.pattern_key = held.pattern_key and lesson.action_category = held.action_category
      and lesson.first_active_at is not null
  ));

  update learning.mining_groups mined
  set mined_version = (held.run ->> 'evidence_version')::bigint - later.events, mined_cycle = (held.run ->> 'cycle')::bigint, mined_at = now(), mined_settings = held.run ->> 'settings',
    mined_baseline = (held.run #>> '{baseline,mean}')::float8, run = null, progress = null, lease_token = null, leased_until = null
  from (
    -- Events that came between the beginning of the cycle and that of the run are not in it and keep the group due.
    select exists (
      select from public.pattern_trade_events event
      where held.family = 'strength' and event.module = held.module and event.pattern_key = held.pattern_key
        and event.action_category = held.action_category and event.id > (held.run ->> 'last_event_id')::bigint
      union all
      select from public.pattern_episode_events episode
      where held.family = 'tuning' and episode.pattern_key = held.pattern_key and episode.id > (held.run ->> 'last_event_id')::bigint
    )::integer as events
  ) as later
  where mined.id = held.id;
  return outcome;
end
$$;
comment on function public.finish_mining_group(bigint, uuid, jsonb) is
  'Writes the lessons of a finished run all at once, drops what was no longer found and ends the lease. For the edge functions.';
