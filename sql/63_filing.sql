-- Filing: each override lies under its rarest pairs, so that a candidate finds those it contains without looking at the others.
-- Of 20,000 overrides under one pattern key a candidate looks at about 2,000 to find 340; comparing each one's scope_subset takes
-- more than 20 times as long (task bench --only sizing) and, under row level security, no index may help with it.

create table learning.override_groups (
  id integer generated always as identity (maxvalue 8388607) primary key,
  override_type text collate "C" not null,
  pattern_key text collate "C" not null,
  action_category text collate "C" not null,
  filed_count integer not null,
  counted_at integer not null,
  most_pairs smallint not null,
  filed_by smallint not null default 1 check (filed_by in (1, 2)),
  best_filed_by smallint not null generated always as (case when filed_count > 30000 then 2 else 1 end) stored,
  unique (override_type, pattern_key, action_category)
);
alter table learning.override_groups enable row level security;
comment on table learning.override_groups is 'The groups in which overrides are filed.';
comment on column learning.override_groups.id is 'Identity.';
comment on column learning.override_groups.override_type is 'Type of the overrides.';
comment on column learning.override_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.override_groups.action_category is 'Category of the action, or lever.';
comment on column learning.override_groups.filed_count is 'How many overrides are filed.';
comment on column learning.override_groups.counted_at is 'How many there were when the uses of their pairs were counted last.';
comment on column learning.override_groups.most_pairs is 'No override that is filed has more pairs.';
comment on column learning.override_groups.filed_by is 'By how many of its rarest pairs each is filed.';
comment on column learning.override_groups.best_filed_by is
  'By how many it should be: by one, a candidate looks through a tenth of the group; by two, through a fortieth, at 150 places.';

create table learning.override_pairs (
  group_id integer not null,
  pair text collate "C" not null,
  number integer not null check (number between 1 and 1048575),
  uses integer not null,
  primary key (group_id, pair) include (number)
);
alter table learning.override_pairs enable row level security;
comment on table learning.override_pairs is 'The pairs of dimension and value that a group''s overrides have, numbered.';
comment on column learning.override_pairs.group_id is 'The group.';
comment on column learning.override_pairs.pair is 'Dimension, an equals sign and value.';
comment on column learning.override_pairs.number is 'Number of the pair in its group.';
comment on column learning.override_pairs.uses is 'How many of the group''s overrides had it when they were counted last.';

create table learning.override_filings (
  override_id bigint primary key,
  filed_as bigint not null,
  bucket bigint not null,
  pairs_1 bigint not null,
  pairs_2 bigint not null,
  scope_mask integer not null,
  specificity float8 not null,
  confidence float8 not null,
  multiplier float8 not null,
  dir_a float8 not null,
  dir_e float8 not null,
  edge float8 not null,
  support float8 not null,
  evidence_us float8 not null,
  decay_us float8 not null
)
-- An index-only scan is worth as much as the visibility map is up to date.
with (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 2000
);
create index override_filings_bucket_idx on learning.override_filings (bucket) include (
  pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support, evidence_us, decay_us
);
alter table learning.override_filings enable row level security;
comment on table learning.override_filings is 'Every enabled override as a sizing call needs it, filed under its rarest pairs. Kept by triggers, read from its index alone.';
comment on column learning.override_filings.override_id is 'The override.';
comment on column learning.override_filings.filed_as is
  'Hash of the type, pattern key, category and scope that it was filed for: an override with another one has moved.';
comment on column learning.override_filings.bucket is 'Where it is filed: the group times 2^40 plus the smaller pair times 2^20 plus the larger; pairs it is not filed by count 0.';
comment on column learning.override_filings.pairs_1 is 'Which of the pairs 1 to 64 it has, as bits.';
comment on column learning.override_filings.pairs_2 is
  'Which of the pairs 65 to 127 it has, as bits; below 0 where it has others beside those it is filed by, which is rare, as they are.';
comment on column learning.override_filings.scope_mask is
  'Dimensions of its scope as bits: with them a candidate that contains it knows its scope without reading pm_overrides.';
