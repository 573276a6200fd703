-- Settings: what may be configured, with defaults and ranges in one table.

create table learning.settings (
  module_id text not null,
  path text not null,
  keys text[] not null generated always as (string_to_array(path, '.')) stored,
  kind text not null check (kind in ('number', 'integer', 'boolean', 'choice', 'texts', 'masks', 'shares')),
  default_value jsonb not null,
  nullable boolean not null default false,
  minimum float8,
  maximum float8,
  choices text[],
  description text not null,
  primary key (module_id, path),
  -- Formulas take what is configured as it is: between these bounds they stay within the range of float8.
  constraint settings_numbers_have_a_range check (
    (kind in ('number', 'integer')) = (minimum is not null and maximum is not null and minimum < maximum)
  ),
  constraint settings_ranges_are_finite check (minimum > '-infinity' and maximum < 'infinity'),
  constraint settings_choices_are_listed check ((kind = 'choice') = (choices is not null))
);
alter table learning.settings enable row level security;
comment on table learning.settings is
  'Every configuration key with its default, type and range: the one place that says what may be configured.';
comment on column learning.settings.module_id is 'Row of learning_configs that the key belongs to.';
comment on column learning.settings.path is 'Key, dotted where it is nested.';
comment on column learning.settings.keys is 'The same as the keys on the way to it.';
comment on column learning.settings.kind is
  'Type of the value; masks is a list of dimension lists or of singles, pairs and full; shares maps '
  'timeframes to fractions that sum to 1.';
comment on column learning.settings.default_value is 'Value that holds while the key is not set.';
comment on column learning.settings.nullable is 'Whether null may be set.';
comment on column learning.settings.minimum is 'Smallest number accepted; every number has one.';
comment on column learning.settings.maximum is 'Largest number accepted; every number has one.';
comment on column learning.settings.choices is 'Texts accepted, for a choice.';
comment on column learning.settings.description is 'What the key does.';

insert into learning.settings
  (module_id, path, kind, default_value, nullable, minimum, maximum, description) values
  ('pm', 'outcome_scale', 'number', '1.0', false, 1e-6, 1e6,
    'What one unit of outcome means to this strategy; a scalper sets it small.'),
  ('pm', 'n_min', 'integer', '33', false, 2, 1e6,
    'Fewest trades that make a slice.'),
  ('pm', 'edge_min', 'number', '0.05', false, 0, 1e6,
    'Smallest absolute edge of an active lesson.'),
  ('pm', 'incremental_min', 'number', 'null', true, 0, 1e6,
    'Smallest absolute edge beyond the best parent scope; null asks for none.'),
  ('pm', 'max_q_value', 'number', '0.10', true, 0, 1,
    'Largest false discovery rate of an active lesson; null switches the test off.'),
  ('pm', 'max_lessons_per_group', 'integer', '5000', false, 1, 100000,
    'Most lessons kept for one group; scopes of at most one dimension are always kept.'),
  ('pm', 'staleness_half_life_hours', 'number', '720', false, 1, 1e9,
    'Hours without new evidence after which an override acts half as much.'),
  ('pm', 'cpu_budget_ms', 'integer', '1200', false, 50, 10000,
    'CPU time after which an invocation saves its place and hands over.'),
  ('pm', 'mining_workers', 'integer', '4', false, 1, 64,
    'Invocations that mine side by side.'),
  ('pm', 'edge_scale', 'number', '0.10', false, 1e-6, 1e6,
    'Edge at which edge-weighted blending gives about three quarters of the full weight.'),
  ('pm', 'steering.base', 'number', '0.03', false, 0, 1,
    'Steering strength at zero confidence.'),
  ('pm', 'steering.gain', 'number', '0.20', false, 0, 1,
    'Steering strength gained at full confidence.'),
  ('pm', 'steering.max', 'number', '0.22', false, 0, 1,
    'Largest steering strength.'),
  ('pm', 'steering.confidence_min', 'number', '0.40', false, 0, 1,
    'Overrides below this confidence are ignored where one at or above it matches.'),
  ('pm', 'steering.roi_scale', 'number', '0.10', false, 1e-6, 1e6,
    'ROI at which a trade has about three quarters of the full weight in the posture directions.'),
  ('pm', 'steering.base_bias', 'number', '0', false, -1, 1,
    'Share of the blended edge added to the appetite.'),
  ('pm', 'exposure.alpha', 'number', '1.0', false, 1e-6, 1e6,
    'Weight of exposure in the same scope.'),
  ('pm', 'exposure.beta', 'number', '0.5', false, 0, 1e6,
    'Weight of exposure in the same scope under the same pattern key.'),
  ('pm', 'exposure.weight_exponent', 'number', '0.5', false, 0, 10,
    'How much more a mask of heavier dimensions counts.'),
  ('pm', 'exposure.cap', 'number', 'null', true, 1e-6, 1e6,
    'Exposure that reads as full crowding where the total is larger; null: the total.'),
  ('pm', 'tuning.lookback_days', 'number', '90', false, 0.001, 36500,
    'Days before the newest episode that tuning looks at.'),
  ('pm', 'tuning.min_ratio', 'number', '2.0', false, 0, 1e6,
    'Smallest gain per cost of a gate move.'),
  ('pm', 'tuning.min_gain', 'integer', '3', false, 0, 1e6,
    'Smallest gain of a gate move.'),
  ('pm', 'tuning.cautious_dodge_rate', 'number', '0.90', false, 0, 1,
    'Dodge rate from which loosening needs the cautious ratio.'),
  ('pm', 'tuning.cautious_ratio', 'number', '4.0', false, 0, 1e6,
    'Smallest gain per cost of loosening where the dodge rate is high.'),
  ('decision_maker', 'default_allocation_pct', 'number', '0.10', false, 1e-6, 1,
    'Fraction of the book that an approved token gets.');

