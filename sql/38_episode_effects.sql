-- Effects of episodes: what becomes of windows and outcomes, exactly once.

create function learning.note_episodes(notes jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('edgeloop.episode_notes', concat_ws(
    ',', nullif(current_setting('edgeloop.episode_notes', true), ''), btrim(notes::text, '[]')
  ), true);
end
$$;
comment on function learning.note_episodes(jsonb) is
  'Remembers until the end of the batch what was done to some episodes; what is rolled back is forgotten '
  'with it.';

create function learning.outcomes_of_episodes(p_episode_ids text[])
returns table (episode_id text, ended text)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select distinct on (told_strand.episode_id) told_strand.episode_id,
    learning.text_of(strand.content, 'outcome')
  from learning.strands_of_episodes(p_episode_ids) as told_strand
  cross join lateral (select (told_strand.strand).*) as strand
  where strand.kind in ('episode_outcome', 'uptrend_episode_summary')
    and jsonb_typeof(strand.content -> 'outcome') = 'string'
  order by told_strand.episode_id, strand.created_at desc, strand.id collate "C" desc;
end
$$;
comment on function learning.outcomes_of_episodes(text[]) is
  'How episodes ended, by the newest outcome or summary of each that was accepted; without those of which '
  'none was.';

create function learning.windows_of_episodes(p_episode_ids text[])
returns table (
  place bigint, strand_id text, episode_id text, pattern_key text, scope jsonb, decision text,
  factors jsonb, blocked_by text[], trade_id text, occurred_at timestamptz, gates float8[], missing text[],
  ended text, outcome text, summary_strand_id text, comes_by_itself boolean
)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $$
declare
  lists constant learning.dimension_lists := learning.listed_dimensions();
begin
  return query
  with told_window as materialized (
    select given.*, learning.episode_factors(given.told) as factors
    from learning.told_windows(p_episode_ids) as given
  ),
  compared as materialized (
    select told_window.*,
      learning.episode_gates(told_window.told ->> 'decision', told_window.factors) as gates
    from told_window
  )
  select row_number() over (), compared.strand_id, compared.episode_id,
    learning.dotted_pattern_key(compared.told ->> 'pattern_key'),
    learning.merged_scope('{}', compared.told -> 'scope', compared.regime_context, lists),
    compared.told ->> 'decision', compared.factors,
    learning.episode_blockers(compared.told, compared.factors, compared.gates),
    compared.told ->> 'trade_id', compared.occurred_at, compared.gates,
    learning.missing_gates(compared.gates) || compared.assumed, outcome_of_episode.ended,
    learning.window_outcome(
      coalesce(compared.told_outcome, outcome_of_episode.ended), compared.told ->> 'decision'
    ),
    compared.summary_strand_id, compared.summary_strand_id is null and compared.assumed = '{}'
  from compared
  left join learning.outcomes_of_episodes(p_episode_ids) as outcome_of_episode using (episode_id);
end
$$;
comment on function learning.windows_of_episodes(text[]) is
  'What the accepted windows of some episodes come to: what the gates saw and compared, what is missing for '
  'simulation, how the episode ended and how each window would have, and whether it came by itself with what '
  'it compared.';

create function learning.apply_episodes(p_episode_ids text[])
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  changed_groups learning.group_key[];
  notes jsonb;
begin
  with told_window as materialized (
    select window_of_episode.* from learning.windows_of_episodes(p_episode_ids) as window_of_episode
  ),
  standing as materialized (
    select told_window.*, encoded.scope_mask, encoded.scope_codes
    from told_window
    join learning.encoded_scopes(
      array(select told_window.scope from told_window order by told_window.place)
    ) as encoded using (place)
  ),
  former as materialized (
    select episode.strand_id, episode.episode_id, episode.pattern_key, episode.outcome, episode.factors
    from public.pattern_episode_events episode
    where episode.episode_id = any (p_episode_ids)
    union all
    select episode.strand_id, episode.episode_id, episode.pattern_key, episode.outcome, episode.factors
    from standing
    -- One by one, or a plan from when there were few windows would read all of them for ever.
    cross join lateral (
      select found_episode.*
      from public.pattern_episode_events found_episode
      where found_episode.strand_id = standing.strand_id
      offset 0
    ) as episode
    where episode.episode_id <> all (p_episode_ids)
  ),
  written as (
    insert into public.pattern_episode_events as episode (
      strand_id, episode_id, pattern_key, scope, scope_mask, scope_codes, decision, outcome, factors,
      blocked_by, trade_id, occurred_at, gates, summary_strand_id
    )
    select standing.strand_id, standing.episode_id, standing.pattern_key, standing.scope,
      standing.scope_mask, standing.scope_codes, standing.decision, standing.outcome, standing.factors,
      standing.blocked_by, standing.trade_id, standing.occurred_at,
      case when standing.missing = '{}' then standing.gates end, standing.summary_strand_id
    from standing
    order by standing.place
    on conflict (strand_id) do update set
      episode_id = excluded.episode_id, pattern_key = excluded.pattern_key, scope = excluded.scope,
      scope_mask = excluded.scope_mask, scope_codes = excluded.scope_codes, decision = excluded.decision,
      outcome = excluded.outcome, factors = excluded.factors, blocked_by = excluded.blocked_by,
      trade_id = excluded.trade_id, occurred_at = excluded.occurred_at, gates = excluded.gates,
      summary_strand_id = excluded.summary_strand_id
    where (episode.episode_id, episode.pattern_key, episode.scope, episode.scope_codes, episode.decision,
        episode.outcome, episode.factors, episode.blocked_by, episode.trade_id, episode.occurred_at,
        episode.gates)
      is distinct from (excluded.episode_id, excluded.pattern_key, excluded.scope, excluded.scope_codes,
        excluded.decision, excluded.outcome, excluded.factors, excluded.blocked_by, excluded.trade_id,
        excluded.occurred_at, excluded.gates)
    returning episode.strand_id, episode.episode_id, episode.pattern_key, episode.decision,
      episode.outcome, episode.factors, episode.blocked_by
  ),
  removed as (
    delete from public.pattern_episode_events episode
    where episode.episode_id = any (p_episode_ids)
      and episode.strand_id not in (select standing.strand_id from standing)
      and episode.strand_id <> learning.direct_window_id(episode.id)
    returning episode.pattern_key
  ),
  touched as (
    select written.pattern_key from written
    union all
    select removed.pattern_key from removed
    union all
    select former.pattern_key
    from former
    where former.episode_id in (select written.episode_id from written)
      or former.strand_id in (select written.strand_id from written)
  ),
  news as (
    select written.strand_id, written.episode_id, written.pattern_key, written.decision,
      written.blocked_by, former.strand_id is null as is_new,
      written.outcome is not null and written.outcome is distinct from former.outcome as has_ended,
      case when written.factors is distinct from former.factors then standing.missing else '{}' end
        as missing,
      standing.comes_by_itself, standing.ended
    from written
    join standing using (strand_id)
    left join former using (strand_id)
  ),
  told_news as (
    select jsonb_build_object(
      'episode_id', news.episode_id, 'outcome', min(news.ended),
      'ended', count(*) filter (where news.has_ended),
      'recorded', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.is_new), '[]'),
      'incomplete', coalesce(jsonb_agg(to_jsonb(news)) filter (where news.missing <> '{}'), '[]')
    ) as note
    from news
    where news.is_new or news.has_ended or news.missing <> '{}'
    group by news.episode_id
  )
  select
    (
      select coalesce(array_agg(distinct ('pm', touched.pattern_key, 'tuning')::learning.group_key), '{}')
      from touched
    ),
    (select jsonb_agg(told_news.note) from told_news)
  into changed_groups, notes;
  if notes is not null then
    perform learning.note_episodes(notes);
  end if;
  return changed_groups;
end
$$;
comment on function learning.apply_episodes(text[]) is
  'Brings the windows of some episodes and their outcomes in line with the accepted strands; returns the '
  'groups whose windows changed. Long because one statement writes the windows, removes those that are gone '
  'and tells both from what was there before.';

create function learning.apply_episode(p_episode_id text)
returns learning.group_key[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.apply_episodes(array[p_episode_id]);
end
$$;
comment on function learning.apply_episode(text) is 'learning.apply_episodes of one.';