comment on column learning.override_filings.specificity is 'Number of its pairs plus one, to the power of 1.5.';
comment on column learning.override_filings.confidence is 'Confidence; 0.5 where none was given.';
comment on column learning.override_filings.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_filings.dir_a is 'Direction for the appetite.';
comment on column learning.override_filings.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_filings.edge is 'Edge.';
comment on column learning.override_filings.support is 'Trust from the number of trades and their variance: (1 - e^(-n/25))/(1 + variance).';
comment on column learning.override_filings.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; far in the future where there is none.';
comment on column learning.override_filings.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.specificity(pairs integer)
returns float8
language plpgsql
immutable
set search_path = ''
as $$
begin
  return power(pairs + 1::float8, 1.5);
end
$$;
comment on function learning.specificity(integer) is 'How much an override counts for naming so many pairs.';

create function learning.override_terms_query(overrides text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return format($terms$
    select held.id as override_id, held.enabled,
      hashtextextended(held.scope_digest, hashtextextended(held.action_category, hashtextextended(held.pattern_key,
        hashtextextended(held.override_type, held.scope_mask)))) as filed_as,
      held.scope_mask, learning.specificity(bit_count(held.scope_mask::bit(32))::integer) as specificity,
      -- Beyond these bounds nothing changes in an answer, but products would leave the range of numbers.
      case when held.confidence_score < 1e-50 then 0 else coalesce(held.confidence_score, 0.5) end as confidence,
      greatest(1e-50, least(1e50, coalesce(held.multiplier, 1))) as multiplier,
      case when abs(held.dir_a) < 1e-50 then 0 else held.dir_a end as dir_a,
      case when abs(held.dir_e) < 1e-50 then 0 else held.dir_e end as dir_e,
      case when abs(held.edge_raw) < 1e-50 then 0 else greatest(-1e50, least(1e50, held.edge_raw)) end as edge,
      (1 - exp(greatest(-700, -held.n / 25::float8))) / (1 + least(1e50, held.variance)) as support,
      case
        when isfinite(held.last_evidence_at) then (extract(epoch from held.last_evidence_at) * 1000000)::float8
        when held.last_evidence_at = '-infinity' then -1e100
        else 1e100
      end as evidence_us,
      3.6e9 * greatest(1e-9, least(1e50, coalesce(held.half_life_hours, 720))) as decay_us
    from %s held
  $terms$, overrides);
end
$$;
comment on function learning.override_terms_query(text) is
  'The query for what of overrides enters a sizing, apart from their pairs; they are read from the given relation, which has the columns of pm_overrides.';

do $$
begin
  execute 'create view learning.override_terms with (security_invoker = true) as ' || learning.override_terms_query('public.pm_overrides');
end
$$;
comment on view learning.override_terms is 'What of an override enters a sizing, apart from its scope.';
comment on column learning.override_terms.override_id is 'The override.';
comment on column learning.override_terms.enabled is 'Whether it acts.';
comment on column learning.override_terms.filed_as is 'Hash of its type, pattern key, category and scope.';
comment on column learning.override_terms.scope_mask is 'Dimensions of its scope as bits.';
comment on column learning.override_terms.specificity is 'Number of its pairs plus one, to the power of 1.5.';
comment on column learning.override_terms.confidence is 'Confidence; 0.5 where none was given.';
comment on column learning.override_terms.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_terms.dir_a is 'Direction for the appetite.';
comment on column learning.override_terms.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_terms.edge is 'Edge.';
comment on column learning.override_terms.support is 'Trust from the number of trades and their variance.';
comment on column learning.override_terms.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; far in the future where there is none.';
comment on column learning.override_terms.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.rarest_two(uses_and_numbers bigint[])
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
declare
  pair bigint;
  rarest bigint;
  next_rarest bigint;
begin
  foreach pair in array coalesce(uses_and_numbers, '{}') loop
    if rarest is null or pair < rarest then
      next_rarest := rarest;
      rarest := pair;
    elsif next_rarest is null or pair < next_rarest then
      next_rarest := pair;
    end if;
  end loop;
  rarest := rarest & 1048575;
  next_rarest := next_rarest & 1048575;
  return case
    when rarest is null then 0
    when next_rarest is null then rarest << 20
    else least(rarest, next_rarest) << 20 | greatest(rarest, next_rarest)
  end;
end
$$;
comment on function learning.rarest_two(bigint[]) is
  'The pairs'' part of a bucket for an override that is filed by two; each pair is given as its uses times 2^20 plus its number.';

-- All of these run as their owner: whoever may write overrides need not be able to write where they are filed.
-- Thousands of overrides are placed by joining whole tables; those that changed are looked for one by one.
-- What depends on how many overrides there are is planned anew each time: a plan made for one would be kept for ten thousand.
create function learning.place_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = ''
set enable_seqscan = on
set enable_hashjoin = on
set enable_mergejoin = on
set jit = off
as $$
begin
  execute $unknown_pairs$
    with fresh as materialized (
      select filed.id as group_id, own.pair, count(*) as uses
      from public.pm_overrides made
      join learning.override_groups filed using (override_type, pattern_key, action_category)
      cross join lateral (select given.key || '=' || given.value as pair from jsonb_each_text(made.scope_subset) as given) as own
      left join learning.override_pairs known on known.group_id = filed.id and known.pair = own.pair
      where made.id = any ($1) and known.number is null
      group by filed.id, own.pair
    ),
    numbered as materialized (
      select concerned.group_id, (select max(pair.number) from learning.override_pairs pair where pair.group_id = concerned.group_id) as last
      from (select distinct fresh.group_id from fresh) as concerned
    )
    insert into learning.override_pairs (group_id, pair, number, uses)
    select fresh.group_id, fresh.pair,
      coalesce(numbered.last, 0) + row_number() over (partition by fresh.group_id order by fresh.uses desc, fresh.pair), fresh.uses
    from fresh
    join numbered using (group_id)
  $unknown_pairs$ using ids;

  execute $filings$
    insert into learning.override_filings (override_id, filed_as, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
      dir_a, dir_e, edge, support, evidence_us, decay_us)
    select placed.id, terms.filed_as, placed.bucket, placed.pairs_1,
      case when placed.more_pairs <@ array[placed.bucket >> 20 & 1048575, placed.bucket & 1048575] is not false then placed.pairs_2
        else placed.pairs_2 | (1::bigint << 63) end,
      terms.scope_mask, terms.specificity, terms.confidence, terms.multiplier, terms.dir_a, terms.dir_e, terms.edge, terms.support,
      terms.evidence_us, terms.decay_us
    from (
      select made.id,
        filed.id::bigint << 40 | case filed.filed_by
          when 1 then coalesce(min(pair.uses::bigint << 20 | pair.number) & 1048575, 0) << 20
          else learning.rarest_two(array_agg(pair.uses::bigint << 20 | pair.number) filter (where pair.number is not null))
        end as bucket,
        coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as pairs_1,
        coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0) as pairs_2,
        array_agg(pair.number::bigint) filter (where pair.number > 127) as more_pairs
      from public.pm_overrides made
      join learning.override_groups filed using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(made.scope_subset) as own on true
      left join learning.override_pairs pair on pair.group_id = filed.id and pair.pair = own.key || '=' || own.value
      where made.id = any ($1)
      group by made.id, filed.id, filed.filed_by
    ) as placed
    join learning.override_terms terms on terms.override_id = placed.id and terms.override_id = any ($1)
    -- Neighbours in the index arrive together, which fills its pages and keeps them few.
    order by placed.bucket
  $filings$ using ids;
