-- Health of what the platform does for the loop: requests are sent, extensions are there, tables closed.

create type learning.stage_health as (
  stage text,
  backlog bigint,
  oldest_waiting_at timestamptz,
  last_success_at timestamptz,
  failures bigint,
  problem text
);
comment on type learning.stage_health is
  'How one stage of the loop is doing; the view learning_health says more.';
comment on column learning.stage_health.stage is 'Name of the stage.';
comment on column learning.stage_health.backlog is 'How much waits.';
comment on column learning.stage_health.oldest_waiting_at is 'Since when the oldest of it waits.';
comment on column learning.stage_health.last_success_at is 'When the stage last did its work.';
comment on column learning.stage_health.failures is 'How often it failed of late.';
comment on column learning.stage_health.problem is
  'What is wrong, for a person to read; null where nothing is.';

create function learning.failures_of(p_component text, out failures bigint, out newest text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*),
    (array_agg(
      format('failed at %s: %s', learning.moment(log_line.at), left(log_line.message, 300))
      order by log_line.at desc, log_line.id desc
    ))[1]
  from public.learning_log log_line
  where log_line.at > now() - interval '1 day'
    and log_line.level = 'ERROR'
    and log_line.component = p_component
    -- The stage doorbell tells of these.
    and log_line.event <> 'doorbell_failed';
$$;
comment on function learning.failures_of(text) is
  'How often something went wrong in a component within a day, and what did last; null where nothing did.';

create function learning.missing_secrets()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(wanted.name, ' and none named ' order by wanted.name desc)
  from (values ('project_url'), ('edge_function_secret_key')) as wanted(name)
  where not exists (
    select from vault.decrypted_secrets secret
    where secret.name = wanted.name and secret.decrypted_secret is not null
  );
$$;
comment on function learning.missing_secrets() is
  'Names of the secrets that Vault lacks, without which no edge function can be rung; null where it has '
  'them.';

