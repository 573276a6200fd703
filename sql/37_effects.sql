-- Effects: what the slices of at most two pairs say of one behaviour, and what tells how much of it held in
-- weeks that they had not seen. Calibrated strength rests on them alone.

create table public.learning_effect_groups (
  group_id bigint primary key,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  n integer not null,
  mean float8 not null,
  sigma float8 not null,
  kappa_above float8 not null,
  kappa_below float8 not null,
  tau_above float8 not null,
  tau_below float8 not null,
  last_evidence_at timestamptz not null,
  run bigint not null,
  sigma_first float8 not null,
  updated_at timestamptz not null default now(),
  sums_digest text not null,
  unique (pattern_key, action_category, module)
);
create index learning_effect_groups_category_idx
on public.learning_effect_groups (module, action_category);
alter table public.learning_effect_groups enable row level security;
comment on table public.learning_effect_groups is
  'What a group of decisions hands over for calibration: one row per module, pattern key and category.';
comment on column public.learning_effect_groups.group_id is 'The group, as in learning_effects.';
comment on column public.learning_effect_groups.module is 'Who acted.';
comment on column public.learning_effect_groups.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_effect_groups.action_category is 'Category of the action.';
comment on column public.learning_effect_groups.n is 'Decisions of the group.';
comment on column public.learning_effect_groups.mean is
  'Mean of the winsorised outcomes of the module and category when the group was mined.';
comment on column public.learning_effect_groups.sigma is 'Their standard deviation then.';
comment on column public.learning_effect_groups.kappa_above is
  'Sum of p · e: what the slices say of each decision without its own weeks, times what came of it.';
comment on column public.learning_effect_groups.kappa_below is 'Sum of p², the same squared.';
comment on column public.learning_effect_groups.tau_above is
  'Sum of n · (S² - ΣZ²)/(n² - ΣW²) over the slices: what they are about without their own weeks'' luck.';
comment on column public.learning_effect_groups.tau_below is 'Sum of n over the slices.';
comment on column public.learning_effect_groups.last_evidence_at is
  'Close of the newest trade in it; what it says fades from there.';
comment on column public.learning_effect_groups.run is 'Mining cycle in which it was mined last.';
comment on column public.learning_effect_groups.sigma_first is
  'Standard deviation when the group was first mined, which evidence is weighed with.';
comment on column public.learning_effect_groups.updated_at is 'When the row changed last.';
comment on column public.learning_effect_groups.sums_digest is
  'Digest of all sums, those by week and regime too: it tells whether a calibration rests on what holds.';

create table learning.effect_cells (
  group_id bigint not null references public.learning_effect_groups (group_id) on delete cascade,
  half_lives float8[] not null,
  tau_above float8[] not null,
  tau_below float8[] not null,
  weeks integer[] not null,
  regimes text[] not null,
  n integer[] not null,
  told float8[] not null,
  squares float8[] not null,
  primary key (group_id)
);
alter table learning.effect_cells enable row level security;
comment on table learning.effect_cells is
  'The sums of public.learning_effect_groups under each memory, those for κ by week and regime: what memory '
  'and regimes are chosen by.';
comment on column learning.effect_cells.group_id is 'The group.';
comment on column learning.effect_cells.half_lives is
  'The memories that were tried, in weeks; infinity where nothing is forgotten.';
comment on column learning.effect_cells.tau_above is 'By memory, as in learning_effect_groups.';
comment on column learning.effect_cells.tau_below is 'By memory, as in learning_effect_groups.';
comment on column learning.effect_cells.weeks is 'By cell the UTC week, counted from the one of 1970-01-01.';
comment on column learning.effect_cells.regimes is
  'By cell the regime; null where its decisions lack a dimension that makes it.';
comment on column learning.effect_cells.n is 'By cell how many decisions it has.';
comment on column learning.effect_cells.told is 'By memory, then by cell: sum of p · e.';
comment on column learning.effect_cells.squares is 'By memory, then by cell: sum of p².';

create table public.learning_effects (
  group_id bigint not null references public.learning_effect_groups (group_id) on delete cascade,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  dim_1 text,
  code_1 integer not null,
  dim_2 text,
  code_2 integer not null,
  scope_mask integer not null,
  n integer not null,
  total float8 not null,
  faded_n float8[],
  faded_total float8[],
  primary key (group_id, code_1, code_2)
);
alter table public.learning_effects enable row level security;
comment on table public.learning_effects is
  'What each slice of at most two pairs says. A candidate that fills d dimensions is in at most '
  '1 + d + d(d - 1)/2 of them and finds each by its key.';
