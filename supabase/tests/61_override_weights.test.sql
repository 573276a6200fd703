begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(24);

-- How much one counts ------------------------------------------------------------------------------------------------------

select is(array[learning.specificity(0), learning.specificity(3)], array[1, 8]::float8[], 'Four to the power of 1.5 is 8');
select is(array[learning.confidence_or_default(0.2), learning.confidence_or_default(0), learning.confidence_or_default(null)],
  array[0.2, 0, 0.5]::float8[], 'A confidence that was not given counts 0.5');
select is(learning.least_edge_weight(8), 0.16::float8, 'An edge acts from a fiftieth of what the most specific one weighs at most');

-- Fading -------------------------------------------------------------------------------------------------------------------

create function pg_temp.faded(hours float8, half_life float8) returns numeric language sql as $$
  select round(learning.fade('2025-01-01', '2025-01-01'::timestamptz - hours * interval '1 hour', half_life)::numeric, 9);
$$;
select is(array[pg_temp.faded(0, 720), pg_temp.faded(720, 720), pg_temp.faded(1440, 720), pg_temp.faded(360, 720)],
  array[1, 0.5, 0.25, 0.707106781]::numeric(10, 9)[], 'What an override says halves with each half-life');
select is(array[learning.fade('2025-01-01', null, 720), learning.fade('2025-01-01', '2025-01-02', 720)], '{1,1}',
  'Evidence that is unknown or yet to come does not fade');
-- The shortest half-life and the first and the last moment that can be written; the least weight and the least direction.
select ok(learning.fade('294276-12-31', '4713-01-01 BC', 1) * 1e-12 * 1e-12 between 0 and 1e-200,
  'However old it is, it fades to nothing and no further');

-- Where it acts ------------------------------------------------------------------------------------------------------------

create function pg_temp.acts(override_type text, scope jsonb, flags jsonb default '{}') returns boolean language sql as $$
  select learning.overrides_act(override_type, scope, jsonb_build_object('flags', learning.config() -> 'flags' || flags));
$$;
select is(array(select pg_temp.acts(override_type, '{}') from unnest('{pm_strength,pm_tuning,dm_alloc}'::text[]) as override_type),
  '{t,t,f}', 'Strength and tuning act unless switched off, allocation where it is switched on');
select is(pg_temp.acts(override_type, '{}', jsonb_build_object(flag, switched)), switched, format('%s: %s by %s', override_type, switched, flag))
from (values ('pm_strength', 'learning_overrides_enabled'), ('pm_tuning', 'tuning_overrides_enabled'), ('dm_alloc', 'dm_alloc_overrides_enabled'))
  as own(override_type, flag), unnest(array[false, true]) as switched;
select is(array(
    select pg_temp.acts(override_type, scope::jsonb, '{"dm_alloc_overrides_enabled": true, "learning_overrides_enabled_regimes": ["recover"]}')
    from unnest(array['{"macro_phase": "recover"}', '{"macro_phase": "dip"}', '{}']) as scope
  ), '{t,f,f}', override_type || ' acts in the phases that are configured, and rests in others and where the phase is unknown')
from unnest('{pm_strength,pm_tuning,dm_alloc}'::text[]) as override_type;
select is(pg_temp.acts('pm_strength', '{"macro_phase": "recover"}',
  '{"learning_overrides_enabled": false, "learning_overrides_enabled_regimes": ["recover"]}'), false, 'What is switched off acts in no phase');

-- What its numbers mean ----------------------------------------------------------------------------------------------------

select is(array(select learning.multiplier_within_bounds('pm_strength', 1 + edge) from unnest(array[-5, -0.75, 0.25, 2, 5]) as edge),
  array[0.3, 0.3, 1.25, 3, 3]::float8[], 'An edge of strength is a factor from 0.3 to 3');
select is(array(select learning.multiplier_within_bounds('dm_alloc', 1 + edge) from unnest(array[-5, -0.25, 0, 5]) as edge),
  array[0.7, 0.75, 1, 1.3]::float8[], 'An edge of allocation is one from 0.7 to 1.3');
select throws_ok($$ select learning.multiplier_bounds('pm_tuning') $$, '20000', null, 'A gate is no factor');
select is(array(select round(learning.size_of_appetite(appetite)::numeric, 9) from unnest(array[0, 0.5, 1]) as appetite),
  array[0.1, 0.35, 0.6]::numeric(10, 9)[], 'No appetite asks for 0.10, a full one for 0.60');
select is(array(select round(learning.skew_of_crowding(crowding)::numeric, 9) from unnest(array[0, 0.5, 1]) as crowding),
  array[1.33, 0.83, 0.33]::numeric(10, 9)[], 'A free scope is skewed up by a third, a crowded one down to a third');
select is(array(select learning.steering_strength(confidence, '{"base": 0.25, "gain": 0.5, "max": 0.625}') from unnest(array[0, 0.5, 1]) as confidence),
  array[0.25, 0.5, 0.625]::float8[], 'Steering grows with confidence up to its ceiling');
select is(array(select learning.with_headroom(0.75, delta) from unnest(array[0.5, -0.5, 9, -9]) as delta),
  array[0.875, 0.375, 1, 0]::float8[], 'A value moves by a share of the room that is left');

select * from finish();
rollback;
