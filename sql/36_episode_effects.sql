-- Effects of episodes: what becomes of windows and outcomes, exactly once, and what the log says of it.

create function learning.note_episode(note jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select set_config('edgeloop.episode_notes',
    concat_ws(',', nullif(current_setting('edgeloop.episode_notes', true), ''), note::text), true);
$$;
comment on function learning.note_episode(jsonb) is
  'Remembers until the end of the batch what was done to an episode; what is rolled back is forgotten with '
  'it.';

create function learning.outcome_of_episode(episode_id text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select accepted_strand.content ->> 'outcome'
    from learning.accepted_strands accepted_strand
    where accepted_strand.kind = 'episode_outcome' and accepted_strand.content ->> 'episode_id' = episode_id
    order by accepted_strand.created_at desc, accepted_strand.id collate "C" desc
    limit 1
  );
end
$$;
comment on function learning.outcome_of_episode(text) is
  'How an episode ended, by the newest outcome that was accepted; null where none was.';

create function learning.windows_of_episode(episode_id text)
returns table (
  strand_id text, pattern_key text, scope jsonb, decision text, factors jsonb, blocked_by text[],
  trade_id text, occurred_at timestamptz, gates float8[], missing text[]
)
language plpgsql
stable
rows 20
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select accepted_strand.id, learning.dotted_pattern_key(accepted_strand.content ->> 'pattern_key'),
    public.unified_scope('{}', accepted_strand.content -> 'scope', accepted_strand.regime_context),
    accepted_strand.content ->> 'decision', seen.factors,
    learning.episode_blockers(accepted_strand.content, seen.factors, compared.gates),
    accepted_strand.content ->> 'trade_id', accepted_strand.created_at, compared.gates, lacking.missing
  from learning.accepted_strands accepted_strand
  cross join lateral (
    select learning.episode_factors(accepted_strand.content) as factors
    -- Keeps what follows from being computed once per use.
    offset 0
  ) as seen
  cross join lateral (
    select learning.episode_gates(accepted_strand.content ->> 'decision', seen.factors) as gates offset 0
  ) as compared
  cross join lateral (select learning.missing_gates(compared.gates) as missing offset 0) as lacking
  where accepted_strand.kind = 'episode_window' and accepted_strand.content ->> 'episode_id' = episode_id;
end
$$;
comment on function learning.windows_of_episode(text) is
  'What the accepted windows of an episode come to: what the gates saw and compared, and what is missing '
  'for simulation.';

create function learning.apply_episode(p_episode_id text)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended constant text := learning.outcome_of_episode(p_episode_id);
  changed_groups learning.group_key[];
  note jsonb;
begin
  with standing as materialized (
    select window_of_episode.* from learning.windows_of_episode(p_episode_id) as window_of_episode
  ),
  former as materialized (
    select episode.strand_id, episode.pattern_key, episode.outcome, episode.factors
    from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id or episode.strand_id in (select standing.strand_id from standing)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, scope_codes, decision, outcome, factors,
      blocked_by, trade_id, occurred_at, gates
    )
    select standing.strand_id, p_episode_id, standing.pattern_key, standing.scope,
      learning.scope_mask(standing.scope), learning.encode_scope(standing.scope), standing.decision, ended,
      standing.factors, standing.blocked_by, standing.trade_id, standing.occurred_at,
      case when standing.missing = '{}' then standing.gates end
    from standing
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope,
      scope_mask = excluded.scope_mask, scope_codes = excluded.scope_codes, decision = excluded.decision,
      outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, gates = excluded.gates
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.scope_codes, episode.decision,
        episode.outcome, episode.factors, episode.blocked_by, episode.trade_id, episode.occurred_at,
        episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.scope_codes,
        excluded.decision, excluded.outcome, excluded.factors, excluded.blocked_by, excluded.trade_id,
        excluded.occurred_at, excluded.gates)
    returning episode.strand_id, episode.pattern_key, episode.decision, episode.outcome, episode.factors,
      episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id
      and not exists (select from standing where standing.strand_id = episode.strand_id)
    returning episode.pattern_key
  ),
  touched as (
    select written.pattern_key from written
    union all
    select removed.pattern_key from removed
    union all
    select former.pattern_key from former where exists (select from written)
  ),
  news as (
    select written.strand_id, written.pattern_key, written.decision, written.blocked_by,
      former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then standing.missing else '{}' end as missing
    from written
    join standing using (strand_id)
    left join former using (strand_id)
  )
  select
    (
      select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}')
      from touched
    ),
    (
      select jsonb_build_object(
        'episode_id', p_episode_id, 'outcome', ended, 'ended', count(*) filter (where news.has_ended),
        'recorded', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.is_new), '[]'),
        'incomplete', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.missing <> '{}'), '[]')
      )
      from news
      where news.is_new or news.has_ended or news.missing <> '{}'
      having count(*) > 0
    )
  into changed_groups, note;
  if note is not null then
    perform learning.note_episode(note);
  end if;
  return changed_groups;
end
$$;
comment on function learning.apply_episode(text) is
  'Brings an episode''s windows and their outcome in line with its accepted strands; returns the groups '
  'whose windows changed. Long because one statement writes the windows, removes those that are gone and '
  'tells both from what was there before.';

create function learning.most_episode_lines()
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 20;
end
$$;
comment on function learning.most_episode_lines() is
  'Most lines of one kind that a batch writes about episodes; what says more, as a bulk load does, is one '
  'line with the numbers.';

