-- Audit: what was answered for the size of each action, what was applied, and how its trade ended.

create function learning.sizing_of_action(action public.ad_strands)
returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  named constant float8 := learning.finite_number(action.content -> 'sizing_id');
begin
  if named is not null then
    return case when named between 1 and 1e15 then named::bigint end;
  end if;
  return (
    select sizing.id
    from public.pm_sizings sizing
    where sizing.subject in (
        action.symbol, action.position_id, learning.text_of(action.content, 'trade_id'),
        learning.text_of(action.content, 'token_contract')
      )
      and sizing.pattern_key
        = learning.dotted_pattern_key(learning.text_of(action.content, 'pattern_key'))
      and sizing.action_category = learning.action_category(action.content)
      and sizing.taken_at <= action.created_at
    order by sizing.taken_at desc, sizing.id desc
    limit 1
  );
end
$$;
comment on function learning.sizing_of_action(public.ad_strands) is
  'The recorded sizing that an action names in sizing_id, else the newest one before it of its subject '
  '(token, position or trade), pattern key and category; null where there is none.';

create view public.pm_sizing_audit
with (security_invoker = true)
as
select strand.id as action_strand_id, strand.created_at as acted_at,
  learning.text_of(strand.content, 'trade_id') as trade_id,
  strand.position_id, strand.symbol, strand.timeframe,
  learning.dotted_pattern_key(learning.text_of(strand.content, 'pattern_key')) as pattern_key,
  learning.action_category(strand.content) as action_category,
  learning.finite_number(strand.content -> 'a_value') as a_value,
  learning.finite_number(strand.content -> 'e_value') as e_value,
  learning.multiplier_applied(strand.content, 'pm_strength') as pm_strength_applied,
  learning.multiplier_applied(strand.content, 'exposure_skew') as exposure_skew_applied,
  learning.finite_number(strand.content -> 'size_frac') as size_frac,
  trade.trade_id is not null as closed, trade.roi, trade.rr, trade.pnl_usd, trade.exit_at,
  sizing.id as sizing_id, sizing.taken_at, sizing.subject, sizing.holdout, sizing.held_out,
  sizing.mode as mode_answered, sizing.pm_strength as pm_strength_answered,
  sizing.exposure_skew as exposure_skew_answered, sizing.size_frac as size_frac_answered,
  sizing.config_version, event.own_roi, event.own_rr
from public.ad_strands strand
left join public.pattern_trade_events event on event.action_strand_id = strand.id
left join public.pm_sizings sizing on sizing.id = learning.sizing_of_action(strand)
left join learning.closed_trades trade
  on trade.trade_id = learning.text_of(strand.content, 'trade_id')
  and trade.module = learning.acting_module(strand.kind, strand.module)
where strand.kind = 'pm_action';
comment on view public.pm_sizing_audit is
  'What was answered and what was applied to the size of each action, beside what came of it.';
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
comment on column public.pm_sizing_audit.sizing_id is
  'What take_pm_sizing answered for it, as the action says or by its subject; null where that is not kept.';
comment on column public.pm_sizing_audit.taken_at is 'When that was answered.';
comment on column public.pm_sizing_audit.subject is 'Token, position or trade that it was answered for.';
comment on column public.pm_sizing_audit.holdout is 'Share of subjects that were held out then.';
comment on column public.pm_sizing_audit.held_out is 'Whether this one was.';
comment on column public.pm_sizing_audit.mode_answered is
  'How learned strength acted; holdout where it did not.';
comment on column public.pm_sizing_audit.pm_strength_answered is 'Factor from what was learned, as answered.';
comment on column public.pm_sizing_audit.exposure_skew_answered is 'Factor from crowding, as answered.';
comment on column public.pm_sizing_audit.size_frac_answered is 'Size to use, as answered.';
comment on column public.pm_sizing_audit.config_version is 'Version of the configuration that held.';
comment on column public.pm_sizing_audit.own_roi is
  'What the action by itself came to, as a return; null while the trade is open, or where it is not known.';
comment on column public.pm_sizing_audit.own_rr is 'The same in R.';

create table learning.uplift_figures (
  action_category text primary key,
  figures jsonb not null,
  measured_at timestamptz not null default now()
);
alter table learning.uplift_figures enable row level security;
comment on table learning.uplift_figures is 'What the live experiment shows so far, by category.';
comment on column learning.uplift_figures.action_category is 'entry or add.';
comment on column learning.uplift_figures.figures is 'The figures of public.learning_uplift.';
comment on column learning.uplift_figures.measured_at is 'When they were reckoned.';

