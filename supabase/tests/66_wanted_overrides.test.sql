begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(6);

create function pg_temp.wants(more jsonb) returns learning.wanted_override language sql as $$
  select jsonb_populate_record(null::learning.wanted_override, jsonb_build_object(
    'override_type', 'pm_strength', 'pattern_key', 'pm.a', 'action_category', 'entry', 'scope_subset', '{}'::jsonb,
    'scope_digest', 'd', 'n', 40, 'lesson_id', 7) || more);
$$;

select is((learning.writable_overrides('{}')).writable, null, 'Of nothing there is nothing');
select is((judged.writable[1]).dir_a || ' ' || (judged.writable[1]).variance || ' ' || (judged.writable[1]).decay_state,
  '0 0 insufficient', 'What a lesson does not say is neutral')
from learning.writable_overrides(array[pg_temp.wants('{}')]) as judged;
select is((judged.cut)::text || (judged.refused is null), '{7}true', 'A figure that is cut is noted')
from learning.writable_overrides(array[pg_temp.wants('{"edge_raw": 1000001}')]) as judged;
select is(judged.cut, null, 'One at the bound is not')
from learning.writable_overrides(array[pg_temp.wants('{"edge_raw": 1000000}')]) as judged;
select is((judged.refused[1]).remark, 'A figure of its lesson is not a number', 'What is no number is refused')
from learning.writable_overrides(array[pg_temp.wants('{"half_life_hours": "NaN"}')]) as judged;
select is((judged.refused[1]).remark || (judged.writable is null), 'It names a dimension that is no longer registeredtrue',
  'So is a dimension that nobody knows')
from learning.writable_overrides(array[pg_temp.wants('{"scope_subset": {"nowhere": "x"}}')]) as judged;

select * from finish();
rollback;
