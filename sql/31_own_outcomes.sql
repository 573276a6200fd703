-- Own outcomes: what a decision by itself came to, apart from what the rest of its trade did.

create function learning.plausible_costs(costs float8, leverage float8)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when costs between 0 and 0.02 * leverage then costs else 0 end;
end
$$;
comment on function learning.plausible_costs(float8, float8) is
  'What the fills of a trade earned beyond the trade, where that can be its costs; else 0.';

create function learning.own_outcomes(
  categories text[], prices float8[], quantities float8[], sides text[], leverages float8[],
  trade_roi float8, trade_rr float8, entry_price float8, exit_price float8, fees float8,
  missed_at_exit float8, out own_roi float8[], out own_rr float8[]
)
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  actions constant integer := coalesce(cardinality(categories), 0);
  -- A trade of next to nothing, or of which R and return disagree, does not say what a return is in R.
  rr_per_roi constant float8 :=
    case when abs(trade_roi) >= 0.001 and sign(trade_rr) = sign(trade_roi) then trade_rr / trade_roi end;
  -- A fill that lacks a figure leaves a sum that is not known.
  opened float8 := 0;
  closed float8 := 0;
  later_value float8 := 0;
  later_quantity float8 := 0;
  gearing float8;
  own float8;
begin
  own_roi := array_fill(trade_roi, array[actions]);
  own_rr := array_fill(trade_rr, array[actions]);
  for place in 1 .. actions loop
    case
      when categories[place] in ('entry', 'add') then opened := opened + prices[place] * quantities[place];
      when categories[place] in ('trim', 'exit') then closed := closed + prices[place] * quantities[place];
      else null;
    end case;
  end loop;
  -- From the last action on, so that what is sold after each is known.
  for place in reverse actions .. 1 loop
    if categories[place] in ('add', 'trim') then
      gearing := leverages[place] * case sides[place] when 'short' then -1 else 1 end;
      own := gearing * (
        coalesce(later_value / nullif(later_quantity, 0), exit_price) / prices[place] - 1
      );
      if categories[place] = 'add' then
        own := own - coalesce(fees, learning.plausible_costs(
          gearing * (nullif(closed, 0) / nullif(opened, 0) - 1) - trade_roi, leverages[place]
        ));
      else
        own := -own;
      end if;
      -- A dump tells -0 and 0 apart, nobody else does.
      own := own + 0;
      -- Beyond what a whole trade may have a fill was misread.
      own_roi[place] := case when abs(own) <= 1e4 then own end;
      own_rr[place] := case
        when (categories[place] = 'add' or entry_price is not null) and abs(own) <= 1e4
          and abs(own * rr_per_roi) <= 1e12 then own * rr_per_roi
      end;
    elsif categories[place] = 'exit' then
      own_roi[place] := 0 - missed_at_exit;
      own_rr[place] := 0 - missed_at_exit;
    end if;
    if categories[place] in ('trim', 'exit') then
      later_value := later_value + prices[place] * quantities[place];
      later_quantity := later_quantity + quantities[place];
    end if;
  end loop;
end
$$;
comment on function learning.own_outcomes(
  text[], float8[], float8[], text[], float8[], float8, float8, float8, float8, float8, float8
) is
  'What each action of a trade, in their order, came to by itself, as a return and in R: an add from its own '
  'fill to what was left later, less the trade''s costs; a trim what it saved of the same; an exit what it '
  'missed, in R both times; all others the whole trade. Null where that is unknown.';

create function learning.outcome_column(category text, config jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when category = 'add' and config ->> 'add_outcome' = 'own'
      or category = 'trim' and config ->> 'trim_outcome' = 'own'
      or category = 'exit' and config ->> 'exit_outcome' = 'regret' then 'own_'
    else ''
  end || (config ->> 'outcome');
end
$$;
comment on function learning.outcome_column(text, jsonb) is
  'The column of an event that says what a decision of a category is judged by.';

create function learning.is_judged_in_r(category text, config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- What an exit missed is told in R.
  return config ->> 'outcome' = 'rr' or category = 'exit' and config ->> 'exit_outcome' = 'regret';
end
$$;
comment on function learning.is_judged_in_r(text, jsonb) is
  'Whether what a decision of a category is judged by is in R, and not a return.';

create function learning.steering_column(category text, config jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when category = 'add' and config ->> 'add_outcome' = 'own' then 'own_roi' else 'roi' end;
end
$$;
comment on function learning.steering_column(text, jsonb) is
  'The column of an event from which directions take sign and weight: the decision''s own return for what '
  'enters, the whole trade''s for what leaves.';
