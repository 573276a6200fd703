-- Settings: what may be configured, with defaults and bounds in one table.

create table learning.settings (
  module_id text not null,
  path text not null,
  kind text not null check (kind in ('number', 'integer', 'boolean', 'choice', 'texts', 'masks', 'shares')),
  default_value jsonb not null,
  nullable boolean not null default false,
  minimum float8,
  maximum float8,
  above float8,
  choices text[],
  description text not null,
  primary key (module_id, path)
);
alter table learning.settings enable row level security;
comment on table learning.settings is 'Every configuration key with its default, type and range: the one place that says what may be configured.';
comment on column learning.settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column learning.settings.path is 'Key, dotted where it is nested.';
comment on column learning.settings.kind is 'Type of the value; masks is a list of dimension lists or of singles, pairs and full; shares maps timeframes to fractions that sum to 1.';
comment on column learning.settings.default_value is 'Value that holds while the key is not set.';
comment on column learning.settings.nullable is 'Whether null may be set.';
comment on column learning.settings.minimum is 'Smallest number accepted.';
comment on column learning.settings.maximum is 'Largest number accepted.';
comment on column learning.settings.above is 'Numbers must be greater than this.';
comment on column learning.settings.choices is 'Texts accepted, for a choice.';
comment on column learning.settings.description is 'What the key does.';

