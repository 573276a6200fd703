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
comment on column public.learning_log.level is
  'INFO for normal operation, WARNING for data that was missing or refused, ERROR for a failure.';
comment on column public.learning_log.component is 'Which part spoke, for example mine-lessons.';
comment on column public.learning_log.event is
  'What happened, as a stable name, for example lesson_activated.';
comment on column public.learning_log.message is 'The same for a person to read.';
comment on column public.learning_log.details is 'The same for a program to read.';

create function learning.log_retention()
returns interval
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return interval '30 days';
end
$$;
comment on function learning.log_retention() is
  'How long lines of the learning log are kept, and the details of the runs of the loop''s own jobs.';

create function learning.write_log(
  level text, component text, event text, message text, details jsonb default '{}'::jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.learning_log (level, component, event, message, details)
  values (level, component, event, message, details);
$$;
comment on function learning.write_log(text, text, text, text, jsonb) is
  'Writes one line of the learning log.';

create function learning.write_log_once_in(
  span interval, level text, p_component text, p_event text, message text,
  details jsonb default '{}'::jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from public.learning_log log_line
    where log_line.event = p_event
      and log_line.component = p_component
      and log_line.at > now() - span
  ) then
    perform learning.write_log(level, p_component, p_event, message, details);
  end if;
end
$$;
comment on function learning.write_log_once_in(interval, text, text, text, text, jsonb) is
  'Writes one line of the learning log unless the same component reported the same event less than a span of '
  'time ago.';

create function learning.write_log_hourly(
  level text, component text, event text, message text, details jsonb default '{}'::jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.write_log_once_in(interval '1 hour', level, component, event, message, details);
end
$$;
comment on function learning.write_log_hourly(text, text, text, text, jsonb) is
  'Writes one line of the learning log unless the same component reported the same event less than an hour '
  'ago.';
