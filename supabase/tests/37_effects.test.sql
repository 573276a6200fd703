begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(12);

create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

insert into learning.scope_values (code, dim, value) overriding system value
values (900001, 'chain', 'solana'), (900002, 'timeframe', '1h');
select learning.mark_groups_changed(array[row('pm', 'pm.a', 'entry')::learning.group_key]);
update learning.mining_groups set run = '{"cycle": 7, "first_sigma": 0.4}' where pattern_key = 'pm.a';

-- Two slices under two memories' columns; the empty one and a pair of pairs.
create temp table measured as select jsonb_build_object('decisions', 40, 'mean', 0.1, 'sigma', 0.5, 'kappa_above', 1.5,
  'kappa_below', 3, 'last_evidence_at', '2025-01-01T00:00:00Z', 'codes_1', '{0,900001}', 'codes_2', '{0,900002}',
  'n', jsonb_build_array('{40,35}', '{20,10}', '{15,5}', '{10,2.5}'),
  'total', jsonb_build_array('{4,7}', '{2,3}', '{1.5,1}', '{1,0.5}'),
  'sums', jsonb_build_object('half_lives', '{Infinity,52,26,13}', 'tau_above', '{2,1,1,1}', 'tau_below', '{75,30,20,12}',
    'weeks', '{2800,2801}', 'regimes', jsonb_build_array('bull', null), 'n', '{30,10}', 'told', '{1,0.5,0,0,0,0,0,0}',
    'squares', '{2,1,0,0,0,0,0,0}')) as effects;
create function pg_temp.write(effects jsonb) returns integer language sql as $$
  select learning.write_effects(mining_group, effects) from learning.mining_groups mining_group where pattern_key = 'pm.a';
$$;
select is(pg_temp.write(effects), 2, 'New slices are written') from measured;
select results_eq(
  $$ select dim_1, code_1, dim_2, code_2, scope_mask, n, total, faded_n, faded_total from learning_effects order by code_1 $$,
  $$ values (null, 0, null, 0, 0, 40, 4::float8, '{20,15,10}'::float8[], '{2,1.5,1}'::float8[]),
    ('chain', 900001, 'timeframe', 900002,
      (select sum(1 << bit)::integer from scope_dimensions where dim in ('chain', 'timeframe')), 35, 7, '{10,5,2.5}',
      '{3,1,0.5}') $$,
  'Each with its pairs, decisions and outcomes, plain and under every half-life'
);
select results_eq(
  $$ select module, n, kappa_above, kappa_below, tau_above, tau_below, run, sigma_first from learning_effect_groups $$,
  $$ values ('pm', 40, 1.5::float8, 3::float8, 2::float8, 75::float8, 7::bigint, 0.4::float8) $$,
  'The group keeps its sums, its run and the spread that its evidence is weighed with'
);
select results_eq('select regimes from learning.effect_cells', $$ values ('{bull,NULL}'::text[]) $$,
  'Sums are kept by regime, also of what has none');

create temp table places as select code_1, ctid as place from learning_effects;
select is(pg_temp.write(effects), 0, 'What did not change is not written') from measured;
select is((select count(*) from learning_effects join places using (code_1) where learning_effects.ctid = place), 2::bigint,
  'and stays where it lies');
select is(pg_temp.write(jsonb_set(jsonb_set(effects, '{total,0}', '"{4,8}"'), '{sigma}', '0.6')), 1,
  'A changed slice alone is written') from measured;
select is((select sigma_first from learning_effect_groups), 0.4::float8, 'The first spread stays');
update learning.mining_groups set run = run || '{"first_sigma": 0.7}' where pattern_key = 'pm.a';
select pg_temp.write(jsonb_set(jsonb_set(effects, '{total,0}', '"{4,8}"'), '{sigma}', '0.6')) from measured;
select is((select sigma_first from learning_effect_groups), 0.7::float8, 'Until what decisions are judged by is another');
select is(pg_temp.write(effects || '{"codes_1": "{0}", "codes_2": "{0}", "n": ["{40}"], "total": ["{4}"]}'), 2,
  'A slice that is gone is deleted, and memories that are no longer tried with it') from measured;
select results_eq('select code_1, faded_n from learning_effects', $$ values (0, null::float8[]) $$,
  'Without memories there is one number of decisions');
select pg_temp.write('{}');
select is((select count(*) from learning_effects) + (select count(*) from learning_effect_groups)
  + (select count(*) from learning.effect_cells), 0::bigint, 'A group in which nothing was measured has no rows');

select * from finish();
rollback;
