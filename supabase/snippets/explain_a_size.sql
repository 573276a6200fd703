-- Why this size: the answer for one candidate, in readable lines. Put in your own pattern key, action and scope.
select *
from public.explain_pm_sizing('pm.uptrend.S1.buy_flag', 'entry', '{"chain": "solana", "timeframe": "1h"}', a_value => 0.5);
