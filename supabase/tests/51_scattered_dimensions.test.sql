begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(8);

delete from pattern_trade_events where true;
delete from learning_log where true;
delete from learning_configs where true;
insert into scope_dimensions (dim, bit, source) values ('rsi', 20, 'action');

-- Trades of two actions each; what they have in common is in buckets.
create function pg_temp.trade(place integer, rsi text) returns void language plpgsql as $$
declare
  scope constant jsonb := jsonb_build_object('rsi', rsi, 'chain', 'chain' || place % 5);
begin
  perform learning.register_scope_values(array[scope]);
  insert into public.pattern_trade_events
    (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, scope_codes, roi, rr, duration_hours,
      did_trim, reached_s3, acted_at, traded_at)
  select category || place, 'trade ' || place, 'pm', 'pm.a', category, scope, learning.scope_mask(scope), learning.encode_scope(scope),
    0, 0, 1, false, false, now(), now()
  from unnest(array['entry', 'exit']) as category;
end $$;
select pg_temp.trade(place, place::text) from generate_series(1, 131) as place;
select is_empty('select * from learning.scattered_dimensions(33)', '131 trades are a beginning');
select pg_temp.trade(place, place::text) from generate_series(132, 160) as place;
select results_eq('select * from learning.scattered_dimensions(33)', $$ values ('rsi', 160::bigint, 160::bigint, 1::bigint) $$,
  'A dimension of 160 values in 160 trades is scattered; chains, each in 32, are not');
select is_empty('select * from learning.scattered_dimensions(10)', 'Ten times as many trades would make slices of ten');
select is((select dim from learning.scattered_dimensions(11)), 'rsi', 'But none of eleven');
select start_mining('strength');
select start_mining('strength');
select results_eq($$ select level, component, message from learning_log where event = 'dimension_scattered' $$,
  $$ values ('WARNING', 'mine-lessons', 'Nothing can be learned of a value with fewer than 33 trades (n_min): rsi has 160 values in '
    '160 trades, at most 1 each. Put the values into buckets before they are written, such as low, mid and high.') $$,
  'Mining warns of it, once an hour');
select is((select details from learning_log where event = 'dimension_scattered'),
  '{"n_min": 33, "dimensions": [{"dim": "rsi", "values": 160, "trades": 160, "most_trades": 1}]}', 'For programs, too');
select pg_temp.trade(place, '7') from generate_series(161, 191) as place;
select is((select most_trades from learning.scattered_dimensions(33)), 32::bigint, 'The most frequent value is told');
select pg_temp.trade(192, '7');
select is_empty('select * from learning.scattered_dimensions(33)', 'Once a value is in enough trades it can be learned from');

select * from finish();
rollback;
