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
  'Remembers until the end of the batch what was done to an episode; what is rolled back is forgotten with it.';

create function learning.apply_episode(p_episode_id text)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ended text;
  changed learning.group_key[];
  note jsonb;
begin
  select strand.content ->> 'outcome' into ended
  from public.ad_strands strand
  join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done'
  where strand.kind = 'episode_outcome' and strand.content ->> 'episode_id' = p_episode_id
  order by strand.created_at desc, strand.id collate "C" desc
  limit 1;

  with windows as materialized (
    select strand.id, strand.created_at, strand.content, learning.dotted_pattern_key(strand.content ->> 'pattern_key') as pattern_key,
      public.unified_scope('{}'::jsonb, strand.content -> 'scope', strand.regime_context) as scope, seen.factors,
      learning.episode_gates(strand.content ->> 'decision', seen.factors) as gates
    from public.ad_strands strand
    join public.strand_receipts receipt on receipt.strand_id = strand.id and receipt.status = 'done'
    cross join lateral (select learning.episode_factors(strand.content) as factors) as seen
    where strand.kind = 'episode_window' and strand.content ->> 'episode_id' = p_episode_id
  ),
  former as materialized (
    select episode.strand_id, episode.pattern_key, episode.outcome, episode.factors from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id or episode.strand_id in (select windows.id from windows)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, decision, outcome, factors, blocked_by, trade_id, occurred_at, scope_codes,
      gates
    )
    select windows.id, p_episode_id, windows.pattern_key, windows.scope, learning.scope_mask(windows.scope),
      windows.content ->> 'decision', ended, windows.factors,
      learning.episode_blockers(windows.content, windows.factors, windows.gates), windows.content ->> 'trade_id', windows.created_at,
      learning.encode_scope(windows.scope),
      case when cardinality(learning.missing_gates(windows.gates)) = 0 then windows.gates end
    from windows
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope, scope_mask = excluded.scope_mask,
      decision = excluded.decision, outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, scope_codes = excluded.scope_codes, gates = excluded.gates
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.decision, episode.outcome, episode.factors, episode.blocked_by,
        episode.trade_id, episode.occurred_at, episode.scope_codes, episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.decision, excluded.outcome, excluded.factors,
        excluded.blocked_by, excluded.trade_id, excluded.occurred_at, excluded.scope_codes, excluded.gates)
    returning episode.strand_id, episode.pattern_key, episode.decision, episode.outcome, episode.factors, episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = p_episode_id and not exists (select from windows where windows.id = episode.strand_id)
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
    select written.*, former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then learning.missing_gates(windows.gates) else '{}' end as missing
    from written
    join windows on windows.id = written.strand_id
    left join former on former.strand_id = written.strand_id
  )
  select
    (select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}') from touched),
    (
      select jsonb_build_object(
        'episode_id', p_episode_id, 'outcome', ended, 'ended', count(*) filter (where news.has_ended),
        'recorded', coalesce(jsonb_agg(jsonb_build_object('strand_id', news.strand_id, 'pattern_key', news.pattern_key,
          'decision', news.decision, 'blocked_by', news.blocked_by)) filter (where news.is_new), '[]'::jsonb),
        'incomplete', coalesce(jsonb_agg(jsonb_build_object('strand_id', news.strand_id, 'pattern_key', news.pattern_key,
          'missing', news.missing)) filter (where cardinality(news.missing) > 0), '[]'::jsonb)
      )
      from news
      where news.is_new or news.has_ended or cardinality(news.missing) > 0
      having count(*) > 0
    )
  into changed, note;
  if note is not null then
    perform learning.note_episode(note);
  end if;
  return changed;
end
$$;
comment on function learning.apply_episode(text) is
  'Brings an episode''s windows and their outcome in line with its accepted strands; returns the groups whose windows changed.';

