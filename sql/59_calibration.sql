-- Calibration: how much of what the slices of a module and category say held in weeks that they had not seen.

create table public.learning_calibration (
  module text not null,
  action_category text not null,
  mean float8 not null,
  sigma float8 not null,
  kappa float8 not null,
  tau2 float8 not null,
  half_life_weeks float8,
  n integer not null,
  weeks integer not null,
  updated_at timestamptz not null default now(),
  regimes_act boolean not null,
  primary key (module, action_category)
);
alter table public.learning_calibration enable row level security;
comment on table public.learning_calibration is
  'How much of what slices say held in weeks that they had not seen, by module and category.';
comment on column public.learning_calibration.module is 'Who acted.';
comment on column public.learning_calibration.action_category is 'Category of the actions.';
comment on column public.learning_calibration.mean is 'Mean of the winsorised outcomes of its decisions.';
comment on column public.learning_calibration.sigma is 'Their standard deviation: the unit of effects.';
comment on column public.learning_calibration.kappa is
  'Share of what slices say that held, 0 to 1; 0 in fewer than ten weeks.';
comment on column public.learning_calibration.tau2 is
  'Variance of what slices are about, in units of sigma squared; 0 where nothing is beyond luck.';
comment on column public.learning_calibration.half_life_weeks is
  'Half-life of what slices remember; null where nothing is forgotten.';
comment on column public.learning_calibration.n is 'Decisions behind it.';
comment on column public.learning_calibration.weeks is 'Weeks that have decisions.';
comment on column public.learning_calibration.updated_at is 'When the row changed last.';
comment on column public.learning_calibration.regimes_act is
  'Whether the weights of regimes act: telling regimes apart held in weeks that were not seen.';

create table public.learning_regime_weights (
  module text not null,
  action_category text not null,
  regime_signature text not null,
  kappa float8 not null,
  n integer not null,
  weeks integer not null,
  confidence float8 not null,
  updated_at timestamptz not null default now(),
  primary key (module, action_category, regime_signature),
  foreign key (module, action_category)
    references public.learning_calibration (module, action_category) on delete cascade
);
alter table public.learning_regime_weights enable row level security;
comment on table public.learning_regime_weights is
  'How much of what slices say held in each regime; it acts where learning_calibration says that regimes do.';
comment on column public.learning_regime_weights.module is 'Who acted.';
comment on column public.learning_regime_weights.action_category is 'Category of the actions.';
comment on column public.learning_regime_weights.regime_signature is
  'Values of regime_dimensions, joined by |.';
comment on column public.learning_regime_weights.kappa is
  'Share that held in this regime, drawn towards that of all where it has seen little.';
comment on column public.learning_regime_weights.n is 'Decisions of the regime.';
comment on column public.learning_regime_weights.weeks is 'Weeks that have such.';
comment on column public.learning_regime_weights.confidence is
  'Share of its own decisions in kappa, 0 to 1.';
comment on column public.learning_regime_weights.updated_at is 'When the row changed last.';

create table learning.calibrated_sums (
  module text not null,
  action_category text not null,
  sums_digest text not null,
  primary key (module, action_category)
);
alter table learning.calibrated_sums enable row level security;
comment on table learning.calibrated_sums is 'What each module and category was calibrated from.';
comment on column learning.calibrated_sums.module is 'Who acted.';
comment on column learning.calibrated_sums.action_category is 'Category of the actions.';
comment on column learning.calibrated_sums.sums_digest is
  'Digest of the sums of its groups and of what they are measured against.';