create function learning.log_recorded_windows(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with recorded as materialized (
    select note.value ->> 'episode_id' as episode_id, new_window.strand_id, new_window.pattern_key,
      new_window.decision, array(select jsonb_array_elements_text(new_window.blocked_by)) as blocked_by
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'recorded')
      as new_window(strand_id text, pattern_key text, decision text, blocked_by jsonb)
  ),
  tally as (
    select count(*) as windows, count(distinct recorded.episode_id) as episodes,
      count(*) filter (where recorded.decision = 'acted') as acted,
      count(*) filter (where recorded.decision = 'skipped') as skipped
    from recorded
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_recorded',
    format('Episode %s: a window of %s was recorded, %s%s', recorded.episode_id, recorded.pattern_key,
      recorded.decision, ', blocked by ' || nullif(array_to_string(recorded.blocked_by, ', '), '')),
    to_jsonb(recorded)
  from recorded, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select 'INFO', 'aggregate-strands', 'episodes_recorded',
    format('Recorded %s windows of %s episodes: %s acted, %s skipped', tally.windows, tally.episodes,
      tally.acted, tally.skipped),
    jsonb_build_object('windows', tally.windows, 'episodes', tally.episodes,
      'by_pattern_key', (
        select jsonb_object_agg(counted.pattern_key, counted.windows)
        from (
          select recorded.pattern_key, count(*) as windows from recorded group by recorded.pattern_key
        ) as counted
      ),
      'blocked_by', (
        select jsonb_object_agg(counted.gate, counted.windows)
        from (
          select gate.name as gate, count(*) as windows
          from recorded, unnest(recorded.blocked_by) as gate(name)
          group by gate.name
        ) as counted
      ))
  from tally
  where tally.windows > learning.most_episode_lines();
$$;
comment on function learning.log_recorded_windows(jsonb) is
  'Logs the windows that a batch of strands recorded.';

create function learning.log_ended_episodes(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with ended as materialized (
    select note.value ->> 'episode_id' as episode_id, note.value ->> 'outcome' as outcome,
      (note.value ->> 'ended')::integer as windows
    from jsonb_array_elements(notes) as note(value)
    where (note.value ->> 'ended')::integer > 0
  ),
  tally as (
    select count(*) as episodes, sum(ended.windows) as windows from ended
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_outcome_set',
    format('Episode %s ended in %s: windows_updated=%s', ended.episode_id, ended.outcome, ended.windows),
    to_jsonb(ended)
  from ended, tally
  where tally.episodes <= learning.most_episode_lines()
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcomes_set',
    format('Set the outcomes of %s episodes: windows_updated=%s', tally.episodes, tally.windows),
    jsonb_build_object('episodes', tally.episodes, 'windows', tally.windows, 'by_outcome', (
      select jsonb_object_agg(counted.outcome, counted.episodes)
      from (select ended.outcome, count(*) as episodes from ended group by ended.outcome) as counted
    ))
  from tally
  where tally.episodes > learning.most_episode_lines();
$$;
comment on function learning.log_ended_episodes(jsonb) is 'Logs the outcomes that a batch of strands set.';

create function learning.log_incomplete_windows(notes jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with incomplete as materialized (
    select note.value ->> 'episode_id' as episode_id, lacking.strand_id, lacking.pattern_key,
      array(select jsonb_array_elements_text(lacking.missing)) as missing
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete')
      as lacking(strand_id text, pattern_key text, missing jsonb)
  ),
  tally as (
    select count(*) as windows, count(distinct incomplete.episode_id) as episodes,
      jsonb_agg(incomplete.strand_id) as strand_ids
    from incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'WARNING', 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id,
      incomplete.strand_id, incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete)
  from incomplete, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select 'WARNING', 'aggregate-strands', 'episodes_incomplete',
    format('%s windows of %s episodes are left out of simulation, they lack scores or thresholds',
      tally.windows, tally.episodes),
    jsonb_build_object('windows', tally.windows, 'strand_ids', tally.strand_ids, 'missing', (
      select jsonb_object_agg(counted.factor, counted.windows)
      from (
        select factor.name as factor, count(*) as windows
        from incomplete, unnest(incomplete.missing) as factor(name)
        group by factor.name
      ) as counted
    ))
  from tally
  where tally.windows > learning.most_episode_lines();
$$;
comment on function learning.log_incomplete_windows(jsonb) is
  'Warns of the windows of a batch that lack what simulation needs.';

create function learning.log_episodes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  notes constant jsonb := format('[%s]', current_setting('edgeloop.episode_notes', true))::jsonb;
begin
  if notes <> '[]' then
    perform set_config('edgeloop.episode_notes', '', true);
    perform learning.log_recorded_windows(notes);
    perform learning.log_ended_episodes(notes);
    perform learning.log_incomplete_windows(notes);
  end if;
  return null;
end
$$;
comment on function learning.log_episodes() is
  'Writes to the log what a batch of strands did to episodes, one line each or, where that would be many, '
  'one line for all.';
create trigger log_episodes after insert on learning.mining_groups
for each statement execute function learning.log_episodes();
comment on trigger log_episodes on learning.mining_groups is
  'A batch of strands ends by marking the groups it changed; that is when it is known how much there is to '
  'say about its episodes.';