comment on column public.learning_effects.group_id is 'The group that it is a slice of.';
comment on column public.learning_effects.module is 'Who acted.';
comment on column public.learning_effects.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_effects.action_category is 'Category of the action.';
comment on column public.learning_effects.dim_1 is
  'First dimension, in byte order of their names; null for the empty scope.';
comment on column public.learning_effects.code_1 is
  'Code of its value in learning.scope_values; 0 for the empty scope.';
comment on column public.learning_effects.dim_2 is 'Second dimension; null where there is none.';
comment on column public.learning_effects.code_2 is 'Code of its value; 0 where there is none.';
comment on column public.learning_effects.scope_mask is 'Its dimensions as bits.';
comment on column public.learning_effects.n is 'Its decisions.';
comment on column public.learning_effects.total is
  'Sum of their winsorised outcomes: the excess is (total - n · mean)/sigma, by the mean of the calibration, '
  'which may move.';
comment on column public.learning_effects.faded_n is
  'Its decisions as they weigh under half-lives of 52, 26 and 13 weeks; null where memory is none.';
comment on column public.learning_effects.faded_total is 'Sum of their outcomes under the same weights.';

create type learning.measured_effect as (
  code_1 integer, code_2 integer, n integer, total float8, faded_n float8[], faded_total float8[]
);
comment on type learning.measured_effect is 'A slice as the miner hands it over.';
comment on column learning.measured_effect.code_1 is 'Code of the first pair; 0 for the empty scope.';
comment on column learning.measured_effect.code_2 is 'Code of the second pair; 0 where there is none.';
comment on column learning.measured_effect.n is 'Its decisions.';
comment on column learning.measured_effect.total is 'Sum of their winsorised outcomes.';
comment on column learning.measured_effect.faded_n is 'Its decisions as they weigh under each memory.';
comment on column learning.measured_effect.faded_total is 'Sum of their outcomes under each memory.';