create function public.read_experiment()
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  config constant jsonb := learning.config();
  categories jsonb := '[]'::jsonb;
  category text;
  packed jsonb;
begin
  if not exists (select from public.pm_sizings sizing where sizing.holdout > 0) then
    return categories;
  end if;
  foreach category in array array['entry', 'add'] loop
    execute format(
      $query$
        select jsonb_build_object(%s, %s, %s)
        from (
          select decision.outcome, least(decision.acted_at, now()) as acted_at, sizing.held_out,
            sizing.learned_strength as strength,
            coalesce(learning.finite_number(strand.content -> 'size_frac'), sizing.size_frac) as size
          from (
            select distinct on (event.trade_id, event.module, event.pattern_key) event.action_strand_id,
              event.acted_at, event.%I as outcome
            from public.pattern_trade_events event
            where event.action_category = $1 and event.traded_at >= now() - learning.sizing_retention()
            order by event.trade_id, event.module, event.pattern_key, event.acted_at,
              event.action_strand_id collate "C"
          ) as decision
          join public.ad_strands strand on strand.id = decision.action_strand_id
          join public.pm_sizings sizing on sizing.id = learning.sizing_of_action(strand)
          where sizing.holdout > 0 and sizing.subject is not null and decision.outcome is not null
        ) as packed_row
      $query$,
      learning.packed_columns('float8', array['outcome', 'size', 'strength']),
      learning.packed_columns('timestamptz', array['acted_at']),
      learning.packed_columns('boolean', array['held_out']), learning.outcome_column(category, config)
    )
    into packed
    using category;
    categories := categories || jsonb_build_array(packed || jsonb_build_object('category', category));
  end loop;
  return categories;
end
$$;
comment on function public.read_experiment() is
  'The decisions of the live experiment by category, in packed columns; empty where there is none. For the '
  'edge functions.';

create function public.save_uplift(p_figures jsonb)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  saved integer;
begin
  insert into learning.uplift_figures as uplift (action_category, figures)
  select given.key, given.value from jsonb_each(p_figures) as given
  on conflict (action_category) do update set figures = excluded.figures, measured_at = now()
  where uplift.figures <> excluded.figures;
  get diagnostics saved = row_count;
  return saved;
end
$$;
comment on function public.save_uplift(jsonb) is
  'Writes what the experiment shows, by category; returns how many changed. For the edge functions.';

create view public.learning_uplift
with (security_invoker = true)
as
select uplift.action_category, learning.outcome_unit(uplift.action_category, learning.config()) as unit,
  (uplift.figures ->> 'learned')::integer as learned, (uplift.figures ->> 'held_out')::integer as held_out,
  (uplift.figures ->> 'weeks')::integer as weeks, (uplift.figures ->> 'difference')::float8 as difference,
  (uplift.figures ->> 'low')::float8 as low, (uplift.figures ->> 'high')::float8 as high,
  (uplift.figures ->> 'e_value')::float8 as e_value, (uplift.figures ->> 'promised')::float8 as promised,
  (uplift.figures ->> 'weeks_to_know')::integer as weeks_to_know, uplift.measured_at
from learning.uplift_figures uplift;
comment on view public.learning_uplift is
  'Whether it pays, by the live experiment of the last 90 days: what a unit of size earned as learned and '
  'held out of it.';
comment on column public.learning_uplift.action_category is 'entry or add.';
comment on column public.learning_uplift.unit is 'What outcomes are in: points, of which 0.01 is one, or R.';
comment on column public.learning_uplift.learned is 'Decisions sized as learned.';
comment on column public.learning_uplift.held_out is 'Decisions that were held out.';
comment on column public.learning_uplift.weeks is 'UTC weeks that hold them.';
comment on column public.learning_uplift.difference is
  'Outcome per unit of size, learned less held out; null while an arm has none.';
comment on column public.learning_uplift.low is 'Lower end of its 95 % interval, whole weeks resampled.';
comment on column public.learning_uplift.high is 'Upper end.';
comment on column public.learning_uplift.e_value is
  'Evidence of a difference, however often one looks: 1 is none, 20 is much.';
comment on column public.learning_uplift.promised is 'The difference that the strengths promise.';
comment on column public.learning_uplift.weeks_to_know is
  'After how many weeks in all so large a difference would be seen in 80 of 100 cases.';
comment on column public.learning_uplift.measured_at is 'When this was reckoned.';
