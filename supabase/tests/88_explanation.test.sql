begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(5);

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
select ok(exists (select from told where line = '  override in {}: weight 0.8, share 1, pull +0.095'), 'What acted is named');
select ok(exists (select from told where line like '  set aside: override in {"chain": "solana"}, its confidence 0.3 is below 0.4%'), 'What was set aside is named with the reason');
select set_eq($$ select line from told where line like '  nearly matched%' $$, array[
  $$  nearly matched: override in {"chain": "base", "timeframe": "1h"}, but chain is 'solana' and not 'base'$$,
  $$  nearly matched: override in {"curator": "known", "timeframe": "1h"}, but curator is unknown and not 'known'$$],
  'What failed on one dimension alone is named with the dimension');
select ok(exists (select from told where line = '  switched off: override in {"timeframe": "1h"}, by user: too good to be true'), 'What is switched off is named with the reason');

select * from finish();
rollback;
