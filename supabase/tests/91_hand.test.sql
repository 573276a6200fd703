begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(47);

delete from pm_overrides where true;
delete from learning_configs where true;
delete from pm_override_history where true;

create function pg_temp.be(p_role text) returns void language sql as $$
  select pg_catalog.set_config('request.jwt.claims', jsonb_build_object('role', 'authenticated', 'email',
    p_role || '@x.org', 'app_metadata', jsonb_build_object('learning_role', p_role))::text, true)
$$;
create function pg_temp.learned(p_scope jsonb, p_multiplier float8 default 1.2) returns bigint language plpgsql as $$
declare
  made bigint;
begin
  perform learning.act_as('loop', 'strength 3');
  insert into public.pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, dir_a, lesson_id, n)
  values ('pm_strength', 'pm.a', 'entry', p_scope, p_multiplier, 0.3, 7, 40) returning id into made;
  perform learning.act_as('');
  return made;
end
$$;
create temporary table ids as
select pg_temp.learned('{"chain": "solana"}') as a, pg_temp.learned('{"chain": "base"}') as b,
  pg_temp.learned('{"chain": "ton"}') as c;
grant select on ids to authenticated;
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset) values ('pm_strength', 'pm.a', 'entry', '{"chain": "hand"}');
create function pg_temp.now_of(p_chain text) returns text language sql as $$
  select concat_ws(' ', control, enabled, multiplier, disabled_reason) from public.pm_overrides
  where scope_subset ->> 'chain' = p_chain
$$;

-- Who may -----------------------------------------------------------------------------------------------------

select pg_temp.be('viewer');
set local role authenticated;
select throws_ok('select pin_override(a, ''{}'', ''x'') from ids', '42501', 'Only users with the learning role operator may change this',
  'A viewer pins nothing');
select throws_ok('select switch_override(a, false, ''x'') from ids', '42501', null, 'Switches nothing');
select throws_ok('select release_override(a, ''x'') from ids', '42501', null, 'Releases nothing');
select throws_ok('select approve_override(a, ''x'') from ids', '42501', null, 'Approves nothing');
select throws_ok('select restore_overrides(now(), ''x'')', '42501', null, 'Restores nothing');
select throws_ok('select public.set_config(''pm'', ''{}'', ''x'')', '42501', null, 'Configures nothing');
select throws_ok('update pm_overrides set enabled = false', '42501', null, 'And writes no table');
reset role;
select pg_temp.be('pm');
set local role authenticated;
select throws_ok('select switch_override(a, false, ''x'') from ids', '42501', null, 'Nor does a pm');
select throws_ok('select public.set_config(''pm'', ''{}'', ''x'')', '42501', null, 'Of settings neither');
reset role;
select pg_temp.be('operator');
set local role authenticated;
select isnt_empty('select * from pm_overrides', 'An operator sees what a viewer sees');
select lives_ok('select get_pm_sizing(''pm.a'', ''entry'', ''{}'')', 'And asks what a pm asks');
select throws_ok('update pm_overrides set enabled = false', '42501', null, 'But writes no table either');

-- Reasons -----------------------------------------------------------------------------------------------------

