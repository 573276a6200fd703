-- Episode log: what the log says of what became of windows and outcomes, a batch at a time.

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
      array(select jsonb_array_elements_text(lacking.missing)) as missing,
      -- Who only sums up what gates saw cannot do better.
      case when lacking.comes_by_itself then 'WARNING' else 'INFO' end as level
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete')
      as lacking(strand_id text, pattern_key text, missing jsonb, comes_by_itself boolean)
  ),
  tally as (
    select count(*) as windows, count(distinct incomplete.episode_id) as episodes,
      jsonb_agg(incomplete.strand_id) as strand_ids, max(incomplete.level) as level
    from incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select incomplete.level, 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id,
      incomplete.strand_id, incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete) - 'level'
  from incomplete, tally
  where tally.windows <= learning.most_episode_lines()
  union all
  select tally.level, 'aggregate-strands', 'episodes_incomplete',
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
  'Warns of the windows of a batch that lack what simulation needs; of those that stood in a summary or were '
  'told as margins, which never have it, it only informs.';

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
