-- Subjects: the trades and episodes that verdicts touch, locked in one order and applied one by one.

create function learning.retry_after_failure(strand_ids text[], subject text, failed_with text, reason text)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log('ERROR', 'aggregate-strands', 'strands_failed',
    format('%s could not be applied and is tried again: %s', subject, reason),
    jsonb_build_object('subject', subject, 'strand_ids', to_jsonb(strand_ids), 'sqlstate', failed_with));
  return learning.retry_receipts(strand_ids, format('%s (SQLSTATE %s)', reason, failed_with));
end
$$;
comment on function learning.retry_after_failure(text[], text, text, text) is
  'Lets the strands of one trade or episode that could not take effect be tried again, and logs why; '
  'returns how many.';

create function learning.touched_subjects(accepted jsonb, rejected jsonb)
returns table (kind text, subject text, strand_ids text[])
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with accepted_verdict as (
    select verdict.id from jsonb_to_recordset(accepted) as verdict(id text)
  ),
  judged as (
    select accepted_verdict.id from accepted_verdict
    union all
    select verdict.id from jsonb_to_recordset(rejected) as verdict(id text)
  )
  select named.kind, named.subject, coalesce(array_agg(named.id) filter (where named.id is not null), '{}')
  from (
    select learning.kind_of_subject(strand.kind, strand.content),
      -- What tells of neither, as an action that led to no trade, or is of no learned kind any more takes
      -- effect by having none.
      coalesce(learning.subject_of_strand(strand.kind, strand.content), ''),
      accepted_verdict.id
    from accepted_verdict
    join public.ad_strands strand on strand.id = accepted_verdict.id
    union all
    -- What the strands were part of when they last took effect.
    select 'trade', event.trade_id, null
    from judged join public.pattern_trade_events event on event.action_strand_id = judged.id
    union all
    select 'trade', trade.trade_id, null
    from judged join learning.closed_trades trade on trade.close_strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.strand_id = judged.id
    union all
    select 'episode', episode.episode_id, null
    from judged join public.pattern_episode_events episode on episode.summary_strand_id = judged.id
    union all
    -- An earlier form of these may have ended windows, which nothing but the episode tells.
    select 'episode', named_episode.subject, null
    from jsonb_to_recordset(rejected) as verdict(id text)
    join public.ad_strands strand on strand.id = verdict.id
    cross join lateral (
      select learning.subject_of_strand(strand.kind, strand.content) as subject offset 0
    ) as named_episode
    where strand.kind in ('episode_outcome', 'uptrend_episode_summary') and named_episode.subject is not null
  ) as named(kind, subject, id)
  group by named.kind, named.subject
  order by named.kind, named.subject;
$$;
comment on function learning.touched_subjects(jsonb, jsonb) is
  'The trades and episodes that some judged strands belong to or belonged to, with the accepted strands of '
  'each.';

