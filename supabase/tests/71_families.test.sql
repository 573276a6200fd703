begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(19);

delete from learning_lessons where true;
delete from learning_configs where true;

-- Effects in words ------------------------------------------------------------------------------------------

-- Of ten decisions in five weeks with sums 2, 0, 3, -1 and 1 and σ = 1: d = 0.5, Σu²/n² = 0.15.
select is(learning.cautious_effect(0.5, 0.15, 0.05), 0.125::float8,
  'As much of an effect is kept as effects of the category keep');
select is(learning.cautious_effect(0.5, 0.15, tau2), null, format('Nothing is where that is %s', tau2))
from unnest(array[0, null]::float8[]) as tau2;
select is(learning.is_young(weeks), weeks = 25, format('%s weeks are half a year or less', weeks))
from unnest('{25,26}'::integer[]) as weeks;
select is(learning.outcome_unit(category, config::jsonb), unit, format('%s under %s is told in %s', category, config, unit))
from (values
  ('entry', '{"outcome": "roi", "exit_outcome": "regret"}', 'points'), ('entry', '{"outcome": "rr"}', 'R'),
  ('exit', '{"outcome": "roi", "exit_outcome": "regret"}', 'R'),
  ('exit', '{"outcome": "roi", "exit_outcome": "trade"}', 'points')
) as given(category, config, unit);
select is(learning.in_unit(0.11249, 'points'), '+11.2', 'Points are hundredths of the capital');
select is(learning.in_unit(-0.254, 'R'), '-0.25', 'R are R');

create function pg_temp.learn(p_scope jsonb, p_family jsonb, p_n integer, p_p float8, p_stats jsonb,
  p_status text default 'active', p_key text default 'pm.a') returns void language sql as $$
  insert into public.learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask,
    lesson_type, n, stats, edge_raw, p_value, status, family_scope)
  values ('pm', p_key, 'entry', p_scope, 0, 'pm_strength', p_n, p_stats, 0.2, p_p, p_status, p_family);
$$;
create function pg_temp.stats(p_effect float8, p_weeks integer, p_proven boolean) returns jsonb language sql as $$
  select jsonb_build_object('effect', p_effect, 'effect_low', p_effect - 0.05, 'effect_high', p_effect + 0.05,
    'effect_error2', 0.1, 'weeks', p_weeks, 'proven', p_proven, 'z', 20 * p_effect);
$$;
select pg_temp.learn('{"chain": "base"}', '{"chain": "base"}', 143, 1e-6, pg_temp.stats(0.1125, 37, true));
select pg_temp.learn('{"chain": "base", "timeframe": "1h"}', '{"chain": "base"}', 60, 1e-4, pg_temp.stats(0.12, 30, false));
select pg_temp.learn('{"timeframe": "1h"}', '{"chain": "base"}', 90, 1e-5, pg_temp.stats(0.08, 30, false));
select pg_temp.learn('{"chain": "bsc"}', '{"chain": "bsc"}', 50, 1e-8, pg_temp.stats(-0.09, 12, false));
select pg_temp.learn('{"chain": "base"}', '{"chain": "base"}', 40, 1e-3, pg_temp.stats(0.2, 1, false), 'active', 'pm.b');
select pg_temp.learn('{}', null, 300, 0.5, pg_temp.stats(0.01, 39, false), 'candidate');
select pg_temp.learn('{"chain": "solana"}', '{"chain": "solana"}', 40, 1e-3, '{}', 'deprecated');

-- Families --------------------------------------------------------------------------------------------------

select results_eq($$ select place, pattern_key, scope, effect, round(effect_low::numeric, 9), round(effect_high::numeric, 9), n, weeks, young, proven, lessons
    from lesson_families order by place $$, $$ values
  (1::bigint, 'pm.a', '{"chain": "bsc"}'::jsonb, -0.09::float8, -0.14, -0.04, 50, 12, true, false, 1),
  (2, 'pm.a', '{"chain": "base"}', 0.1125, 0.0625, 0.1625, 143, 37, false, true, 3),
  (3, 'pm.b', '{"chain": "base"}', 0.2, 0.15, 0.25, 40, 1, true, false, 1) $$,
  'A family is a row, the most certain first');
select is((select jsonb_path_query_array(members, '$[*].scope') from lesson_families where n = 143),
  '[{"chain": "base"}, {"timeframe": "1h"}, {"chain": "base", "timeframe": "1h"}]',
  'With all that say the same, its representative first');
select is((select members -> 1 from lesson_families where n = 143) - 'lesson_id',
  '{"scope": {"timeframe": "1h"}, "n": 90, "effect": 0.08, "effect_low": 0.03, "effect_high": 0.13, "weeks": 30,
    "proven": false}', 'And what each of them says');
select is((select array_agg(cautious) from lesson_families), '{NULL,NULL,NULL}',
  'Without a calibration no effect is cautious');
select is((select in_words from lesson_families where n = 143),
  'believed: +11.3 points (+6.3 to +16.3) over 143 decisions in 37 weeks, proven', 'It can be read');
select is((select in_words from lesson_families where n = 50),
  'believed: -9.0 points (-14.0 to -4.0) over 50 decisions in 12 weeks, young', 'A young one says so');
select is(learning.lesson_in_words(lesson, '{"outcome": "rr"}'), 'no longer believed: over 40 decisions',
  'What is not known is not told')
from learning_lessons lesson where lesson.status = 'deprecated';
insert into learning_configs (module_id, config_data) values ('pm', '{"outcome": "rr"}');
select is((select (unit, in_words)::text from lesson_families where weeks = 1),
  '(R,"believed: +0.20 R (+0.15 to +0.25) over 40 decisions in 1 week, young")', 'In R where that is the outcome');

select * from finish();
rollback;