insert into learning.settings (module_id, path, kind, default_value, choices, description) values
  ('pm', 'strength_mode', 'choice', '"posture"', '{posture,multiplier,edge_weighted}',
    'How learned strength acts on the size.'),
  ('pm', 'outcome', 'choice', '"roi"', '{roi,rr}',
    'What a trade is judged by.'),
  ('pm', 'cluster', 'choice', '"auto"', '{auto,week,day,none}',
    'Trades of the same week or day share the market''s luck and are tested as one cluster.'),
  ('pm', 'baseline', 'choice', '"global"', '{global,category}',
    'What a slice is compared with: all trades, or those with an action of the same category.'),
  ('pm', 'selection', 'choice', '"distinct"', '{distinct,exhaustive}',
    'One lesson for each distinct set of trades, or one for each scope subset.'),
  ('pm', 'decay.source', 'choice', '"events"', '{events,history}',
    'Series that decay is fitted to: trades, or earlier snapshots of the edge.');

insert into learning.settings (module_id, path, kind, default_value, nullable, description) values
  ('pm', 'steering.relative', 'boolean', 'false', false,
    'Whether directions are measured against the module''s own.'),
  ('pm', 'tuning.confirm', 'boolean', 'true', false,
    'Whether a gate move must prove itself on episodes it was not chosen on.'),
  ('pm', 'exposure.masks', 'masks', '["singles", "pairs", "full"]', true,
    'Dimension sets that crowding is measured on.'),
  ('pm', 'flags.learning_overrides_enabled', 'boolean', 'true', false,
    'Whether strength overrides act.'),
  ('pm', 'flags.learning_overrides_enabled_regimes', 'texts', 'null', true,
    'Macro phases in which overrides act; null: all.'),
  ('pm', 'flags.tuning_overrides_enabled', 'boolean', 'true', false,
    'Whether tuning overrides act.'),
  ('pm', 'flags.exposure_skew_enabled', 'boolean', 'true', false,
    'Whether crowding acts on the size.'),
  ('pm', 'flags.dm_alloc_overrides_enabled', 'boolean', 'false', false,
    'Whether learned allocation multipliers act.'),
  ('pm', 'flags.ae_v2_enabled', 'boolean', 'true', false,
    'Tells the PM to compute its posture from flags.'),
  ('decision_maker', 'start_shares', 'shares', '{"15m": 0.15, "1h": 0.50, "4h": 0.35}', false,
    'The timeframes and the shares they start from.');

