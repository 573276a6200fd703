begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(12);

-- Kinds -----------------------------------------------------------------------------------------------------

select is(learning.learned_kinds(), '{pm_action,dm_action,position_closed,episode_window,episode_outcome}',
  'Five kinds are learned from');
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
    and content ->> 'trade_id' = 't' $$),
  'ad_strands_trade_idx', 'The index of trades holds every kind that tells of one');
select matches(
  pg_temp.plan($$ select from ad_strands where kind = any (learning.episode_kinds())
    and content ->> 'episode_id' = 'e' $$),
  'ad_strands_episode_idx', 'And that of episodes');

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

select * from finish();
rollback;
