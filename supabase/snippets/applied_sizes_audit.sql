-- What was applied to the actions of the last thirty days, and how their trades ended.
select pattern_key, action_category,
  case when pm_strength_applied > 1.01 then 'larger' when pm_strength_applied < 0.99 then 'smaller' else 'as planned' end as strength,
  count(*) as actions, count(*) filter (where closed) as closed, round((100 * avg(roi))::numeric, 2) as average_roi_percent,
  round(avg(rr)::numeric, 2) as average_rr
from pm_sizing_audit
where acted_at > now() - interval '30 days' and pm_strength_applied is not null
group by 1, 2, 3
order by 1, 2, 3;
