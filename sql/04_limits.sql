-- Limits: how large what comes in may be, counted before anything is made of it.

create function learning.size_limit(name text)
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  size_limit constant integer := case name
    when 'scope_keys' then 256
    when 'scope_bytes' then 65536
    when 'value_characters' then 200
    when 'pattern_key_characters' then 200
    when 'id_characters' then 1000
    when 'strand_bytes' then 16777216
    when 'claim_bytes' then 8388608
    when 'nesting' then 64
    when 'batch_candidates' then 1000
    when 'batch_bytes' then 4194304
    when 'masks' then 500
  end;
begin
  if size_limit is null then
    raise exception using
      errcode = '22023',
      message = format('There is no limit %L', name),
      hint = 'The limits are listed in learning.size_limit.';
  end if;
  return size_limit;
end
$$;
comment on function learning.size_limit(text) is
  'How much of something is taken at most: keys and bytes of a scope, characters of its values, of a '
  'pattern key and of an id, bytes of a strand and of a claim, levels of nesting, candidates and bytes of a '
  'batch, masks of exposure. Bytes are those of the text, which is what travels.';
