-- What the loop did and why, as structured lines a person can read in Studio.

create table public.learning_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  level text not null check (level in ('INFO', 'WARNING', 'ERROR')),
  component text not null,
  event text not null,
  message text not null,
  details jsonb not null default '{}'::jsonb
);
create index learning_log_at_idx on public.learning_log (at);
create index learning_log_event_at_idx on public.learning_log (event, at);
alter table public.learning_log enable row level security;

comment on table public.learning_log is 'What the learning loop did and why; kept for 30 days.';
comment on column public.learning_log.id is 'Order of writing.';
comment on column public.learning_log.at is 'When it happened.';
comment on column public.learning_log.level is 'INFO for normal operation, WARNING for data that was missing or refused, ERROR for a failure.';
comment on column public.learning_log.component is 'Which part spoke, for example mine-lessons.';
comment on column public.learning_log.event is 'What happened, as a stable name, for example lesson_activated.';
comment on column public.learning_log.message is 'The same for a person to read.';
comment on column public.learning_log.details is 'The same for a program to read.';

create function learning.write_log(level text, component text, event text, message text, details jsonb default '{}'::jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  values (level, component, event, message, details);
$$;
comment on function learning.write_log(text, text, text, text, jsonb) is 'Writes one line of the learning log.';

create function learning.write_log_hourly(level text, component text, event text, message text, details jsonb default '{}'::jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  select write_log_hourly.level, write_log_hourly.component, write_log_hourly.event, write_log_hourly.message, write_log_hourly.details
  where not exists (
    select from public.learning_log line
    where line.event = write_log_hourly.event
      and line.component = write_log_hourly.component
      and line.at > now() - interval '1 hour'
  );
$$;
comment on function learning.write_log_hourly(text, text, text, text, jsonb) is
  'Writes one line of the learning log unless the same component reported the same event less than an hour ago.';
