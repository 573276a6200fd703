begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(11);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key');
select vault.create_secret('http://project.test', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');

-- The whole ---------------------------------------------------------------------------------------------

select is(
  (select array_agg(stage) from learning_health),
  '{doorbell,inbox,mine-lessons,mine-tuning,materialize-overrides,proof,schedule,prune,platform}',
  'The stages come in the order in which data passes through'
);
select is(
  (select string_agg(problem, '; ') from learning_health), null, 'An empty database with its secrets is well'
);
select is(
  (select array_agg(distinct release) from learning_health), array[learning.release()],
  'Each stage tells the release'
);
select is((select sum(backlog + failures)::integer from learning_health), 0, 'And nothing waits or failed');

-- Proofs ------------------------------------------------------------------------------------------------

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats,
  edge_raw, status)
values ('pm', 'pm.proven', 'entry', '{}', 0, 'pm_strength', 40, '{}', 0.2, 'active');
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, multiplier, lesson_id)
select 'pm_strength', lesson.pattern_key, 'entry', '{}', 1.2, lesson.id
from learning_lessons lesson where lesson.pattern_key = 'pm.proven';
select matches((select problem from learning_health where stage = 'proof'), '^sizes act without a proof',
  'Sizes that act without a proof are told of');
insert into learning_proofs (source, from_at, to_at, decisions, config, config_version, release, ways, verdict, report)
select 'test', now(), now(), 10, '{}', effective_config.version, learning.release(), '[]', 'harm',
  '{"sentence": "It did harm."}'
from learning.effective_configs effective_config where effective_config.module_id = 'pm';
select matches((select problem from learning_health where stage = 'proof'),
  '^sizes act against the proof of .* which says: It did harm\.$', 'Those that act against one, too');
update learning_proofs set verdict = 'shown' where source = 'test';
select is((select problem from learning_health where stage = 'proof'), null, 'With one all is well');
delete from learning_proofs where source = 'test';
delete from pm_overrides where pattern_key = 'pm.proven';
delete from learning_lessons where pattern_key = 'pm.proven';

-- Who may look ------------------------------------------------------------------------------------------

set local role authenticated;
select set_config(
  'request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true
);
select is((select count(*)::integer from learning_health), 9, 'A viewer sees the stages');
select set_config(
  'request.jwt.claims', '{"role": "authenticated", "user_metadata": {"learning_role": "viewer"}}', true
);
select is(
  (select count(*)::integer from learning_health), 0, 'Without a learning role there is nothing to see'
);
select is((select count(*)::integer from learning.health()), 0, 'By no way');
reset role;
set local role service_role;
select is((select count(*)::integer from learning_health), 9, 'The service role sees them');
reset role;

select * from finish();
rollback;
