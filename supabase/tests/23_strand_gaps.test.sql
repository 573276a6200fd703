begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(4);

insert into ad_strands (id, kind, content, regime_context, tags, created_at) values
  ('gaps', null, null, null, null, null),
  ('full', 'pm_action', '{"a": 1}', '{"b": 2}', '["c"]', '2026-01-01');
select is(
  (select (kind, content, regime_context, tags, created_at)::text from ad_strands where id = 'gaps'),
  ('unknown'::text, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, now())::text, 'Nulls become what is left out'
);
select is(
  (select (kind, content, regime_context, tags, created_at)::text from ad_strands where id = 'full'),
  ('pm_action'::text, '{"a": 1}'::jsonb, '{"b": 2}'::jsonb, '["c"]'::jsonb, '2026-01-01'::timestamptz)::text,
  'What is written stays'
);
select is(
  (select array_agg(strand_id) from strand_receipts), '{full}', 'What has no kind is not learned from'
);
update ad_strands set tags = null where id = 'full';
select is((select tags from ad_strands where id = 'full'), '[]', 'A change may be written with nulls, too');

select * from finish();
rollback;
