begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(36);

delete from learning_log where true;
delete from learning.doorbells where true;
delete from net._http_response where true;
delete from cron.job_run_details where true;
delete from vault.secrets where name in ('project_url', 'edge_function_secret_key', 'alert_webhook_url');
delete from learning_alerts where true;
delete from learning.alert_requests where true;
delete from ad_strands where true;
delete from pm_override_history where true;
select vault.create_secret('http://project.test', 'project_url');
select vault.create_secret('sb_secret_test', 'edge_function_secret_key');

-- The whole ---------------------------------------------------------------------------------------------

select is(
  (select array_agg(stage) from learning_health),
  '{doorbell,inbox,mine-lessons,mine-tuning,materialize-overrides,proof,schedule,prune,platform,alerts}',
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
select is((select count(*)::integer from learning_health), 10, 'A viewer sees the stages');
select set_config(
  'request.jwt.claims', '{"role": "authenticated", "user_metadata": {"learning_role": "viewer"}}', true
);
select is(
  (select count(*)::integer from learning_health), 0, 'Without a learning role there is nothing to see'
);
select is((select count(*)::integer from learning.health()), 0, 'By no way');
reset role;
set local role service_role;
select is((select count(*)::integer from learning_health), 10, 'The service role sees them');
reset role;

-- Alerts ------------------------------------------------------------------------------------------------

create function pg_temp.said() returns text[] language sql as $$
  with taken as (delete from net.http_request_queue where url like '%/hook' returning id, body)
  select array_agg(regexp_replace(convert_from(body, 'UTF8')::jsonb ->> 'content', '\d{4}-.* UTC', 'then') order by id) from taken;
$$;
create function pg_temp.an_hour_passes() returns void language sql as $$
  update learning_alerts set opened_at = opened_at - interval '1 hour', closed_at = closed_at - interval '1 hour',
    sent_at = sent_at - interval '1 hour' where true;
$$;
create function pg_temp.wrong(is_wrong boolean) returns void language sql as $$
  select vault.update_secret((select id from vault.secrets where name like 'project_url%'),
    new_name := case when is_wrong then 'project_url_gone' else 'project_url' end);
$$;
delete from net.http_request_queue where true;
select learning.run_errand('watch');
select is_empty('select * from learning_alerts', 'Where all is well nothing is written');
select pg_temp.wrong(true);
select learning.run_errand('watch');
select results_eq('select kind, closed_at is null, sent_at is null, message from learning_alerts',
  $$ values ('doorbell', true, true, 'doorbell is not well: Vault has no secret named project_url: store it with vault.create_secret') $$,
  'A problem is written down, webhook or none');
select is((select count(*) from net.http_request_queue), 0::bigint, 'And sent to nobody');
select vault.create_secret('nowhere/hook', 'alert_webhook_url');
select lives_ok($$ select learning.run_errand('watch') $$, 'A webhook that is none is no failure of whoever watches');
select is((select problem from learning_health where stage = 'alerts'), 'alert_webhook_url in Vault does not begin with https://: '
  'store an address such as https://hooks.slack.com/services/… with vault.update_secret', 'Health says so, in words');
select is((select array_agg(kind order by kind) from learning_alerts where sent_at is null), '{alerts,doorbell}', 'Nothing counts as sent');
select vault.update_secret((select id from vault.secrets where name = 'alert_webhook_url'), 'https://example.test/hook');
select learning.run_errand('watch');
select learning.run_errand('watch');
select is(pg_temp.said(),
  array['Edgeloop: doorbell is not well: Vault has no secret named project_url: store it with vault.create_secret'],
  'Once it is put right what lasts is told, in one message however often one looks');
select ok((select closed_at is not null and sent_at is null from learning_alerts where kind = 'alerts'), 'Of itself the webhook says nothing');
select pg_temp.wrong(false);
select learning.run_errand('watch');
select learning.run_errand('watch');
select is(pg_temp.said(), array['Edgeloop: over since then, after 1 minute: doorbell is not well: Vault has no secret named project_url: '
  'store it with vault.create_secret'], 'That it is over, in one more');
select pg_temp.wrong(true);
select learning.run_errand('watch');
select is(pg_temp.said(), null, 'What comes back within the hour is not told');
select is((select count(*) from learning_alerts where kind = 'doorbell'), 2::bigint, 'But written down');
select pg_temp.wrong(false);
select learning.run_errand('watch');
select is(pg_temp.said(), null, 'Nor is it when that is over');
select pg_temp.wrong(true);
select learning.run_errand('watch');
select pg_temp.an_hour_passes();
select learning.run_errand('watch');
select is(array_length(pg_temp.said(), 1), 1, 'What lasts longer is told when the hour is over');
select pg_temp.wrong(false);
select learning.run_errand('watch');
select pg_temp.said();

-- Silence -----------------------------------------------------------------------------------------------

delete from learning_alerts where true;
insert into ad_strands (id, kind, content) values ('s1', 'pm_action', '{}');
select is((select count(*) from learning.what_is_wrong() where kind = 'silence'), 0::bigint, 'What has just arrived is no silence');
update strand_receipts set status = 'done', processed_at = now() - interval '25 hours' where strand_id = 's1';
select learning.run_errand('watch');
select is(pg_temp.said(), '{"Edgeloop: nothing arrived for a day, the last strand came at then"}', 'A day without a strand is told');
insert into ad_strands (id, kind, content) values ('s2', 'pm_action', '{}');
select learning.run_errand('watch');
select matches((pg_temp.said())[1], '^Edgeloop: over since then.*', 'So is the strand that ends it');
update strand_receipts set status = 'done', processed_at = now() where strand_id = 's2';

-- Overrides that evidence switched off ------------------------------------------------------------------

create function pg_temp.switched_off(p_key text, p_reason text, p_actor text default 'loop') returns void language sql as $$
  insert into pm_override_history (override_id, actor, old, new)
  values (-1, p_actor, '{"enabled": true}', jsonb_build_object('enabled', false, 'disabled_reason', p_reason));
$$;
select pg_temp.switched_off('pm.a', 'its lesson is no longer active');
select pg_temp.switched_off('pm.a', 'stopped adding value: says a person', 'somebody');
select learning.run_errand('watch');
select is(pg_temp.said(), null, 'Overrides that lapse or that people switch off are not told of');
select pg_temp.switched_off('pm.a', 'stopped adding value: one');
select pg_temp.switched_off('pm.a', 'stopped adding value: two');
select learning.run_errand('watch');
select learning.run_errand('watch');
select is(pg_temp.said(), '{"Edgeloop: 2 overrides were switched off: override -1  stopped adding value: one; override -1  stopped adding value: two"}',
  'Those that evidence switched off are, in one message');
select pg_temp.switched_off('pm.a', 'stopped adding value: three');
select learning.run_errand('watch');
select is(pg_temp.said(), null, 'The next one waits for the hour to pass');
select pg_temp.an_hour_passes();
select learning.run_errand('watch');
select is(pg_temp.said(), '{"Edgeloop: 1 override was switched off: override -1  stopped adding value: three"}', 'And is told then, alone');

-- What the webhook answered -----------------------------------------------------------------------------

delete from learning.alert_requests where true;
insert into learning.alert_requests (request_id, sent_at) values (9001, now() - interval '1 hour'), (9002, now());
insert into net._http_response (id, status_code, content, timed_out, created) values
  (9001, 404, 'Cannot POST /services/secret', false, now() - interval '1 hour');
select matches((select problem from learning_health where stage = 'alerts'), '^the webhook in alert_webhook_url answered 404 at .* UTC$',
  'What a webhook refuses is told, without its words');
insert into net._http_response (id, error_msg, timed_out, created) values (9002, 'Could not resolve example.test', false, now());
select matches((select problem from learning_health where stage = 'alerts'), '^the webhook in alert_webhook_url could not be connected to at .* UTC$',
  'Also where nobody answers');
update net._http_response set status_code = 204 where id = 9002;
select results_eq($$ select problem, failures, last_success_at = now() from learning_health where stage = 'alerts' $$,
  $$ values (null::text, 1::bigint, true) $$, 'With its next answer it is well again');

-- Who may look ------------------------------------------------------------------------------------------

set local role authenticated;
select set_config('request.jwt.claims', '{"app_metadata": {"learning_role": "viewer"}}', true);
select isnt_empty('select * from learning_alerts', 'A viewer sees what was told');
select set_config('request.jwt.claims', '{"app_metadata": {}}', true);
select is_empty('select * from learning_alerts', 'Nobody without a learning role does');
reset role;

select * from finish();
rollback;
