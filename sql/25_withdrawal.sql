-- Withdrawal: what is deleted is remembered, so that the sweep can take back what was learned from it, and
-- what is pruned, so that nobody does.

create table learning.withdrawn_strands (
  id bigint generated always as identity primary key,
  strand_id text not null,
  kind text not null check (kind in ('trade', 'episode')),
  subject text not null,
  withdrawn_at timestamptz not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now()
);
alter table learning.withdrawn_strands enable row level security;
comment on table learning.withdrawn_strands is
  'Strands that were deleted or changed, and whose former effect may still stand: the sweep takes it back '
  'in pieces.';
comment on column learning.withdrawn_strands.id is 'Order in which they went.';
comment on column learning.withdrawn_strands.strand_id is 'The strand.';
comment on column learning.withdrawn_strands.kind is 'Whether it told of a trade or of an episode.';
comment on column learning.withdrawn_strands.subject is
  'The trade or episode that it named.';
comment on column learning.withdrawn_strands.withdrawn_at is 'When it went.';
comment on column learning.withdrawn_strands.attempts is 'How often taking it back failed.';
comment on column learning.withdrawn_strands.next_attempt_at is 'When it may be tried next.';

create table learning.pruned_subjects (
  kind text not null check (kind in ('trade', 'episode')),
  subject text not null,
  pruned_at timestamptz not null default now(),
  primary key (kind, subject)
);
alter table learning.pruned_subjects enable row level security;
comment on table learning.pruned_subjects is
  'Trades and episodes whose strands were pruned: what was learned from them stays as it is.';
comment on column learning.pruned_subjects.kind is 'trade or episode.';
comment on column learning.pruned_subjects.subject is 'The trade or episode.';
comment on column learning.pruned_subjects.pruned_at is 'When its strands were removed.';

create function learning.is_pruned(p_kind text, p_subject text)
returns boolean
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from learning.pruned_subjects pruned_subject
    where pruned_subject.kind = p_kind and pruned_subject.subject = p_subject
  );
end
$$;
comment on function learning.is_pruned(text, text) is
  'Whether the strands of a trade or episode were pruned: nothing that comes later changes it.';

create function learning.kind_of_subject(strand_kind text, content jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when strand_kind = any (learning.episode_kinds()) then 'episode'
    when strand_kind = 'pm_action' and content -> 'decision_type' = '"shadow_entry"'::jsonb
      and learning.is_shadow_window(content) then 'episode'
    else 'trade'
  end;
end
$$;
comment on function learning.kind_of_subject(text, jsonb) is 'What a strand tells of: trade or episode.';

create function learning.subject_of_strand(strand_kind text, content jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  key constant text := case
    when strand_kind = any (learning.trade_kinds())
      and (strand_kind <> 'pm_action' or learning.kind_of_subject(strand_kind, content) = 'trade')
      then 'trade_id'
    when strand_kind = any (learning.learned_kinds()) then 'episode_id'
  end;
  subject constant text := case when key is not null then learning.text_of(content, key) end;
begin
  -- Of what is longer no strand is accepted.
  return case when length(subject) <= learning.size_limit('id_characters') then subject end;
end
$$;
comment on function learning.subject_of_strand(text, jsonb) is
  'The trade or episode that a strand names; null where it names none, or one by something else than a text '
  'of an id''s length, or learning does not read its kind.';

create function learning.most_deleted_unasked()
returns integer
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 1000;
end
$$;
comment on function learning.most_deleted_unasked() is
  'Most strands that one statement deletes without saying that it means it.';

create function learning.refuse_unasked_withdrawal(attempt text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if lower(coalesce(current_setting('learning.withdraw', true), '')) in ('', 'off', 'false', 'no', '0') then
    raise exception using
      errcode = '55000',
      message = format('Refused to %s: it would take back everything that was learned from them', attempt),
      hint = 'Where that is meant, say so in the same transaction: set local learning.withdraw = ''on''. '
        'To remove old strands and keep what was learned from them: '
        'select prune_strands(''2026-01-01'').';
  end if;
end
$$;
comment on function learning.refuse_unasked_withdrawal(text) is
  'Refuses to withdraw many strands at once unless learning.withdraw is set, and says how.';

-- What these two do they do as their owner: whoever may delete strands need not be able to write what is
-- remembered of it.
create function learning.withdraw_deleted_strands()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  deleted bigint;
begin
  if tg_op = 'TRUNCATE' then
    perform learning.refuse_unasked_withdrawal('truncate the strands');
    insert into learning.withdrawn_strands (strand_id, kind, subject)
    select strand.id, learning.kind_of_subject(strand.kind, strand.content), named.subject
    from public.ad_strands strand
    cross join lateral (
      select learning.subject_of_strand(strand.kind, strand.content) as subject offset 0
    ) as named
    where named.subject is not null
      and not learning.is_pruned(learning.kind_of_subject(strand.kind, strand.content), named.subject);
    return null;
  end if;
  select count(*) into deleted from old_strands;
  if deleted > learning.most_deleted_unasked() then
    perform learning.refuse_unasked_withdrawal(format('delete %s strands in one statement', deleted));
  end if;
  insert into learning.withdrawn_strands (strand_id, kind, subject)
  select old_strand.id, learning.kind_of_subject(old_strand.kind, old_strand.content), named.subject
  from old_strands old_strand
  cross join lateral (
    select learning.subject_of_strand(old_strand.kind, old_strand.content) as subject offset 0
  ) as named
  where named.subject is not null
    and not learning.is_pruned(learning.kind_of_subject(old_strand.kind, old_strand.content), named.subject);
  return null;
end
$$;
comment on function learning.withdraw_deleted_strands() is
  'Remembers the strands that a statement deleted, for the sweep to take back their effect, and refuses one '
  'that deletes many without saying that it means it.';

create trigger withdraw_deleted_strands after delete on public.ad_strands
referencing old table as old_strands
for each statement execute function learning.withdraw_deleted_strands();
comment on trigger withdraw_deleted_strands on public.ad_strands is
  'What was learned from a deleted strand is taken back.';
create trigger withdraw_truncated_strands before truncate on public.ad_strands
for each statement execute function learning.withdraw_deleted_strands();
comment on trigger withdraw_truncated_strands on public.ad_strands is
  'What was learned from a deleted strand is taken back.';

create function learning.withdraw_changed_strands()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into learning.withdrawn_strands (strand_id, kind, subject)
  select old_strand.id, learning.kind_of_subject(old_strand.kind, old_strand.content), former.subject
  from old_strands old_strand
  join new_strands new_strand using (id)
  cross join lateral (
    select learning.subject_of_strand(old_strand.kind, old_strand.content) as subject offset 0
  ) as former
  where former.subject is not null
    and (old_strand.kind, old_strand.content) is distinct from (new_strand.kind, new_strand.content)
    and (
      old_strand.kind in ('episode_outcome', 'uptrend_episode_summary')
      or learning.subject_of_strand(new_strand.kind, new_strand.content) is null
    )
    and not learning.is_pruned(learning.kind_of_subject(old_strand.kind, old_strand.content), former.subject);
  return null;
end
$$;
comment on function learning.withdraw_changed_strands() is
  'Remembers what changed strands told of: nothing else tells which episode an outcome belonged to, or which '
  'trade a strand that names none any more.';
create trigger withdraw_changed_strands after update on public.ad_strands
referencing new table as new_strands old table as old_strands
for each statement execute function learning.withdraw_changed_strands();
comment on trigger withdraw_changed_strands on public.ad_strands is
  'What a strand said before it was changed is taken back.';