insert into learning.settings (module_id, path, kind, default_value, nullable, minimum, maximum, above, choices, description) values
  ('pm', 'strength_mode', 'choice', '"posture"', false, null, null, null, '{posture,multiplier,edge_weighted}', 'How learned strength acts on the size.'),
  ('pm', 'outcome', 'choice', '"roi"', false, null, null, null, '{roi,rr}', 'What a trade is judged by.'),
  ('pm', 'outcome_scale', 'number', '1.0', false, null, null, 0, null, 'What one unit of outcome means to this strategy; a scalper sets it small.'),
  ('pm', 'n_min', 'integer', '33', false, 2, null, null, null, 'Fewest trades that make a slice.'),
  ('pm', 'edge_min', 'number', '0.05', false, 0, null, null, null, 'Smallest absolute edge of an active lesson.'),
  ('pm', 'incremental_min', 'number', 'null', true, 0, null, null, null, 'Smallest absolute edge beyond the best parent scope; null asks for none.'),
  ('pm', 'max_q_value', 'number', '0.10', true, 0, 1, null, null, 'Largest false discovery rate of an active lesson; null switches the test off.'),
  ('pm', 'cluster', 'choice', '"auto"', false, null, null, null, '{auto,week,day,none}', 'Trades of the same week or day share the market''s luck and are tested as one cluster.'),
  ('pm', 'baseline', 'choice', '"global"', false, null, null, null, '{global,category}', 'What a slice is compared with: all trades, or those with an action of the same category.'),
  ('pm', 'selection', 'choice', '"distinct"', false, null, null, null, '{distinct,exhaustive}', 'One lesson for each distinct set of trades, or one for each scope subset.'),
  ('pm', 'max_lessons_per_group', 'integer', '5000', false, 1, 100000, null, null, 'Most lessons kept for one group; scopes of at most one dimension are always kept.'),
  ('pm', 'decay.source', 'choice', '"events"', false, null, null, null, '{events,history}', 'Series that decay is fitted to: trades, or earlier snapshots of the edge.'),
  ('pm', 'staleness_half_life_hours', 'number', '720', false, null, null, 0, null, 'Hours without new evidence after which an override acts half as much.'),
  ('pm', 'cpu_budget_ms', 'integer', '1200', false, 50, 10000, null, null, 'CPU time after which an invocation saves its place and hands over.'),
  ('pm', 'mining_workers', 'integer', '4', false, 1, 64, null, null, 'Invocations that mine side by side.'),
  ('pm', 'edge_scale', 'number', '0.10', false, null, null, 0, null, 'Edge at which edge-weighted blending gives about three quarters of the full weight.'),
  ('pm', 'steering.base', 'number', '0.03', false, 0, 1, null, null, 'Steering strength at zero confidence.'),
  ('pm', 'steering.gain', 'number', '0.20', false, 0, 1, null, null, 'Steering strength gained at full confidence.'),
  ('pm', 'steering.max', 'number', '0.22', false, 0, 1, null, null, 'Largest steering strength.'),
  ('pm', 'steering.confidence_min', 'number', '0.40', false, 0, 1, null, null, 'Overrides below this confidence are ignored where one at or above it matches.'),
  ('pm', 'steering.roi_scale', 'number', '0.10', false, null, null, 0, null, 'ROI at which a trade has about three quarters of the full weight in the posture directions.'),
  ('pm', 'steering.base_bias', 'number', '0', false, -1, 1, null, null, 'Share of the blended edge added to the appetite.'),
  ('pm', 'steering.relative', 'boolean', 'false', false, null, null, null, null, 'Whether directions are measured against the module''s own.'),
  ('pm', 'exposure.masks', 'masks', '["singles", "pairs", "full"]', true, null, null, null, null, 'Dimension sets that crowding is measured on.'),
  ('pm', 'exposure.alpha', 'number', '1.0', false, null, null, 0, null, 'Weight of exposure in the same scope.'),
  ('pm', 'exposure.beta', 'number', '0.5', false, 0, null, null, null, 'Weight of exposure in the same scope under the same pattern key.'),
  ('pm', 'exposure.weight_exponent', 'number', '0.5', false, 0, null, null, null, 'How much more a mask of heavier dimensions counts.'),
  ('pm', 'exposure.cap', 'number', 'null', true, null, null, 0, null, 'Exposure that reads as full crowding where the total is larger; null: the total.'),
  ('pm', 'tuning.lookback_days', 'number', '90', false, null, null, 0, null, 'Days before the newest episode that tuning looks at.'),
  ('pm', 'tuning.min_ratio', 'number', '2.0', false, 0, null, null, null, 'Smallest gain per cost of a gate move.'),
  ('pm', 'tuning.min_gain', 'integer', '3', false, 0, null, null, null, 'Smallest gain of a gate move.'),
  ('pm', 'tuning.cautious_dodge_rate', 'number', '0.90', false, 0, 1, null, null, 'Dodge rate from which loosening needs the cautious ratio.'),
  ('pm', 'tuning.cautious_ratio', 'number', '4.0', false, 0, null, null, null, 'Smallest gain per cost of loosening where the dodge rate is high.'),
  ('pm', 'tuning.confirm', 'boolean', 'true', false, null, null, null, null, 'Whether a gate move must prove itself on episodes it was not chosen on.'),
  ('pm', 'flags.learning_overrides_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether strength overrides act.'),
  ('pm', 'flags.learning_overrides_enabled_regimes', 'texts', 'null', true, null, null, null, null, 'Macro phases in which overrides act; null: all.'),
  ('pm', 'flags.tuning_overrides_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether tuning overrides act.'),
  ('pm', 'flags.exposure_skew_enabled', 'boolean', 'true', false, null, null, null, null, 'Whether crowding acts on the size.'),
  ('pm', 'flags.dm_alloc_overrides_enabled', 'boolean', 'false', false, null, null, null, null, 'Whether learned allocation multipliers act.'),
  ('pm', 'flags.ae_v2_enabled', 'boolean', 'true', false, null, null, null, null, 'Tells the PM to compute its posture from flags.'),
  ('decision_maker', 'default_allocation_pct', 'number', '0.10', false, null, 1, 0, null, 'Fraction of the book that an approved token gets.'),
  ('decision_maker', 'start_shares', 'shares', '{"15m": 0.15, "1h": 0.50, "4h": 0.35}', false, null, null, null, null, 'The timeframes and the shares they start from.');

