-- The interface as it is here: what whoever asks may read and call, so that a client of another release knows
-- what to ask for.

create view public.learning_interface
with (security_invoker = true)
as
select relation.relname::text as name, 'relation' as kind
from pg_catalog.pg_class relation
where relation.relnamespace = 'public'::regnamespace and relation.relkind in ('r', 'p', 'v', 'm')
  and has_table_privilege(relation.oid, 'select')
  and ((select learning.may_read()) or not (select learning.asks_as_user()))
union
select routine.proname::text, 'rpc'
from pg_catalog.pg_proc routine
where routine.pronamespace = 'public'::regnamespace and routine.prokind = 'f'
  and routine.prorettype <> 'trigger'::regtype and has_function_privilege(routine.oid, 'execute')
  and ((select learning.may_read()) or not (select learning.asks_as_user()));
comment on view public.learning_interface is
  'What whoever asks may read and call in schema public, by name; nothing without a learning role.';
comment on column public.learning_interface.name is 'Name of the table, view or RPC.';
comment on column public.learning_interface.kind is 'relation or rpc.';