end
$$;
comment on function learning.place_overrides(bigint[]) is 'Files overrides whose groups are there, numbering the pairs that are new.';

create function learning.refile_group(group_id integer, arriving bigint[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  first_bucket constant bigint := refile_group.group_id::bigint << 40;
  last_bucket constant bigint := ((refile_group.group_id::bigint + 1) << 40) - 1;
  former bigint[];
  filing bigint[];
begin
  -- In the order in which values are changed: who changes them meanwhile is waited for.
  former := array(
    select held.override_id from learning.override_filings held where held.bucket between first_bucket and last_bucket
    order by held.override_id for update
  );
  delete from learning.override_filings held where held.bucket between first_bucket and last_bucket;
  delete from learning.override_pairs pair where pair.group_id = refile_group.group_id;
  -- Not all that are enabled: some may have changed in the statement that is under way, and are filed when their turn comes.
  filing := array(
    select made.id
    from public.pm_overrides made
    join learning.override_groups filed using (override_type, pattern_key, action_category)
    where filed.id = refile_group.group_id and made.id = any (former || arriving)
  );
  update learning.override_groups filed
  set filed_count = filed.filed_count - (select count(*) from (select unnest(former) except select unnest(filing)) as gone)
  where filed.id = refile_group.group_id;
  update learning.override_groups filed
  set counted_at = filed.filed_count, filed_by = filed.best_filed_by
  where filed.id = refile_group.group_id;
  perform learning.place_overrides(filing);
end
$$;
comment on function learning.refile_group(integer, bigint[]) is
  'Counts and numbers a group''s pairs anew and files what was filed in it, and what arrives, by what is rare now.';

create function learning.file_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  outgrown integer[];
  group_id integer;
begin
  if ids is null then
    return;
  end if;
  -- Writers of the same groups queue up here, in one order.
  perform from learning.override_groups filed
  join (
    select made.override_type, made.pattern_key, made.action_category
    from public.pm_overrides made
    where made.id = any (ids)
    group by made.override_type, made.pattern_key, made.action_category
  ) as concerned using (override_type, pattern_key, action_category)
  order by filed.id for update of filed;
  with arrived as (
    select made.override_type, made.pattern_key, made.action_category, count(*) as overrides,
      max(bit_count(made.scope_mask::bit(32))) as most_pairs
    from public.pm_overrides made
    where made.id = any (ids)
    group by made.override_type, made.pattern_key, made.action_category
  ),
  known as (
    update learning.override_groups filed
    set filed_count = filed.filed_count + arrived.overrides, most_pairs = greatest(filed.most_pairs, arrived.most_pairs)
    from arrived
    where (filed.override_type, filed.pattern_key, filed.action_category)
      = (arrived.override_type, arrived.pattern_key, arrived.action_category)
    returning filed.*
  ),
  -- A row that is inserted costs a number even where there is one already, and a bucket has room for 2^23 of them.
  fresh as (
    insert into learning.override_groups as filed (override_type, pattern_key, action_category, filed_count, counted_at, most_pairs)
    select arrived.override_type, arrived.pattern_key, arrived.action_category, arrived.overrides, arrived.overrides, arrived.most_pairs
    from arrived
    left join known using (override_type, pattern_key, action_category)
    where known.id is null
    order by arrived.override_type, arrived.pattern_key, arrived.action_category
    on conflict (override_type, pattern_key, action_category) do update set
      filed_count = filed.filed_count + excluded.filed_count, most_pairs = greatest(filed.most_pairs, excluded.most_pairs)
    returning filed.*
  ),
  touched as (
    select known.* from known union all select fresh.* from fresh
  )
  -- What was rare when there were half as many need not be any more.
  select coalesce(array_agg(touched.id), '{}') into outgrown
  from touched
  where touched.filed_count > 2 * touched.counted_at + 500 or touched.filed_by < touched.best_filed_by;
  foreach group_id in array outgrown loop
    perform learning.refile_group(group_id, ids);
  end loop;
  perform learning.place_overrides(case when cardinality(outgrown) = 0 then ids else array(
    select made.id
    from public.pm_overrides made
    join learning.override_groups filed using (override_type, pattern_key, action_category)
    where made.id = any (ids) and filed.id <> all (outgrown)
  ) end);
end
$$;
comment on function learning.file_overrides(bigint[]) is 'Files enabled overrides that are filed nowhere yet.';

create function learning.unfile_overrides(ids bigint[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  groups constant integer[] := array(
    select distinct (held.bucket >> 40)::integer from learning.override_filings held where held.override_id = any (ids)
  );
begin
  -- Who files a group anew holds its row: until then its overrides lie in two places, and only one of them stays.
  perform from learning.override_groups filed where filed.id = any (groups) order by filed.id for update;
  with unfiled as (
    delete from learning.override_filings held where held.override_id = any (ids) returning (held.bucket >> 40)::integer as group_id
  ),
  lost as (
    select unfiled.group_id, count(*) as overrides from unfiled group by unfiled.group_id
  )
  update learning.override_groups filed
  set filed_count = filed.filed_count - lost.overrides
  from lost
  where filed.id = lost.group_id;
end
$$;
comment on function learning.unfile_overrides(bigint[]) is 'Takes overrides that were deleted, disabled or moved out of the files.';

create function learning.file_new_overrides()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform learning.file_overrides((select array_agg(made.id) from new_overrides made where made.enabled));
  return null;
end
$$;
comment on function learning.file_new_overrides() is 'Files the overrides that a statement inserted.';

create function learning.file_changed_overrides()
returns trigger
language plpgsql
security definer
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  changed_ids constant bigint[] := array(select changed.id from new_overrides changed);
  change_in_place constant text := format($stayed$
    update learning.override_filings held
    set confidence = terms.confidence, multiplier = terms.multiplier, dir_a = terms.dir_a, dir_e = terms.dir_e, edge = terms.edge,
      support = terms.support, evidence_us = terms.evidence_us, decay_us = terms.decay_us
    from (%s order by override_id) as terms
    where held.override_id = terms.override_id and held.filed_as = terms.filed_as and terms.enabled
  $stayed$, learning.override_terms_query('new_overrides'));
  stayed integer;
  moved bigint[];
  arrived bigint[];
begin
  begin
    execute change_in_place;
    get diagnostics stayed = row_count;
    if stayed = cardinality(changed_ids) then
      return null;
    end if;
    raise exception using errcode = 'EL001', message = 'Some overrides were moved, enabled or disabled.';
  exception when sqlstate 'EL001' then
    -- Rare. What was changed is undone: who holds one of the groups may be waiting for it, while its groups are waited for next.
    null;
  end;
  -- The groups that overrides leave and those they enter, at once and in one order.
  execute $concerned$
    select from learning.override_groups filed
    where filed.id in (
      select held.id from public.pm_overrides changed join learning.override_groups held using (override_type, pattern_key, action_category)
      where changed.id = any ($1)
      union
      select (held.bucket >> 40)::integer from learning.override_filings held where held.override_id = any ($1)
    )
    order by filed.id for update
  $concerned$ using changed_ids;
  execute change_in_place;
  execute $moved$
    select array_agg(held.override_id) filter (where held.override_id is not null),
      array_agg(terms.override_id) filter (where terms.enabled)
    from learning.override_terms terms
    left join learning.override_filings held on held.override_id = terms.override_id and held.override_id = any ($1)
    where terms.override_id = any ($1) and (terms.enabled and terms.filed_as = held.filed_as) is not true
  $moved$ into moved, arrived using changed_ids;
  perform learning.unfile_overrides(moved);
  perform learning.file_overrides(arrived);
  return null;
end
$$;
comment on function learning.file_changed_overrides() is 'Files the overrides that a statement changed: anew where they moved, in their place where only their values did.';

create function learning.unfile_deleted_overrides()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate learning.override_filings, learning.override_pairs, learning.override_groups;
  else
    perform learning.unfile_overrides((select array_agg(former.id) from old_overrides former));
  end if;
  return null;
end
$$;
comment on function learning.unfile_deleted_overrides() is 'Takes the overrides that a statement deleted out of the files.';

create trigger file_new_overrides after insert on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.file_new_overrides();
comment on trigger file_new_overrides on public.pm_overrides is 'New overrides act at once.';
create trigger file_changed_overrides after update on public.pm_overrides
referencing new table as new_overrides
for each statement execute function learning.file_changed_overrides();
comment on trigger file_changed_overrides on public.pm_overrides is 'Changed overrides act as changed at once.';
create trigger unfile_deleted_overrides after delete on public.pm_overrides
referencing old table as old_overrides
for each statement execute function learning.unfile_deleted_overrides();
comment on trigger unfile_deleted_overrides on public.pm_overrides is 'Deleted overrides stop acting at once.';
create trigger unfile_truncated_overrides after truncate on public.pm_overrides
for each statement execute function learning.unfile_deleted_overrides();
comment on trigger unfile_truncated_overrides on public.pm_overrides is 'Deleted overrides stop acting at once.';

create type learning.override_probe as (
  buckets bigint[],
  lacking_1 bigint,
  lacking_2 bigint,
  most_specificity float8
);
comment on type learning.override_probe is
  'What to look for in learning.override_filings: an override lies in one of the buckets and has none of the lacking pairs. None is more specific than most_specificity.';

create function learning.probe_overrides(override_type text, pattern_key text, action_category text, scope jsonb)
returns learning.override_probe
language plpgsql
stable
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
  group_bits bigint;
  filed_by smallint;
  most_pairs smallint;
  own_pairs bigint[];
  probe learning.override_probe;
begin
  select filed.id::bigint << 40, filed.filed_by, filed.most_pairs, own.numbers, own.buckets, own.lacking_1, own.lacking_2
  into group_bits, filed_by, most_pairs, own_pairs, probe.buckets, probe.lacking_1, probe.lacking_2
  from learning.override_groups filed
  cross join lateral (
    select array_agg(pair.number::bigint) as numbers,
      -- The empty scope, and each pair.
      (filed.id::bigint << 40) || coalesce(array_agg((filed.id::bigint << 40) | (pair.number::bigint << 20)), '{}') as buckets,
      ~coalesce(bit_or(1::bigint << (pair.number - 1)) filter (where pair.number <= 64), 0) as lacking_1,
      ~(coalesce(bit_or(1::bigint << (pair.number - 65)) filter (where pair.number between 65 and 127), 0) | (1::bigint << 63)) as lacking_2
    from (
      -- A join may read all of a group's pairs instead of looking for each.
      select (
        select known.number from learning.override_pairs known where known.group_id = filed.id and known.pair = given.key || '=' || given.value
      ) as number
      from jsonb_each_text(scope) as given
      offset 0
    ) as pair
    where pair.number is not null
  ) as own
  where filed.override_type = probe_overrides.override_type and filed.pattern_key = probe_overrides.pattern_key
    and filed.action_category = probe_overrides.action_category;
  if group_bits is null then
    return null;
  end if;
  probe.most_specificity := learning.specificity(most_pairs);
  if filed_by = 2 then
    probe.buckets := probe.buckets || array(
      select group_bits | (one.pair << 20) | other.pair
      from unnest(own_pairs) as one(pair)
      join unnest(own_pairs) as other(pair) on one.pair < other.pair
    );
  end if;
  return probe;
end
$$;
comment on function learning.probe_overrides(text, text, text, jsonb) is 'Where the overrides that a scope contains are filed; null where there can be none.';

create function learning.contains_override(scope jsonb, override_id bigint)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select made.scope_subset <@ scope from public.pm_overrides made where made.id = contains_override.override_id);
end
$$;
comment on function learning.contains_override(jsonb, bigint) is 'Whether a scope contains an override that has pairs which its filing does not name.';

create function learning.contained_overrides(filed learning.override_groups, scope jsonb)
returns setof learning.override_filings
language plpgsql
stable
set search_path = ''
as $$
declare
  probe constant learning.override_probe :=
    learning.probe_overrides(filed.override_type, filed.pattern_key, filed.action_category, scope);
begin
  return query
  select held.*
  from learning.override_filings held
  where held.bucket = any (probe.buckets)
    and held.pairs_1 & probe.lacking_1 = 0 and held.pairs_2 & probe.lacking_2 = 0
    and (held.pairs_2 >= 0 or learning.contains_override(scope, held.override_id));
end
$$;
comment on function learning.contained_overrides(learning.override_groups, jsonb) is 'The overrides of a group that a scope contains, as they are filed.';
