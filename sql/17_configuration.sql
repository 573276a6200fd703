-- Configuration: what the user configured, checked on write, merged with the defaults and effective at once.

create table public.learning_configs (
  module_id text primary key,
  config_data jsonb not null default '{}'::jsonb,
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by text,
  notes text
);
alter table public.learning_configs enable row level security;
comment on table public.learning_configs is
  'What the user configured, checked on write and effective at the next call. Keys left out keep their '
  'defaults.';
comment on column public.learning_configs.module_id is
  'pm or decision_maker; what other modules keep here is stored and not read.';
comment on column public.learning_configs.config_data is 'The keys that differ from the defaults, nested.';
comment on column public.learning_configs.version is 'Grows by one with each change of config_data.';
comment on column public.learning_configs.updated_at is 'When config_data changed last.';
comment on column public.learning_configs.updated_by is 'Who changed it, as told by the writer.';
comment on column public.learning_configs.notes is 'Why, as told by the writer.';

create table learning.effective_configs (
  module_id text primary key,
  config jsonb not null,
  version integer not null
);
alter table learning.effective_configs enable row level security;
comment on table learning.effective_configs is
  'Defaults and configured keys merged, so that a sizing call reads one row. Kept by triggers.';
comment on column learning.effective_configs.module_id is 'pm or decision_maker.';
comment on column learning.effective_configs.config is 'Every key with the value that holds.';
comment on column learning.effective_configs.version is
  'Version of the row in learning_configs, 0 where there is none.';

create function learning.legacy_keys()
returns text[]
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['timeframe_weights', 'feature_flags', 'global_rr', 'global_roi', 'timeframe_allocation',
    'N_MIN', 'exposure_skew', 'bucket_order_multipliers'];
end
$$;
comment on function learning.legacy_keys() is
  'Keys of earlier systems that a configuration may have; they are kept and not read.';

create function learning.configuration_faults(p_module_id text, config_data jsonb)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  size_fault text;
begin
  size_fault := learning.size_fault(config_data, learning.size_limit('batch_bytes'));
  -- Modules of other systems keep what they like here, as far as it is not too large; nobody reads it.
  if not exists (select from learning.settings setting where setting.module_id = p_module_id) then
    return array_remove(array['config_data ' || size_fault], null);
  end if;
  if jsonb_typeof(config_data) <> 'object' then
    return array[
      'config_data must be an object, not ' || learning.shortened(learning.beginning(config_data))
    ];
  end if;
  if size_fault is not null then
    return array['config_data ' || size_fault];
  end if;
  return array(
    with recursive entries (keys, value) as (
      select array[entry.key], entry.value
      from jsonb_each(config_data) as entry
      where entry.key <> all (learning.legacy_keys())
      union all
      select entries.keys || nested.key, nested.value
      from entries
      cross join lateral jsonb_each(
        case jsonb_typeof(entries.value) when 'object' then entries.value else '{}'::jsonb end
      ) as nested
      -- What is within the value of a setting is the setting's.
      where not exists (
        select from learning.settings setting
        where setting.module_id = p_module_id and setting.keys = entries.keys
      )
    ),
    judged as (
      select entries.keys, case
        when setting.path is not null then learning.setting_fault(setting, entries.value)
        when not exists (
          select from learning.settings nested_setting
          where nested_setting.module_id = p_module_id
            and nested_setting.keys[1:cardinality(entries.keys)] = entries.keys
        ) then 'is not a known key'
        when jsonb_typeof(entries.value) <> 'object'
          then 'must be an object, not ' || learning.shortened(learning.beginning(entries.value))
      end as fault
      from entries
      left join learning.settings setting
        on setting.module_id = p_module_id and setting.keys = entries.keys
    )
    select array_to_string(judged.keys, '.') || ' ' || judged.fault
    from judged
    where judged.fault is not null
    order by 1
  );
end
$$;
comment on function learning.configuration_faults(text, jsonb) is
  'Every reason why a configuration cannot be accepted, each with its path; empty where there is none.';

