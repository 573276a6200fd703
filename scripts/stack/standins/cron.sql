create schema cron;
comment on schema cron is
  'Stand-in for pg_cron: jobs live in a table and run by a scheduler outside, or by hand.';

create sequence cron.jobid_seq;
create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default coalesce(inet_server_port(), 5432),
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
comment on table cron.job is 'Scheduled jobs. Written by cron.schedule and cron.unschedule alone.';
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create sequence cron.runid_seq;
create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
comment on table cron.job_run_details is 'One row per run. Status is starting, running, succeeded or failed.';
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

create function cron._field_is_valid(field text, lowest integer, highest integer, names text[])
returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
  part text;
  pieces text[];
  first integer;
  last integer;
begin
  if field is null or field = '' then
    return false;
  end if;
  for place in 1 .. coalesce(array_length(names, 1), 0) loop
    field := regexp_replace(field, '\y' || names[place] || '\y', (lowest + place - 1)::text, 'gi');
  end loop;
  foreach part in array string_to_array(field, ',') loop
    pieces := regexp_match(part, '^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,3}))?$');
    if pieces is null then
      return false;
    end if;
    first := coalesce(pieces[2]::integer, lowest);
    last := coalesce(pieces[3]::integer, pieces[2]::integer, highest);
    if first < lowest or last > highest or first > last then
      return false;
    end if;
    -- A step needs something to step through.
    if pieces[4] is not null
      and (pieces[4]::integer = 0 or (pieces[2] is not null and pieces[3] is null)) then
      return false;
    end if;
  end loop;
  return true;
end
$$;
comment on function cron._field_is_valid(text, integer, integer, text[]) is
  'Whether one field of a schedule can be understood.';

create function cron._check_schedule(schedule text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
  fields text[] := regexp_split_to_array(btrim(schedule), '\s+');
begin
  if schedule ~* '^\s*([1-9]|[1-5][0-9])\s+seconds?\s*$'
    or schedule ~ '^\s*@(yearly|annually|monthly|weekly|daily|midnight|hourly)\s*$' then
    return;
  end if;
  if array_length(fields, 1) = 5
    and cron._field_is_valid(fields[1], 0, 59, '{}')
    and cron._field_is_valid(fields[2], 0, 23, '{}')
    and (fields[3] = '$' or cron._field_is_valid(fields[3], 1, 31, '{}'))
    and cron._field_is_valid(fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
    and cron._field_is_valid(fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}') then
    return;
  end if;
  raise exception 'invalid schedule: %', schedule
    using errcode = '22023',
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
end
$$;
comment on function cron._check_schedule(text) is 'Raises for a schedule that cannot be understood.';

-- Runs as the owner of the table; the caller's own name is handed over by the functions below.
create function cron._schedule(job_name text, schedule text, command text, owner name) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  id bigint;
begin
  if not pg_has_role(session_user, owner, 'member') then
    raise exception 'Role "%" may not schedule jobs for "%"', session_user, owner using errcode = '42501';
  end if;
  perform cron._check_schedule(_schedule.schedule);
  insert into cron.job (schedule, command, username, jobname)
  values (_schedule.schedule, _schedule.command, owner, job_name)
  on conflict on constraint jobname_username_uniq
  do update set schedule = excluded.schedule, command = excluded.command
  returning jobid into id;
  perform pg_catalog.pg_notify('cron_job', '');
  return id;
end
$$;
comment on function cron._schedule(text, text, text, name) is
  'Writes a job, or replaces the one of the same name.';

create function cron.schedule(schedule text, command text) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp
as $$ select cron._schedule(null, schedule, command, current_user) $$;
comment on function cron.schedule(text, text) is 'Schedules a job without a name and returns its id.';

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp
as $$ select cron._schedule(job_name, schedule, command, current_user) $$;
comment on function cron.schedule(text, text, text) is
  'Schedules a job and returns its id. A job of the same name and owner is replaced and keeps its id.';

create function cron._unschedule(id bigint, job_name text, owner name) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  if not pg_has_role(session_user, owner, 'member') then
    raise exception 'Role "%" may not unschedule jobs of "%"', session_user, owner using errcode = '42501';
  end if;
  delete from cron.job
  where username = owner and (jobid = id or jobname = job_name);
  if not found then
    raise exception 'could not find valid entry for job ''%''', coalesce(job_name, id::text)
      using errcode = 'P0002';
  end if;
  perform pg_catalog.pg_notify('cron_job', '');
  return true;
end
$$;
comment on function cron._unschedule(bigint, text, name) is 'Deletes a job of that owner.';

create function cron.unschedule(job_id bigint) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp
as $$ select cron._unschedule(job_id, null, current_user) $$;
comment on function cron.unschedule(bigint) is 'Deletes a job by its id; an unknown one is an error.';

create function cron.unschedule(job_name text) returns boolean
language sql volatile set search_path = pg_catalog, pg_temp
as $$ select cron._unschedule(null, job_name, current_user) $$;
comment on function cron.unschedule(text) is 'Deletes a job by its name; an unknown one is an error.';

revoke all on all functions in schema cron from public;
