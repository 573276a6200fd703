-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.

set local check_function_bodies = off;
CREATE OR REPLACE FUNCTION learning.choose_due_strands(most_strands integer)
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due record;
  chosen text[] := '{}'::text[];
  company integer := most_strands;
begin
  for due in
    select receipt.strand_id, receipt.attempts
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Each time that a strand was claimed in vain it travels with an eighth of the company, and in the end
    -- alone: in case it is what brings its company down.
    company := least(company,
      case when due.attempts < 3 then greatest(1, most_strands >> 3 * due.attempts) else 1 end,
      -- One that will be refused for its id does not add it to those of a whole claim.
      case when length(due.strand_id) > learning.size_limit('id_characters') then 1 end);
    exit when cardinality(chosen) >= company;
    chosen := chosen || due.strand_id;
  end loop;
  return chosen;
end
$function$;
CREATE OR REPLACE FUNCTION learning.create_overrides(writable learning.wanted_override[])
 RETURNS bigint[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  created bigint[];
begin
  with written as (
    insert into public.pm_overrides as override (
      override_type, pattern_key, action_category, scope_subset, multiplier, value, dir_a, dir_e, edge_raw, n,
      variance, confidence_score, decay_state, half_life_hours, lesson_id, first_active_at, last_evidence_at
    )
    select wanted.override_type, wanted.pattern_key, wanted.action_category, wanted.scope_subset,
      wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw, wanted.n,
      wanted.variance, wanted.confidence_score, wanted.decay_state, wanted.half_life_hours, wanted.lesson_id,
      wanted.first_active_at, wanted.last_evidence_at
    from unnest(writable) as wanted
    -- Looked for first: to insert and find that it is there takes ten times as long. One by one, by the
    -- index: where many are new no plan knows it, and all there are would be read for each piece.
    left join lateral (
      select true as is_there
      from public.pm_overrides former_override
      where former_override.override_type = wanted.override_type
        and former_override.pattern_key = wanted.pattern_key
        and former_override.action_category = wanted.action_category
        and former_override.scope_digest = wanted.scope_digest
      limit 1
    ) as former on true
    where former.is_there is null
    -- One that somebody else made meanwhile is looked at in the next pass.
    on conflict (override_type, pattern_key, action_category, scope_digest) do nothing
    returning override.id
  )
  select array_agg(written.id) into created from written;
  return created;
end
$function$;
CREATE OR REPLACE FUNCTION learning.lock_subjects(accepted jsonb, rejected jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + interval '250 milliseconds';
  touched record;
begin
  for touched in
    select subject.kind, subject.subject
    from learning.touched_subjects(accepted, rejected) as subject
    -- What belongs to nothing is shared by all batches and changes nothing.
    where subject.subject <> ''
  loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  return true;
end
$function$;
CREATE OR REPLACE FUNCTION learning.next_keys(p_after bigint, p_rows integer)
 RETURNS learning.key_span
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  span learning.key_span;
  next_group record;
  own record;
  held bigint;
  rows_so_far bigint := 0;
begin
  span.step := 'whole';
  span.after_digest := '';
  for next_group in
    select mining_group.id, mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category
    from learning.mining_groups mining_group
    where mining_group.family = 'strength' and mining_group.id > p_after
    -- A key stands where its first group does.
      and not exists (
        select from learning.mining_groups earlier_mining_group
        where (earlier_mining_group.lesson_type, earlier_mining_group.pattern_key,
            earlier_mining_group.action_category)
          = (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
          and earlier_mining_group.id < mining_group.id
      )
    order by mining_group.id
    limit 100
  loop
    -- One key after the other: to count the rows of all that follow, for each piece anew, takes longer than
    -- the piece.
    select array_agg(mining_group.id) as group_ids, array_agg(mining_group.mined_at) as mined_at,
      sum(lessons.number) as lessons
    into own
    from learning.mining_groups mining_group
    cross join lateral (
      select count(*) as number from (
        select from public.learning_lessons lesson
        where lesson.module = mining_group.module and lesson.pattern_key = mining_group.pattern_key
          and lesson.action_category = mining_group.action_category and lesson.status = 'active'
        limit p_rows + 1
      ) as counted
    ) as lessons
    where (mining_group.lesson_type, mining_group.pattern_key, mining_group.action_category)
      = (next_group.lesson_type, next_group.pattern_key, next_group.action_category);
    select count(*) into held from (
      select from public.pm_overrides override
      where (override.override_type, override.pattern_key, override.action_category)
        = (next_group.lesson_type, next_group.pattern_key, next_group.action_category)
      limit p_rows + 1
    ) as counted;
    rows_so_far := rows_so_far + greatest(own.lessons, held);
    exit when span.group_ids is not null and rows_so_far > p_rows;
    span.group_ids := span.group_ids || own.group_ids;
    span.mined_at := span.mined_at || own.mined_at;
    span.last_group_id := next_group.id;
    if rows_so_far > p_rows then
      span.step := 'lapse';
      exit;
    end if;
  end loop;
  return span;
end
$function$;
CREATE OR REPLACE FUNCTION learning.propose_overrides(writable learning.wanted_override[], lapsed_overrides learning.lapsed_override[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  said record;
begin
  -- There are few, and mostly none: looked for first and written one by one. After many were deleted no plan
  -- knows how few, and all overrides would be read for each piece.
  for said in
    with handled as materialized (
      select override.id, override.override_type, override.pattern_key, override.action_category,
        override.scope_digest
      from public.pm_overrides override
      where override.control <> 'auto'
    )
    select handled.id, learning.figures_wanted(wanted) as proposed
    from handled
    join unnest(writable) as wanted using (override_type, pattern_key, action_category, scope_digest)
    union all
    select former.id,
      case
        when former.lesson_id is not null and former.control <> 'auto'
          then jsonb_build_object('enabled', false, 'disabled_reason', lapsed.reason)
      end
    from unnest(lapsed_overrides) as lapsed
    cross join lateral (
      select override.id, override.lesson_id, override.control, override.proposed
      from public.pm_overrides override
      where override.id = lapsed.override_id
      limit 1
    ) as former
    where former.control <> 'auto' or former.proposed is not null
  loop
    update public.pm_overrides override
    set proposed = said.proposed
    where override.id = said.id and override.proposed is distinct from said.proposed;
  end loop;
end
$function$;
CREATE OR REPLACE FUNCTION learning.standing_verdicts(accepted jsonb, rejected jsonb, OUT standing_accepted jsonb, OUT standing_rejected jsonb, OUT contexts jsonb[])
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  with verdicts as (
    select verdict.id, verdict.revision, null::jsonb as errors
    from jsonb_to_recordset(accepted) as verdict(id text, revision integer)
    union all
    select verdict.id, verdict.revision, verdict.errors
    from jsonb_to_recordset(rejected) as verdict(id text, revision integer, errors jsonb)
  ),
  -- A verdict stands while its strand is as it was judged and nobody else has answered it. Who is just
  -- changing the strand is not waited for: its lease lapses and it is judged anew.
  standing as materialized (
    select verdicts.id, verdicts.revision, verdicts.errors
    from verdicts
    join public.strand_receipts receipt
      on receipt.strand_id = verdicts.id and receipt.revision = verdicts.revision
      and receipt.status = 'pending'
    order by receipt.strand_id
    for update of receipt skip locked
  ),
  context as materialized (
    select standing.id, context.path, context.content
    from standing
    join public.ad_strands strand on strand.id = standing.id
    cross join lateral (values
      ('content.entry_context', strand.content -> 'entry_context'),
      ('content.scope', strand.content -> 'scope'),
      ('regime_context', strand.regime_context)
    ) as context(path, content)
    where standing.errors is null and jsonb_typeof(context.content) = 'object'
  ),
  -- A context that cannot be taken into a scope is refused here, where scopes are made. Many share one.
  refused as materialized (
    select distinct_context.content, learning.scope_faults(distinct_context.content) as faults
    from (
      -- Distinct first: judging one takes longer than comparing it.
      select distinct context.content from context offset 0
    ) as distinct_context
    where not learning.is_plain(distinct_context.content)
  ),
  faulty as materialized (
    select context.id, jsonb_agg(jsonb_build_object(
      'path', concat_ws('.', context.path, nullif(fault.path, '')), 'message', fault.message
    )) as errors
    from context
    join refused on refused.content = context.content
    cross join lateral jsonb_to_recordset(refused.faults) as fault(path text, message text)
    group by context.id
  ),
  final as (
    select standing.id, standing.revision, coalesce(standing.errors, faulty.errors) as errors
    from standing
    left join faulty using (id)
  )
  select
    coalesce(jsonb_agg(to_jsonb(final) - 'errors') filter (where final.errors is null), '[]'),
    coalesce(jsonb_agg(to_jsonb(final)) filter (where final.errors is not null), '[]'),
    (select array_agg(context.content) from context where context.id not in (select faulty.id from faulty))
  into standing_accepted, standing_rejected, contexts
  from final;
end
$function$;
CREATE OR REPLACE FUNCTION learning.write_lessons(leased_group learning.mining_groups, lessons jsonb)
 RETURNS SETOF learning.lesson_change
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return query
  with found as materialized (
    select given.*, md5(given.scope_subset::text) as scope_digest
    from jsonb_to_recordset(lessons) as given(
      scope_subset jsonb, n integer, stats jsonb, edge_raw float8, p_value float8, q_value float8,
      decay_halflife_hours float8, status text, family_scope jsonb, last_evidence_at timestamptz
    )
  ),
  -- Not in rather than not exists: it is hashed however few rows are expected, and the other would compare
  -- all with all.
  missing as materialized (
    select lesson.id, lesson.status
    from public.learning_lessons lesson
    where (lesson.module, lesson.pattern_key, lesson.action_category)
      = (leased_group.module, leased_group.pattern_key, leased_group.action_category)
      and lesson.scope_digest not in (select found.scope_digest from found)
  ),
  written as (
    insert into public.learning_lessons as lesson (
      module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw,
      p_value, q_value, decay_halflife_hours, status, first_active_at, last_evidence_at, family_scope
    )
    select leased_group.module, leased_group.pattern_key, leased_group.action_category, found.scope_subset,
      learning.scope_mask(found.scope_subset), leased_group.lesson_type, found.n, found.stats, found.edge_raw,
      found.p_value, found.q_value, found.decay_halflife_hours, found.status,
      case when found.status = 'active' then now() end, found.last_evidence_at, found.family_scope
    from found
    on conflict (module, pattern_key, action_category, scope_digest) do update set
      n = excluded.n, stats = excluded.stats, edge_raw = excluded.edge_raw, p_value = excluded.p_value,
      q_value = excluded.q_value, decay_halflife_hours = excluded.decay_halflife_hours,
      status = learning.status_of_found(excluded.status, lesson.first_active_at),
      first_active_at = coalesce(lesson.first_active_at, excluded.first_active_at),
      last_evidence_at = excluded.last_evidence_at, family_scope = excluded.family_scope, updated_at = now()
    where (lesson.n, lesson.stats, lesson.edge_raw, lesson.p_value, lesson.q_value,
        lesson.decay_halflife_hours, lesson.last_evidence_at, lesson.family_scope, lesson.status)
      is distinct from (excluded.n, excluded.stats, excluded.edge_raw, excluded.p_value, excluded.q_value,
        excluded.decay_halflife_hours, excluded.last_evidence_at, excluded.family_scope,
        learning.status_of_found(excluded.status, lesson.first_active_at))
    -- Not all of it: what is carried on here is kept aside.
    returning lesson.id, lesson.status, lesson.n, lesson.first_active_at, lesson.last_evidence_at,
      lesson.stats ? 'edge_before_decay' as has_edge, lesson.stats -> 'avg' as average
  ),
  deprecated as (
    update public.learning_lessons lesson
    set status = 'deprecated', family_scope = null, updated_at = now()
    from missing
    where lesson.id = missing.id and missing.status = 'active'
    returning lesson.id
  ),
  deleted as (
    delete from public.learning_lessons lesson
    using missing
    where lesson.id = missing.id and missing.status = 'candidate'
    returning lesson.id
  )
  select 'written', written.id,
    case
      when written.status = 'active' and former_lesson.status is distinct from 'active'
        then 'lesson_activated'
      when written.status = 'deprecated' and former_lesson.status = 'active' then 'lesson_deprecated'
    end,
    written.first_active_at is not null and written.has_edge
      and (former_lesson.first_active_at is null
        or (former_lesson.n, former_lesson.last_evidence_at, former_lesson.stats -> 'avg')
          is distinct from (written.n, written.last_evidence_at, written.average))
  from written
  -- The row as it was before this statement, which is all that its other parts see.
  left join public.learning_lessons former_lesson on former_lesson.id = written.id
  union all
  select 'deprecated', deprecated.id, 'lesson_deprecated', false from deprecated
  union all
  select 'deleted', deleted.id, null, false from deleted;
end
$function$;
CREATE OR REPLACE FUNCTION public.finish_mining_group(p_group_id bigint, p_lease_token uuid, p_lessons jsonb, p_effects jsonb DEFAULT NULL::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  leased_group constant learning.mining_groups := learning.require_lease(p_group_id, p_lease_token);
  changes learning.lesson_change[];
  snapshots integer;
  logged integer;
begin
  changes := array(
    select change
    from learning.write_lessons(leased_group, case jsonb_typeof(p_lessons)
      when 'string' then (p_lessons #>> '{}')::jsonb
      else p_lessons
    end) as change
  );
  snapshots := learning.remember_edges(changes);
  logged := learning.log_lessons(changes);
  -- A miner of before there were effects gives none; one that measured nothing gives none of anything.
  if p_effects is not null then
    perform learning.write_effects(leased_group, p_effects);
  end if;
  perform learning.end_run(leased_group);
  return learning.count_outcomes(changes) || jsonb_build_object('snapshots', snapshots, 'logged', logged);
end
$function$;
CREATE OR REPLACE FUNCTION public.read_mining_group(p_group_id bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  read_group learning.mining_groups;
  config jsonb;
  packed jsonb;
begin
  select mining_group.* into read_group
  from learning.mining_groups mining_group
  where mining_group.id = p_group_id;
  config := coalesce(read_group.run -> 'config', learning.config());
  execute format(
    $query$
      select jsonb_build_object('rows', count(*)::integer, %s, %s, %s, 'dimensions', jsonb_build_object(%s))
      from (
        select first_event.%I as outcome, first_event.%I as steering_roi, first_event.duration_hours,
          first_event.time_to_s3_hours, first_event.could_enter_better, first_event.could_exit_better,
          first_event.did_trim, first_event.reached_s3, first_event.scope_codes,
          least(first_event.acted_at, $5) as acted_at, least(first_event.traded_at, $5) as traded_at
        from (
          select distinct on (event.trade_id) event.*
          from public.pattern_trade_events event
          where event.module = $1 and event.pattern_key = $2 and event.action_category = $3 and event.id <= $4
          order by event.trade_id, event.acted_at, event.action_strand_id collate "C"
        ) as first_event
        where first_event.%I is not null
        order by first_event.traded_at, first_event.trade_id collate "C"
      ) as packed_row
    $query$,
    learning.packed_columns('float8', array[
      'outcome', 'steering_roi', 'duration_hours', 'time_to_s3_hours', 'could_enter_better',
      'could_exit_better'
    ]),
    learning.packed_columns('timestamptz', array['acted_at', 'traded_at']),
    learning.packed_columns('boolean', array['did_trim', 'reached_s3']),
    learning.packed_codes('integer'),
    learning.outcome_column(read_group.action_category, config),
    learning.steering_column(read_group.action_category, config),
    learning.outcome_column(read_group.action_category, config)
  )
  into packed
  using read_group.module, read_group.pattern_key, read_group.action_category,
    (read_group.run ->> 'last_event_id')::bigint,
    coalesce((read_group.run ->> 'started_at')::timestamptz, now());
  return packed || jsonb_build_object(
    'own_direction', public.read_own_direction(p_group_id),
    'category_days', public.read_category_days(p_group_id)
  );
end
$function$;
COMMENT ON FUNCTION "learning"."lock_subjects"(jsonb, jsonb) IS 'Locks the trades and episodes that some verdicts touch, in one order, so that two batches that share some wait for each other instead of deadlocking. False where that would take longer than a quarter of a second: who works through many strands holds their trades for most of the time, and goes on by itself.';
COMMENT ON FUNCTION "public"."finish_mining_group"(bigint, uuid, jsonb, jsonb) IS 'Writes the lessons and effects of a finished run all at once, drops what was no longer found and ends the lease. Lessons are a document or its text. For the edge functions.';
COMMENT ON FUNCTION "public"."read_mining_group"(bigint) IS 'A group''s decisions of known outcome in packed columns, one row per trade by its first action, oldest close first and no time later than the run: the outcome by which they are judged, and the return that directions follow. With them what all groups of the module and category share: their direction, null until it is measured in the cycle, and their days. For the edge functions.';
insert into learning.releases ("version", "released_at") values ('0.2.1', '2026-12-02 00:00:00+00') on conflict ("version") do nothing;
delete from public.scope_dimensions where false;
delete from learning.settings where false;
