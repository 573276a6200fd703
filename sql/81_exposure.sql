-- Exposure: how much of the book is held in each scope.

create function learning.full_scope_counts(config jsonb)
returns boolean
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return config #> '{exposure,masks}' = 'null'::jsonb or config #> '{exposure,masks}' ? 'full';
end
$$;
comment on function learning.full_scope_counts(jsonb) is 'Whether crowding is measured on a candidate''s full scope, too.';

create view public.pattern_scope_exposure
with (security_invoker = true)
as
with cells as (
  select cell.pattern_key, cell.mask, ('{' || cell.cell || '}')::jsonb as scope, cell.exposure, cell.positions
  from learning.exposure_cells cell
  where cell.pattern_key is not null
  union all
  -- A position's full scope, where no configured mask makes it a cell: whatever contains it is in it.
  select position.pattern_key, whole.scope_mask, whole.scope, position.exposure, 1
  from (
    select distinct held.scope_mask, held.scope
    from learning.position_scopes held
    where held.scope_mask <> 0 and held.scope_mask not in (select known.mask from learning.exposure_masks known)
      and learning.full_scope_counts(learning.config())
  ) as whole
  join learning.position_scopes position on position.scope @> whole.scope
)
select nullif(cells.pattern_key, '') as pattern_key, cells.mask, cells.scope, sum(cells.exposure) as exposure,
  sum(cells.exposure) * exp(greatest(-115, learning.mask_log_weight(cells.mask))) as weighted_exposure,
  sum(cells.positions)::integer as positions
from cells
group by nullif(cells.pattern_key, ''), cells.mask, cells.scope
having sum(cells.positions) > 0;
comment on view public.pattern_scope_exposure is 'How much of the book each behaviour holds in each scope.';
comment on column public.pattern_scope_exposure.pattern_key is 'The behaviour, dotted; null where unknown.';
comment on column public.pattern_scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_exposure.scope is 'The scope.';
comment on column public.pattern_scope_exposure.exposure is 'Intended capital of the behaviour''s positions in it, as a fraction of the book.';
comment on column public.pattern_scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.pattern_scope_exposure.positions is 'How many positions that is.';

create view public.scope_exposure
with (security_invoker = true)
as
select held.mask, held.scope, sum(held.exposure) as exposure, sum(held.weighted_exposure) as weighted_exposure,
  sum(held.positions)::integer as positions
from public.pattern_scope_exposure held
group by held.mask, held.scope;
comment on view public.scope_exposure is 'How much of the book is held in each scope.';
comment on column public.scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.scope_exposure.scope is 'The scope.';
comment on column public.scope_exposure.exposure is 'Intended capital of the positions in it, as a fraction of the book.';
comment on column public.scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.scope_exposure.positions is 'How many positions that is.';