create function learning.setting_fault(setting learning.settings, value jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  number float8;
begin
  if value = 'null'::jsonb then
    return case when not setting.nullable then 'must not be null' end;
  end if;
  case setting.kind
    when 'boolean' then
      return case when jsonb_typeof(value) <> 'boolean' then 'must be true or false' end;
    when 'choice' then
      return case when jsonb_typeof(value) <> 'string' or (value #>> '{}') <> all (setting.choices)
        then 'must be one of ' || array_to_string(setting.choices, ', ') end;
    when 'texts' then
      return case when jsonb_typeof(value) <> 'array' or jsonb_path_exists(value, '$[*] ? (@.type() != "string")')
        then 'must be a list of texts' end;
    when 'masks' then
      return case when jsonb_typeof(value) <> 'array' or jsonb_array_length(value) = 0
        then 'must be a list of dimension lists, or of singles, pairs and full'
        else (
          select 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: ' || entry.value::text
          from jsonb_array_elements(value) as entry(value)
          where case jsonb_typeof(entry.value)
            when 'string' then entry.value #>> '{}' not in ('singles', 'pairs', 'full')
            when 'array' then jsonb_array_length(entry.value) = 0 or exists (
              select from jsonb_array_elements(entry.value) as named(dim)
              where not exists (
                select from public.scope_dimensions known
                where jsonb_typeof(named.dim) = 'string'
                  and (known.dim = named.dim #>> '{}' or (named.dim #>> '{}') = any (known.aliases))
              )
            )
            else true
          end
          limit 1
        ) end;
    when 'shares' then
      if jsonb_typeof(value) <> 'object' or value = '{}'::jsonb
        or exists (select from jsonb_each(value) as share where jsonb_typeof(share.value) <> 'number') then
        return 'must map each timeframe to a fraction';
      end if;
      return (
        select case
          when min(share.value::numeric) < 0.02 or max(share.value::numeric) > 0.96 then 'has a fraction outside 0.02 to 0.96'
          when abs(sum(share.value::numeric) - 1) > 1e-9 then 'has fractions that do not sum to 1'
        end
        from jsonb_each_text(value) as share
      );
    else
      if jsonb_typeof(value) <> 'number' then
        return 'must be a number';
      end if;
      if abs(value::text::numeric) > 1e15 then
        return 'must be at most 1e15';
      end if;
      -- By way of numeric, because a number too small for float8 is an error there and zero here.
      number := round(value::text::numeric, 40)::float8;
      return case
        when setting.kind = 'integer' and number <> floor(number) then 'must be a whole number'
        when setting.minimum is not null and number < setting.minimum then 'must be at least ' || setting.minimum
        when setting.maximum is not null and number > setting.maximum then 'must be at most ' || setting.maximum
        when setting.above is not null and number <= setting.above then 'must be greater than ' || setting.above
      end;
  end case;
end
$$;
comment on function learning.setting_fault(learning.settings, jsonb) is 'Says what is wrong with a configured value, or null.';

create function learning.configuration_faults(module_id text, config_data jsonb)
returns text[]
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive entries (keys, value) as (
    select array[entry.key], entry.value from jsonb_each(case jsonb_typeof(config_data) when 'object' then config_data else '{}'::jsonb end) as entry
    -- Legacy keys of earlier systems are let through.
    where entry.key not in ('timeframe_weights', 'feature_flags')
    union all
    select entries.keys || nested.key, nested.value
    from entries
    cross join lateral jsonb_each(case jsonb_typeof(entries.value) when 'object' then entries.value else '{}'::jsonb end) as nested
    where not exists (
      select from learning.settings known
      where known.module_id = configuration_faults.module_id and string_to_array(known.path, '.') = entries.keys
    )
  ),
  faults as (
    select 'config_data must be an object' as fault where jsonb_typeof(config_data) <> 'object'
    union all
    select 'module_id must be one of ' || string_agg(distinct quote_literal(known.module_id), ', ')
    from learning.settings known
    having not bool_or(known.module_id = configuration_faults.module_id)
    union all
    select known.path || ' ' || learning.setting_fault(known, entries.value)
    from entries
    join learning.settings known
      on known.module_id = configuration_faults.module_id and string_to_array(known.path, '.') = entries.keys
    where learning.setting_fault(known, entries.value) is not null
    union all
    select array_to_string(entries.keys, '.') || case
      when not section.is_known then ' is not a known key'
      when jsonb_typeof(entries.value) <> 'object' then ' must be an object'
    end
    from entries
    cross join lateral (
      select bool_or(string_to_array(known.path, '.') = entries.keys) as is_setting,
        -- A key written with its dots inside is another key.
        bool_or((string_to_array(known.path, '.'))[1:cardinality(entries.keys)] = entries.keys) as is_known
      from learning.settings known
      where known.module_id = configuration_faults.module_id
    ) as section
    where not section.is_setting and not (section.is_known and jsonb_typeof(entries.value) = 'object')
  )
  select coalesce(array_agg(faults.fault order by faults.fault), '{}') from faults;
$$;
comment on function learning.configuration_faults(text, jsonb) is 'Every reason why a configuration cannot be accepted, each with its path; empty where there is none.';
