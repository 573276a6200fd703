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
comment on function learning.full_scope_counts(jsonb) is
  'Whether crowding is measured on a candidate''s full scope, too.';

create view public.pattern_scope_exposure
with (security_invoker = true)
as
with scopes as (
  select cell.pattern_key, cell.mask, ('{' || cell.cell || '}')::jsonb as scope, cell.exposure, cell.positions
  from learning.exposure_cells cell
  where cell.pattern_key is not null
  union all
  -- A position's full scope, where no configured mask makes it a cell: whatever contains it is in it.
  select position_scope.pattern_key, full_scope.scope_mask, full_scope.scope, position_scope.exposure, 1
  from (
    select distinct position_scope.scope_mask, position_scope.scope
    from learning.position_scopes position_scope
    where position_scope.scope_mask <> 0
      and position_scope.scope_mask not in (
        select exposure_mask.mask from learning.exposure_masks exposure_mask
      )
      and learning.full_scope_counts(learning.config())
  ) as full_scope
  join learning.position_scopes position_scope on position_scope.scope @> full_scope.scope
)
select nullif(scopes.pattern_key, '') as pattern_key, scopes.mask, scopes.scope,
  sum(scopes.exposure) as exposure,
  sum(scopes.exposure) * learning.mask_weight(scopes.mask) as weighted_exposure,
  sum(scopes.positions)::integer as positions
from scopes
group by nullif(scopes.pattern_key, ''), scopes.mask, scopes.scope
having sum(scopes.positions) > 0;
comment on view public.pattern_scope_exposure is 'How much of the book each behaviour holds in each scope.';
comment on column public.pattern_scope_exposure.pattern_key is 'The behaviour, dotted; null where unknown.';
comment on column public.pattern_scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.pattern_scope_exposure.scope is 'The scope.';
comment on column public.pattern_scope_exposure.exposure is
  'Intended capital of the behaviour''s positions in it, as a fraction of the book.';
comment on column public.pattern_scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.pattern_scope_exposure.positions is 'How many positions that is.';

create view public.scope_exposure
with (security_invoker = true)
as
select pattern_exposure.mask, pattern_exposure.scope, sum(pattern_exposure.exposure) as exposure,
  sum(pattern_exposure.weighted_exposure) as weighted_exposure,
  sum(pattern_exposure.positions)::integer as positions
from public.pattern_scope_exposure pattern_exposure
group by pattern_exposure.mask, pattern_exposure.scope;
comment on view public.scope_exposure is 'How much of the book is held in each scope.';
comment on column public.scope_exposure.mask is 'Dimensions of the scope as bits.';
comment on column public.scope_exposure.scope is 'The scope.';
comment on column public.scope_exposure.exposure is
  'Intended capital of the positions in it, as a fraction of the book.';
comment on column public.scope_exposure.weighted_exposure is 'The same, weighted by the mask.';
comment on column public.scope_exposure.positions is 'How many positions that is.';
