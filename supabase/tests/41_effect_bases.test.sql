begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(8);

create function pg_temp.near(have float8, want float8, description text) returns text language sql as $$
  select ok(abs(have - want) < 1e-9, description) || case when abs(have - want) < 1e-9 then '' else
    format(E'\n# have %s, want %s', have, want) end;
$$;

create function pg_temp.decide(trade text, key text, module text, roi float8, acted timestamptz) returns void
language sql as $$
  insert into pattern_trade_events (action_strand_id, trade_id, module, pattern_key, action_category, scope, scope_mask, roi,
    rr, duration_hours, did_trim, reached_s3, acted_at, traded_at, scope_codes)
  values (trade || key || acted, trade, module, key, 'entry', '{}', 0, roi, 2 * roi, 1, false, false, acted, acted, '{}');
$$;
-- Weeks begin on Mondays: 5 January 2025 is a Sunday, the 6th a Monday.
select pg_temp.decide('t' || place, 'pm.a', 'pm', roi, acted)
from (values (1, -0.10, timestamptz '2025-01-05T23:59:59Z'), (2, 0.00, '2025-01-06T00:00:00Z'),
  (3, 0.10, '2025-01-12T23:00:00Z'), (4, 0.30, '2025-02-01T00:00:00Z')) as given(place, roi, acted);
-- A later action of the same behaviour is no decision of its own.
select pg_temp.decide('t4', 'pm.a', 'pm', 0.30, '2025-03-01T00:00:00Z');
select pg_temp.decide('t1', 'other.a', 'other', 5, '2025-01-05T00:00:00Z');
select learning.mark_groups_changed(array[('pm', 'pm.a', 'entry')::learning.group_key]);
select learning.measure_effect_bases();
select is(n, 4, 'A trade counts once, by its first action of a behaviour')
from learning.effect_bases where module = 'pm' and action_category = 'entry';
-- By hand in functions/README.md, "Baseline".
select pg_temp.near(mean, 0.0735, 'The mean is of winsorised outcomes') from learning.effect_bases where module = 'pm';
select pg_temp.near(lower_bound, -0.094, 'cut at 2 %') from learning.effect_bases where module = 'pm';
select pg_temp.near(upper_bound, 0.288, 'and at 98 %') from learning.effect_bases where module = 'pm';
select pg_temp.near(sigma * sigma, 0.080171 / 4, 'Their spread is about their mean') from learning.effect_bases
where module = 'pm';
-- Sunday the 5th is day 20093 since a Thursday: 2870 weeks and 6 days since the Monday before that.
select is(weeks, '{2870,2871,2874}', 'Weeks run from Monday to Sunday') from learning.effect_bases where module = 'pm';
insert into learning_effect_groups (group_id, module, pattern_key, action_category, n, mean, sigma, kappa_above, kappa_below,
  tau_above, tau_below, last_evidence_at, run, sigma_first, sums_digest)
select 5, 'pm', 'pm.a', 'entry', 4, mean, sigma, 0, 0, 0, 0, now(), 1, sigma, '' from learning.effect_bases where module = 'pm';
select ok(not learning.effect_basis_moved(5, 'pm', 'entry'), 'What a group was measured against holds');
update learning_effect_groups set mean = mean + 0.0101 * sigma;
select ok(learning.effect_basis_moved(5, 'pm', 'entry'), 'until the mean moves by a hundredth of the spread');

select * from finish();
rollback;
