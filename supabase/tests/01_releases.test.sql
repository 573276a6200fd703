begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(9);

select is(learning.release(), (select version from learning.releases order by released_at desc, string_to_array(version, '.')::integer[] desc limit 1),
  'The release is the newest row');
delete from learning.releases release where release.version <> '';
select is(learning.release(), null, 'Before the first release there is none');
insert into learning.releases (version, released_at) values ('0.9.0', '2027-01-01'), ('0.10.0', '2027-02-01'), ('0.2.11', '2027-03-01');
select is(learning.release(), '0.10.0', 'Versions are numbers, not texts, and a later day makes none newer');
select throws_ok($$insert into learning.releases (version, released_at) values ('1.0', '2027-01-01')$$, '23514', null, 'A version has three numbers');
select throws_ok($$insert into learning.releases (version, released_at) values ('1.0.0-rc1', '2027-01-01')$$, '23514', null, 'And nothing else');
select throws_ok($$insert into learning.releases (version, released_at) values ('1.00.0', '2027-01-01')$$, '23514', null, 'In one spelling');

set local role authenticated;
select set_config('request.jwt.claims', '{"role": "authenticated", "app_metadata": {"learning_role": "viewer"}}', true);
select is(learning.release(), '0.10.0', 'A viewer may ask');
select set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select is(learning.release(), null, 'Somebody without a learning role learns nothing');
reset role;
set local role service_role;
select is(learning.release(), '0.10.0', 'The service role may ask');
reset role;

select * from finish();
rollback;
