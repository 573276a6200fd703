-- Sizes of strands: what is too large or nested too deep to be judged.

create function learning.measure_strand(
  content jsonb, regime_context jsonb, out bytes bigint, out faults jsonb
)
returns record
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  most_bytes constant integer := learning.size_limit('strand_bytes');
  too_deep constant text[] := array_remove(array[
    case when learning.is_nested_too_deep(content) then 'content' end,
    case when learning.is_nested_too_deep(regime_context) then 'regime_context' end
  ], null);
begin
  faults := '[]';
  -- Before anything walks through all of them.
  if too_deep <> '{}' then
    select jsonb_agg(jsonb_build_object('path', path, 'message',
      format('Too deep: expected at most %s objects and lists within each other',
        learning.size_limit('nesting'))))
    into faults
    from unnest(too_deep) as path;
    return;
  end if;
  bytes := learning.text_bytes(content, most_bytes) + learning.text_bytes(regime_context, most_bytes);
  if bytes > most_bytes then
    faults := jsonb_build_array(jsonb_build_object('path', 'content', 'message', format(
      'Too big: expected content and regime_context to have at most %s bytes as text and they have %s%s',
      most_bytes, bytes,
      -- What is too large by itself was not written out.
      case when bytes > 2 * most_bytes then ' or more' else '' end)));
  end if;
end
$$;
comment on function learning.measure_strand(jsonb, jsonb) is
  'How many bytes a strand''s documents have as text, and why they are too large or too deep to be judged, '
  'as a list of {path, message}; empty where they are not.';

create function learning.label_faults(id text, module text, kind text, symbol text, timeframe text)
returns jsonb
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- As nearly all are: counting bytes says that there are not more characters.
  if octet_length(concat(module, kind, symbol, timeframe)) <= learning.size_limit('value_characters')
    and octet_length(id) <= learning.size_limit('id_characters') then
    return '[]'::jsonb;
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('path', label.path, 'message', format(
      'Too big: expected at most %s characters and it has %s', label.most, length(label.value)))
      order by label.place), '[]')
    from (values
      (1, 'id', id, learning.size_limit('id_characters')),
      (2, 'module', module, learning.size_limit('value_characters')),
      (3, 'kind', kind, learning.size_limit('value_characters')),
      (4, 'symbol', symbol, learning.size_limit('value_characters')),
      (5, 'timeframe', timeframe, learning.size_limit('value_characters'))
    ) as label(place, path, value, most)
    where length(label.value) > label.most
  );
end
$$;
comment on function learning.label_faults(text, text, text, text, text) is
  'Which of what a strand carries beside its documents is too long, as a list of {path, message}: those that '
  'travel travel with every strand of a claim.';