create function learning.measured_effects(effects jsonb)
returns setof learning.measured_effect
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select slice.code_1, slice.code_2, slice.n, slice.total,
    case when slice.n_52 is not null then array[slice.n_52, slice.n_26, slice.n_13] end,
    case when slice.n_52 is not null then array[slice.total_52, slice.total_26, slice.total_13] end
  from unnest(
    (effects ->> 'codes_1')::integer[], (effects ->> 'codes_2')::integer[], (effects #>> '{n,0}')::integer[],
    (effects #>> '{total,0}')::float8[], (effects #>> '{n,1}')::float8[], (effects #>> '{total,1}')::float8[],
    (effects #>> '{n,2}')::float8[], (effects #>> '{total,2}')::float8[], (effects #>> '{n,3}')::float8[],
    (effects #>> '{total,3}')::float8[]
  ) as slice(
    code_1, code_2, n, total, n_52, total_52, n_26, total_26, n_13, total_13
  );
$$;
comment on function learning.measured_effects(jsonb) is
  'The slices of a measured group, whose columns are texts of arrays, under the memories none, 52, 26 and '
  '13 or under none alone.';

create function learning.write_effect_group(leased_group learning.mining_groups, effects jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  sums constant jsonb := effects -> 'sums';
begin
  insert into public.learning_effect_groups as effect_group (
    group_id, module, pattern_key, action_category, n, mean, sigma, kappa_above, kappa_below, tau_above,
    tau_below, last_evidence_at, run, sigma_first, sums_digest
  )
  select leased_group.id, leased_group.module, leased_group.pattern_key, leased_group.action_category,
    (effects ->> 'decisions')::integer, (effects ->> 'mean')::float8, (effects ->> 'sigma')::float8,
    (effects ->> 'kappa_above')::float8, (effects ->> 'kappa_below')::float8,
    ((sums ->> 'tau_above')::float8[])[1], ((sums ->> 'tau_below')::float8[])[1],
    (effects ->> 'last_evidence_at')::timestamptz, (leased_group.run ->> 'cycle')::bigint,
    (leased_group.run ->> 'first_sigma')::float8,
    md5((effects - array['codes_1', 'codes_2', 'n', 'total'])::text)
  on conflict (group_id) do update set
    n = excluded.n, mean = excluded.mean, sigma = excluded.sigma, kappa_above = excluded.kappa_above,
    kappa_below = excluded.kappa_below, tau_above = excluded.tau_above, tau_below = excluded.tau_below,
    last_evidence_at = excluded.last_evidence_at, run = excluded.run, sums_digest = excluded.sums_digest,
    sigma_first = excluded.sigma_first, updated_at = now()
  where (effect_group.sums_digest, effect_group.sigma_first) <> (excluded.sums_digest, excluded.sigma_first);
  insert into learning.effect_cells as cell_set (
    group_id, half_lives, tau_above, tau_below, weeks, regimes, n, told, squares
  )
  select leased_group.id, (sums ->> 'half_lives')::float8[], (sums ->> 'tau_above')::float8[],
    (sums ->> 'tau_below')::float8[], (sums ->> 'weeks')::integer[],
    array(
      select regime.value
      from jsonb_array_elements_text(sums -> 'regimes') with ordinality as regime(value, place)
      order by regime.place
    ),
    (sums ->> 'n')::integer[], (sums ->> 'told')::float8[], (sums ->> 'squares')::float8[]
  on conflict (group_id) do update set
    half_lives = excluded.half_lives, tau_above = excluded.tau_above, tau_below = excluded.tau_below,
    weeks = excluded.weeks, regimes = excluded.regimes, n = excluded.n, told = excluded.told,
    squares = excluded.squares
  where cell_set is distinct from excluded;
end
$$;
comment on function learning.write_effect_group(learning.mining_groups, jsonb) is
  'Writes what a measured group hands over for calibration, as far as it changed.';

create function learning.write_effects(leased_group learning.mining_groups, effects jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  written integer;
begin
  if effects -> 'codes_1' is null then
    delete from public.learning_effect_groups effect_group where effect_group.group_id = leased_group.id;
    get diagnostics written = row_count;
    return written;
  end if;
  perform learning.write_effect_group(leased_group, effects);
  with measured as materialized (
    select slice.* from learning.measured_effects(effects) as slice
  ),
  removed as (
    delete from public.learning_effects effect
    where effect.group_id = leased_group.id
      and (effect.code_1, effect.code_2) not in (select measured.code_1, measured.code_2 from measured)
    returning 1
  ),
  changed as (
    update public.learning_effects effect
    set n = measured.n, total = measured.total, faded_n = measured.faded_n,
      faded_total = measured.faded_total
    from measured
    where effect.group_id = leased_group.id
      and effect.code_1 = measured.code_1 and effect.code_2 = measured.code_2
      and (effect.n, effect.total, effect.faded_n, effect.faded_total)
        is distinct from (measured.n, measured.total, measured.faded_n, measured.faded_total)
    returning 1
  ),
  added as (
    insert into public.learning_effects (
      group_id, module, pattern_key, action_category, dim_1, code_1, dim_2, code_2, scope_mask, n, total,
      faded_n, faded_total
    )
    select leased_group.id, leased_group.module, leased_group.pattern_key, leased_group.action_category,
      first_scope_value.dim, measured.code_1, second_scope_value.dim, measured.code_2,
      coalesce(1 << first_dimension.bit, 0) | coalesce(1 << second_dimension.bit, 0), measured.n,
      measured.total,
      measured.faded_n, measured.faded_total
    from measured
    left join learning.scope_values first_scope_value on first_scope_value.code = measured.code_1
    left join public.scope_dimensions first_dimension on first_dimension.dim = first_scope_value.dim
    left join learning.scope_values second_scope_value on second_scope_value.code = measured.code_2
    left join public.scope_dimensions second_dimension on second_dimension.dim = second_scope_value.dim
    where not exists (
      select from public.learning_effects effect
      where effect.group_id = leased_group.id
        and effect.code_1 = measured.code_1 and effect.code_2 = measured.code_2
    )
    -- Neighbours arrive together.
    order by measured.code_1, measured.code_2
    returning 1
  )
  select (select count(*) from removed) + (select count(*) from changed) + (select count(*) from added)
  into written;
  return written;
end
$$;
comment on function learning.write_effects(learning.mining_groups, jsonb) is
  'Writes the slices of a measured group: those that changed, those that are new, and those that are gone. '
  'Where nothing was measured, the group goes with all of them. Returns how many rows that were.';
