-- Audit: what was applied to the size of each action, beside how its trade ended.

create view public.pm_sizing_audit
with (security_invoker = true)
as
select strand.id as action_strand_id, strand.created_at as acted_at,
  strand.content ->> 'trade_id' as trade_id,
  strand.position_id, strand.symbol, strand.timeframe,
  learning.dotted_pattern_key(strand.content ->> 'pattern_key') as pattern_key,
  strand.content ->> 'action_category' as action_category,
  learning.finite_number(strand.content -> 'a_value') as a_value,
  learning.finite_number(strand.content -> 'e_value') as e_value,
  learning.finite_number(strand.content #> '{reasons,pm_strength_applied}') as pm_strength_applied,
  learning.finite_number(strand.content #> '{reasons,exposure_skew_applied}') as exposure_skew_applied,
  learning.finite_number(strand.content -> 'size_frac') as size_frac,
  trade.trade_id is not null as closed, trade.roi, trade.rr, trade.pnl_usd, trade.exit_at
from public.ad_strands strand
left join learning.closed_trades trade on trade.trade_id = strand.content ->> 'trade_id'
where strand.kind = 'pm_action';
comment on view public.pm_sizing_audit is
  'What was applied to the size of each action, beside how its trade ended.';
comment on column public.pm_sizing_audit.action_strand_id is 'The action.';
comment on column public.pm_sizing_audit.acted_at is 'When it happened.';
comment on column public.pm_sizing_audit.trade_id is 'Trade that it belongs to.';
comment on column public.pm_sizing_audit.position_id is 'Position that it concerns.';
comment on column public.pm_sizing_audit.symbol is 'Token.';
comment on column public.pm_sizing_audit.timeframe is 'Timeframe of the position.';
comment on column public.pm_sizing_audit.pattern_key is 'Behaviour that acted, dotted.';
comment on column public.pm_sizing_audit.action_category is 'entry, add, trim or exit.';
comment on column public.pm_sizing_audit.a_value is 'Appetite to add, as the action says.';
comment on column public.pm_sizing_audit.e_value is 'Assertiveness to exit, as the action says.';
comment on column public.pm_sizing_audit.pm_strength_applied is
  'Factor from what was learned, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.exposure_skew_applied is
  'Factor from crowding, as the action says; null where it says nothing.';
comment on column public.pm_sizing_audit.size_frac is 'Size used, as the action says.';
comment on column public.pm_sizing_audit.closed is 'Whether the trade is closed.';
comment on column public.pm_sizing_audit.roi is 'Return of the trade as a fraction; null while it is open.';
comment on column public.pm_sizing_audit.rr is 'Reward over risk of the trade; null while it is open.';
comment on column public.pm_sizing_audit.pnl_usd is 'Realised profit of the trade in USD.';
comment on column public.pm_sizing_audit.exit_at is 'When the trade was closed.';
