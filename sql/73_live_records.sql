-- Live records: what came of the decisions in which an override acted, or of the windows that its move of a
-- gate decided, against what it promised.

create table learning.live_records (
  override_id bigint primary key,
  n integer not null,
  mean float8,
  e_value float8,
  recorded_at timestamptz not null default now()
);
alter table learning.live_records enable row level security;
comment on table learning.live_records is
  'What came of the decisions that an override contained since evidence_from, while it acted, of one that '
  'moves a gate of the windows that the move decided; of one that broke its promise, since it was switched '
  'off.';
comment on column learning.live_records.override_id is 'The override.';
comment on column learning.live_records.n is 'Decisions, or windows, of known outcome.';
comment on column learning.live_records.mean is
  'Mean of their winsorised outcomes, of windows the share of gains; null without any.';
comment on column learning.live_records.e_value is
  'Evidence that it keeps less than half of its promise, of windows that less than half are gains: 1 is '
  'none; null where nothing was promised.';
comment on column learning.live_records.recorded_at is 'When these figures came to be.';

create table learning.watched_groups (
  group_id bigint primary key,
  mined_at timestamptz not null
);
alter table learning.watched_groups enable row level security;
comment on table learning.watched_groups is
  'The mining groups whose overrides were last held against their promises, as they were mined then: they '
  'are looked at again when they are mined anew.';
comment on column learning.watched_groups.group_id is 'The group.';
comment on column learning.watched_groups.mined_at is 'When it had been mined.';

