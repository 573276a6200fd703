-- Proofs: what a replay of history showed of a configuration, and whether sizes may act by it.

create table public.learning_proofs (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  source text not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  decisions integer not null check (decisions >= 0),
  config jsonb not null,
  config_version integer not null,
  release text,
  ways jsonb not null,
  verdict text not null check (verdict in ('shown', 'not shown', 'harm')),
  report jsonb not null default '{}'::jsonb,
  check (from_at <= to_at)
);
create index learning_proofs_at_idx on public.learning_proofs (at desc, id desc);
alter table public.learning_proofs enable row level security;
comment on table public.learning_proofs is
  'What replays of history showed (deno task prove --db URL --keep); the 200 newest are kept.';
comment on column public.learning_proofs.id is 'Order of writing.';
comment on column public.learning_proofs.at is 'When it was kept.';
comment on column public.learning_proofs.source is 'Where the strands came from.';
comment on column public.learning_proofs.from_at is 'Time of the first strand.';
comment on column public.learning_proofs.to_at is 'Time of the last strand.';
comment on column public.learning_proofs.decisions is 'Entries and adds that were sized.';
comment on column public.learning_proofs.config is 'The PM''s configuration as it was written.';
comment on column public.learning_proofs.config_version is
  'Its version; 0 where none was written. A later one is not proven by it.';
comment on column public.learning_proofs.release is 'Release that the proof is of.';
comment on column public.learning_proofs.ways is 'Every way of sizing with its figures.';
comment on column public.learning_proofs.verdict is
  'shown: the configured mode paid; harm: it cost; not shown: neither can be told.';
comment on column public.learning_proofs.report is 'Everything else that the proof said, and its sentence.';

create function learning.prune_proofs()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  kept constant integer := 200;
begin
  delete from public.learning_proofs proof
  where proof.id in (
    select older_proof.id from public.learning_proofs older_proof
    order by older_proof.at desc, older_proof.id desc offset kept
  );
  return null;
end
$$;
comment on function learning.prune_proofs() is 'Keeps the 200 newest proofs.';
create trigger prune_proofs after insert on public.learning_proofs
for each statement execute function learning.prune_proofs();
comment on trigger prune_proofs on public.learning_proofs is 'Keeps the 200 newest proofs.';

create function learning.newest_proof()
returns public.learning_proofs
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  found public.learning_proofs;
begin
  select proof.* into found
  from public.learning_proofs proof
  join learning.effective_configs effective_config on effective_config.module_id = 'pm'
    and effective_config.version = proof.config_version
  where proof.release = learning.release()
  order by proof.at desc, proof.id desc
  limit 1;
  return found;
end
$$;
comment on function learning.newest_proof() is
  'The newest proof of the PM''s configuration as it is and of this release; null where there is none.';

create function learning.proof_allows(config jsonb)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not (config #>> '{flags,require_proof}')::boolean then
    return true;
  end if;
  return coalesce((learning.newest_proof()).verdict = 'shown', false);
end
$$;
comment on function learning.proof_allows(jsonb) is
  'Whether strength and levers may act: always, or with flags.require_proof while the newest proof of this '
  'configuration and release is shown.';