create function learning.accepted_values(setting learning.settings)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case setting.kind
    when 'number' then format('a number from %s to %s', setting.minimum, setting.maximum)
    when 'integer' then format('a whole number from %s to %s', setting.minimum, setting.maximum)
    when 'boolean' then 'true or false'
    when 'choice' then 'one of ' || array_to_string(setting.choices, ', ')
    when 'texts' then 'a list of texts'
    when 'masks' then 'a list of dimension lists, or of singles, pairs and full'
    when 'shares' then format(
      'fractions from %s to %s by timeframe that sum to 1', learning.least_share(), learning.greatest_share()
    )
  end || case when setting.nullable then ', or null' else '' end;
end
$$;
comment on function learning.accepted_values(learning.settings) is
  'What a configuration key may hold, in words.';

create function learning.is_number_within(value jsonb, lowest float8, highest float8)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- As a decimal, because not every number of JSON is one of float8.
  number constant numeric := case when jsonb_typeof(value) = 'number' then value::numeric end;
begin
  return coalesce(
    case when abs(number) < 1e-12 then 0 else number end between lowest::numeric and highest::numeric, false
  );
end
$$;
comment on function learning.is_number_within(jsonb, float8, float8) is
  'Whether a value is a number between two bounds, where what is nearer to 0 than 1e-12 counts as 0.';

create function learning.are_shares(value jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(value) <> 'object' then
    return false;
  end if;
  if exists (
    select from jsonb_each(value) as share
    where not learning.is_number_within(share.value, learning.least_share(), learning.greatest_share())
  ) then
    return false;
  end if;
  return (
    select coalesce(abs(sum(share.value::numeric) - 1) <= 1e-9, false) from jsonb_each(value) as share
  );
end
$$;
comment on function learning.are_shares(jsonb) is 'Whether a value maps timeframes to shares of one book.';

create function learning.unknown_mask(masks jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select entry.value
    from jsonb_array_elements(masks) with ordinality as entry(value, place)
    where case jsonb_typeof(entry.value)
      when 'string' then entry.value #>> '{}' not in ('singles', 'pairs', 'full')
      when 'array' then entry.value = '[]'::jsonb or exists (
        select from jsonb_array_elements(entry.value) as named(dim)
        where jsonb_typeof(named.dim) <> 'string' or not exists (
          select from public.scope_dimensions dimension
          where dimension.dim = named.dim #>> '{}' or named.dim #>> '{}' = any (dimension.aliases)
        )
      )
      else true
    end
    order by entry.place
    limit 1
  );
end
$$;
comment on function learning.unknown_mask(jsonb) is
  'First entry of a list that is neither a list of registered dimensions nor singles, pairs or full; null '
  'where there is none.';

create function learning.setting_fault(setting learning.settings, value jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  fits constant boolean := case
    when value = 'null'::jsonb then setting.nullable
    else case setting.kind
      when 'number' then learning.is_number_within(value, setting.minimum, setting.maximum)
      when 'integer' then case
        when learning.is_number_within(value, setting.minimum, setting.maximum)
          then value::numeric = trunc(value::numeric)
        else false
      end
      when 'boolean' then jsonb_typeof(value) = 'boolean'
      when 'choice' then jsonb_typeof(value) = 'string' and value #>> '{}' = any (setting.choices)
      when 'texts' then jsonb_typeof(value) = 'array'
        and not jsonb_path_exists(value, 'strict $[*] ? (@.type() != "string")')
      when 'masks' then jsonb_typeof(value) = 'array' and value <> '[]'::jsonb
      when 'shares' then learning.are_shares(value)
    end
  end;
  unknown_mask jsonb;
begin
  if not fits then
    return format('must be %s, not %s', learning.accepted_values(setting), learning.shortened(value::text));
  end if;
  if setting.kind = 'masks' and value <> 'null'::jsonb then
    unknown_mask := learning.unknown_mask(value);
  end if;
  return 'has an entry that is neither a list of registered dimensions nor singles, pairs or full: '
    || learning.shortened(unknown_mask::text);
end
$$;
comment on function learning.setting_fault(learning.settings, jsonb) is
  'Says what is wrong with a configured value, which range holds and what was given; null where nothing is '
  'wrong.';