create function learning.lock_subjects(accepted jsonb, rejected jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function learning.lock_subjects(jsonb, jsonb) is
  'Locks the trades and episodes that some verdicts touch, in one order, so that two batches that share '
  'some wait for each other instead of deadlocking. False where that would take longer than a quarter of a '
  'second: who works through many strands holds their trades for most of the time, and goes on by itself.';

create function learning.log_late_strands(strand_ids text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if strand_ids <> '{}' then
    perform learning.write_log('WARNING', 'aggregate-strands', 'strands_late',
      format('%s of trades or episodes whose strands were pruned and changed nothing: %s%s',
        learning.counted(cardinality(strand_ids), 'strand tells', 'strands tell'),
        array_to_string(strand_ids[1:3], ', '), case when cardinality(strand_ids) > 3 then ', …' end),
      jsonb_build_object('strand_ids', to_jsonb(strand_ids)));
  end if;
end
$$;
comment on function learning.log_late_strands(text[]) is
  'Warns of strands that came after those of their trade or episode had been pruned.';

create function learning.strands_of_members(members jsonb)
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select id.strand_id #>> '{}' from jsonb_path_query(members, '$[*].strand_ids[*]') as id(strand_id)
  );
end
$$;
comment on function learning.strands_of_members(jsonb) is
  'The strands of some trades or episodes, given as {subject, strand_ids}.';

create function learning.members_in_words(kind text, members jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return concat(kind, ' ', members #>> '{0,subject}', case
    when jsonb_array_length(members) > 1 then format(' or one of %s more', jsonb_array_length(members) - 1)
  end);
end
$$;
comment on function learning.members_in_words(text, jsonb) is
  'Some trades or episodes, given as {subject, strand_ids}, for a person to read.';

create function learning.bring_in_line(
  kind text, subjects text[], out changed_groups learning.group_key[], out changed_from timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  applied record;
begin
  if kind = 'trade' then
    applied := learning.apply_trades(subjects);
    changed_groups := applied.changed_groups;
    changed_from := applied.changed_from;
  else
    changed_groups := learning.apply_episodes(subjects);
  end if;
end
$$;
comment on function learning.bring_in_line(text, text[]) is
  'Brings trades or episodes in line with their accepted strands, all in one go: whose events changed and '
  'from when on allocation must be replayed.';

create function learning.most_in_one_go()
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 250;
end
$$;
comment on function learning.most_in_one_go() is
  'Most trades or episodes that are brought in line in one subtransaction; few batches of strands have more.';

create function learning.pieces_of_subjects(accepted jsonb, rejected jsonb)
returns table (kind text, is_pruned boolean, members jsonb)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with touched as materialized (
    select subject.kind, subject.subject, subject.strand_ids, subject.strand_ids = '{}' as is_left,
      pruned_subject.subject is not null as is_pruned
    from learning.touched_subjects(accepted, rejected) as subject
    left join learning.pruned_subjects pruned_subject
      on pruned_subject.kind = subject.kind and pruned_subject.subject = subject.subject
    where subject.subject <> ''
  ),
  numbered as (
    select touched.*, row_number() over (
      partition by touched.kind, touched.is_pruned, touched.is_left order by touched.subject
    ) as place
    from touched
  )
  select numbered.kind, numbered.is_pruned, jsonb_agg(
    jsonb_build_object('subject', numbered.subject, 'strand_ids', numbered.strand_ids)
    order by numbered.place
  )
  from numbered
  group by numbered.kind, numbered.is_pruned, numbered.is_left,
    (numbered.place - 1) / learning.most_in_one_go()
  -- What a strand has left comes first: nothing would remember it.
  order by numbered.is_left desc, numbered.kind, min(numbered.subject);
end
$$;
comment on function learning.pieces_of_subjects(jsonb, jsonb) is
  'The trades and episodes that some verdicts touch, as {subject, strand_ids}, in pieces that are brought in '
  'line in one go; apart from these what was pruned, which nothing changes.';

create function learning.apply_subjects(
  accepted jsonb, rejected jsonb, deadline timestamptz,
  out failed integer, out postponed text[],
  out changed_groups learning.group_key[], out changed_from timestamptz, out failures jsonb
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  piece record;
  kinds text[] := array[]::text[];
  pieces jsonb[] := array[]::jsonb[];
  late text[] := array[]::text[];
  kind text;
  members jsonb;
  strand_ids text[];
  size integer;
  applied record;
begin
  failed := 0;
  postponed := '{}';
  changed_groups := '{}';
  failures := '[]';
  for piece in select found.* from learning.pieces_of_subjects(accepted, rejected) as found loop
    if piece.is_pruned then
      late := late || learning.strands_of_members(piece.members);
    else
      kinds := kinds || piece.kind;
      pieces := pieces || piece.members;
    end if;
  end loop;
  while cardinality(pieces) > 0 loop
    kind := kinds[1];
    members := pieces[1];
    kinds := kinds[2:];
    pieces := pieces[2:];
    strand_ids := learning.strands_of_members(members);
    -- Better a part of the batch than a statement timeout and none of it. What a strand has left must not
    -- wait.
    if clock_timestamp() > deadline and strand_ids <> '{}' then
      postponed := postponed || strand_ids;
      continue;
    end if;
    size := jsonb_array_length(members);
    begin
      applied := learning.bring_in_line(kind, array(
        select member.content ->> 'subject' from jsonb_array_elements(members) as member(content)
      ));
      changed_groups := changed_groups || applied.changed_groups;
      changed_from := least(changed_from, applied.changed_from);
    -- What takes longer than a statement may is known here, and by nobody who hears of it later.
    exception when query_canceled or others then
      if sqlstate <> '57014' and size > 1 then
        -- Halved until what cannot be applied stands alone.
        kinds := array[kind, kind] || kinds;
        pieces := array[
          jsonb_path_query_array(members, format('$[0 to %s]', size / 2 - 1)::jsonpath),
          jsonb_path_query_array(members, format('$[%s to last]', size / 2)::jsonpath)
        ] || pieces;
        continue;
      end if;
      if strand_ids = '{}' then
        -- No strand of it can be tried again but by trying the whole batch.
        raise;
      end if;
      failed := failed + learning.retry_after_failure(
        strand_ids, learning.members_in_words(kind, members), sqlstate, sqlerrm);
      failures := failures || jsonb_build_object('code', sqlstate, 'reason', sqlerrm);
      if sqlstate = '57014' then
        -- The timeout has gone off and does not do so again.
        deadline := '-infinity';
      end if;
    end;
  end loop;
  perform learning.return_receipts(postponed);
  perform learning.log_late_strands(late);
end
$$;
comment on function learning.apply_subjects(jsonb, jsonb, timestamptz) is
  'Brings every trade and episode that some verdicts touch in line with its accepted strands, many in one '
  'subtransaction, and what fails among them in one of its own: how many strands failed and why, which were '
  'given back because time was up, whose events changed and from when on allocation must be replayed.';
