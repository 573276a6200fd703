-- Which releases made this database. `deno task release` adds a row at the end of this file.

create table learning.releases (
  version text primary key
    check (version ~ '^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$'),
  released_at timestamptz not null
);
alter table learning.releases enable row level security;
comment on table learning.releases is
  'The releases of Edgeloop that this database was brought to, one after the other.';
comment on column learning.releases.version is 'Version, three numbers, as in CHANGELOG.md.';
comment on column learning.releases.released_at is 'Day of the release.';

create function learning.release()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select release.version
    from learning.releases release
    order by string_to_array(release.version, '.')::integer[] desc
    limit 1
  );
end
$$;
comment on function learning.release() is
  'The newest release this database was brought to; null before the first.';

insert into learning.releases (version, released_at) values ('0.1.0', '2026-11-30 00:00:00+00');
insert into learning.releases (version, released_at) values ('0.2.0', '2026-12-01 00:00:00+00');
insert into learning.releases (version, released_at) values ('0.2.1', '2026-12-02 00:00:00+00');
