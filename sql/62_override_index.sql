-- Override index: an inverted index from pairs to the overrides whose scopes have them.
--
--   group      overrides of one type, pattern key and action category; a candidate asks one of them
--   pair       a dimension and its value, the index's term; numbered in its group, the most used first
--   entry      one enabled override, with all of it that enters a sizing
--   key pairs  the rarest of an entry's pairs: one, in a large group two
--   bucket     the entries with the same key pairs, a posting list; a candidate reads those of its own pairs
--
-- So a candidate finds what it contains without looking at the rest: of 20,000 overrides under one pattern
-- key it looks at about 2,000 to find 340. Comparing each one's scope_subset takes more than 20 times as long
-- (task bench --only sizing) and, under row level security, no index of Postgres' own may help with it.

create table learning.override_index_groups (
  id integer generated always as identity (maxvalue 8388607) primary key,
  override_type text collate "C" not null,
  pattern_key text collate "C" not null,
  action_category text collate "C" not null,
  entry_count integer not null,
  entry_count_at_reindex integer not null,
  most_pairs smallint not null,
  key_pairs smallint not null default 1 check (key_pairs in (1, 2)),
  best_key_pairs smallint not null
    generated always as (case when entry_count > 30000 then 2 else 1 end) stored,
  unique (override_type, pattern_key, action_category)
);
alter table learning.override_index_groups enable row level security;
comment on table learning.override_index_groups is
  'Groups of the override index: overrides of one type, pattern key and action category.';
comment on column learning.override_index_groups.id is 'Identity; a bucket has room for 2^23 of them.';
comment on column learning.override_index_groups.override_type is 'Type of the overrides.';
comment on column learning.override_index_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.override_index_groups.action_category is 'Category of the action, or lever.';
comment on column learning.override_index_groups.entry_count is 'How many entries it has.';
comment on column learning.override_index_groups.entry_count_at_reindex is
  'How many it had when the uses of its pairs were counted last.';
comment on column learning.override_index_groups.most_pairs is 'No entry has more pairs.';
comment on column learning.override_index_groups.key_pairs is
  'How many of its pairs are the key of an entry.';
comment on column learning.override_index_groups.best_key_pairs is
  'How many should be: by one, a candidate looks through a tenth of the group; by two, through a fortieth, '
  'in 150 buckets.';

create table learning.override_index_pairs (
  group_id integer not null,
  pair text collate "C" not null,
  number integer not null check (number between 1 and 1048575),
  uses integer not null,
  primary key (group_id, pair) include (number)
);
alter table learning.override_index_pairs enable row level security;
comment on table learning.override_index_pairs is
  'Pairs of dimension and value that the overrides of an index group have, numbered.';
comment on column learning.override_index_pairs.group_id is 'The group.';
comment on column learning.override_index_pairs.pair is 'Dimension, an equals sign and value.';
comment on column learning.override_index_pairs.number is 'Number of the pair in its group.';
comment on column learning.override_index_pairs.uses is
  'How many of the group''s overrides had it when they were counted last.';

create table learning.override_index_entries (
  override_id bigint primary key,
  identity_hash bigint not null,
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
  decay_us float8 not null,
  by_hand boolean not null default false
)
-- An index-only scan is worth as much as the visibility map is up to date.
with (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 2000
);
create index override_index_entries_bucket_idx on learning.override_index_entries (bucket) include (
  pairs_1, pairs_2, override_id, scope_mask, specificity, confidence, multiplier, dir_a, dir_e, edge, support,
  evidence_us, decay_us, by_hand
);
alter table learning.override_index_entries enable row level security;
comment on table learning.override_index_entries is
  'Every enabled override as a sizing needs it, in the bucket of its key pairs. Kept by triggers, read from '
  'its index alone.';
comment on column learning.override_index_entries.override_id is 'The override.';
comment on column learning.override_index_entries.identity_hash is
  'Hash of the type, pattern key, category and scope of the entry: an override with another one has moved.';
comment on column learning.override_index_entries.bucket is
  'The group times 2^40 plus the smaller key pair times 2^20 plus the larger; one that it lacks counts 0.';