create function learning.sums_to_calibrate()
returns table (module text, action_category text, sums_digest text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select module, action_category, present.sums_digest
  from (
    select basis.module, basis.action_category,
      md5(concat_ws(' ', basis.n, basis.mean, basis.sigma, (
        select string_agg(effect_group.sums_digest, ' ' order by effect_group.group_id)
        from public.learning_effect_groups effect_group
        where effect_group.module = basis.module and effect_group.action_category = basis.action_category
      ))) as sums_digest
    from learning.effect_bases basis
  ) as present
  full join learning.calibrated_sums calibrated_sum using (module, action_category)
  where present.sums_digest is distinct from calibrated_sum.sums_digest;
$$;
comment on function learning.sums_to_calibrate() is
  'Modules and categories whose groups, or what these are measured against, changed since they were '
  'calibrated, with the digest of what they are to be calibrated from; null where nothing is left.';

create function learning.category_cells(p_module text, p_action_category text, p_half_life float8)
returns table (week integer, regime text, n bigint, told float8, squares float8)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select cell.week, cell.regime, sum(cell.n), sum(cell.told order by cell.group_id),
    sum(cell.squares order by cell.group_id)
  from (
    select effect_group.group_id, unnest(cell_set.weeks) as week, unnest(cell_set.regimes) as regime,
      unnest(cell_set.n) as n, unnest(cell_set.told[memory.first_cell : memory.last_cell]) as told,
      unnest(cell_set.squares[memory.first_cell : memory.last_cell]) as squares
    from public.learning_effect_groups effect_group
    join learning.effect_cells cell_set using (group_id)
    cross join lateral (
      select (place - 1) * cardinality(cell_set.weeks) + 1 as first_cell,
        place * cardinality(cell_set.weeks) as last_cell
      from array_position(cell_set.half_lives, p_half_life) as place
    ) as memory
    where effect_group.module = p_module and effect_group.action_category = p_action_category
  ) as cell
  group by cell.week, cell.regime;
$$;
comment on function learning.category_cells(text, text, float8) is
  'The sums of all groups of a module and category under one memory, by week and regime.';

create function learning.category_sums(p_module text, p_action_category text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'n', (
      select sum(effect_group.n) from public.learning_effect_groups effect_group
      where effect_group.module = p_module and effect_group.action_category = p_action_category
    ),
    'cells', (
      select jsonb_agg(
        jsonb_build_object('week', cell.week, 'regime', cell.regime, 'n', cell.n)
        order by cell.week, cell.regime collate "C"
      )
      from learning.category_cells(p_module, p_action_category, 'infinity') as cell
    ),
    'memories', jsonb_agg(jsonb_build_object(
      'half_life', nullif(memory.half_life, 'infinity'), 'tau_above', memory.tau_above,
      'tau_below', memory.tau_below, 'told', cells.told, 'squares', cells.squares
    ) order by memory.half_life desc)
  )
  from (
    select tried.half_life, sum(tried.tau_above order by tried.group_id) as tau_above,
      sum(tried.tau_below order by tried.group_id) as tau_below, count(*) as groups
    from (
      select effect_group.group_id, unnest(cell_set.half_lives) as half_life,
        unnest(cell_set.tau_above) as tau_above, unnest(cell_set.tau_below) as tau_below
      from public.learning_effect_groups effect_group
      join learning.effect_cells cell_set using (group_id)
      where effect_group.module = p_module and effect_group.action_category = p_action_category
    ) as tried
    group by tried.half_life
  ) as memory
  cross join lateral (
    select jsonb_agg(cell.told order by cell.week, cell.regime collate "C") as told,
      jsonb_agg(cell.squares order by cell.week, cell.regime collate "C") as squares
    from learning.category_cells(p_module, p_action_category, memory.half_life) as cell
  ) as cells
  -- While a change of the configuration is under way some groups were mined under fewer memories.
  where memory.groups = (
    select count(*) from public.learning_effect_groups effect_group
    where effect_group.module = p_module and effect_group.action_category = p_action_category
  );
$$;
comment on function learning.category_sums(text, text) is
  'The sums of all groups of a module and category under each memory that all of them were measured under.';

create function public.read_calibration_sums()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'module', due_sum.module, 'action_category', due_sum.action_category, 'sums_digest', due_sum.sums_digest,
    'basis', (
      select jsonb_build_object('n', basis.n, 'mean', basis.mean, 'sigma', basis.sigma)
      from learning.effect_bases basis
      where basis.module = due_sum.module and basis.action_category = due_sum.action_category
    ),
    'sums', case
      when exists (
        select from public.learning_effect_groups effect_group
        where effect_group.module = due_sum.module and effect_group.action_category = due_sum.action_category
      ) then learning.category_sums(due_sum.module, due_sum.action_category)
    end
  ) order by due_sum.module, due_sum.action_category), '[]'::jsonb)
  from learning.sums_to_calibrate() as due_sum;
$$;
comment on function public.read_calibration_sums() is
  'What is to be calibrated anew: modules and categories with the sums of their groups. For the edge '
  'functions.';

