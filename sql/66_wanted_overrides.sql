-- Wanted overrides: what lessons want of pm_overrides, brought within what it lets in.

create type learning.wanted_override as (
  override_type text,
  pattern_key text,
  action_category text,
  scope_subset jsonb,
  multiplier float8,
  value float8,
  dir_a float8,
  dir_e float8,
  edge_raw float8,
  n integer,
  variance float8,
  confidence_score float8,
  decay_state text,
  half_life_hours float8,
  lesson_id bigint,
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  scope_digest text,
  remark text
);
comment on type learning.wanted_override is
  'An override as a lesson wants it, in the shape of pm_overrides; null where the lesson does not say.';
comment on column learning.wanted_override.override_type is 'What it acts on.';
comment on column learning.wanted_override.pattern_key is 'Behaviour it applies to, dotted.';
comment on column learning.wanted_override.action_category is 'Action it applies to; for tuning the lever.';
comment on column learning.wanted_override.scope_subset is 'Scope of the lesson.';
comment on column learning.wanted_override.multiplier is 'Factor on the size, or on the lever.';
comment on column learning.wanted_override.value is 'Additive change of the lever.';
comment on column learning.wanted_override.dir_a is 'Direction for the appetite to add.';
comment on column learning.wanted_override.dir_e is 'Direction for the assertiveness to exit.';
comment on column learning.wanted_override.edge_raw is 'Edge it rests on.';
comment on column learning.wanted_override.n is 'Trades or windows it rests on.';
comment on column learning.wanted_override.variance is 'Variance of their outcomes.';
comment on column learning.wanted_override.confidence_score is 'Trust in it, 0 to 1.';
comment on column learning.wanted_override.decay_state is
  'Whether the edge is stable, improving or decaying.';
comment on column learning.wanted_override.half_life_hours is 'Half-life of the edge.';
comment on column learning.wanted_override.lesson_id is 'The lesson.';
comment on column learning.wanted_override.first_active_at is 'When the lesson first became active.';
comment on column learning.wanted_override.last_evidence_at is 'Newest evidence behind it.';
comment on column learning.wanted_override.scope_digest is 'Short form of scope_subset.';
comment on column learning.wanted_override.remark is 'What the log says of it besides its figures.';

create type learning.lapsed_override as (override_id bigint, reason text);
comment on type learning.lapsed_override is 'An override of the loop that is no longer wanted.';
comment on column learning.lapsed_override.override_id is 'The override.';
comment on column learning.lapsed_override.reason is 'Why, for a person to read.';

create function learning.writable_overrides(
  wanted_overrides learning.wanted_override[],
  out writable learning.wanted_override[],
  out cut bigint[],
  out refused learning.wanted_override[]
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  registered constant text[] := array(select dimension.dim from public.scope_dimensions dimension);
begin
  with judged as materialized (
    select wanted.*,
      -- Within what the table lets in: a lesson may lie outside, and one row refused would stop all others.
      -- Written out, because calls of learning.clamp would take a seventh of the time when nothing changed.
      case when wanted.multiplier is not null then greatest(1e-6, least(1e6, wanted.multiplier)) end
        as held_multiplier,
      greatest(-1e6, least(1e6, coalesce(wanted.edge_raw, 0))) as held_edge,
      least(1e12, coalesce(wanted.variance, 0)) as held_variance,
      case when wanted.half_life_hours > 0 then greatest(1, least(1e9, wanted.half_life_hours)) end
        as held_half_life,
      case
        when wanted.scope_subset - registered <> '{}' then 'It names a dimension that is no longer registered'
        -- NaN lies above every number: cut to what the table lets in it would be the largest there is.
        when greatest(wanted.multiplier, wanted.value, wanted.dir_a, wanted.dir_e, wanted.edge_raw,
          wanted.variance, wanted.confidence_score, wanted.half_life_hours) = 'NaN'
          then 'A figure of its lesson is not a number'
      end as fault
    from unnest(wanted_overrides) as wanted
  )
  select
    array_agg(row(
      judged.override_type, judged.pattern_key, judged.action_category, judged.scope_subset,
      judged.held_multiplier, judged.value, coalesce(judged.dir_a, 0), coalesce(judged.dir_e, 0),
      judged.held_edge, judged.n, judged.held_variance, judged.confidence_score,
      coalesce(judged.decay_state, 'insufficient'), judged.held_half_life, judged.lesson_id,
      coalesce(judged.first_active_at, now()), judged.last_evidence_at, judged.scope_digest, judged.remark
    )::learning.wanted_override) filter (where judged.fault is null),
    array_agg(judged.lesson_id) filter (
      where judged.fault is null and (judged.held_multiplier <> judged.multiplier
        or judged.held_edge <> judged.edge_raw or judged.held_variance <> judged.variance
        or judged.held_half_life <> judged.half_life_hours)
    ),
    -- With its fault in place of the remark.
    array_agg(row(
      judged.override_type, judged.pattern_key, judged.action_category, judged.scope_subset,
      null, null, null, null, null, null, null, null, null, null,
      judged.lesson_id, null, null, judged.scope_digest, judged.fault
    )::learning.wanted_override) filter (where judged.fault is not null)
  into writable, cut, refused
  from judged;
end
$$;
comment on function learning.writable_overrides(learning.wanted_override[]) is
  'Wanted overrides with what a lesson does not say filled in and every figure within what pm_overrides lets '
  'in, the lessons of which a figure was cut to it, and those that cannot be written, with the fault as '
  'remark.';

create function learning.figures_wanted(wanted learning.wanted_override)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return to_jsonb(wanted) - array[
    'override_type', 'pattern_key', 'action_category', 'scope_subset', 'scope_digest', 'first_active_at',
    'remark'
  ];
end
$$;
comment on function learning.figures_wanted(learning.wanted_override) is
  'What a lesson wants of an override, without where.';

create function learning.is_larger_move(former float8, wanted float8)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(former, 0) * coalesce(wanted, 0) < 0
    or abs(coalesce(wanted, 0)) > 1.5 * abs(coalesce(former, 0));
end
$$;
comment on function learning.is_larger_move(float8, float8) is
  'Whether an override would pull the other way, or half as hard again.';