comment on column learning.override_index_entries.pairs_1 is 'Which of the pairs 1 to 64 it has, as bits.';
comment on column learning.override_index_entries.pairs_2 is
  'Which of the pairs 65 to 127 it has, as bits; below 0 where it has further ones beside its key, which is '
  'rare, as they are.';
comment on column learning.override_index_entries.scope_mask is
  'Dimensions of its scope as bits: with them a candidate that contains it knows its scope without reading '
  'pm_overrides.';
comment on column learning.override_index_entries.specificity is
  'How much it counts for naming so many pairs (learning.specificity).';
comment on column learning.override_index_entries.confidence is
  'Confidence, or what counts where none was given (learning.confidence_or_default).';
comment on column learning.override_index_entries.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_index_entries.dir_a is 'Direction for the appetite.';
comment on column learning.override_index_entries.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_index_entries.edge is 'Edge.';
comment on column learning.override_index_entries.support is
  'Trust from the number of trades and their variance: (1 - e^(-n/25))/(1 + variance).';
comment on column learning.override_index_entries.evidence_us is
  'Close of the newest trade behind it in microseconds since 1970; infinity where there is none.';
comment on column learning.override_index_entries.decay_us is
  'Half-life of the edge in microseconds; 30 days where unknown.';
comment on column learning.override_index_entries.by_hand is 'Whether a person made or pinned it.';

