-- Families: what a person reads of what is believed, a line for each effect instead of one for each wording.

create function learning.cautious_effect(effect float8, error2 float8, tau2 float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when tau2 > 0 then effect * tau2 / (tau2 + error2) end;
end
$$;
comment on function learning.cautious_effect(float8, float8, float8) is
  'As much of an effect as effects of its category were found to keep; null where none was.';

create function learning.is_young(weeks integer)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return weeks < 26;
end
$$;
comment on function learning.is_young(integer) is
  'Whether what is believed rests on so few weeks that the regime it holds in may end with them.';

create function learning.outcome_unit(p_category text, config jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when learning.is_judged_in_r(p_category, config) then 'R' else 'points'
  end;
end
$$;
comment on function learning.outcome_unit(text, jsonb) is
  'What outcomes of a category are told in: points, hundredths of the capital, or R.';

create function learning.in_unit(outcome float8, unit text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when outcome >= 0 then '+' else '' end || case unit
    when 'R' then round(outcome::numeric, 2)
    else round((outcome * 100)::numeric, 1)
  end;
end
$$;
comment on function learning.in_unit(float8, text) is 'An outcome as a person reads it, without the unit.';

create function learning.lesson_in_words(lesson public.learning_lessons, config jsonb)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unit constant text := learning.outcome_unit(lesson.action_category, config);
  effect constant float8 := (lesson.stats ->> 'effect')::float8;
  low constant float8 := (lesson.stats ->> 'effect_low')::float8;
  high constant float8 := (lesson.stats ->> 'effect_high')::float8;
  cautious constant float8 := learning.cautious_effect(effect, (lesson.stats ->> 'effect_error2')::float8,
    learning.tau2_of(lesson.module, lesson.action_category));
  weeks constant integer := (lesson.stats ->> 'weeks')::integer;
begin
  return concat_ws(', ',
    concat_ws(' ',
      case lesson.status when 'active' then 'believed:' else 'no longer believed:' end,
      learning.in_unit(effect, unit) || ' ' || unit,
      '(' || learning.in_unit(low, unit) || ' to ' || learning.in_unit(high, unit) || ')',
      'over', learning.counted(lesson.n, 'decision', 'decisions'),
      'in ' || learning.counted(weeks, 'week', 'weeks')
    ),
    'cautiously ' || learning.in_unit(cautious, unit),
    case when learning.is_young(weeks) then 'young' end,
    case when (lesson.stats ->> 'proven')::boolean then 'proven' end
  );
end
$$;
comment on function learning.lesson_in_words(public.learning_lessons, jsonb) is
  'What a lesson says, for a person to read: its effect with its interval, on what it rests, whether it is '
  'young or proven.';

create view public.lesson_families
with (security_invoker = true)
as
select lesson.id as lesson_id, lesson.module, lesson.pattern_key,
  lesson.action_category, lesson.scope_subset as scope,
  learning.outcome_unit(lesson.action_category, learning.config()) as unit,
  (lesson.stats ->> 'effect')::float8 as effect,
  (lesson.stats ->> 'effect_low')::float8 as effect_low,
  (lesson.stats ->> 'effect_high')::float8 as effect_high,
  learning.cautious_effect(
    (lesson.stats ->> 'effect')::float8, (lesson.stats ->> 'effect_error2')::float8,
    learning.tau2_of(lesson.module, lesson.action_category)
  ) as cautious,
  lesson.n, (lesson.stats ->> 'weeks')::integer as weeks,
  learning.is_young((lesson.stats ->> 'weeks')::integer) as young,
  coalesce((lesson.stats ->> 'proven')::boolean, false) as proven,
  family.size as lessons, family.members, lesson.first_active_at, lesson.last_evidence_at,
  learning.lesson_in_words(lesson, learning.config()) as in_words,
  rank() over (
    order by lesson.p_value, abs((lesson.stats ->> 'z')::float8) desc, lesson.id
  ) as place
from public.learning_lessons lesson
cross join lateral (
  select count(*)::integer as size, jsonb_agg(
    jsonb_build_object('lesson_id', member_lesson.id, 'scope', member_lesson.scope_subset,
      'n', member_lesson.n, 'effect', member_lesson.stats -> 'effect',
      'effect_low', member_lesson.stats -> 'effect_low',
      'effect_high', member_lesson.stats -> 'effect_high', 'weeks', member_lesson.stats -> 'weeks',
      'proven', member_lesson.stats -> 'proven')
    order by member_lesson.scope_subset <> lesson.scope_subset, member_lesson.n desc, member_lesson.id
  ) as members
  from public.learning_lessons member_lesson
  where member_lesson.module = lesson.module and member_lesson.pattern_key = lesson.pattern_key
    and member_lesson.action_category = lesson.action_category and member_lesson.status = 'active'
    and member_lesson.family_scope = lesson.scope_subset
) as family
where lesson.status = 'active' and lesson.family_scope = lesson.scope_subset;
comment on view public.lesson_families is
  'What is believed, a family a row: the lesson that represents it, its effect, and the lessons that say the '
  'same. Effects are differences to the baseline, in the unit of the outcome: 0.05 is 5 points, or 0.05 R.';
comment on column public.lesson_families.lesson_id is 'The lesson that represents the family.';
comment on column public.lesson_families.module is 'Who acted: pm or dm.';
comment on column public.lesson_families.pattern_key is 'Behaviour, dotted.';
comment on column public.lesson_families.action_category is 'Category of the action.';
comment on column public.lesson_families.scope is 'The scope that stands for the family.';
comment on column public.lesson_families.unit is
  'What effects are in: points, of which a fraction of 0.01 is one, or R.';
comment on column public.lesson_families.effect is 'Winsorised mean of its decisions above the baseline''s.';
comment on column public.lesson_families.effect_low is
  'Lower end of the 95 % interval of the effect; null with fewer than two weeks.';
comment on column public.lesson_families.effect_high is 'Upper end of the interval.';
comment on column public.lesson_families.cautious is
  'As much of the effect as effects of its category were found to keep; null where none was.';
comment on column public.lesson_families.n is 'Decisions behind it.';
comment on column public.lesson_families.weeks is 'UTC weeks that hold them.';
comment on column public.lesson_families.young is 'Whether these are fewer than 26.';
comment on column public.lesson_families.proven is
  'Whether the evidence holds however often one looks; a label beside being believed.';
comment on column public.lesson_families.lessons is 'How many lessons say the same, itself included.';
comment on column public.lesson_families.members is
  'All of them, itself first: lesson_id, scope, n, effect, effect_low, effect_high, weeks, proven.';
comment on column public.lesson_families.first_active_at is 'When it was believed first.';
comment on column public.lesson_families.last_evidence_at is 'Close of the newest trade behind it.';
comment on column public.lesson_families.in_words is 'The same for a person to read.';
comment on column public.lesson_families.place is 'Place among all families, the most certain first.';