select throws_like('select pin_override(a, ''{}'', '''') from ids', 'Argument reason must be%', 'Without a reason nothing is done');
select throws_like('select switch_override(a, false, null) from ids', 'Argument reason must be%', 'An unknown one is none');
select throws_like('select switch_override(a, false, repeat(''x'', 1001)) from ids', 'Argument reason must be%', 'Nor is a book');
select throws_like('select switch_override(0, false, ''x'')', 'Argument id must be the id of an override%', 'There must be such an override');

-- Pinned ------------------------------------------------------------------------------------------------------

select is((select (pinned.control, pinned.multiplier, pinned.dir_a)::text
  from ids, pin_override(a, '{"multiplier": 1.05}', 'too bold') as pinned), '(pinned,1.05,0.3)', 'What is pinned says what the operator says');
select is((select concat_ws('/', actor, reason, new ->> 'multiplier') from pm_override_history where old is not null), 'operator@x.org/too bold/1.05',
  'With who did it and why');
select is(current_setting('learning.reason', true), '', 'A reason is of its own change alone');
select throws_like('select pin_override(a, ''{"n": 5}'', ''x'') from ids', 'Argument patch must be numbers of%', 'Only figures can be pinned');
select throws_like('select pin_override(a, ''{"multiplier": "1"}'', ''x'') from ids', 'Argument patch must be numbers of%', 'Which are numbers');
select throws_like('select pin_override(a, ''[]'', ''x'') from ids', 'Argument patch must be an object%', 'In an object');
select throws_ok('select pin_override(a, ''{"multiplier": 0}'', ''x'') from ids', '23514', null, 'Within their range');

-- Off and on --------------------------------------------------------------------------------------------------

select switch_override(b, false, 'harmful') from ids;
reset role;
select is(pg_temp.now_of('base'), 'off f 1.2 harmful', 'What is switched off says why');
set local role authenticated;
select switch_override(b, true, 'no harm') from ids;
reset role;
select is(pg_temp.now_of('base'), 'pinned t 1.2', 'Switched on it is pinned');
set local role authenticated;
select release_override(b, 'as learned') from ids;
select switch_override(c, false, 'x') from ids;
select release_override(c, 'y') from ids;
reset role;
select is(pg_temp.now_of('base'), 'auto t 1.2', 'Released it is the loop''s');
select is(pg_temp.now_of('ton'), 'auto f 1.2 Given back to the loop', 'Who says whether it acts');
select is((select disabled_by from pm_overrides where scope_subset ->> 'chain' = 'ton'), 'loop', 'By its next pass');
set local role authenticated;
select throws_like($$ select release_override(id, 'x') from pm_overrides where lesson_id is null $$, '%was made by hand%',
  'What was made by hand is nobody else''s');

-- Approved ----------------------------------------------------------------------------------------------------

select throws_like('select approve_override(b, ''x'') from ids', '%does not wait for approval%', 'What does not wait is not approved');
select is((select (changed #>> '{approval}') from public.set_config('pm', '{"approval": "required"}', 'four eyes') as changed), 'required',
  'Approval may be required');
reset role;
select learning.act_as('loop');
create function pg_temp.wants(p_chain text, p_multiplier float8) returns learning.wanted_override language sql as $$
  select jsonb_populate_record(null::learning.wanted_override, jsonb_build_object('override_type', 'pm_strength', 'pattern_key', 'pm.a',
    'action_category', 'entry', 'scope_subset', jsonb_build_object('chain', p_chain),
    'scope_digest', md5(jsonb_build_object('chain', p_chain)::text), 'multiplier', p_multiplier, 'n', 41, 'confidence_score', 0.6,
    'decay_state', 'stable', 'lesson_id', 7, 'first_active_at', '2025-01-10', 'last_evidence_at', '2025-01-16'))
$$;
select is(learning.reconcile(array[pg_temp.wants('new', 1.1), pg_temp.wants('base', 1.31)], '{}'),
  '{"created": 0, "changed": 0, "disabled": 0}', 'Then nothing new acts, nor what pulls half as hard again');
select is(pg_temp.now_of('new'), 'auto f 1.1 waits for approval', 'A new one waits');
select is((select proposed ->> 'multiplier' from pm_overrides where scope_subset ->> 'chain' = 'base'), '1.31', 'A change is proposed');
select is(learning.reconcile(array[pg_temp.wants('base', 0.9)], '{}') -> 'changed', '0', 'Nor what pulls the other way');
select is(learning.reconcile(array[pg_temp.wants('base', 1.29)], '{}') -> 'changed', '1', 'A smaller change acts');
select is((select proposed from pm_overrides where scope_subset ->> 'chain' = 'base'), null, 'And nothing is left to approve');
select learning.reconcile(array[pg_temp.wants('new', 1.4)], '{}');
select learning.act_as('');
set local role authenticated;
select is((select (approved.control, approved.enabled, approved.multiplier, approved.proposed, approved.approved_by)::text
  from pm_overrides waiting, approve_override(waiting.id, 'sound') as approved where waiting.scope_subset ->> 'chain' = 'new'),
  '(auto,t,1.4,,operator@x.org)', 'Approved it acts as it was proposed last, and is the loop''s still');
reset role;
select learning.act_as('loop');
select is(learning.reconcile(array[pg_temp.wants('new', 1.4)], '{}'), '{"created": 0, "changed": 0, "disabled": 0}', 'As it wants it');
select learning.act_as('');

-- Restored ----------------------------------------------------------------------------------------------------

update pm_override_history set at = now() - interval '2 days' where true;
create temporary table before_it as select scope_subset ->> 'chain' as chain, pg_temp.now_of(scope_subset ->> 'chain') as said from pm_overrides;
select learning.act_as('loop');
update pm_overrides set multiplier = 2 where scope_subset ->> 'chain' = 'base';
select pg_temp.learned('{"chain": "came"}');
select learning.act_as('loop');
delete from pm_overrides where scope_subset ->> 'chain' = 'new';
select learning.act_as('');
set local role authenticated;
select is(restore_overrides(now() - interval '1 day', 'bad run'), '{"restored": 1, "set_off": 1, "put_back": 1}', 'A bad run is taken back in one call');
reset role;
select is(pg_temp.now_of('base'), 'pinned t 1.29', 'What changed is pinned as it was');
select is(pg_temp.now_of('came'), 'off f 1.2 bad run', 'What came is set off');
select is(pg_temp.now_of('new'), 'pinned t 1.4', 'What was deleted is put back');
select is(pg_temp.now_of('solana'), (select said from before_it where chain = 'solana'), 'What an operator pinned is left as it is');
select learning.act_as('loop');
select is(learning.reconcile(array[pg_temp.wants('base', 1.3), pg_temp.wants('came', 1.2)], '{}'), '{"created": 0, "changed": 0, "disabled": 0}',
  'And so it stays when the loop comes by');
select learning.act_as('');

-- Configured --------------------------------------------------------------------------------------------------

set local role authenticated;
select public.set_config('pm', '{"steering": {"max": 0.3}, "n_min": 40}', 'bolder');
select public.set_config('pm', '{"steering": {"base": 0.05}, "n_min": null}', 'as many as ever');
reset role;
select is((select config_data from learning_configs where module_id = 'pm'),
  '{"approval": "required", "steering": {"max": 0.3, "base": 0.05}}', 'A patch changes what it names, and null takes back to the default');
select is((select concat_ws('/', actor, reason) from learning_config_history order by id desc limit 1), 'operator@x.org/as many as ever', 'With a reason');

select * from finish();
rollback;
