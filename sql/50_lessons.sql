-- Lessons: what was learned, and how its edge developed.

create table public.learning_lessons (
  id bigint generated always as identity primary key,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  scope_subset jsonb not null,
  scope_mask integer not null,
  lesson_type text not null check (lesson_type in ('pm_strength', 'tuning_rates', 'dm_alloc')),
  n integer not null,
  stats jsonb not null,
  edge_raw float8,
  p_value float8,
  q_value float8,
  decay_halflife_hours float8,
  status text not null check (status in ('candidate', 'active', 'deprecated')),
  first_active_at timestamptz,
  last_evidence_at timestamptz,
  updated_at timestamptz not null default now(),
  scope_digest text not null generated always as (md5(scope_subset::text)) stored,
  family_scope jsonb,
  unique (module, pattern_key, action_category, scope_digest)
);
create index learning_lessons_active_idx
on public.learning_lessons (module, pattern_key, action_category, scope_digest)
where status = 'active';
create index learning_lessons_status_idx on public.learning_lessons (lesson_type, status, id);
alter table public.learning_lessons enable row level security;
comment on table public.learning_lessons is 'What was learned: the statistics of one behaviour in one scope.';
comment on column public.learning_lessons.id is 'Identity.';
comment on column public.learning_lessons.module is 'Who acted: pm or dm.';
comment on column public.learning_lessons.pattern_key is 'Behaviour, dotted.';
comment on column public.learning_lessons.action_category is
  'entry, add, trim, exit, allocation, or tuning for gates.';
comment on column public.learning_lessons.scope_subset is
  'The scope: every trade behind the lesson contains it.';
comment on column public.learning_lessons.scope_mask is 'Dimensions of scope_subset as bits.';
comment on column public.learning_lessons.lesson_type is 'pm_strength, dm_alloc or tuning_rates.';
comment on column public.learning_lessons.n is 'Trades (for tuning: windows) behind it.';
comment on column public.learning_lessons.stats is
  'All statistics: outcomes in their own unit, deltas and edges in units of scale, times in hours.';
comment on column public.learning_lessons.edge_raw is
  'Edge against the baseline after decay, in units of the scale in stats; null for tuning.';
comment on column public.learning_lessons.p_value is
  'Two-sided p value of the difference to the baseline; null for tuning.';
comment on column public.learning_lessons.q_value is
  'False discovery rate within the group; null for tuning.';
comment on column public.learning_lessons.decay_halflife_hours is
  'Half-life of the edge; null where it is stable or unknown.';
comment on column public.learning_lessons.status is
  'candidate; active when large and beyond luck; deprecated once it was active and no longer is.';
comment on column public.learning_lessons.first_active_at is 'When it first became active.';
comment on column public.learning_lessons.last_evidence_at is 'Close of the newest trade behind it.';
comment on column public.learning_lessons.updated_at is 'When the row changed last.';
comment on column public.learning_lessons.scope_digest is 'Short form of scope_subset for uniqueness.';
comment on column public.learning_lessons.family_scope is
  'Scope of the lesson that represents its family, its own where it does itself; null where it is not '
  'believed, and for tuning.';

create table public.learning_edge_history (
  lesson_id bigint not null references public.learning_lessons (id) on delete cascade,
  ts timestamptz not null,
  edge float8 not null,
  n integer not null,
  scale float8 not null default 1,
  primary key (lesson_id, ts)
);
alter table public.learning_edge_history enable row level security;
comment on table public.learning_edge_history is
  'How the edge of lessons that are or were active developed: one snapshot per run in which the evidence '
  'changed, the last 500 each.';
comment on column public.learning_edge_history.lesson_id is 'The lesson.';
comment on column public.learning_edge_history.ts is 'When the snapshot was taken.';
comment on column public.learning_edge_history.edge is 'Edge before decay, in units of scale.';
comment on column public.learning_edge_history.n is 'Trades behind it.';
comment on column public.learning_edge_history.scale is
  'What the edge was measured in, in the unit of the outcome.';

create view public.pattern_scope_stats
with (security_invoker = true)
as
select lesson.id as lesson_id, lesson.module, lesson.pattern_key, lesson.action_category, lesson.scope_mask,
  lesson.scope_subset as scope_values, lesson.n, lesson.stats, lesson.updated_at
from public.learning_lessons lesson
where lesson.lesson_type <> 'tuning_rates' and lesson.status <> 'deprecated';
comment on view public.pattern_scope_stats is 'Lessons that hold, as mask, values, n and statistics.';
comment on column public.pattern_scope_stats.lesson_id is 'The lesson.';
comment on column public.pattern_scope_stats.module is 'Who acted: pm or dm.';
comment on column public.pattern_scope_stats.pattern_key is 'Behaviour, dotted.';
comment on column public.pattern_scope_stats.action_category is 'Category of the action.';
comment on column public.pattern_scope_stats.scope_mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_stats.scope_values is 'The scope.';
comment on column public.pattern_scope_stats.n is 'Trades behind it.';
comment on column public.pattern_scope_stats.stats is 'All statistics.';
comment on column public.pattern_scope_stats.updated_at is 'When the lesson changed last.';

create function learning.prune_edge_history(lesson_ids bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  pruned integer;
begin
  delete from public.learning_edge_history snapshot
  using (
    select any_snapshot.lesson_id, any_snapshot.ts,
      row_number() over (partition by any_snapshot.lesson_id order by any_snapshot.ts desc) as age
    from public.learning_edge_history any_snapshot
    where any_snapshot.lesson_id = any (lesson_ids)
  ) as ranked
  where snapshot.lesson_id = ranked.lesson_id and snapshot.ts = ranked.ts and ranked.age > 500;
  get diagnostics pruned = row_count;
  return pruned;
end
$$;
comment on function learning.prune_edge_history(bigint[]) is
  'Deletes all but the last 500 snapshots of some lessons; returns how many.';

create function learning.scale_of_lesson(stats jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((stats ->> 'scale')::float8, 1);
end
$$;
comment on function learning.scale_of_lesson(jsonb) is
  'What the edge of a lesson is measured in, in the unit of the outcome: 1 where the lesson does not say.';