create function learning.answer_fault(
  function_name text, status_code integer, answered_at timestamptz, reason text
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when status_code in (401, 403) then format(
      '%s refused the key at %s: edge_function_secret_key in Vault is not a secret key of the project',
      function_name, learning.moment(answered_at)
    )
    when status_code = 404 then format(
      '%s was not found at %s: is it deployed, and is project_url in Vault right?',
      function_name, learning.moment(answered_at)
    )
    else format(
      '%s answered %s at %s: %s',
      function_name, coalesce(status_code::text, 'nothing'), learning.moment(answered_at), reason
    )
  end;
$$;
comment on function learning.answer_fault(text, integer, timestamptz, text) is
  'What a bad answer of an edge function means, for a person to read.';

create function learning.answered_rings(
  out function_name text, out rung_at timestamptz, out answered_at timestamptz, out status_code integer,
  out reason text, out is_success boolean, out timed_out boolean
)
returns setof record
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  -- Numbers of requests begin anew after a crash, and others in the database send requests, too. So an answer
  -- is that of the newest ring with its number, if that was rung before it came and not long before, and if
  -- it does not say that another function gave it. It is quoted only where it says that this one did, and
  -- what pg_net says of a request that failed never does: it may tell of whom another program called.
  select doorbell.function_name, doorbell.rung_at, response.created, response.status_code,
    case
      when response.timed_out then 'it took longer than the request waits'
      when response.error_msg is not null then 'it could not be connected to; is project_url in Vault right?'
      when response.answered_by = doorbell.function_name then left(response.content, 200)
      else 'its words are withheld, because it does not name the function that it is from'
    end,
    coalesce(response.status_code between 200 and 299, false), coalesce(response.timed_out, false)
  from learning.doorbells doorbell
  left join lateral (
    select http_response.*, (
      select header.value
      from jsonb_each_text(http_response.headers) as header
      where lower(header.key) = 'x-edgeloop-function'
      limit 1
    ) as answered_by
    from net._http_response http_response
    where http_response.id = doorbell.request_id
      and http_response.created between doorbell.rung_at and doorbell.rung_at + interval '5 minutes'
    offset 0
  ) as response
    on coalesce(response.answered_by, doorbell.function_name) = doorbell.function_name
    and not exists (
      select from learning.doorbells newer_doorbell
      where newer_doorbell.request_id = doorbell.request_id
        and newer_doorbell.rung_at > doorbell.rung_at and newer_doorbell.rung_at <= response.created
    )
  where doorbell.rung_at > now() - interval '6 hours' and doorbell.failure is null;
$$;
comment on function learning.answered_rings() is
  'Rings of the last six hours, each with its own answer where that came.';

create function learning.failed_rings(out failures bigint, out fault text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*), (array_agg(
    format('%s could not be rung at %s: %s; is project_url in Vault an address such as '
      'https://abcdefghijklmnopqrst.supabase.co?', failed_doorbell.function_name,
      learning.moment(failed_doorbell.rung_at), left(failed_doorbell.failure, 200))
    order by failed_doorbell.rung_at desc, failed_doorbell.id desc
  ) filter (where not exists (
    select from learning.doorbells later_doorbell
    where later_doorbell.function_name = failed_doorbell.function_name
      and later_doorbell.id > failed_doorbell.id and later_doorbell.failure is null
  )))[1]
  from learning.doorbells failed_doorbell
  where failed_doorbell.rung_at > now() - interval '6 hours' and failed_doorbell.failure is not null;
$$;
comment on function learning.failed_rings() is
  'How often a request could not even be queued within six hours, and why the newest was not whose function '
  'has not been rung since.';

create function learning.doorbell_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  missing_secrets constant text := learning.missing_secrets();
  failed_rings constant record := learning.failed_rings();
  goes_unanswered boolean;
  fault text;
begin
  health.stage := 'doorbell';
  with rings as materialized (
    select ring.*,
      ring.answered_at is null and ring.rung_at > now() - interval '5 minutes' as is_waiting
    from learning.answered_rings() as ring
  ),
  -- Work that takes longer than the request waits for it is not lost.
  bad_rings as (
    select rings.*
    from rings
    where rings.answered_at is not null and not rings.is_success and not rings.timed_out
  ),
  newest_rings as (
    select distinct on (rings.function_name) rings.*
    from rings
    where rings.answered_at is not null
    order by rings.function_name, rings.rung_at desc
  )
  select count(*) filter (where rings.is_waiting),
    min(rings.rung_at) filter (where rings.is_waiting),
    max(rings.answered_at) filter (where rings.is_success),
    (select count(*) from bad_rings) + failed_rings.failures,
    -- What was rung before a crash is never answered; what is rung after it is.
    coalesce(bool_or(
      rings.answered_at is null and rings.rung_at < now() - interval '2 minutes'
      and rings.rung_at > coalesce((select max(newest_rings.rung_at) from newest_rings), '-infinity')
    ), false),
    (
      select learning.answer_fault(
        newest_rings.function_name, newest_rings.status_code, newest_rings.answered_at, newest_rings.reason
      )
      from newest_rings
      where not newest_rings.is_success and not newest_rings.timed_out
      order by newest_rings.answered_at desc
      limit 1
    )
  into health.backlog, health.oldest_waiting_at, health.last_success_at, health.failures,
    goes_unanswered, fault
  from rings;

  health.problem := case
    when missing_secrets is not null
      then format('Vault has no secret named %s: store it with vault.create_secret', missing_secrets)
    when failed_rings.fault is not null then failed_rings.fault
    when goes_unanswered then 'no request is sent: is the worker of pg_net running?'
    else fault
  end;
  return health;
end
$$;
comment on function learning.doorbell_health() is
  'Whether the edge functions can be reached: rings of the last six hours and their answers.';

create function learning.platform_health()
returns learning.stage_health
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  health learning.stage_health;
  missing_extensions text[];
  open_tables text[];
begin
  health.stage := 'platform';
  select coalesce(array_agg(wanted.extension order by wanted.extension), '{}') into missing_extensions
  from (values
    ('pg_cron', 'cron.job'), ('pg_net', 'net.http_request_queue'),
    ('supabase_vault', 'vault.decrypted_secrets')
  ) as wanted(extension, relation)
  where to_regclass(wanted.relation) is null;
  -- A policy stays when row level security is switched off; tables of others in public have none of ours.
  select coalesce(array_agg(relation.oid::regclass::text order by relation.oid::regclass::text), '{}')
  into open_tables
  from pg_class relation
  where relation.relkind in ('r', 'p') and not relation.relrowsecurity
    and (
      relation.relnamespace = 'learning'::regnamespace
      or relation.relnamespace = 'public'::regnamespace and exists (
        select from pg_policy policy
        where policy.polrelid = relation.oid and policy.polname = 'read_with_learning_role'
      )
    );
  health.backlog := cardinality(missing_extensions) + cardinality(open_tables);
  health.failures := 0;
  health.problem := nullif(concat_ws('; ',
    case when missing_extensions <> '{}' then format(
      'what the extension %s brings is missing: create it anew', array_to_string(missing_extensions, ', ')
    ) end,
    case when open_tables <> '{}' then format(
      'row level security is off for %s, so whoever is granted a table reads all of it: alter table … enable '
      'row level security', array_to_string(open_tables, ', ')
    ) end
  ), '');
  return health;
end
$$;
comment on function learning.platform_health() is
  'What the loop rests on: extensions that are there, and tables that are closed.';