create function learning.override_terms_query(overrides text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return format($terms$
    select override.id as override_id, override.enabled,
      hashtextextended(override.scope_digest, hashtextextended(override.action_category,
        hashtextextended(override.pattern_key, hashtextextended(override.override_type, override.scope_mask))
      )) as identity_hash,
      override.scope_mask,
      learning.specificity(bit_count(override.scope_mask::bit(32))::integer) as specificity,
      learning.confidence_or_default(override.confidence_score) as confidence,
      coalesce(override.multiplier, 1) as multiplier, override.dir_a, override.dir_e,
      override.edge_raw as edge,
      (1 - exp(greatest(-700, -override.n / 25::float8))) / (1 + override.variance) as support,
      coalesce(extract(epoch from override.last_evidence_at)::float8 * 1e6, 'infinity') as evidence_us,
      coalesce(override.half_life_hours, 30 * 24) * 3.6e9 as decay_us,
      override.lesson_id is null or override.control = 'pinned' as by_hand
    from %s override
  $terms$, overrides);
end
$$;
comment on function learning.override_terms_query(text) is
  'The query for what of overrides enters a sizing, apart from their pairs; they are read from the given '
  'relation, which has the columns of pm_overrides.';

do $$
begin
  execute 'create view learning.override_terms with (security_invoker = true) as '
    || learning.override_terms_query('public.pm_overrides');
end
$$;
comment on view learning.override_terms is 'What of an override enters a sizing, apart from its scope.';
comment on column learning.override_terms.override_id is 'The override.';
comment on column learning.override_terms.enabled is 'Whether it acts.';
comment on column learning.override_terms.identity_hash is
  'Hash of its type, pattern key, category and scope.';
comment on column learning.override_terms.scope_mask is 'Dimensions of its scope as bits.';
comment on column learning.override_terms.specificity is
  'How much it counts for naming so many pairs (learning.specificity).';
comment on column learning.override_terms.confidence is
  'Confidence, or what counts where none was given (learning.confidence_or_default).';
comment on column learning.override_terms.multiplier is 'Multiplier; 1 where none was given.';
comment on column learning.override_terms.dir_a is 'Direction for the appetite.';
comment on column learning.override_terms.dir_e is 'Direction for the assertiveness.';
comment on column learning.override_terms.edge is 'Edge.';
comment on column learning.override_terms.support is 'Trust from the number of trades and their variance.';
comment on column learning.override_terms.evidence_us is
  'Close of the newest trade behind it in microseconds since 1970; infinity where there is none.';
comment on column learning.override_terms.decay_us is
  'Half-life of the edge in microseconds; 30 days where unknown.';
comment on column learning.override_terms.by_hand is 'Whether a person made or pinned it.';

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
  'The key pairs'' part of a bucket where two are the key; each pair is given as its uses times 2^20 plus '
  'its number.';

-- Both run as their owner: whoever may write overrides need not be able to write their index. Thousands of
-- entries are made by joining whole tables; those that changed are looked for one by one. What depends on how
-- many overrides there are is planned anew each time: a plan made for one would be kept for ten thousand.
create function learning.number_index_pairs(ids bigint[])
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
  execute $number_new_pairs$
    with new_pairs as materialized (
      select index_group.id as group_id, own.pair, count(*) as uses
      from public.pm_overrides override
      join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
      cross join lateral (
        select given.key || '=' || given.value as pair from jsonb_each_text(override.scope_subset) as given
      ) as own
      left join learning.override_index_pairs index_pair
        on index_pair.group_id = index_group.id and index_pair.pair = own.pair
      where override.id = any ($1) and index_pair.number is null
      group by index_group.id, own.pair
    ),
    last_numbers as materialized (
      select growing.group_id, (
        select max(index_pair.number) from learning.override_index_pairs index_pair
        where index_pair.group_id = growing.group_id
      ) as number
      from (select distinct new_pairs.group_id from new_pairs) as growing
    )
    insert into learning.override_index_pairs (group_id, pair, number, uses)
    select new_pairs.group_id, new_pairs.pair,
      coalesce(last_numbers.number, 0)
        + row_number() over (partition by new_pairs.group_id order by new_pairs.uses desc, new_pairs.pair),
      new_pairs.uses
    from new_pairs
    join last_numbers using (group_id)
  $number_new_pairs$ using ids;
end
$$;
comment on function learning.number_index_pairs(bigint[]) is
  'Numbers the pairs of overrides that are new in their index groups.';

create function learning.insert_index_entries(ids bigint[])
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
  perform learning.number_index_pairs(ids);
  execute $insert_entries$
    insert into learning.override_index_entries (
      override_id, identity_hash, bucket, pairs_1, pairs_2, scope_mask, specificity, confidence, multiplier,
      dir_a, dir_e, edge, support, evidence_us, decay_us, by_hand
    )
    select posting.id, terms.identity_hash, posting.bucket, posting.pairs_1,
      case
        when posting.more_pairs <@ array[posting.bucket >> 20 & 1048575, posting.bucket & 1048575] is false
          then posting.pairs_2 | (1::bigint << 63)
        else posting.pairs_2
      end,
      terms.scope_mask, terms.specificity, terms.confidence, terms.multiplier, terms.dir_a, terms.dir_e,
      terms.edge, terms.support, terms.evidence_us, terms.decay_us, terms.by_hand
    from (
      select override.id,
        index_group.id::bigint << 40 | case index_group.key_pairs
          when 1 then coalesce(min(index_pair.uses::bigint << 20 | index_pair.number) & 1048575, 0) << 20
          else learning.rarest_two(
            array_agg(index_pair.uses::bigint << 20 | index_pair.number)
              filter (where index_pair.number is not null)
          )
        end as bucket,
        coalesce(bit_or(1::bigint << (index_pair.number - 1))
          filter (where index_pair.number <= 64), 0) as pairs_1,
        coalesce(bit_or(1::bigint << (index_pair.number - 65))
          filter (where index_pair.number between 65 and 127), 0) as pairs_2,
        array_agg(index_pair.number::bigint) filter (where index_pair.number > 127) as more_pairs
      from public.pm_overrides override
      join learning.override_index_groups index_group using (override_type, pattern_key, action_category)
      left join lateral jsonb_each_text(override.scope_subset) as own on true
      left join learning.override_index_pairs index_pair
        on index_pair.group_id = index_group.id and index_pair.pair = own.key || '=' || own.value
      where override.id = any ($1)
      group by override.id, index_group.id, index_group.key_pairs
    ) as posting
    join learning.override_terms terms on terms.override_id = posting.id and terms.override_id = any ($1)
    -- Neighbours in the index arrive together, which fills its pages and keeps them few.
    order by posting.bucket
  $insert_entries$ using ids;
end
$$;
comment on function learning.insert_index_entries(bigint[]) is
  'Makes the index entries of overrides whose groups are there.';
