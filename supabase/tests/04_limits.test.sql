begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(2);

select results_eq(
  $$ select name, learning.size_limit(name) from unnest(array[
    'scope_keys', 'scope_bytes', 'value_characters', 'pattern_key_characters', 'strand_bytes', 'claim_bytes',
    'nesting', 'batch_candidates', 'batch_bytes', 'masks', 'id_characters']) as name $$,
  $$ values ('scope_keys', 256), ('scope_bytes', 64 * 1024), ('value_characters', 200),
    ('pattern_key_characters', 200), ('strand_bytes', 16 * 1024 * 1024), ('claim_bytes', 8 * 1024 * 1024),
    ('nesting', 64), ('batch_candidates', 1000), ('batch_bytes', 4 * 1024 * 1024), ('masks', 500),
    ('id_characters', 1000) $$,
  'Each limit has its figure'
);
select throws_ok($$ select learning.size_limit('patience') $$, '22023', 'There is no limit ''patience''',
  'A limit that does not exist is not taken for none');

select * from finish();
rollback;
