-- Mining groups: the groups of events that are mined together, and which of them changed.

create type learning.group_key as (module text, pattern_key text, action_category text);
comment on type learning.group_key is 'A group of events that is mined together.';
comment on column learning.group_key.module is 'Who acted.';
comment on column learning.group_key.pattern_key is 'Behaviour, dotted.';
comment on column learning.group_key.action_category is 'Category of the action, or tuning.';

create table learning.mining_cycles (
  family text primary key check (family in ('strength', 'tuning')),
  cycle bigint not null default 0,
  last_event_id bigint not null default 0,
  started_at timestamptz
);
alter table learning.mining_cycles enable row level security;
comment on table learning.mining_cycles is
  'The mining cycle under way: every group of it is mined on the events that were there when it began.';
comment on column learning.mining_cycles.family is
  'strength for lessons from trades, tuning for lessons from episodes.';
comment on column learning.mining_cycles.cycle is 'Number of the cycle.';
comment on column learning.mining_cycles.last_event_id is 'Newest event of the cycle.';
comment on column learning.mining_cycles.started_at is 'When the cycle began.';
insert into learning.mining_cycles (family) values ('strength'), ('tuning');

create table learning.mining_groups (
  id bigint generated always as identity primary key,
  family text not null references learning.mining_cycles (family),
  lesson_type text not null,
  module text not null,
  pattern_key text not null,
  action_category text not null,
  evidence_version bigint not null default 1,
  mined_version bigint not null default 0,
  mined_cycle bigint not null default 0,
  mined_at timestamptz,
  mined_settings text,
  mined_baseline float8,
  run jsonb,
  progress jsonb,
  lease_token uuid,
  leased_until timestamptz,
  lagging_since timestamptz,
  mined_sigma float8,
  first_sigma float8,
  first_outcome text,
  unique (module, pattern_key, action_category)
);
create index mining_groups_family_idx on learning.mining_groups (family);
alter table learning.mining_groups enable row level security;
comment on table learning.mining_groups is 'The groups that are mined, what is due and who is at work.';
comment on column learning.mining_groups.id is 'Identity.';
comment on column learning.mining_groups.family is 'Cycle that the group is mined in.';
comment on column learning.mining_groups.lesson_type is 'Type of the lessons that come from the group.';
comment on column learning.mining_groups.module is 'Who acted.';
comment on column learning.mining_groups.pattern_key is 'Behaviour, dotted.';
comment on column learning.mining_groups.action_category is 'Category of the action, or tuning.';
comment on column learning.mining_groups.evidence_version is 'Grows with each change of the group''s events.';
comment on column learning.mining_groups.mined_version is 'Evidence version that the lessons rest on.';
comment on column learning.mining_groups.mined_cycle is 'Cycle in which it was mined last.';
comment on column learning.mining_groups.mined_at is 'When it was mined last.';
comment on column learning.mining_groups.mined_settings is
  'Digest of the configuration and the registry it was mined under.';
comment on column learning.mining_groups.mined_baseline is 'Baseline mean it was mined against.';
comment on column learning.mining_groups.mined_sigma is
  'Deviation of its category when it was mined: what edges are measured in unless told otherwise.';
comment on column learning.mining_groups.run is
  'What the run under way works with: events, settings, baseline; empty while a due group waits for it, null '
  'between runs.';
comment on column learning.mining_groups.progress is
  'Where the run under way has got to, in the miner''s own terms; null at its beginning.';
comment on column learning.mining_groups.lease_token is 'Invocation that holds the group.';
comment on column learning.mining_groups.leased_until is 'When another invocation may take over.';
comment on column learning.mining_groups.lagging_since is
  'Since when the overrides in force are older than what was learned; null where they are not.';
comment on column learning.mining_groups.first_sigma is
  'Deviation of the baseline when the group was first mined by this outcome: what evidence is weighed by.';
comment on column learning.mining_groups.first_outcome is 'The outcome that first_sigma is of.';

create function learning.outcome_read(config jsonb)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return concat_ws(
    ' ', config ->> 'outcome', config ->> 'add_outcome', config ->> 'trim_outcome', config ->> 'exit_outcome'
  );
end
$$;
comment on function learning.outcome_read(jsonb) is
  'What a configuration judges decisions by, as text that is equal for equal outcomes.';

create function learning.mark_groups_changed(changed learning.group_key[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into learning.mining_groups as mining_group (
    family, lesson_type, module, pattern_key, action_category
  )
  select distinct
    case when key.action_category = 'tuning' then 'tuning' else 'strength' end,
    case
      when key.action_category = 'tuning' then 'tuning_rates'
      when key.module = 'dm' and key.action_category = 'allocation' then 'dm_alloc'
      else 'pm_strength'
    end,
    key.module, key.pattern_key, key.action_category
  from unnest(changed) as key
  -- Every writer takes the rows in the same order and none deadlocks.
  order by 3, 4, 5
  on conflict (module, pattern_key, action_category) do update set
    evidence_version = mining_group.evidence_version + 1;
$$;
comment on function learning.mark_groups_changed(learning.group_key[]) is
  'Notes that the events of some groups changed.';
