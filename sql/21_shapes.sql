-- Shapes: where in a strand what learning wants to know stands, in whichever form it is written. Of several
-- places the first that is filled counts.

create function learning.acting_module(kind text, module text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(nullif(btrim(module), ''), case kind when 'dm_action' then 'dm' else 'pm' end);
end
$$;
comment on function learning.acting_module(text, text) is
  'Who wrote a strand: as it says, else the decision maker or the PM by its kind.';

create function learning.reason(content jsonb, key text)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  reasons constant jsonb := content -> 'reasons';
begin
  return coalesce(nullif(reasons -> key, 'null'), (
    select coalesce(pair.content -> 'value', pair.content -> 1)
    from jsonb_array_elements(
      case jsonb_typeof(reasons -> 'ordered') when 'array' then reasons -> 'ordered' else '[]' end
    ) with ordinality as pair(content, place)
    where coalesce(pair.content -> 'name', pair.content -> 0) = to_jsonb(key)
    order by pair.place
    limit 1
  ));
end
$$;
comment on function learning.reason(jsonb, text) is
  'One of the reasons of an action: they are an object, or pairs of name and value in its member ordered.';

create function learning.action_category(content jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Of anything else than texts the text may be too long for memory.
  category constant text :=
    case when jsonb_typeof(content -> 'action_category') = 'string' then content ->> 'action_category' end;
  decision text;
begin
  if category is not null then
    return case category when 'emergency_exit' then 'exit' else category end;
  end if;
  decision := learning.text_of(content, 'decision_type');
  return case
    when decision = 'emergency_exit' then 'exit'
    when decision in ('entry', 'add', 'trim', 'exit', 'allocation') then decision
  end;
end
$$;
comment on function learning.action_category(jsonb) is
  'What an action did, as it says or by its decision_type; null where it says neither.';

create function learning.acted_in_s3(content jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(content -> 'state' = '"S3"', false)
    or split_part(learning.dotted_pattern_key(content ->> 'pattern_key'), '.', 3) = 'S3'
    or coalesce(learning.reason(content, 'state') = '"S3"', false);
end
$$;
comment on function learning.acted_in_s3(jsonb) is
  'Whether an action happened in state S3: by its state, that among its reasons or that of its pattern key.';

create function learning.time_to_s3_hours(summary jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    learning.number_of(summary, 'time_to_s3_hours'), learning.number_of(summary, 'time_to_s3') * 24
  );
end
$$;
comment on function learning.time_to_s3_hours(jsonb) is
  'Hours until a trade reached S3, by its summary in hours or days; null where it does not say.';

create function learning.missed_rr(summary jsonb, key text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case jsonb_typeof(summary -> key)
    when 'object' then learning.number_of(summary -> key, 'missed_rr')
    else learning.number_of(summary, key)
  end;
end
$$;
comment on function learning.missed_rr(jsonb, text) is
  'R/R that a trade''s summary says was missed at its entry or exit: a number, or the missed_rr of an '
  'object.';

create function learning.pnl_usd(summary jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    learning.number_of(summary, 'pnl_usd'), learning.number_of(summary, 'rpnl_usd'),
    learning.number_of(summary, 'total_pnl_usd')
  );
end
$$;
comment on function learning.pnl_usd(jsonb) is
  'Realised profit of a trade in USD, by its summary; null where it does not say.';

create function learning.multiplier_applied(content jsonb, multiplier text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    learning.finite_number(content -> (multiplier || '_applied')),
    learning.finite_number(learning.reason(content, multiplier || '_applied')),
    learning.finite_number(learning.reason(content, multiplier)),
    learning.finite_number(content #> array['learning_multipliers', multiplier])
  );
end
$$;
comment on function learning.multiplier_applied(jsonb, text) is
  'What an action says was applied to its size, as pm_strength or exposure_skew; null where it says '
  'nothing.';

create function learning.positive_number(value jsonb)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Not as learning.finite_number: what a token costs may be less than dust. Between these bounds products
  -- and quotients of such figures stay within the range of float8.
  return case
    when jsonb_typeof(value) = 'number' and value::numeric >= 1e-60 and value::numeric <= 1e60
      then value::numeric::float8
  end;
end
$$;
comment on function learning.positive_number(jsonb) is
  'A price, a quantity or a leverage of a message; null where it holds nothing above 0.';

create function learning.fill_of_action(content jsonb, figure text)
returns float8
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return learning.positive_number(
    coalesce(nullif(content -> figure, 'null'), content #> array['execution_result', figure])
  );
end
$$;
comment on function learning.fill_of_action(jsonb, text) is
  'The price or the quantity that an action was filled at; null where it does not say.';

create function learning.side_of(document jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  side constant text := lower(learning.text_of(document, 'side'));
begin
  return case
    when side in ('long', 'short') then side
    when document -> 'is_short' = 'true' then 'short'
    when document -> 'is_short' = 'false' then 'long'
  end;
end
$$;
comment on function learning.side_of(jsonb) is
  'Whether a document tells of a long or a short position, by its side or is_short; null where it does not '
  'say.';

create function learning.trade_value(content jsonb, key text)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    nullif(content #> array['trade_summary', key], 'null'), nullif(content -> key, 'null'),
    nullif(content #> array['entry_context', key], 'null')
  );
end
$$;
comment on function learning.trade_value(jsonb, text) is
  'What a close says of its trade: in the summary, beside it or in the context of the entry.';

create function learning.side_of_trade(content jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    learning.side_of(content -> 'trade_summary'), learning.side_of(content),
    learning.side_of(content -> 'entry_context'), 'long'
  );
end
$$;
comment on function learning.side_of_trade(jsonb) is
  'Whether a close tells of a long or a short trade: long unless it says otherwise.';

create function learning.is_shadow_window(content jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    content -> 'decision_type' = '"shadow_entry"'
      and coalesce(content -> 'trade_id', 'null') = 'null'
      and jsonb_typeof(content -> 'blocked_by') = 'array'
      and jsonb_typeof(content -> 'gate_margins') = 'object'
      and jsonb_typeof(content -> 'pattern_key') = 'string'
      and jsonb_typeof(content -> 'episode_id') = 'string',
    false
  );
end
$$;
comment on function learning.is_shadow_window(jsonb) is
  'Whether an action that led to no trade tells of a window that was skipped.';
