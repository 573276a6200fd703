begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(6);

select ok(learning.lease_end() - clock_timestamp() between interval '50 seconds' and interval '60 seconds',
  'A lease is for a minute');
select ok(learning.is_leased(learning.lease_end()), 'While it lasts somebody is at work');
select ok(not learning.is_leased(clock_timestamp() - interval '1 millisecond'),
  'Once it has run out nobody is');
select is(learning.is_leased(null), null, 'Nor where it was given back');
select ok(not learning.is_leased(now()), 'It runs out by the clock, not by the beginning of the transaction');
select throws_ok($$ select learning.refuse_lost_lease('8a0d6d8e-5a1a-4b62-9a87-0a4c6f3f0d11',
  'mining group 7') $$,
  '55P03', 'Lease 8a0d6d8e-5a1a-4b62-9a87-0a4c6f3f0d11 on mining group 7 is no longer held',
  'Who lost it is told what it was on');

select * from finish();
rollback;
