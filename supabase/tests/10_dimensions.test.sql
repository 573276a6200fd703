begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(28);

-- Registry ----------------------------------------------------------------------------------------------

select results_eq(
  $$ select source, array_agg(dim order by bit), min(bit), max(bit)
     from scope_dimensions group by source order by min(bit) $$,
  $$ values
    ('entry', '{
      curator,chain,mcap_bucket,vol_bucket,age_bucket,intent,mapping_confidence,mcap_vol_ratio_bucket
    }'::text[], 0, 7),
    ('action', '{market_family,timeframe,A_mode,E_mode}', 8, 11),
    ('regime', '{macro_phase,meso_phase,micro_phase,bucket_leader,bucket_rank_position}', 12, 16) $$,
  'Seventeen dimensions are registered, bits in order'
);
select is((select array_agg(distinct weight) from scope_dimensions), '{1}', 'Every dimension weighs 1');
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('session', 31, 'action') $$, '23514', null,
  'Bits end at 30'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('session', -1, 'action') $$, '23514', null,
  'Bits begin at 0'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('session', 16, 'action') $$, '23505', null,
  'A bit belongs to one dimension'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('my session', 17, 'action') $$, '23514', null,
  'A name is one word'
);
select throws_ok(
  format(
    'insert into scope_dimensions (dim, bit, source, weight) values (''session'', 17, ''action'', %L)', weight
  ),
  '23514', null, 'A dimension does not weigh ' || weight
)
from unnest('{0,-1,9e-7,1000001,NaN,Infinity}'::float8[]) as weight;
select lives_ok(
  format('update scope_dimensions set weight = %L where dim = ''chain''', weight), 'It may weigh ' || weight
)
from unnest('{1e-6,1e6}'::float8[]) as weight;
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('session', 17, 'exit') $$, '23514', null,
  'A source is one of the three'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{chain}') $$,
  '22023', null, 'An alias must not be another dimension''s name'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source, aliases) values ('session', 17, 'action', '{bucket}') $$,
  '22023', null, 'An alias must not be another dimension''s alias'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source) values ('bucket', 17, 'action') $$, '22023', null,
  'A name must not be another dimension''s alias'
);
select throws_ok(
  $$ insert into scope_dimensions (dim, bit, source, aliases)
     values ('session', 17, 'action', '{session}') $$,
  '22023', null, 'An alias must not be the name itself'
);
select throws_ok(
  $$ update scope_dimensions set bit = 20 where dim = 'chain' $$, '22023', null, 'A bit stays what it is'
);
select throws_ok(
  $$ update scope_dimensions set dim = 'network' where dim = 'chain' $$, '22023', null,
  'A name stays what it is'
);
select lives_ok(
  $$ update scope_dimensions set weight = 2, source = 'action', aliases = '{network}' where dim = 'chain' $$,
  'Everything else may change'
);
update scope_dimensions set weight = 1, source = 'entry', aliases = '{}' where dim = 'chain';

-- What is derived from it -------------------------------------------------------------------------------

insert into scope_dimensions (dim, bit, source, aliases)
values ('session', 17, 'action', '{"trading session"}');
insert into scope_dimensions (dim, bit, source) values ('last', 30, 'action');
select is(
  learning.normal_scope_mask('{"curator": "a", "session": "b", "last": "c"}'), 1 + 131072 + 1073741824,
  'The mask of a normal scope knows a dimension as soon as it is registered'
);
select is(
  array[
    learning.normal_scope_mask('{}'), learning.normal_scope_mask('{"trading session": "a"}'),
    learning.normal_scope_mask('{"chain": " a"}'), learning.normal_scope_mask(null)
  ],
  array[0, null, null, null], 'A scope that is not in its normal form has no such mask'
);
select is(
  learning.scopes_within('{"curator": "a", "chain": "b", "last": "c"}', array[0, 2, 1 + 1073741824]),
  array['{}', '{"chain": "b"}', '{"curator": "a", "last": "c"}']::jsonb[],
  'A mask picks the pairs of its dimensions'
);
select is(learning.scopes_within('{"chain": "b"}', array[]::integer[]), '{}', 'No mask picks none');
delete from scope_dimensions where dim = 'last';
select is(
  array[learning.normal_scope_mask('{"last": "x"}'), learning.normal_scope_mask('{"session": "x"}')],
  array[null, 131072], 'Nor has one with a dimension that is no longer registered'
);
delete from scope_dimensions where true;
select is(
  array[learning.normal_scope_mask('{}'), learning.normal_scope_mask('{"chain": "x"}')], array[0, null],
  'Where none is registered, only the empty scope is normal'
);

select * from finish();
rollback;
