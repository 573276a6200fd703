begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(13);

-- The same for a person.
insert into pm_overrides (override_type, pattern_key, action_category, scope_subset, dir_a, confidence_score, enabled, disabled_reason) values
  ('pm_strength', 'pm.told', 'entry', '{}', 0.5, 0.8, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"chain": "solana"}', 0.5, 0.3, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"chain": "base", "timeframe": "1h"}', 0.5, 0.9, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"curator": "known", "timeframe": "1h"}', 0.5, 0.7, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"curator": "known", "chain": "base"}', 0.5, 0.7, true, null),
  ('pm_strength', 'pm.told', 'entry', '{"timeframe": "1h"}', 0.5, 0.7, false, 'too good to be true');
create temp table told as
select regexp_replace(line, 'override \d+', 'override') as line from explain_pm_sizing('pm.told', 'entry', '{"chain": "solana", "timeframe": "1h"}') as line;
-- 0.5 moves by 0.19 · 0.5 of its headroom to 0.5475: 0.37375/0.35 = 1.067857.
select ok(exists (select from told where line = 'Size 0.497088 = 0.35 (0.10 + 0.50 × appetite 0.5) × strength 1.067857 × exposure skew 1.33'), 'The size is spelt out');
-- 0.35 · 1.067857 = 0.37375, and 1.33 times that 0.49709.
select ok(exists (select from told where line = 'In steps: base 35.0 % → learned +7 % → 37.4 % → room in the book +33 % → 49.7 %'), 'And told in steps');
create function pg_temp.in_steps(raw float8, strength float8, skew float8, size float8) returns text language sql as $$
  select learning.size_in_steps(jsonb_populate_record(null::pm_sizing, jsonb_build_object(
    'size_frac_raw', raw, 'pm_strength', strength, 'exposure_skew', skew, 'size_frac', size)));
$$;
select is(pg_temp.in_steps(0.35, 0.94, 1.32, 0.43428), 'base 35.0 % → learned −6 % → 32.9 % → room in the book +32 % → 43.4 %',
  'What was learned takes away, what is free adds');
select is(pg_temp.in_steps(0.5, 1, 0.5, 0.25), 'base 50.0 % → learned +0 % → 50.0 % → crowded book −50 % → 25.0 %',
  'A crowded book takes away');
select ok(exists (select from told where line = '  override in {}: weight 0.8, share 1, pull +0.095'), 'What acted is named');
select ok(exists (select from told where line like '  set aside: override in {"chain": "solana"}, its confidence 0.3 is below 0.4%'), 'What was set aside is named with the reason');
select set_eq($$ select line from told where line like '  nearly matched%' $$, array[
  $$  nearly matched: override in {"chain": "base", "timeframe": "1h"}, but chain is 'solana' and not 'base'$$,
  $$  nearly matched: override in {"curator": "known", "timeframe": "1h"}, but curator is unknown and not 'known'$$],
  'What failed on one dimension alone is named with the dimension');
select ok(exists (select from told where line = '  switched off: override in {"timeframe": "1h"}, by user: too good to be true'), 'What is switched off is named with the reason');

insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status)
values ('pm', 'pm.told', 'entry', '{}', 0, 'pm_strength', 120,
  '{"effect": 0.0234, "effect_low": 0.0101, "effect_high": 0.0367, "effect_error2": 0.01, "weeks": 30, "proven": true}', 0.11, 'active');
update pm_overrides set lesson_id = (select max(id) from learning_lessons) where pattern_key = 'pm.told' and scope_subset = '{}';
select ok(exists (select from explain_pm_sizing('pm.told', 'entry', '{"chain": "solana"}') as line
  where line like '%pull +0.095; believed: +2.3 points (+1.0 to +3.7) over 120 decisions in 30 weeks, proven'), 'What was learned is told in points, with the interval and what it rests on');
update learning_lessons set family_scope = '{}' where pattern_key = 'pm.told';
insert into learning_lessons (module, pattern_key, action_category, scope_subset, scope_mask, lesson_type, n, stats, edge_raw, status, family_scope)
values ('pm', 'pm.told', 'entry', '{"chain": "solana"}', 2, 'pm_strength', 60, '{}', 0.1, 'active', '{}');
select ok(exists (select from explain_pm_sizing('pm.told', 'entry', '{"chain": "solana"}') as line
  where line like '% in 30 weeks, proven, for a family of 2 lessons'), 'And for how many lessons it stands');
select ok(not exists (select from explain_pm_sizing('pm.told', 'trim', '{}') as line where line like 'In steps%'), 'A trim has no steps');

select ok(exists (select from explain_pm_sizing('pm.told', 'exit', '{"chian": "solana", "colour": "red"}') as line
  where line = 'Ignored, as no dimension has that name: ''chian'' (is chain meant?), ''colour'''), 'What was ignored of the scope is told');
select ok(not exists (select from explain_pm_sizing('pm.told', 'entry', '{"chain": "solana"}') as line where line like 'Ignored%'), 'Where nothing was, nothing is');

select * from finish();
rollback;
