begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
set local jit = off;
select plan(14);

delete from learning_proofs where true;
delete from learning_configs where module_id = 'pm';

create function pg_temp.keep(verdict text, config_version integer, release text, at timestamptz default now())
returns void
language sql
as $$
  insert into learning_proofs (at, source, from_at, to_at, decisions, config, config_version, release, ways, verdict)
  values (at, 'test', '2024-01-01', '2024-02-01', 10, '{}', config_version, release, '[]', verdict);
$$;
create function pg_temp.strength() returns float8 language sql as $$
  select pm_strength from get_pm_sizing('pm.proven', 'entry', '{}', as_of => '2024-01-01');
$$;
create function pg_temp.lever() returns float8 language sql as $$
  select multiplier from get_pm_levers('pm.proven', 'entry', '{}') where lever = 'size_mult';
$$;
-- The rights of an owner who is no superuser reach no function of this session's by themselves.
grant execute on all functions in schema pg_temp to authenticated;

-- An override acts --------------------------------------------------------------------------------------

insert into pm_overrides
  (override_type, pattern_key, action_category, scope_subset, multiplier, edge_raw, dir_a, confidence_score)
values ('pm_strength', 'pm.proven', 'entry', '{}', 1.2, 0.2, 1, 1);
select ok(pg_temp.strength() > 1 and pg_temp.lever() > 1, 'By default no proof is asked for');
insert into learning_configs (module_id, config_data) values ('pm', '{"flags": {"require_proof": true}}');
select is(pg_temp.strength(), 1::float8, 'With require_proof strength rests without one');
select is(pg_temp.lever(), 1::float8, 'So do levers');
select matches((select string_agg(line, ' ') from explain_pm_sizing('pm.proven', 'entry', '{}') as line),
  'flags\.require_proof is on', 'The explanation says why');
select pg_temp.keep('shown', 1, learning.release(), now() - interval '1 hour');
select ok(pg_temp.strength() > 1 and pg_temp.lever() > 1, 'With one that was shown they act');
set local role authenticated;
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "pm"}}', true);
select ok(pg_temp.strength() > 1 and pg_temp.lever() > 1, 'For the pm, too');
reset role;
select set_config('request.jwt.claims', '', true);
select pg_temp.keep('not shown', 1, learning.release());
select is(pg_temp.strength(), 1::float8, 'The newest one counts');
delete from learning_proofs where verdict = 'not shown';
select pg_temp.keep('harm', 1, '0.0.1');
select ok(pg_temp.strength() > 1, 'That of another release does not');
update learning_configs set config_data = config_data || '{"n_min": 40}' where module_id = 'pm';
select is(pg_temp.strength(), 1::float8, 'A changed configuration is not proven');
select pg_temp.keep('shown', 2, learning.release());
select ok(pg_temp.strength() > 1, 'Until it is');

-- What is kept ------------------------------------------------------------------------------------------

select pg_temp.keep('not shown', 7, null, now() + make_interval(hours => hour)) from generate_series(1, 205) as hour;
select is((select count(*)::integer from learning_proofs), 200, 'The 200 newest are kept');
select is((select count(*)::integer from learning_proofs where config_version = 7), 200, 'And no older one');
select throws_ok($$ select pg_temp.keep('perhaps', 1, null) $$, '23514', null, 'A verdict is one of three');
set local role authenticated;
select is_empty('select * from learning_proofs', 'Without a learning role nobody sees them');
reset role;

select * from finish();
rollback;
