-- The overrides that move sizes most, and what they rest on.
select pattern_key, action_category, scope_subset, round(multiplier::numeric, 3) as multiplier, round(dir_a::numeric, 2) as dir_a,
  round(dir_e::numeric, 2) as dir_e, round(confidence_score::numeric, 2) as confidence, n, decay_state, last_evidence_at,
  case when lesson_id is null then 'by hand' else 'learned' end as made
from pm_overrides
where override_type = 'pm_strength' and enabled
order by abs(ln(multiplier)) * coalesce(confidence_score, 0.5) desc nulls last
limit 50;