create function learning.promise_of_key(
  p_override_type text, p_pattern_key text, p_action_category text
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  promised_overrides integer;
begin
  with lesson as (
    select learning_lesson.id, (learning_lesson.stats ->> 'effect')::float8 as effect,
      (learning_lesson.stats ->> 'effect_error2')::float8 as error2,
      learning.tau2_of(learning_lesson.module, learning_lesson.action_category) as tau2
    from public.pm_overrides override
    join public.learning_lessons learning_lesson on learning_lesson.id = override.lesson_id
    where override.override_type = p_override_type and override.pattern_key = p_pattern_key
      and override.action_category = p_action_category and override.evidence_from is null
      and override.lesson_id is not null and override.enabled
  )
  update public.pm_overrides override
  set evidence_from = now(),
    promised = coalesce(learning.cautious_effect(lesson.effect, lesson.error2, lesson.tau2),
      lesson.effect / 2),
    baseline = base.winsorised_mean, baseline_sigma = base.sigma
  from lesson
  cross join learning.baseline_of(p_action_category) as base
  where override.override_type = p_override_type and override.pattern_key = p_pattern_key
    and override.action_category = p_action_category and override.evidence_from is null
    and override.lesson_id = lesson.id and override.enabled
    -- A lesson of an earlier release has none until it is mined again.
    and lesson.effect is not null;
  get diagnostics promised_overrides = row_count;
  return promised_overrides;
end
$$;
comment on function learning.promise_of_key(text, text, text) is
  'Writes down what the overrides of a key that have begun to act promise: the cautious effect of their '
  'lesson, half the effect where there is none, from the baseline as it is; returns how many.';

create function learning.live_decisions(
  p_override_type text, p_pattern_key text, p_action_category text, modules text[], after_override bigint
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  judged_by constant text := learning.outcome_column(p_action_category, learning.config());
  earliest timestamptz;
  decided bigint;
  piece jsonb;
begin
  select min(coalesce(override.evidence_from, override.first_active_at)) into earliest
  from public.pm_overrides override
  where override.override_type = p_override_type and override.pattern_key = p_pattern_key
    and override.action_category = p_action_category and override.id > after_override
    and (override.enabled or learning.has_broken_promise(override));
  select count(*) into decided
  from public.pattern_trade_events event
  where event.module = any (modules) and event.pattern_key = p_pattern_key
    and event.action_category = p_action_category and event.traded_at >= earliest;
  execute format(
    $query$
      with watched as materialized (
        select override.id, override.scope_subset, override.promised, override.baseline,
          override.baseline_sigma, coalesce(override.evidence_from, override.first_active_at) as since,
          learning.has_broken_promise(override) as broken, case
            when learning.has_broken_promise(override) then tstzmultirange(tstzrange(null, null))
            else learning.enabled_spans(override.id, override.enabled)
          end as acted_in
        from public.pm_overrides override
        where override.override_type = $1 and override.pattern_key = $2 and override.action_category = $3
          and override.id > $4 and (override.enabled or learning.has_broken_promise(override))
        order by override.id
        limit $5
      ),
      decisions as materialized (
        -- All actions of a trade close at one time, so that its first one is among these.
        select distinct on (event.module, event.trade_id) event.scope,
          least(event.acted_at, now()) as acted_at, event.%I as outcome
        from public.pattern_trade_events event
        where event.module = any ($6) and event.pattern_key = $2 and event.action_category = $3
          and event.traded_at >= $7
        order by event.module, event.trade_id, event.acted_at, event.action_strand_id collate "C"
      )
      select jsonb_build_object(
        'last_override', case when count(*) = $5 then max(watched.id) end,
        'rows', coalesce(sum(lived.rows), 0)::integer,
        'overrides', coalesce(jsonb_agg(jsonb_build_object('id', watched.id, 'promised', watched.promised,
          'baseline', watched.baseline, 'sigma', watched.baseline_sigma, 'broken', watched.broken,
          'decisions', lived.columns) order by watched.id), '[]')
      )
      from watched
      cross join lateral (
        select count(*) as rows, jsonb_build_object(%s, %s) as columns
        from decisions packed_row
        where packed_row.scope @> watched.scope_subset and packed_row.acted_at >= watched.since
          and watched.acted_in @> packed_row.acted_at and packed_row.outcome is not null
      ) as lived
    $query$,
    judged_by, learning.packed_columns('float8', array['outcome']),
    learning.packed_columns('timestamptz', array['acted_at'])
  )
  into piece
  -- Each decision is compared with each override: half a million take some tenths of a second.
  using p_override_type, p_pattern_key, p_action_category, after_override,
    greatest(1, least(500, 500000 / greatest(1, decided))), modules, earliest;
  return piece;
end
$$;
comment on function learning.live_decisions(text, text, text, text[], bigint) is
  'The next overrides of a key that act or broke their promise, with the decisions of known outcome that '
  'each contained since evidence_from while it was enabled, in packed columns; last_override is null where '
  'no more are left. In one piece because its query is put together with the column that decisions are '
  'judged by.';

create function public.read_live_decisions(
  p_after_group bigint default 0, p_after_override bigint default 0, p_budget_ms integer default 1000
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deadline constant timestamptz := clock_timestamp() + make_interval(secs => p_budget_ms / 1000.0);
  after_group bigint := p_after_group;
  after_override bigint := p_after_override;
  rows_read bigint := 0;
  keys jsonb := '[]'::jsonb;
  piece jsonb;
  key record;
begin
  if after_group = 0 then
    delete from learning.live_records record
    where not exists (select from public.pm_overrides override where override.id = record.override_id);
  end if;
  perform learning.act_as('loop', 'live record');
  loop
    select min(mining_group.id) as id, mining_group.family, mining_group.lesson_type,
      mining_group.pattern_key, mining_group.action_category, array_agg(mining_group.module) as modules,
      jsonb_object_agg(mining_group.id, mining_group.mined_at) as mined
    into key
    from learning.mining_groups mining_group
    left join learning.watched_groups watched_group on watched_group.group_id = mining_group.id
    where mining_group.mined_at is not null
    group by mining_group.family, mining_group.lesson_type, mining_group.pattern_key,
      mining_group.action_category
    having min(mining_group.id) >= after_group + (after_override = 0)::integer
      and bool_or(mining_group.mined_at is distinct from watched_group.mined_at)
      and exists (
        select from public.pm_overrides override
        where override.pattern_key = mining_group.pattern_key and case mining_group.family
          when 'tuning' then override.override_type = 'pm_tuning'
            and override.action_category = any (learning.gate_levers())
          else override.override_type = mining_group.lesson_type
            and override.action_category = mining_group.action_category
        end
      )
    order by min(mining_group.id)
    limit 1;
    exit when key.id is null or (
      keys <> '[]' and (clock_timestamp() >= deadline or rows_read > 100000)
    );
    if key.id <> after_group then
      after_override := 0;
    end if;
    if key.family = 'tuning' then
      piece := learning.live_windows(key.pattern_key, after_override);
    else
      perform learning.promise_of_key(key.lesson_type, key.pattern_key, key.action_category);
      piece := learning.live_decisions(key.lesson_type, key.pattern_key, key.action_category, key.modules,
        after_override);
    end if;
    keys := keys || jsonb_build_array(piece || jsonb_build_object('family', key.family, 'mined', key.mined,
      'basis', (
        select to_jsonb(base) from learning.baseline_of(key.action_category) as base
        where base.n is not null
      )));
    rows_read := rows_read + (piece ->> 'rows')::bigint;
    after_group := key.id;
    after_override := coalesce((piece ->> 'last_override')::bigint, 0);
  end loop;
  perform learning.act_as('');
  return jsonb_build_object('keys', keys, 'now', extract(epoch from now())::float8 * 1000, 'next', case
    when key.id is not null then jsonb_build_object('group', after_group, 'override', after_override)
  end);
end
$$;
comment on function public.read_live_decisions(bigint, bigint, integer) is
  'The next overrides whose groups were mined since they were last held against their promises, with the '
  'decisions in which they acted, or the windows that their gates decided, for p_budget_ms; writes down '
  'what those promise that began to act. next is what to ask for then, null at the end. For the edge '
  'functions.';

create function learning.reason_of_broken_promise(override public.pm_overrides, live learning.live_records)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unit constant text := learning.outcome_unit(override.action_category, learning.config());
begin
  if override.override_type = 'pm_tuning' then
    return format('stopped adding value: of %s that only it let in or kept out %s are gains, promised were '
      'at least %s (e = %s)', learning.counted(live.n, 'window', 'windows'),
      learning.in_percent(round(live.mean::numeric, 3)::float8), learning.in_percent(override.promised),
      round(live.e_value::numeric, 1));
  end if;
  return format('stopped adding value: %s came to %s %s against the baseline, promised were %s (e = %s)',
    learning.counted(live.n, 'decision', 'decisions'),
    learning.in_unit(live.mean - override.baseline, unit), unit, learning.in_unit(override.promised, unit),
    round(live.e_value::numeric, 1));
end
$$;
comment on function learning.reason_of_broken_promise(public.pm_overrides, learning.live_records) is
  'Why an override that broke its promise is switched off, for a person to read; learning.has_broken_promise '
  'knows it by how it begins.';

create function learning.return_overrides(override_ids bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  returned integer;
begin
  with enabled as (
    update public.pm_overrides override
    set enabled = true
    where override.id = any (override_ids) and override.control = 'auto'
      and learning.has_broken_promise(override)
      and case override.override_type
        when 'pm_tuning' then exists (
          select from learning.tuning_simulations simulation
          where simulation.lesson_id = override.lesson_id and simulation.admitted
            and simulation.moves ? override.action_category
        )
        else exists (
          select from learning.acting_lessons acting_lesson
          where (acting_lesson.lesson_type, acting_lesson.pattern_key, acting_lesson.action_category,
              acting_lesson.scope_digest)
            = (override.override_type, override.pattern_key, override.action_category,
              override.scope_digest)
        )
      end
    returning override.*
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'materialize-overrides', 'override_returned',
    format('Override for %s %s in %s acts again: what came since it was switched off says the same',
      enabled.pattern_key, enabled.action_category, enabled.scope_subset),
    jsonb_build_object('id', enabled.id, 'override_type', enabled.override_type,
      'pattern_key', enabled.pattern_key, 'action_category', enabled.action_category,
      'scope_subset', enabled.scope_subset)
  from enabled;
  get diagnostics returned = row_count;
  return returned;
end
$$;
comment on function learning.return_overrides(bigint[]) is
  'Lets overrides that broke their promise act again, where their lesson wants them; returns how many.';

create function public.save_live_records(p_records jsonb, p_watched jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  broken bigint[];
  returning_ids bigint[];
  disabled integer;
  returned integer;
begin
  perform learning.act_as('loop', 'live record');
  insert into learning.live_records as record (override_id, n, mean, e_value)
  select given.override_id, given.n, given.mean, given.e_value
  from jsonb_to_recordset(p_records) as given(override_id bigint, n integer, mean float8, e_value float8)
  on conflict (override_id) do update
  set n = excluded.n, mean = excluded.mean, e_value = excluded.e_value, recorded_at = now()
  where (record.n, record.mean, record.e_value)
    is distinct from (excluded.n, excluded.mean, excluded.e_value);
  select array_agg(given.override_id) filter (where given.verdict = 'broken'),
    array_agg(given.override_id) filter (where given.verdict = 'returns')
  into broken, returning_ids
  from jsonb_to_recordset(p_records) as given(override_id bigint, verdict text);
  disabled := learning.disable_overrides(array(
    select (override.id, learning.reason_of_broken_promise(override, record))::learning.lapsed_override
    from public.pm_overrides override
    join learning.live_records record on record.override_id = override.id
    where override.id = any (broken)
  ));
  update public.pm_overrides override
  set evidence_from = now()
  where override.id = any (broken) and learning.has_broken_promise(override);
  returned := learning.return_overrides(returning_ids);
  insert into learning.watched_groups as watched_group (group_id, mined_at)
  select watched.key::bigint, watched.value::timestamptz
  from jsonb_each_text(p_watched) as watched
  on conflict (group_id) do update set mined_at = excluded.mined_at
  where watched_group.mined_at <> excluded.mined_at;
  perform learning.act_as('');
  return jsonb_build_object('disabled', disabled, 'returned', returned);
end
$$;
comment on function public.save_live_records(jsonb, jsonb) is
  'Writes live records, switches off the loop''s overrides whose verdict is broken, with the figures, lets '
  'those act again whose verdict is returns, and notes which groups are through, by id with when they were '
  'mined; returns how many were switched off and act again. For the edge functions.';