create function learning.log_episodes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  notes jsonb := ('[' || coalesce(current_setting('edgeloop.episode_notes', true), '') || ']')::jsonb;
begin
  if notes = '[]'::jsonb then
    return null;
  end if;
  perform set_config('edgeloop.episode_notes', '', true);

  with recorded as materialized (
    select note.value ->> 'episode_id' as episode_id, episode_window.strand_id, episode_window.pattern_key, episode_window.decision,
      array(select jsonb_array_elements_text(episode_window.blocked_by)) as blocked_by
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'recorded')
      as episode_window(strand_id text, pattern_key text, decision text, blocked_by jsonb)
  ),
  ended as materialized (
    select note.value ->> 'episode_id' as episode_id, note.value ->> 'outcome' as outcome, (note.value ->> 'ended')::integer as windows
    from jsonb_array_elements(notes) as note(value)
    where (note.value ->> 'ended')::integer > 0
  ),
  incomplete as materialized (
    select note.value ->> 'episode_id' as episode_id, episode_window.strand_id, episode_window.pattern_key,
      array(select jsonb_array_elements_text(episode_window.missing)) as missing
    from jsonb_array_elements(notes) as note(value)
    cross join lateral jsonb_to_recordset(note.value -> 'incomplete') as episode_window(strand_id text, pattern_key text, missing jsonb)
  ),
  -- A batch that says more than this of one kind, as a bulk load does, says it in one line with the numbers.
  lengthy as (
    select (select count(*) from recorded) > 20 as recorded, (select count(*) from ended) > 20 as ended,
      (select count(*) from incomplete) > 20 as incomplete
  )
  insert into public.learning_log (level, component, event, message, details)
  select 'INFO', 'aggregate-strands', 'episode_recorded',
    format('Episode %s: a window of %s was recorded, %s%s', recorded.episode_id, recorded.pattern_key, recorded.decision,
      case when recorded.blocked_by <> '{}' then ', blocked by ' || array_to_string(recorded.blocked_by, ', ') else '' end),
    to_jsonb(recorded)
  from recorded, lengthy where not lengthy.recorded
  union all
  select 'INFO', 'aggregate-strands', 'episodes_recorded',
    format('Recorded %s windows of %s episodes: %s acted, %s skipped', count(*), count(distinct recorded.episode_id),
      count(*) filter (where recorded.decision = 'acted'), count(*) filter (where recorded.decision = 'skipped')),
    jsonb_build_object('windows', count(*), 'episodes', count(distinct recorded.episode_id), 'by_pattern_key', (
      select jsonb_object_agg(counted.pattern_key, counted.windows)
      from (select other.pattern_key, count(*) as windows from recorded other group by other.pattern_key) as counted
    ), 'blocked_by', (
      select jsonb_object_agg(counted.gate, counted.windows)
      from (select gate.name as gate, count(*) as windows from recorded other, unnest(other.blocked_by) as gate(name) group by gate.name) as counted
    ))
  from recorded, lengthy where lengthy.recorded having count(*) > 0
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcome_set',
    format('Episode %s ended in %s: windows_updated=%s', ended.episode_id, ended.outcome, ended.windows), to_jsonb(ended)
  from ended, lengthy where not lengthy.ended
  union all
  select 'INFO', 'aggregate-strands', 'episode_outcomes_set',
    format('Set the outcomes of %s episodes: windows_updated=%s', count(*), sum(ended.windows)),
    jsonb_build_object('episodes', count(*), 'windows', sum(ended.windows), 'by_outcome', (
      select jsonb_object_agg(counted.outcome, counted.episodes)
      from (select other.outcome, count(*) as episodes from ended other group by other.outcome) as counted
    ))
  from ended, lengthy where lengthy.ended having count(*) > 0
  union all
  select 'WARNING', 'aggregate-strands', 'episode_incomplete',
    format('Episode %s: window %s of %s is left out of simulation, it lacks %s', incomplete.episode_id, incomplete.strand_id,
      incomplete.pattern_key, array_to_string(incomplete.missing, ', ')),
    to_jsonb(incomplete)
  from incomplete, lengthy where not lengthy.incomplete
  union all
  select 'WARNING', 'aggregate-strands', 'episodes_incomplete',
    format('%s windows of %s episodes are left out of simulation, they lack scores or thresholds', count(*),
      count(distinct incomplete.episode_id)),
    jsonb_build_object('windows', count(*), 'strand_ids', jsonb_agg(incomplete.strand_id), 'missing', (
      select jsonb_object_agg(counted.factor, counted.windows)
      from (select factor.name as factor, count(*) as windows from incomplete other, unnest(other.missing) as factor(name) group by factor.name) as counted
    ))
  from incomplete, lengthy where lengthy.incomplete having count(*) > 0;
  return null;
end
$$;
comment on function learning.log_episodes() is
  'Writes to the log what a batch of strands did to episodes, one line each or, where that would be many, one line for all.';

-- Tuning: lessons about the entry gates, what moving the gates would have changed, and the overrides that follow.

create trigger log_episodes after insert on learning.mining_groups
for each statement execute function learning.log_episodes();
comment on trigger log_episodes on learning.mining_groups is
  'A batch of strands ends by marking the groups it changed; that is when it is known how much there is to say about its episodes.';
