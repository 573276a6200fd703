-- Pruned strands: old strands are removed, and what was learned from them stays.

create function learning.strands_of_subject(p_kind text, p_subject text)
returns table (strand_id text, status text, created_at timestamptz)
language plpgsql
stable
rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The kinds are written out, as in the indexes.
  if p_kind = 'trade' then
    return query
    select strand.id, coalesce(receipt.status, 'pending'), strand.created_at
    from public.ad_strands strand
    left join public.strand_receipts receipt on receipt.strand_id = strand.id
    where strand.kind in ('pm_action', 'dm_action', 'position_closed')
      and strand.content -> 'trade_id' = to_jsonb(p_subject);
  else
    return query
    select strand.id, coalesce(receipt.status, 'pending'), strand.created_at
    from public.ad_strands strand
    left join public.strand_receipts receipt on receipt.strand_id = strand.id
    where (
        strand.kind in ('episode_window', 'episode_outcome', 'uptrend_episode_summary')
        or strand.kind = 'pm_action' and strand.content -> 'decision_type' = '"shadow_entry"'::jsonb
        and learning.is_shadow_window(strand.content)
      )
      and strand.content -> 'episode_id' = to_jsonb(p_subject);
  end if;
end
$$;
comment on function learning.strands_of_subject(text, text) is
  'The strands that name a trade or an episode, and whether they were judged.';

create function learning.is_over(p_kind text, p_subject text, before timestamptz)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return not learning.is_pruned(p_kind, p_subject)
    and not exists (
      select from learning.strands_of_subject(p_kind, p_subject) as named
      where named.created_at >= before or named.status = 'pending'
    )
    and not exists (
      select from learning.withdrawn_strands withdrawn_strand
      where withdrawn_strand.kind = p_kind and withdrawn_strand.subject = p_subject
    );
end
$$;
comment on function learning.is_over(text, text, timestamptz) is
  'Whether all strands of a trade or episode are older than a time and were judged, and none was withdrawn '
  'or pruned.';

create function learning.subjects_to_prune(p_kind text, before timestamptz, after_subject text)
returns setof text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- One after the other, as far as they are asked for: of a million trades most may be pruned already.
  if p_kind = 'trade' then
    return query
    select trade.trade_id
    from learning.closed_trades trade
    where trade.exit_at < before and trade.trade_id > after_subject
      and not exists (
        select from learning.pruned_subjects pruned_subject
        where pruned_subject.kind = 'trade' and pruned_subject.subject = trade.trade_id
      )
      and learning.is_over('trade', trade.trade_id, before)
    order by trade.trade_id
    limit 200;
  else
    return query
    select ended.episode_id
    from (
      select distinct episode.episode_id
      from public.pattern_episode_events episode
      where episode.outcome is not null and episode.occurred_at < before
        and episode.episode_id > after_subject
        and not exists (
          select from learning.pruned_subjects pruned_subject
          where pruned_subject.kind = 'episode' and pruned_subject.subject = episode.episode_id
        )
      order by episode.episode_id
      offset 0
    ) as ended
    where learning.is_over('episode', ended.episode_id, before)
    limit 200;
  end if;
end
$$;
comment on function learning.subjects_to_prune(text, timestamptz, text) is
  'The next trades or episodes whose strands are to be removed, in the order of their names.';

create function learning.prune_subject(p_kind text, p_subject text, before timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  strands text[];
begin
  -- Who is at work on it comes first, and may have changed it.
  if not pg_try_advisory_xact_lock(hashtextextended(p_kind || ' ' || p_subject, 0))
    or not learning.is_over(p_kind, p_subject, before) then
    return 0;
  end if;
  strands := array(select named.strand_id from learning.strands_of_subject(p_kind, p_subject) as named);
  -- First: the strands of what was pruned are not withdrawn.
  insert into learning.pruned_subjects (kind, subject) values (p_kind, p_subject);
  for place in 1 .. cardinality(strands) by learning.most_deleted_unasked() loop
    delete from public.ad_strands strand
    where strand.id = any (strands[place : place + learning.most_deleted_unasked() - 1]);
  end loop;
  return cardinality(strands);
end
$$;
comment on function learning.prune_subject(text, text, timestamptz) is
  'Removes the strands of a trade or episode that is over, and returns how many.';

create function learning.prune_unlearned(before timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  pruned integer;
begin
  delete from public.ad_strands strand
  -- An array is made once, whatever statistics of an emptied table say.
  where strand.id = any (array(
    select old_strand.id
    from public.ad_strands old_strand
    left join public.strand_receipts receipt on receipt.strand_id = old_strand.id
    where old_strand.created_at < before
      and case
        when old_strand.kind = any (learning.learned_kinds()) then receipt.status = 'rejected'
          or receipt.status = 'done'
            and learning.subject_of_strand(old_strand.kind, old_strand.content) is null
        -- It may have been of a learned kind when it took effect.
        else receipt.status is distinct from 'pending'
      end
    order by old_strand.created_at
    limit learning.most_deleted_unasked()
  ));
  get diagnostics pruned = row_count;
  return pruned;
end
$$;
comment on function learning.prune_unlearned(timestamptz) is
  'Removes some of the strands older than a time from which nothing was learned, and returns how many.';

create function public.prune_strands(before timestamptz)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
-- Each trade has a handful of strands, whatever is known of the tables: all of them would be read to find it.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  deadline constant timestamptz := clock_timestamp() + interval '2 seconds';
  strands bigint := 0;
  subjects jsonb := '{"trade": 0, "episode": 0}'::jsonb;
  subject_kind text;
  place text;
  next_subject text;
  removed integer;
  is_late boolean := false;
begin
  if before is null then
    raise exception using
      errcode = '22023', message = 'before is null: expected the time before which strands are removed',
      hint = 'before';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('prune strands', 0)) then
    return jsonb_build_object('skipped', 'another run is under way');
  end if;
  loop
    removed := learning.prune_unlearned(before);
    strands := strands + removed;
    exit when removed = 0;
    is_late := clock_timestamp() > deadline;
    exit when is_late;
  end loop;
  foreach subject_kind in array array['trade', 'episode'] loop
    place := '';
    while place is not null and not is_late loop
      next_subject := null;
      for next_subject in
        select learning.subjects_to_prune(subject_kind, before, place)
      loop
        removed := learning.prune_subject(subject_kind, next_subject, before);
        strands := strands + removed;
        subjects := jsonb_set(subjects, array[subject_kind],
          to_jsonb((subjects ->> subject_kind)::integer + sign(removed)::integer));
        -- Afterwards, so that each call gets on however slow it is.
        is_late := clock_timestamp() > deadline;
        exit when is_late;
      end loop;
      place := next_subject;
    end loop;
  end loop;
  return jsonb_build_object('strands', strands, 'trades', subjects -> 'trade',
    'episodes', subjects -> 'episode', 'more', is_late);
end
$$;
comment on function public.prune_strands(timestamptz) is
  'Removes strands older than a time and keeps what was learned from them: those of closed trades and of '
  'episodes with an outcome, and those from which nothing was learned. Works for two seconds at most; more '
  'says whether to call it again.';
