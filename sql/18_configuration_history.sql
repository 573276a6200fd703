-- History of the configuration: who changed it, and what it was before.

create table public.learning_config_history (
  id bigint generated always as identity primary key,
  module_id text not null,
  at timestamptz not null default now(),
  actor text not null,
  run text,
  reason text,
  old jsonb,
  new jsonb
);
create index learning_config_history_module_idx on public.learning_config_history (module_id, at);
create index learning_config_history_at_idx on public.learning_config_history (at);
alter table public.learning_config_history enable row level security;
comment on table public.learning_config_history is
  'Every change of learning_configs, written by a trigger; kept for 400 days.';
comment on column public.learning_config_history.id is 'Order of writing.';
comment on column public.learning_config_history.module_id is 'Module whose configuration changed.';
comment on column public.learning_config_history.at is 'When.';
comment on column public.learning_config_history.actor is
  'Who: a signed-in user''s mail address or id, else the role of the database; loop for the loop itself.';
comment on column public.learning_config_history.run is 'Run of the loop; null for a person.';
comment on column public.learning_config_history.reason is
  'Why, where whoever changed it said so in the setting learning.reason of his transaction.';
comment on column public.learning_config_history.old is 'The row before; null where there was none.';
comment on column public.learning_config_history.new is 'The row after; null where it was deleted.';

-- Runs as its owner: whoever may write a configuration need not be able to write its history.
create function learning.remember_configuration()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.learning_config_history (module_id, actor, run, reason, old, new)
  select coalesce(new.module_id, old.module_id), learning.actor(), learning.actor_note('run'),
    learning.actor_note('reason'), to_jsonb(old), to_jsonb(new)
  where to_jsonb(old) is distinct from to_jsonb(new);
  return null;
end
$$;
comment on function learning.remember_configuration() is
  'Writes down who changed a configuration, and what it was.';
create trigger remember_configuration after insert or update or delete on public.learning_configs
for each row execute function learning.remember_configuration();
comment on trigger remember_configuration on public.learning_configs is
  'What was configured before can be looked up and put back.';

create function learning.remember_truncated_configurations()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.learning_config_history (module_id, actor, run, reason, old)
  select written_config.module_id, learning.actor(), learning.actor_note('run'),
    learning.actor_note('reason'),
    to_jsonb(written_config)
  from public.learning_configs written_config
  order by written_config.module_id;
  return null;
end
$$;
comment on function learning.remember_truncated_configurations() is
  'Writes down what was configured before all of it is deleted.';
create trigger remember_truncated_configurations before truncate on public.learning_configs
for each statement execute function learning.remember_truncated_configurations();
comment on trigger remember_truncated_configurations on public.learning_configs is
  'What was configured before can be looked up and put back.';
