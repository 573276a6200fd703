begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(15);

-- Kinds -----------------------------------------------------------------------------------------------------

select is(learning.learned_kinds(),
  '{pm_action,dm_action,position_closed,episode_window,episode_outcome,uptrend_episode_summary}',
  'Six kinds are learned from');
select is(learning.trade_kinds() || learning.episode_kinds(), learning.learned_kinds(),
  'Each tells of a trade or of an episode');
-- What the planner reads out of a query that lists the kinds: an index on other kinds would not do for it.
create function pg_temp.plan(query text) returns text language plpgsql as $$
declare
  line text;
  plan text := '';
begin
  set local enable_seqscan = off;
  for line in execute 'explain (costs off) ' || query loop
    plan := plan || line;
  end loop;
  return plan;
end
$$;
select matches(
  pg_temp.plan($$ select from ad_strands where kind = any (learning.trade_kinds())
    and content -> 'trade_id' = to_jsonb('t'::text) $$),
  'ad_strands_trade_idx', 'The index of trades holds every kind that tells of one');
select matches(
  pg_temp.plan($$ select from ad_strands where kind = any (learning.episode_kinds())
    and content -> 'episode_id' = to_jsonb('e'::text) $$),
  'ad_strands_episode_idx', 'And that of episodes');
select matches(
  pg_temp.plan($$ select from ad_strands where kind = 'pm_action'
    and content -> 'decision_type' = '"shadow_entry"'::jsonb
    and content -> 'episode_id' = to_jsonb('e'::text) $$),
  'ad_strands_episode_idx', 'with the entries that were held back in one');

-- Whatever is written is stored -----------------------------------------------------------------------------

insert into ad_strands (id, kind, content) values
  ('entry', 'pm_action', '{}'), ('allocation', 'dm_action', '{}'), ('close', 'position_closed', '{}'),
  ('window', 'episode_window', '{}'), ('outcome', 'episode_outcome', '{}'), ('note', 'note', '{}'),
  ('empty', '', '{}');
select is((select count(*)::integer from ad_strands), 7, 'Every strand is stored');
select throws_ok($$ insert into ad_strands (id, kind) values ('note', 'note') $$, '23505', null,
  'Writing a strand twice is an error');
select lives_ok($$ insert into ad_strands (id, kind) values ('note', 'pm_action'),
  ('new', 'pm_action') on conflict (id) do nothing $$, 'Unless the writer says it is none');
select is((select kind from ad_strands where id = 'note'), 'note',
  'Which changes nothing for the one that was there');
insert into ad_strands (kind) values ('bare');
select matches((select id from ad_strands where kind = 'bare'), '^[0-9a-f]{8}-[0-9a-f-]{27}$',
  'Identities may be left to the database');
select is((select (content, regime_context, tags, created_at)::text from ad_strands where kind = 'bare'),
  ('{}'::jsonb, '{}'::jsonb, '[]'::jsonb, now())::text, 'What a writer leaves out has a default');
select lives_ok($$ insert into ad_strands (id, kind, content) values
  ('odd 1', 'pm_action', '[]'), ('odd 2', 'position_closed', '"x"'), ('odd 3', 'episode_window', 'null'),
    ('odd 4', 'pm_action', '7') $$,
  'Content of any shape is stored');
select lives_ok($$ insert into ad_strands (id, kind, content) select 'long', 'pm_action',
  jsonb_build_object('trade_id', string_agg(md5(i::text), '')) from generate_series(1, 1000) i $$,
  'So is an identifier of any length within it');

select lives_ok($$ insert into ad_strands (id, kind, content) select kind, kind, jsonb_build_object('trade_id',
  numbers.list, 'episode_id', numbers.list) from unnest(learning.learned_kinds()) as kind,
  (select ('[' || repeat('1e131071,', 8999) || '1e131071]')::jsonb) as numbers(list) $$,
  'A strand is stored whatever it has in the place of a trade or an episode');
select lives_ok('table pm_sizing_audit', 'And what was applied can be looked at');

select * from finish();
rollback;
