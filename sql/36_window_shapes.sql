-- Window shapes: strands that tell of episode windows in other words, read as if each window had come by
-- itself.

create function learning.shadow_window(content jsonb, out told jsonb, out assumed text[])
returns record
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  gate record;
  factors jsonb := '{}'::jsonb;
begin
  assumed := '{}';
  for gate in
    select given.figure, given.threshold, given.sign,
      learning.factor(content -> 'gate_margins', given.margin) as margin,
      coalesce(
        learning.factor(content -> 'thresholds', given.threshold),
        learning.factor(content -> 'factors', given.threshold),
        learning.factor(content -> 'gate_margins', given.threshold)
      ) as stated
    from (values
      ('ts_score', 'ts_min', 'ts_margin', 1), ('halo_distance', 'halo_max', 'halo_margin', -1),
      ('slope', 'slope_min', 'slope_margin', 1), ('dx', 'dx_min', 'dx_margin', 1)
    ) as given(figure, threshold, margin, sign)
  loop
    if gate.stated is null and gate.margin is not null and gate.threshold <> 'dx_min' then
      assumed := assumed || gate.threshold::text;
    end if;
    factors := factors || jsonb_strip_nulls(jsonb_build_object(
      gate.figure, gate.margin::numeric * gate.sign + coalesce(gate.stated, 0)::numeric,
      gate.threshold, case when gate.margin is null then gate.stated else coalesce(gate.stated, 0) end
    ));
  end loop;
  told := jsonb_build_object('pattern_key', content -> 'pattern_key', 'scope', content -> 'scope',
    'decision', 'skipped', 'factors', factors, 'blocked_by', content -> 'blocked_by');
end
$$;
comment on function learning.shadow_window(jsonb) is
  'What an entry that was held back tells, as a window: its figures are margins, how far each gate was '
  'passed, against a threshold of 0 or the one that is given; and the thresholds that are not given. Nothing '
  'says that a margin has the unit of the figure.';

