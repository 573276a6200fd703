begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(10);

-- What is ours: everything in the two schemas that no extension brought.
create temporary view objects as
select held.classoid, held.objid, held.objsubid, held.kind, held.name
from (
  select 'pg_class'::regclass::oid as classoid, relation.oid as objid, 0 as objsubid, 'relation' as kind, relation.oid::regclass::text as name
  from pg_class relation
  where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace) and relation.relkind in ('r', 'v', 'm', 'p')
    or relation.relnamespace = 'learning'::regnamespace and relation.relkind = 'S'
      and not exists (select from pg_depend owned where owned.objid = relation.oid and owned.deptype in ('a', 'i'))
  union all
  select 'pg_class'::regclass, held.attrelid, held.attnum, 'column', held.attrelid::regclass || '.' || held.attname
  from pg_attribute held
  join pg_class relation on relation.oid = held.attrelid
  where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace)
    and relation.relkind in ('r', 'v', 'm', 'p', 'c') and held.attnum > 0 and not held.attisdropped
  union all
  select 'pg_proc'::regclass, routine.oid, 0, 'function', routine.oid::regprocedure::text
  from pg_proc routine
  where routine.pronamespace in ('public'::regnamespace, 'learning'::regnamespace)
  union all
  select 'pg_trigger'::regclass, held.oid, 0, 'trigger', held.tgname || ' on ' || held.tgrelid::regclass
  from pg_trigger held
  join pg_class relation on relation.oid = held.tgrelid
  where relation.relnamespace in ('public'::regnamespace, 'learning'::regnamespace) and not held.tgisinternal
  union all
  select 'pg_type'::regclass, held.oid, 0, 'type', held.oid::regtype::text
  from pg_type held
  left join pg_class relation on relation.oid = held.typrelid
  where held.typnamespace in ('public'::regnamespace, 'learning'::regnamespace)
    and (held.typtype in ('e', 'd') or held.typtype = 'c' and relation.relkind = 'c')
) as held
where not exists (
  select from pg_depend extension
  where extension.classid = held.classoid and extension.objid = held.objid and extension.deptype = 'e'
);

select has_schema('learning');
select isnt(obj_description('learning'::regnamespace), null, 'The schema learning says what it is');
select cmp_ok((select count(*) from objects), '>', 200::bigint, 'There is a house to look at');
select is((select array_agg(objects.kind || ' ' || objects.name) from objects
    where coalesce(col_description(case when objects.kind = 'column' then objects.objid end, objects.objsubid),
      obj_description(case when objects.kind <> 'column' then objects.objid end, (select relname from pg_class where oid = objects.classoid)), '') = ''),
  null, 'Every table, view, column, sequence, function, trigger, type and attribute has a comment');
select is((select array_agg(objects.name) from objects join pg_proc routine on routine.oid = objects.objid and objects.kind = 'function'
    where routine.proconfig is null or not 'search_path=pg_catalog, pg_temp' = any (routine.proconfig)),
  null, 'Every function looks names up in pg_catalog, and in pg_temp last');
select is((select array_agg(objects.name) from objects join pg_class relation on relation.oid = objects.objid and objects.kind = 'relation'
    where relation.relkind in ('r', 'p') and not relation.relrowsecurity),
  null, 'Every table has row level security');
select is((select array_agg(objects.name) from objects join pg_class relation on relation.oid = objects.objid and objects.kind = 'relation'
    where relation.relkind = 'v' and not 'security_invoker=true' = any (coalesce(relation.reloptions, '{}'))),
  null, 'Every view acts with the rights of who asks');
select is((select array_agg(objects.name) from objects join pg_proc routine on routine.oid = objects.objid and objects.kind = 'function'
    where routine.prosecdef and has_function_privilege('anon', routine.oid, 'execute')),
  null, 'No function with its owner''s rights is open to anon');
select ok(not has_schema_privilege('anon', 'learning', 'usage'), 'anon cannot look inside');
select is((select array_agg(objects.name) from objects where objects.kind = 'relation' and has_table_privilege('anon', objects.objid, 'select')),
  null, 'anon reads no table and no view');

select * from finish();
rollback;
