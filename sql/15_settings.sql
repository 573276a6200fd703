-- Settings: what may be configured, with defaults and ranges in one table.

create table learning.settings (
  module_id text not null,
  path text not null,
  keys text[] not null generated always as (string_to_array(path, '.')) stored,
  kind text not null check (kind in (
    'number', 'number_or_auto', 'integer', 'boolean', 'choice', 'text', 'texts', 'dimensions', 'masks',
    'shares'
  )),
  default_value jsonb not null,
  nullable boolean not null default false,
  minimum float8,
  maximum float8,
  choices text[],
  description text not null,
  primary key (module_id, path),
  -- Formulas take what is configured as it is: between these bounds they stay within the range of float8.
  constraint settings_numbers_have_a_range check (
    (kind in ('number', 'number_or_auto', 'integer'))
      = (minimum is not null and maximum is not null and minimum < maximum)
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
  'Type of the value; number_or_auto is a number or "auto"; dimensions are registered ones; masks is a list '
  'of dimension lists or of singles, pairs and full; shares maps timeframes to fractions that sum to 1.';
comment on column learning.settings.default_value is 'Value that holds while the key is not set.';
comment on column learning.settings.nullable is 'Whether null may be set.';
comment on column learning.settings.minimum is 'Smallest number accepted; every number has one.';
comment on column learning.settings.maximum is 'Largest number accepted; every number has one.';
comment on column learning.settings.choices is 'Texts accepted, for a choice.';
comment on column learning.settings.description is 'What the key does.';

insert into learning.settings
  (module_id, path, kind, default_value, nullable, minimum, maximum, description) values
  ('pm', 'outcome_scale', 'number_or_auto', '"auto"', false, 1e-6, 1e6,
    'Unit that edges are measured in: what one unit of outcome means to this strategy, or the deviation of '
    'the category''s outcomes (auto).'),
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
  ('pm', 'near_misses', 'integer', '200', true, 0, 100000,
    'How many of the strongest lessons are kept of those that are neither believed nor about at most one '
    'dimension; null: all.'),
  ('pm', 'staleness_half_life_hours', 'number', '720', false, 1, 1e9,
    'Hours without new evidence after which an override acts half as much.'),
  ('pm', 'cpu_budget_ms', 'integer', '1200', false, 50, 10000,
    'CPU time after which an invocation saves its place and hands over.'),
  ('pm', 'mining_workers', 'integer', '4', false, 1, 64,
    'Invocations that mine side by side.'),
  ('pm', 'edge_scale', 'number', '1.0', false, 1e-6, 1e6,
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
  ('pm', 'exposure.empty', 'number', '1.33', false, 0.33, 1.33,
    'Exposure skew of a book that holds nothing; 1 is neutral.'),
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
  ('pm', 'tuning.ts_min', 'number', 'null', true, -1e6, 1e6,
    'Threshold of the ts gate for windows that name none; null: none, they are left out of simulation.'),
  ('pm', 'tuning.halo_max', 'number', 'null', true, -1e6, 1e6,
    'Threshold of the halo gate for windows that name none; null: none, they are left out of simulation.'),
  ('pm', 'tuning.slope_min', 'number', 'null', true, -1e6, 1e6,
    'Threshold of the slope gate for windows that name none; null: none, they are left out of simulation.'),
  ('pm', 'experiment.holdout', 'number', '0', false, 0, 0.5,
    'Share of subjects whose sizes stay as they were before anything learned, where take_pm_sizing is asked; '
    '0: no experiment.'),
  ('decision_maker', 'default_allocation_pct', 'number', '0.10', false, 1e-6, 1,
    'Fraction of the book that an approved token gets.');

insert into learning.settings (module_id, path, kind, default_value, choices, description) values
  ('pm', 'strength_mode', 'choice', '"posture"', '{posture,multiplier,edge_weighted,calibrated}',
    'How learned strength acts on the size.'),
  ('pm', 'record_sizings', 'choice', '"off"', '{off,sampled,all}',
    'Which answers of take_pm_sizing are kept for 90 days: none, those of one subject in a hundred, or all. '
    'An experiment needs all.'),
  ('pm', 'approval', 'choice', '"none"', '{none,required}',
    'Whether an override that is new, changes its sign or pulls half as hard again waits for an operator.'),
  ('pm', 'outcome', 'choice', '"roi"', '{roi,rr}',
    'What a trade is judged by.'),
  ('pm', 'add_outcome', 'choice', '"own"', '{own,trade}',
    'What an add is judged by: its own return, or the whole trade.'),
  ('pm', 'trim_outcome', 'choice', '"own"', '{own,trade}',
    'What a trim is judged by: what it saved, or the whole trade.'),
  ('pm', 'exit_outcome', 'choice', '"regret"', '{regret,trade}',
    'What an exit is judged by: what it missed, or the whole trade.'),
  ('pm', 'exposure.measure', 'choice', '"allocation"', '{allocation,value}',
    'What a position counts as exposure: its intended allocation, or what it holds in USD.'),
  ('decision_maker', 'allocation_unit', 'choice', '"fraction"', '{fraction,percent}',
    'How total_allocation_pct of positions is written: 0.05 or 5 for a twentieth of the book.'),
  ('pm', 'cluster', 'choice', '"week"', '{week,day,span,none,auto}',
    'Decisions of the same week or day share the market''s luck and are tested as one cluster; span takes '
    'weeks from 26 weeks on, else days; auto, of earlier releases, is read as week.'),
  ('pm', 'baseline', 'choice', '"category"', '{category,global}',
    'What a slice is compared with: all decisions of its category, or all trades.'),
  ('pm', 'fdr', 'choice', '"by"', '{by,bh}',
    'How false discovery is reckoned: however slices overlap (Benjamini and Yekutieli), or as if they did '
    'not (Benjamini and Hochberg).'),
  ('pm', 'memory', 'choice', '"auto"', '{auto,none}',
    'Whether what is long past may count less where that was borne out.'),
  ('pm', 'selection', 'choice', '"distinct"', '{distinct,exhaustive}',
    'One lesson for each distinct set of trades, or one for each scope subset.'),
  ('pm', 'decay.source', 'choice', '"events"', '{events,history}',
    'Series that decay is fitted to: trades, or earlier snapshots of the edge.');

insert into learning.settings (module_id, path, kind, default_value, nullable, description) values
  ('pm', 'steering.relative', 'boolean', 'true', false,
    'Whether directions are measured against those of all the module''s decisions of the category.'),
  ('pm', 'representatives_only', 'boolean', 'true', false,
    'Whether of a family of lessons only the one that represents it becomes an override.'),
  ('pm', 'refuse_selected', 'boolean', 'true', false,
    'Whether a trim or exit that is judged by the whole trade, and only ever happens in trades of one sign, '
    'is kept from being believed.'),
  ('pm', 'experiment.salt', 'text', '""', false,
    'Whatever is written here draws other subjects to be held out.'),
  ('pm', 'regime_dimensions', 'dimensions', '["macro_phase"]', false,
    'Dimensions whose values together are a regime.'),
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
  ('pm', 'flags.rescale_positions', 'boolean', 'true', false,
    'Whether positions are rescaled when the shares of timeframes move.'),
  ('pm', 'flags.require_proof', 'boolean', 'false', false,
    'Whether strength and levers act only while the newest proof of this configuration and release is '
    'shown.'),
  ('pm', 'flags.ae_v2_enabled', 'boolean', 'true', false,
    'Tells the PM to compute its posture from flags.'),
  ('decision_maker', 'start_shares', 'shares', '{"15m": 0.15, "1h": 0.50, "4h": 0.35}', false,
    'The timeframes and the shares they start from.');
