-- Ignored keys: what of a context is no dimension, and which one may have been meant.

create function learning.edit_distance(a text, b text, most integer)
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  columns constant integer := length(b);
  letters_a constant text[] := string_to_array(a, null);
  letters_b constant text[] := string_to_array(b, null);
  beyond constant integer := most + 1;
  row_before integer[];
  former_row integer[] := array(select least(place, beyond) from generate_series(0, columns) as place);
  this_row integer[];
  distance integer;
begin
  for i in 1 .. length(a) loop
    this_row := array_fill(beyond, array[columns + 1]);
    this_row[1] := least(i, beyond);
    distance := this_row[1];
    -- Farther from the diagonal no way is short enough.
    for j in greatest(1, i - most) .. least(columns, i + most) loop
      this_row[j + 1] := least(
        former_row[j + 1] + 1, this_row[j] + 1,
        former_row[j] + case when letters_a[i] = letters_b[j] then 0 else 1 end,
        case when i > 1 and j > 1 and letters_a[i] = letters_b[j - 1] and letters_a[i - 1] = letters_b[j]
          then row_before[j - 1] + 1 end,
        beyond
      );
      distance := least(distance, this_row[j + 1]);
    end loop;
    if distance = beyond then
      return null;
    end if;
    row_before := former_row;
    former_row := this_row;
  end loop;
  return nullif(former_row[columns + 1], beyond);
end
$$;
comment on function learning.edit_distance(text, text, integer) is
  'How many letters must be put in, left out, replaced or swapped with their neighbour to make one text of '
  'another; null where it is more than the most that is asked about. Without an extension, which may not be '
  'installed.';

create function learning.nearest_dimension(key text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  written constant text := lower(left(key, 100));
begin
  return (
    select near.dim
    from (
      select dimension.dim, dimension.bit,
        learning.edit_distance(written, lower(given.name), allowed.edits) as distance
      from public.scope_dimensions dimension
      cross join lateral unnest(dimension.dim || dimension.aliases) as given(name)
      cross join lateral (select case when length(given.name) < 8 then 1 else 2 end as edits) as allowed
      -- Each letter that one of them lacks is an edit: few pairs are left to be compared letter by letter.
      where case
        when abs(length(given.name) - length(written)) > allowed.edits then false
        else length(translate(written, lower(given.name), '')) <= allowed.edits
          and length(translate(lower(given.name), written, '')) <= allowed.edits
      end
    ) as near
    where near.distance is not null
    order by near.distance, near.bit
    limit 1
  );
end
$$;
comment on function learning.nearest_dimension(text) is
  'The registered dimension whose name or alias a key is nearest to, capitals aside: by one edit where the '
  'name is shorter than eight letters, by two where it is longer; null where none is so near.';

create function learning.ignored_keys(scope jsonb)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  keys constant text[] := array(
    select given.key
    from jsonb_object_keys(scope) as given(key)
    where not exists (
      select from public.scope_dimensions dimension
      where dimension.dim = given.key or given.key = any (dimension.aliases)
    )
  );
begin
  if cardinality(keys) = 0 then
    return '{}'::jsonb;
  end if;
  return (
    select jsonb_object_agg(
      ignored.key, case when cardinality(keys) <= 32 then learning.nearest_dimension(ignored.key) end
    )
    from unnest(keys) as ignored(key)
  );
end
$$;
comment on function learning.ignored_keys(jsonb) is
  'The keys of a scope that are no dimension, each with the nearest registered one or null. Of more than 32, '
  'which are no misspellings, the nearest are not looked for.';

create function learning.ignored_in_words(ignored jsonb)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
    learning.quoted(pair.key) || coalesce(' (is ' || pair.value || ' meant?)', ''), ', ' order by pair.key
  )
  from jsonb_each_text(ignored) as pair;
$$;
comment on function learning.ignored_in_words(jsonb) is
  'Ignored keys for a person to read; null where there are none.';

create function learning.log_ignored_keys(contexts jsonb[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known constant text[] := array(
    select name.text
    from public.scope_dimensions dimension
    cross join lateral unnest(dimension.dim || dimension.aliases) as name(text)
  );
  ignored record;
begin
  -- Before anything is counted: nearly always the hour has its line already.
  if exists (
    select from public.learning_log log_line
    where log_line.event = 'scope_keys_ignored' and log_line.at > now() - interval '1 hour'
  ) then
    return;
  end if;
  select count(*) as keys, jsonb_object_agg(counted.key, counted.contexts) filter (where counted.place <= 50)
      as contexts,
    jsonb_object_agg(counted.key, learning.nearest_dimension(counted.key)) filter (where counted.place <= 10)
      as nearest
  into ignored
  from (
    select given.key, count(*) as contexts,
      row_number() over (order by count(*) desc, given.key) as place
    from (
      select case jsonb_typeof(context.content) when 'object' then context.content - known end as rest
      from unnest(contexts) as context(content)
      offset 0
    ) as unknown
    cross join lateral jsonb_object_keys(unknown.rest) as given(key)
    -- Nearly every context has none.
    where unknown.rest <> '{}'
    group by given.key
  ) as counted;
  if ignored.keys > 0 then
    perform learning.write_log(
      'INFO', 'aggregate-strands', 'scope_keys_ignored',
      format('%s of contexts %s no dimension and left out of scopes: %s%s',
        learning.counted(ignored.keys, 'key', 'keys'), case ignored.keys when 1 then 'is' else 'are' end,
        learning.ignored_in_words(ignored.nearest),
        case when ignored.keys > 10 then ' and ' || ignored.keys - 10 || ' more' else '' end),
      jsonb_build_object('keys', ignored.keys, 'contexts', ignored.contexts)
    );
  end if;
end
$$;
comment on function learning.log_ignored_keys(jsonb[]) is
  'Writes once an hour which keys of a batch''s contexts are no dimension and in how many contexts each is: '
  'ten in words, fifty with their counts, the most frequent first.';
