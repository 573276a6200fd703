begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(9);

delete from learning_log where true;
select learning.write_log(
  'INFO', 'mine-lessons', 'mining_started', 'Mining started: 3 groups are due', '{"due": 3}'
);
select results_eq(
  $$ select level, component, event, message, details, at from learning_log $$,
  $$ values ('INFO', 'mine-lessons', 'mining_started', 'Mining started: 3 groups are due',
       '{"due": 3}'::jsonb, now()) $$,
  'A line is written with what it was told, now'
);
select learning.write_log('WARNING', 'a', 'b', 'c');
select is((select details from learning_log where level = 'WARNING'), '{}'::jsonb, 'Details may be left out');
select throws_ok(
  $$ select learning.write_log('DEBUG', 'a', 'b', 'c') $$, '23514', null, 'There are three levels'
);

select learning.write_log_hourly('ERROR', 'aggregate-strands', 'doorbell_failed', 'first');
select learning.write_log_hourly('ERROR', 'aggregate-strands', 'doorbell_failed', 'second');
select is(
  (select array_agg(message) from learning_log where event = 'doorbell_failed'), '{first}',
  'The same event of the same component is told once an hour'
);
select learning.write_log_hourly('ERROR', 'mine-lessons', 'doorbell_failed', 'another component');
select learning.write_log_hourly('ERROR', 'aggregate-strands', 'other_event', 'another event');
select is(
  (select count(*)::integer from learning_log where level = 'ERROR'), 3,
  'Other components and other events are told too'
);

update learning_log set at = now() - interval '59 minutes' where message = 'first';
select learning.write_log_hourly('ERROR', 'aggregate-strands', 'doorbell_failed', 'third');
select is(
  (select count(*)::integer from learning_log where message = 'third'), 0, 'Not yet again after 59 minutes'
);
update learning_log set at = now() - interval '61 minutes' where message = 'first';
select learning.write_log_hourly(
  'ERROR', 'aggregate-strands', 'doorbell_failed', 'third', '{"sqlstate": "55000"}'
);
select is(
  (select details from learning_log where message = 'third'), '{"sqlstate": "55000"}'::jsonb,
  'Again after 61 minutes'
);

select cmp_ok(
  (select min(id) from learning_log where message = 'third'), '>',
  (select min(id) from learning_log where message = 'first'), 'Lines are numbered in the order of writing'
);
select is(
  (select count(*)::integer from learning_log
    where at is null or message is null or component is null or event is null),
  0, 'No line lacks who, what and when'
);

select * from finish();
rollback;
