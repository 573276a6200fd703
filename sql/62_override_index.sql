-- Filing: each override lies under its rarest pairs, so that a candidate finds those it contains without looking at the others.
-- Of 20,000 overrides under one pattern key a candidate looks at about 2,000 to find 340; comparing each one's scope_subset takes
-- more than 20 times as long (task bench --only sizing) and, under row level security, no index may help with it.

create table learning.override_index_groups (
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
alter table learning.override_index_groups enable row level security;
comment on table learning.override_index_groups is 'The groups in which overrides are filed.';
comment on column learning.override_index_groups.id is 'Identity.';
comment on column learning.override_index_groups.override_type is 'Type of the overrides.';
comment on column learning.override_index_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.override_index_groups.action_category is 'Category of the action, or lever.';
comment on column learning.override_index_groups.filed_count is 'How many overrides are filed.';
comment on column learning.override_index_groups.counted_at is 'How many there were when the uses of their pairs were counted last.';
comment on column learning.override_index_groups.most_pairs is 'No override that is filed has more pairs.';
comment on column learning.override_index_groups.filed_by is 'By how many of its rarest pairs each is filed.';
comment on column learning.override_index_groups.best_filed_by is
  'By how many it should be: by one, a candidate looks through a tenth of the group; by two, through a fortieth, at 150 places.';

create table learning.override_index_pairs (
  group_id integer not null,
  pair text collate "C" not null,
  number integer not null check (number between 1 and 1048575),
  uses integer not null,
  primary key (group_id, pair) include (number)
);
alter table learning.override_index_pairs enable row level security;
comment on table learning.override_index_pairs is 'The pairs of dimension and value that a group''s overrides have, numbered.';
comment on column learning.override_index_pairs.group_id is 'The group.';
comment on column learning.override_index_pairs.pair is 'Dimension, an equals sign and value.';
comment on column learning.override_index_pairs.number is 'Number of the pair in its group.';
comment on column learning.override_index_pairs.uses is 'How many of the group''s overrides had it when they were counted last.';

create table learning.override_index_entries (
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
create index override_index_entries_bucket_idx on learning.override_index_entries (bucket) include (
  pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support, evidence_us, decay_us
);
alter table learning.override_index_entries enable row level security;
comment on table learning.override_index_entries is 'Every enabled override as a sizing call needs it, filed under its rarest pairs. Kept by triggers, read from its index alone.';
comment on column learning.override_index_entries.override_id is 'The override.';
comment on column learning.override_index_entries.filed_as is
  'Hash of the type, pattern key, category and scope that it was filed for: an override with another one has moved.';
comment on column learning.override_index_entries.bucket is 'Where it is filed: the group times 2^40 plus the smaller pair times 2^20 plus the larger; pairs it is not filed by count 0.';
comment on column learning.override_index_entries.pairs_1 is 'Which of the pairs 1 to 64 it has, as bits.';
comment on column learning.override_index_entries.pairs_2 is
  'Which of the pairs 65 to 127 it has, as bits; below 0 where it has others beside those it is filed by, which is rare, as they are.';
comment on column learning.override_index_entries.scope_mask is
  'Dimensions of its scope as bits: with them a candidate that contains it knows its scope without reading pm_overrides.';
comment on column learning.override_index_entries.specificity is 'Number of its pairs plus one, to the power of 1.5.';
comment on column learning.override_index_entries.confidence is 'Confidence; 0.5 where none was given.';
comment on column learning.override_index_entries.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_index_entries.dir_a is 'Direction for the appetite.';
comment on column learning.override_index_entries.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_index_entries.edge is 'Edge.';
comment on column learning.override_index_entries.support is 'Trust from the number of trades and their variance: (1 - e^(-n/25))/(1 + variance).';
comment on column learning.override_index_entries.evidence_us is 'Close of the newest trade behind it in microseconds since 1970; far in the future where there is none.';
comment on column learning.override_index_entries.decay_us is 'Half-life of the edge in microseconds; 30 days where unknown.';

create function learning.override_terms_query(overrides text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
      join learning.override_index_groups filed using (override_type, pattern_key, action_category)
      cross join lateral (select given.key || '=' || given.value as pair from jsonb_each_text(made.scope_subset) as given) as own
      left join learning.override_index_pairs known on known.group_id = filed.id and known.pair = own.pair
      where made.id = any ($1) and known.number is null
      group by filed.id, own.pair
    ),
    numbered as materialized (
      select concerned.group_id, (select max(pair.number) from learning.override_index_pairs pair where pair.group_id = concerned.group_id) as last
      from (select distinct fresh.group_id from fresh) as concerned
    )
    insert into learning.override_index_pairs (group_id, pair, number, uses)
    select fresh.group_id, fresh.pair,
      coalesce(numbered.last, 0) + row_number() over (partition by fresh.group_id order by fresh.uses desc, fresh.pair), fresh.uses
    from fresh
    join numbered using (group_id)
  $unknown_pairs$ using ids;

  execute $filings$
    insert into learning.override_index_entries (override_id, filed_as, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
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
      join learning.override_index_groups filed using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(made.scope_subset) as own on true
      left join learning.override_index_pairs pair on pair.group_id = filed.id and pair.pair = own.key || '=' || own.value
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
