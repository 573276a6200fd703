begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(3);

select lives_ok('select learning.await_stillness()', 'Where nobody writes it is still at once');
select results_eq(
  $$
    select relation::regclass::text from pg_locks
    where pid = pg_backend_pid() and granted and mode in ('ExclusiveLock', 'ShareRowExclusiveLock')
      and locktype = 'relation'
    order by 1
  $$,
  $$
    select unnest(array['learning.closed_trades', 'learning.effective_configs', 'learning.mining_groups',
      'learning.receipt_search', 'learning.scope_values', 'learning_configs', 'lowcap_positions',
      'pattern_episode_events', 'pattern_trade_events', 'pm_overrides', 'scope_dimensions']) order by 1
  $$,
  'What is derived, and what it is derived from, is written by nobody else; strands and receipts are'
);
select is(
  (select count(*)::integer from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and granted), 2,
  'Nor do shares and exposure change'
);

select * from finish();
rollback;
