begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(13);

create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

create function pg_temp.learned(id bigint, key text, told text, squares text, weeks text, regimes jsonb, cell_n text,
  half_lives text default '{Infinity}') returns void language sql as $$
  insert into learning_effect_groups (group_id, module, pattern_key, action_category, n, mean, sigma, kappa_above,
    kappa_below, tau_above, tau_below, last_evidence_at, run, sigma_first, sums_digest)
  values (id, 'pm', key, 'entry', 20, 0, 1, 0, 0, 0, 0, now(), 1, 1, md5(told));
  insert into learning.effect_cells
  select id, half_lives::float8[], array_fill(1.5::float8, array[cardinality(half_lives::float8[])]),
    array_fill(10::float8, array[cardinality(half_lives::float8[])]), weeks::integer[],
    array(select value from jsonb_array_elements_text(regimes) as value), cell_n::integer[], told::float8[], squares::float8[];
$$;
insert into learning.effect_bases values ('pm', 'entry', 40, 0.1, 2, -1, 1, '{1,2}');
select pg_temp.learned(1, 'pm.a', '{1,2}', '{3,4}', '{1,2}', '["up", null]', '{12,8}');
select pg_temp.learned(2, 'pm.b', '{10,20,100,200}', '{30,40,300,400}', '{2,1}', '["up", "up"]', '{15,5}', '{Infinity,52}');
select is(public.read_calibration_sums() #> '{0,basis}', '{"n": 40, "mean": 0.1, "sigma": 2}',
  'A category is read with what it is measured against');
select is(public.read_calibration_sums() #> '{0,sums,cells}',
  '[{"week": 1, "regime": "up", "n": 17}, {"week": 2, "regime": "up", "n": 15}, {"week": 2, "regime": null, "n": 8}]',
  'Decisions of all groups are summed by week and regime');
-- Group 1 says 1 of (1, up); group 2 says 20 of it.
select is(public.read_calibration_sums() #> '{0,sums,memories}',
  '[{"half_life": null, "tau_above": 3, "tau_below": 20, "told": [21, 10, 2], "squares": [43, 30, 4]}]',
  'as are their sums, under the memories that all of them were measured under');

create function pg_temp.calibrated(kappa float8, digest text) returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('module', 'pm', 'action_category', 'entry', 'sums_digest', digest,
    'calibration', jsonb_build_object('mean', 0.1, 'sigma', 2, 'kappa', kappa, 'tau2', 0.02, 'half_life_weeks', 26, 'n', 40,
      'weeks', 12, 'regimes_act', true, 'regimes', jsonb_build_array(
        jsonb_build_object('signature', 'up', 'kappa', 0.5, 'n', 32, 'weeks', 2, 'confidence', 0.7)))));
$$;
create temp table read as select public.read_calibration_sums() #>> '{0,sums_digest}' as digest;
select is(public.write_calibrations(pg_temp.calibrated(0.4, 'outdated')), 0, 'What rests on other sums is not written');
select is(public.write_calibrations(pg_temp.calibrated(0.4, digest)), 1, 'What rests on those that hold is') from read;
select results_eq('select kappa, tau2, half_life_weeks, n, weeks, regimes_act from learning_calibration',
  'values (0.4::float8, 0.02::float8, 26::float8, 40, 12, true)', 'and kept');
select results_eq('select regime_signature, kappa, confidence from learning_regime_weights',
  $$ values ('up', 0.5::float8, 0.7::float8) $$, 'with the weights of regimes');
select is(public.read_calibration_sums(), '[]', 'Then nothing is due');
select pg_temp.near(learning.tau2_of('pm', 'entry'), 0.02, 'Others ask for its variance');
select is(learning.tau2_of('pm', 'exit'), null, 'which a category that was not calibrated lacks');
update learning_effect_groups set sums_digest = 'changed' where group_id = 1;
select isnt(public.read_calibration_sums(), '[]', 'A group that changed makes it due');
delete from learning_effect_groups;
delete from learning.effect_bases;
select is(public.write_calibrations('[{"module": "pm", "action_category": "entry", "sums_digest": null, "calibration": null}]'),
  1, 'A category without decisions is calibrated to nothing');
select is((select count(*) from learning_calibration) + (select count(*) from learning_regime_weights)
  + (select count(*) from learning.calibrated_sums), 0::bigint, 'and keeps nothing');

select * from finish();
rollback;
