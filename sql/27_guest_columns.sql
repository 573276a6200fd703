-- Guest columns: what the tables of a system that was here before had and ours lack, so that its writers go
-- on unchanged (scripts/README.md, "Adopting").

create table learning.guest_columns (
  relation text not null,
  column_name text not null,
  is_guest boolean not null,
  former_default text,
  primary key (relation, column_name)
);
alter table learning.guest_columns enable row level security;
comment on table learning.guest_columns is
  'Columns of public that adoption added, and columns of ours whose default it changed. They are no part of '
  'the schema of a release, and of no drift.';
comment on column learning.guest_columns.relation is 'Table of public.';
comment on column learning.guest_columns.column_name is 'The column.';
comment on column learning.guest_columns.is_guest is
  'Whether adoption added it; otherwise it is ours and has the default that the guest gave it.';
comment on column learning.guest_columns.former_default is
  'Default that a column of ours has in the release; null where it has none.';