create function learning.write_calibration(given jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  p_module constant text := given ->> 'module';
  p_action_category constant text := given ->> 'action_category';
begin
  if given -> 'calibration' = 'null' then
    delete from public.learning_calibration calibration
    where calibration.module = p_module and calibration.action_category = p_action_category;
  else
    insert into public.learning_calibration as calibration (
      module, action_category, mean, sigma, kappa, tau2, half_life_weeks, n, weeks, regimes_act
    )
    select p_module, p_action_category, told.mean, told.sigma, told.kappa, told.tau2, told.half_life_weeks,
      told.n, told.weeks, told.regimes_act
    from jsonb_to_record(given -> 'calibration') as told(
      mean float8, sigma float8, kappa float8, tau2 float8, half_life_weeks float8, n integer, weeks integer,
      regimes_act boolean
    )
    on conflict (module, action_category) do update set
      mean = excluded.mean, sigma = excluded.sigma, kappa = excluded.kappa, tau2 = excluded.tau2,
      half_life_weeks = excluded.half_life_weeks, n = excluded.n, weeks = excluded.weeks,
      regimes_act = excluded.regimes_act, updated_at = now()
    where (calibration.mean, calibration.sigma, calibration.kappa, calibration.tau2,
        calibration.half_life_weeks, calibration.n, calibration.weeks, calibration.regimes_act)
      is distinct from (excluded.mean, excluded.sigma, excluded.kappa, excluded.tau2,
        excluded.half_life_weeks, excluded.n, excluded.weeks, excluded.regimes_act);
    with told as (
      select regime.* from jsonb_to_recordset(given #> '{calibration,regimes}') as regime(
        signature text, kappa float8, n integer, weeks integer, confidence float8
      )
    ),
    removed as (
      delete from public.learning_regime_weights regime_weight
      where regime_weight.module = p_module and regime_weight.action_category = p_action_category
        and regime_weight.regime_signature not in (select told.signature from told)
    )
    insert into public.learning_regime_weights as regime_weight (
      module, action_category, regime_signature, kappa, n, weeks, confidence
    )
    select p_module, p_action_category, told.signature, told.kappa, told.n, told.weeks, told.confidence
    from told
    on conflict (module, action_category, regime_signature) do update set
      kappa = excluded.kappa, n = excluded.n, weeks = excluded.weeks, confidence = excluded.confidence,
      updated_at = now()
    where (regime_weight.kappa, regime_weight.n, regime_weight.weeks, regime_weight.confidence)
      is distinct from (excluded.kappa, excluded.n, excluded.weeks, excluded.confidence);
  end if;
  if given -> 'sums_digest' = 'null' then
    delete from learning.calibrated_sums calibrated_sum
    where calibrated_sum.module = p_module and calibrated_sum.action_category = p_action_category;
  else
    insert into learning.calibrated_sums (module, action_category, sums_digest)
    values (p_module, p_action_category, given ->> 'sums_digest')
    on conflict (module, action_category) do update set sums_digest = excluded.sums_digest;
  end if;
end
$$;
comment on function learning.write_calibration(jsonb) is
  'Writes what a module and category was calibrated to, as far as it changed, or takes it away where '
  'there is nothing to calibrate.';

create function public.write_calibrations(p_calibrations jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  due record;
  written integer := 0;
begin
  -- One at a time; who comes second finds that nothing is left.
  perform pg_advisory_xact_lock(hashtextextended('write_calibrations', 0));
  for due in
    select given.calibration
    from jsonb_array_elements(p_calibrations) as given(calibration)
    join learning.sums_to_calibrate() as due_sum
      on due_sum.module = given.calibration ->> 'module'
      and due_sum.action_category = given.calibration ->> 'action_category'
      -- What changed since it was read is calibrated from what holds then.
      and due_sum.sums_digest is not distinct from given.calibration ->> 'sums_digest'
  loop
    perform learning.write_calibration(due.calibration);
    written := written + 1;
  end loop;
  return written;
end
$$;
comment on function public.write_calibrations(jsonb) is
  'Writes calibrations whose sums still hold; returns how many. For the edge functions.';

create function learning.tau2_of(p_module text, p_action_category text)
returns float8
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select calibration.tau2 from public.learning_calibration calibration
  where calibration.module = p_module and calibration.action_category = p_action_category;
$$;
comment on function learning.tau2_of(text, text) is
  'Variance of what slices of a module and category are about; null where it was not calibrated.';