create function learning.summary_windows(content jsonb)
returns table (place bigint, told jsonb, occurred_at timestamptz)
language plpgsql
stable
rows 5
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select summed_window.place,
    jsonb_build_object(
      'pattern_key', content -> 'pattern_key', 'scope', content -> 'scope',
      'window_id', summed_window.document -> 'window_id',
      'decision', coalesce(
        summed_window.document ->> 'decision',
        case summed_window.document -> 'entered' when 'true' then 'acted' else 'skipped' end
      ),
      'factors', coalesce(
        nullif(summed_window.document -> 'summary', 'null'),
        nullif(summed_window.document -> 'factors', 'null'), newest_sample.document, '{}'
      ),
      'flags', newest_sample.document, 'sample', newest_sample.document,
      'blocked_by', summed_window.document -> 'blocked_by',
      'trade_id', coalesce(nullif(summed_window.document -> 'trade_id', 'null'), content -> 'trade_id')
    ),
    coalesce(summed_window.document ->> 'ended_at', summed_window.document ->> 'started_at')::timestamptz
  from jsonb_array_elements(
    case jsonb_typeof(content -> 'windows') when 'array' then content -> 'windows' else '[]' end
  ) with ordinality as summed_window(document, place)
  -- What stood when it closed or was acted on.
  cross join lateral (select summed_window.document #> '{samples,-1}' as document) as newest_sample;
end
$$;
comment on function learning.summary_windows(jsonb) is
  'The windows that a summary of an episode holds, each as if it had come by itself, and when it ended; null '
  'where it does not say when.';

create function learning.strands_of_episodes(p_episode_ids text[])
returns table (episode_id text, strand learning.accepted_strands)
language plpgsql
stable
rows 1000
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select named.episode_id, accepted.strand
  from unnest(p_episode_ids) as named(episode_id)
  -- For each episode by itself, as in learning.strands_of_trades.
  cross join lateral (
    select accepted_strand as strand
    from learning.accepted_strands accepted_strand
    where accepted_strand.content -> 'episode_id' = to_jsonb(named.episode_id)
      and (
        accepted_strand.kind in ('episode_window', 'episode_outcome', 'uptrend_episode_summary')
        or accepted_strand.kind = 'pm_action'
          and accepted_strand.content -> 'decision_type' = '"shadow_entry"'::jsonb
      )
    offset 0
  ) as accepted;
end
$$;
comment on function learning.strands_of_episodes(text[]) is
  'The accepted strands that tell of some episodes, or of entries that were held back in them.';

create function learning.told_windows(p_episode_ids text[])
returns table (
  episode_id text, strand_id text, summary_strand_id text, told jsonb, regime_context jsonb,
  occurred_at timestamptz, told_outcome text, assumed text[]
)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with named as materialized (
    select told_strand.episode_id, (told_strand.strand).*
    from learning.strands_of_episodes(p_episode_ids) as told_strand
    where (told_strand.strand).kind <> 'episode_outcome'
  )
  select strand.episode_id, strand.id, null::text, strand.content, strand.regime_context, strand.created_at,
    null::text, '{}'::text[]
  from named strand
  where strand.kind = 'episode_window'
  union all
  select strand.episode_id, strand.id, null::text, shadow_window.told, strand.regime_context,
    strand.created_at, null::text, shadow_window.assumed
  from named strand
  cross join lateral learning.shadow_window(strand.content) as shadow_window
  where strand.kind = 'pm_action' and learning.is_shadow_window(strand.content)
  union all
  select newest_summary.episode_id, newest_summary.id || '#' || summary_window.place, newest_summary.id,
    summary_window.told, newest_summary.regime_context,
    coalesce(summary_window.occurred_at, newest_summary.created_at),
    learning.text_of(newest_summary.content, 'outcome'), '{}'::text[]
  from (
    -- A PM counts the episodes of each position for itself; of one, the newest summary holds.
    select distinct on (strand.episode_id, strand.content -> 'position_id') strand.*
    from named strand
    where strand.kind = 'uptrend_episode_summary'
    order by strand.episode_id, strand.content -> 'position_id', strand.created_at desc,
      strand.id collate "C" desc
  ) as newest_summary
  cross join lateral learning.summary_windows(newest_summary.content) as summary_window
  -- A window that has already come by itself, under its own id, is not counted twice; a PM counts the windows
  -- of each position for itself, and what it came in tells them apart.
  where not exists (
    select from public.pattern_episode_events episode
    where episode.episode_id = learning.text_of(summary_window.told, 'window_id')
      and episode.summary_strand_id is null
      and episode.pattern_key = learning.dotted_pattern_key(summary_window.told ->> 'pattern_key')
      and learning.merged_scope('{}', summary_window.told -> 'scope', '{}') <@ episode.scope
  );
end
$$;
comment on function learning.told_windows(text[]) is
  'The windows of some episodes that accepted strands tell of, in the shape of an episode_window: the '
  'episode, the strand, the summary it stood in, what is told, when it was seen, how its summary says that '
  'it ended, and the thresholds that nobody gave. A window''s number in its summary is part of its id.';

create function learning.summary_window_digests(content jsonb)
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select md5(given.id #>> '{}')
    from jsonb_path_query(content, 'lax $.windows[*].window_id ? (@.type() == "string")') as given(id)
  );
end
$$;
comment on function learning.summary_window_digests(jsonb) is
  'The ids that a summary of an episode gives its windows, as digests: an index has no room for a long one, '
  'which must not fail the insert of others.';
create index ad_strands_summary_windows_idx on public.ad_strands
using gin (learning.summary_window_digests(content))
where kind = 'uptrend_episode_summary';

create function learning.doubt_summaries(window_ids text[], were_there boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  doubted integer;
begin
  with doubtful as materialized (
    select told_receipt.strand_id
    from public.strand_receipts told_receipt
    where told_receipt.strand_id in (
        select strand.id
        from unnest(window_ids) as given(window_id)
        join public.ad_strands strand
          on strand.kind = 'uptrend_episode_summary'
          and learning.summary_window_digests(strand.content) @> array[md5(given.window_id)]
      )
      -- A verdict on one that waits may just be taking effect without having seen what changed.
      and (told_receipt.status = 'pending' or told_receipt.status = 'done' and (
        were_there or exists (
          select from public.pattern_episode_events episode
          where episode.summary_strand_id = told_receipt.strand_id
        )
      ))
    -- In the order in which verdicts lock them, so that no two writers wait for each other.
    order by told_receipt.strand_id
    for update
  )
  update public.strand_receipts receipt
  set status = 'pending', processed_at = null, revision = receipt.revision + 1,
    attempts = case receipt.status when 'done' then 0 else receipt.attempts end,
    next_attempt_at = case receipt.status when 'done' then now() else receipt.next_attempt_at end
  from doubtful
  where receipt.strand_id = doubtful.strand_id;
  get diagnostics doubted = row_count;
  if doubted > 0 then
    perform learning.ring_for_strands();
  end if;
end
$$;
comment on function learning.doubt_summaries(text[], boolean) is
  'Has the summaries judged anew that hold windows with some ids: what came by itself under one of them, or '
  'was there and is no more, decides whether the summary''s counts.';

-- Runs as its owner: whoever may write windows need not be able to write receipts.
create function learning.follow_told_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  window_ids text[];
begin
  if tg_op = 'INSERT' then
    window_ids := array(
      select distinct new_window.episode_id from new_windows new_window
      where new_window.summary_strand_id is null
    );
  elsif tg_op = 'DELETE' then
    window_ids := array(
      select distinct old_window.episode_id from old_windows old_window
      where old_window.summary_strand_id is null
    );
  else
    window_ids := array(
      select distinct named.window_id
      from new_windows new_window
      join old_windows old_window using (id)
      cross join lateral (values (new_window.episode_id), (old_window.episode_id)) as named(window_id)
      where (new_window.episode_id, new_window.pattern_key, new_window.scope, new_window.summary_strand_id)
        is distinct from
        (old_window.episode_id, old_window.pattern_key, old_window.scope, old_window.summary_strand_id)
    );
  end if;
  if window_ids <> '{}' then
    perform learning.doubt_summaries(window_ids, tg_op <> 'INSERT');
  end if;
  return null;
end
$$;
comment on function learning.follow_told_windows() is
  'A window that comes by itself after the summary that holds it, changes or goes, has the summary judged '
  'anew.';
create trigger follow_new_told_windows after insert on public.pattern_episode_events
referencing new table as new_windows
for each statement execute function learning.follow_told_windows();
comment on trigger follow_new_told_windows on public.pattern_episode_events is
  'A window that comes by itself is not counted in its summary, whichever came first.';
create trigger follow_changed_told_windows after update on public.pattern_episode_events
referencing new table as new_windows old table as old_windows
for each statement execute function learning.follow_told_windows();
comment on trigger follow_changed_told_windows on public.pattern_episode_events is
  'One that turns out another is counted in its summary again.';
create trigger follow_deleted_told_windows after delete on public.pattern_episode_events
referencing old table as old_windows
for each statement execute function learning.follow_told_windows();
comment on trigger follow_deleted_told_windows on public.pattern_episode_events is
  'One that is gone is counted in its summary again.';
