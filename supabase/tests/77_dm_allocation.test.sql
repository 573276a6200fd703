begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(16);

create function pg_temp.configure(flags jsonb) returns void language sql as $$
  insert into public.learning_configs (module_id, config_data) values ('pm', jsonb_build_object('flags', flags))
  on conflict (module_id) do update set config_data = excluded.config_data;
$$;
create function pg_temp.multiplier(scope jsonb, timeframe text default '1h') returns numeric language sql as $$
  select round(multiplier::numeric, 9) from public.get_dm_allocation(timeframe, scope);
$$;

insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, confidence_score, last_evidence_at) values
  ('dm_alloc', 'dm.approve', 'allocation', '{}', 1.2, null, null),
  ('dm_alloc', 'dm.other', 'allocation', '{"timeframe": "1h", "chain": "solana"}', 0.8, 1, now()),
  ('dm_alloc', 'dm.approve', 'allocation', '{"chain": "base"}', 1.3, 1, null),
  ('dm_alloc', 'dm.unsure', 'allocation', '{"chain": "solana"}', 1.3, 0, null),
  ('pm_strength', 'dm.approve', 'allocation', '{}', 3, 1, null);
select results_eq($$ select base, share, multiplier, product, overrides from get_dm_allocation('1h', '{"chain": "solana"}') $$,
  $$ values (0.1::float8, 0.5::float8, 1::float8, 0.05::float8, '[]'::jsonb) $$, 'Overrides wait for their flag: base times share');
select pg_temp.configure('{"dm_alloc_overrides_enabled": true}');
-- (1^1.5 · 0.5 · 1.2 + 3^1.5 · 1 · 0.8)/(0.5 + 3^1.5)
select is(pg_temp.multiplier('{"chain": "solana"}'), 0.835111420, 'Those that the scope contains are blended by specificity and confidence, whatever their key');
select results_eq($$ select entry ->> 'pattern_key', entry -> 'scope_subset', round((entry ->> 'share')::numeric, 9)
    from get_dm_allocation('1h', '{"chain": "solana"}') answer, jsonb_array_elements(answer.overrides) entry $$,
  $$ values ('dm.other', '{"chain": "solana", "timeframe": "1h"}'::jsonb, 0.912221450), ('dm.approve', '{}', 0.087778550) $$,
  'They are listed, heaviest first; one without confidence is not among them');
update pm_overrides set last_evidence_at = now() - interval '720 hours' where pattern_key = 'dm.other';
select is(pg_temp.multiplier('{"chain": "solana"}'), 0.926333565, 'They fade by half with each half-life without evidence');
-- (0.5 · 1.2 + 2^1.5 · 1.3)/(0.5 + 2^1.5) = 1.284978 times 0.05
select is((select round(product::numeric, 6) from get_dm_allocation('1h', '{"chain": "base"}')), 0.064249, 'The product is what the token gets on the timeframe');

-- Macro phases.
select pg_temp.configure('{"dm_alloc_overrides_enabled": true, "learning_overrides_enabled_regimes": ["recover"]}');
select is(pg_temp.multiplier('{"chain": "base", "macro_phase": "dip"}'), 1.0, 'They rest in a phase that is not configured');
select is(pg_temp.multiplier('{"chain": "base"}'), 1.0, 'and where the phase is unknown');
select is(round(pg_temp.multiplier('{"chain": "base", "macro_phase": "recover"}'), 6), 1.284978, 'They act in one that is');
select pg_temp.configure('{"dm_alloc_overrides_enabled": true, "learning_overrides_enabled": false}');
select is(round(pg_temp.multiplier('{"chain": "base"}'), 6), 1.284978, 'The flag of strength is not theirs');

-- Bounds.
update pm_overrides set multiplier = 5 where override_type = 'dm_alloc';
select is(pg_temp.multiplier('{"chain": "base"}'), 1.3, 'The multiplier never goes above its bounds');
update pm_overrides set multiplier = 0.01 where override_type = 'dm_alloc';
select is(pg_temp.multiplier('{"chain": "base"}'), 0.7, 'nor below');
select results_eq($$ select share, product, multiplier from get_dm_allocation('1m', '{}') $$, 'values (null::float8, null::float8, 0.7::float8)',
  'A timeframe without a share gets none');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier)
select 'dm_alloc', 'dm.many' || place, 'allocation', '{}', 1.1 from generate_series(1, 60) as place;
select results_eq($$ select jsonb_array_length(overrides), (overrides #>> '{50,rest}')::integer,
    round((select sum((entry ->> 'share')::float8) from jsonb_array_elements(overrides) entry)::numeric, 9) from get_dm_allocation('4h', '{"chain": "base"}') $$,
  'values (51, 12, 1.000000000)', 'The 50 heaviest are listed and the rest in one entry');

-- What is refused.
select throws_ok($$ select get_dm_allocation(null, '{}') $$, '22023', 'Argument timeframe must be a timeframe such as 1h and is null');
select throws_ok($$ select get_dm_allocation('1h', '[]') $$, '22023', 'Argument scope must be an object of dimensions and texts and is ''[]''');
select throws_ok($$ select get_dm_allocation('1h', '{"chain": {"a": 1}}') $$, '22023');

select * from finish();
rollback;
