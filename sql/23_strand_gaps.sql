-- Gaps in strands: a writer that sends every column sends null where it has nothing to say.

create function learning.fill_strand_gaps()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.kind := coalesce(new.kind, 'unknown');
  new.content := coalesce(new.content, '{}');
  new.regime_context := coalesce(new.regime_context, '{}');
  new.tags := coalesce(new.tags, '[]');
  new.created_at := coalesce(new.created_at, now());
  return new;
end
$$;
comment on function learning.fill_strand_gaps() is
  'Gives a strand what it would have had if its nulls had been left out; one without a kind passes through '
  'untouched as one that learning does not read.';
create trigger fill_strand_gaps before insert or update on public.ad_strands
for each row when (
  new.kind is null or new.content is null or new.regime_context is null or new.tags is null
  or new.created_at is null
)
execute function learning.fill_strand_gaps();
comment on trigger fill_strand_gaps on public.ad_strands is
  'A null that a writer sends for want of a value is no reason to refuse its strand.';