create function learning.configured_value(setting learning.settings, config_data jsonb)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  value constant jsonb := coalesce(config_data #> setting.keys, setting.default_value);
begin
  return case
    -- Of earlier releases, which looked at how long a group had been traded.
    when setting.path = 'cluster' and value = '"auto"' then '"week"'::jsonb
    when jsonb_typeof(value) = 'number' and learning.number_of_decimal(value::numeric) = 0 then '0'::jsonb
    else value
  end;
end
$$;
comment on function learning.configured_value(learning.settings, jsonb) is
  'What holds of a key: what is configured, where nothing is its default; a number nearer to 0 than 1e-12 '
  'counts as 0, and the cluster auto of earlier releases as week.';

create function learning.merge_configuration(p_module_id text, config_data jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  merged jsonb := '{}'::jsonb;
  entry record;
begin
  for entry in
    select setting.keys, learning.configured_value(setting, config_data) as value
    from learning.settings setting
    where setting.module_id = p_module_id
  loop
    if cardinality(entry.keys) > 1 and not merged ? entry.keys[1] then
      merged := jsonb_set(merged, entry.keys[1:1], '{}'::jsonb);
    end if;
    merged := jsonb_set(merged, entry.keys, entry.value);
  end loop;
  return merged;
end
$$;
comment on function learning.merge_configuration(text, jsonb) is
  'A module''s configuration with the defaults filled in.';

create function learning.check_configuration()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
-- Compiling the check would take longer than checking.
set jit = off
as $$
declare
  faults constant text[] := learning.configuration_faults(new.module_id, new.config_data);
begin
  if cardinality(faults) > 0 then
    raise exception using
      errcode = '22023',
      message = format('Configuration %L is not valid: %s', new.module_id, array_to_string(faults, '; ')),
      detail = to_jsonb(faults)::text,
      hint = 'Correct the named keys; nothing was changed. '
        || 'The table learning.settings lists every key with its range.';
  end if;
  if tg_op = 'UPDATE' then
    if new.config_data is distinct from old.config_data then
      new.version := old.version + 1;
      new.updated_at := now();
    else
      new.version := old.version;
    end if;
  end if;
  return new;
end
$$;
comment on function learning.check_configuration() is
  'Refuses a configuration that is not valid, with every reason, and counts its versions.';

create trigger check_configuration before insert or update on public.learning_configs
for each row execute function learning.check_configuration();
comment on trigger check_configuration on public.learning_configs is
  'A bad configuration never takes effect.';

-- Runs as its owner: whoever may write a configuration need not be able to write the merged copy.
create function learning.keep_effective_configuration()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Whoever writes another module at the same time is waited for, and then seen.
  lock table learning.effective_configs in share row exclusive mode;
  insert into learning.effective_configs as effective_config (module_id, config, version)
  select module.module_id,
    learning.merge_configuration(module.module_id, coalesce(written_config.config_data, '{}'::jsonb)),
    coalesce(written_config.version, 0)
  from (select distinct setting.module_id from learning.settings setting) as module
  left join public.learning_configs written_config using (module_id)
  on conflict (module_id) do update set config = excluded.config, version = excluded.version
  where (effective_config.config, effective_config.version)
    is distinct from (excluded.config, excluded.version);
  return null;
end
$$;
comment on function learning.keep_effective_configuration() is
  'Merges configuration and defaults whenever either changes.';

create trigger keep_effective_configuration after insert or update or delete on public.learning_configs
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on public.learning_configs is
  'Makes a change of configuration effective at the next call.';

create trigger keep_effective_configuration after insert or update or delete on learning.settings
for each statement execute function learning.keep_effective_configuration();
comment on trigger keep_effective_configuration on learning.settings is
  'Makes a change of defaults effective at the next call.';

insert into learning.effective_configs (module_id, config, version)
select setting.module_id, learning.merge_configuration(setting.module_id, '{}'::jsonb), 0
from learning.settings setting
group by setting.module_id;

create function learning.config(p_module_id text default 'pm')
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select effective_config.config
    from learning.effective_configs effective_config
    where effective_config.module_id = p_module_id
  );
end
$$;
comment on function learning.config(text) is 'A module''s effective configuration.';

create function public.get_pm_config()
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform learning.require_pm();
  return learning.config() || jsonb_build_object('release', learning.release());
end
$$;
comment on function public.get_pm_config() is
  'The configuration that holds for the PM, defaults included, and the release.';
