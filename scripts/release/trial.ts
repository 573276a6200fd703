/** What the tests of upgrades change: a corner of the schema with something of every kind, before and after. */

import type { SqlFile } from "../stack/schema_sources.ts";

/** As a release has it. */
export const TRIAL_BEFORE: SqlFile = {
  name: "99_trial.sql",
  text: `
create table learning.trial_orders (
  id bigint generated always as identity primary key,
  symbol text not null,
  size integer not null check (size > 0),
  amount text not null default '0',
  note text
);
create index trial_orders_size_idx on learning.trial_orders (size);
alter table learning.trial_orders enable row level security;
comment on table learning.trial_orders is 'Orders.';
comment on column learning.trial_orders.size is 'How much.';
create policy sized on learning.trial_orders for select to authenticated using (size > 1);
revoke all on learning.trial_orders from anon, authenticated, service_role;
grant select on learning.trial_orders to authenticated;

create view public.trial_amounts with (security_invoker = true) as
select id, amount, size from learning.trial_orders;
comment on view public.trial_amounts is 'Amounts.';
comment on column public.trial_amounts.amount is 'How much it is.';
revoke all on public.trial_amounts from anon, authenticated, service_role;
grant select on public.trial_amounts to authenticated;

create function learning.trial_scaled(size integer) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select size * 2 $$;
comment on function learning.trial_scaled(integer) is 'Twice the size.';
revoke all on function learning.trial_scaled(integer) from public, anon, authenticated, service_role;
grant execute on function learning.trial_scaled(integer) to authenticated;

create view public.trial_scales with (security_invoker = true) as
select id, learning.trial_scaled(size) as scaled from learning.trial_orders;
comment on view public.trial_scales is 'Scales.';
comment on column public.trial_scales.scaled is 'How much of it.';
revoke all on public.trial_scales from anon, authenticated, service_role;
grant select on public.trial_scales to service_role;

create function public.trial_row() returns table (scaled integer)
language sql stable set search_path = pg_catalog, pg_temp as $$ select 1 $$;
comment on function public.trial_row() is 'A row.';
revoke all on function public.trial_row() from public, anon, authenticated, service_role;
grant execute on function public.trial_row() to service_role;

create type learning.trial_answer as (symbol text, total integer);
comment on type learning.trial_answer is 'An answer.';
comment on column learning.trial_answer.symbol is 'Symbol.';
comment on column learning.trial_answer.total is 'Total.';
create function learning.trial_answers() returns setof learning.trial_answer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select row(symbol, sum(size)::integer)::learning.trial_answer from learning.trial_orders group by symbol order by symbol
$$;
comment on function learning.trial_answers() is 'Answers.';
create view public.trial_totals with (security_invoker = true) as select * from learning.trial_answers();
comment on view public.trial_totals is 'Totals.';

create type learning.trial_pair as (first text, second text);
comment on type learning.trial_pair is 'A pair.';
create function learning.trial_pairs() returns setof learning.trial_pair
language sql stable set search_path = pg_catalog, pg_temp as $$
  select row(symbol, note)::learning.trial_pair from learning.trial_orders order by id
$$;
comment on function learning.trial_pairs() is 'Pairs.';
create view public.trial_pairs with (security_invoker = true) as select first, second from learning.trial_pairs();
comment on view public.trial_pairs is 'Pairs.';
select cron.schedule('trial', '5 * * * *', 'select 1');
select cron.schedule('trial-retired', '6 * * * *', 'select 1');
`,
};

/** As the next one shall have it, a change of every kind in it. */
export const TRIAL_AFTER: SqlFile = {
  name: "99_trial.sql",
  text: `
create table learning.trial_orders (
  id bigint generated always as identity primary key,
  symbol text not null,
  venue text not null default 'main',
  quantity integer not null check (quantity > 0), -- renamed from: size
  amount numeric not null default 0,
  note text check (note <> 'nonsense')
);
create index trial_orders_quantity_idx on learning.trial_orders (quantity);
alter table learning.trial_orders enable row level security;
comment on table learning.trial_orders is 'Orders, with their venue.';
comment on column learning.trial_orders.quantity is 'How much.';
comment on column learning.trial_orders.venue is 'Where.';
create policy sized on learning.trial_orders for select to authenticated using (quantity > 1);
revoke all on learning.trial_orders from anon, authenticated, service_role;
grant select on learning.trial_orders to authenticated;

create view public.trial_amounts with (security_invoker = true) as
select id, venue, amount, quantity from learning.trial_orders;
comment on view public.trial_amounts is 'Amounts.';
comment on column public.trial_amounts.amount is 'How much it is.';
revoke all on public.trial_amounts from anon, authenticated, service_role;
grant select on public.trial_amounts to authenticated;

create function learning.trial_scaled(quantity integer, factor integer default 3) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$ select quantity::bigint * factor $$;
comment on function learning.trial_scaled(integer, integer) is 'The quantity, scaled.';
revoke all on function learning.trial_scaled(integer, integer) from public, anon, authenticated, service_role;
grant execute on function learning.trial_scaled(integer, integer) to authenticated;

create view public.trial_scales with (security_invoker = true) as
select id, learning.trial_scaled(quantity) as scaled from learning.trial_orders;
comment on view public.trial_scales is 'Scales.';
comment on column public.trial_scales.scaled is 'How much of it.';
revoke all on public.trial_scales from anon, authenticated, service_role;
grant select on public.trial_scales to service_role;

create function public.trial_row() returns table (scaled integer, reason text)
language sql stable set search_path = pg_catalog, pg_temp as $$ select 1, 'none' $$;
comment on function public.trial_row() is 'A row.';
revoke all on function public.trial_row() from public, anon, authenticated, service_role;
grant execute on function public.trial_row() to service_role;

create type learning.trial_answer as (symbol text, total integer, orders integer);
comment on type learning.trial_answer is 'An answer.';
comment on column learning.trial_answer.symbol is 'Symbol.';
comment on column learning.trial_answer.total is 'Total.';
comment on column learning.trial_answer.orders is 'Orders.';
create function learning.trial_answers() returns setof learning.trial_answer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select row(symbol, sum(quantity)::integer, count(*)::integer)::learning.trial_answer
  from learning.trial_orders group by symbol order by symbol
$$;
comment on function learning.trial_answers() is 'Answers.';
create view public.trial_totals with (security_invoker = true) as select * from learning.trial_answers();
comment on view public.trial_totals is 'Totals.';

create type learning.trial_pair as (between text, first text, second text);
comment on type learning.trial_pair is 'A pair, and what is between.';
create function learning.trial_pairs() returns setof learning.trial_pair
language sql stable set search_path = pg_catalog, pg_temp as $$
  select row(venue, symbol, note)::learning.trial_pair from learning.trial_orders order by id
$$;
comment on function learning.trial_pairs() is 'Pairs.';
create view public.trial_pairs with (security_invoker = true) as select first, second from learning.trial_pairs();
comment on view public.trial_pairs is 'Pairs.';
select cron.schedule('trial', '7 * * * *', 'select 2');
select cron.schedule('trial-new', '8 * * * *', 'select 1');
`,
};

/** Changes of the rows that registries start with, in the sources' own text. */
const REGISTRY_CHANGES: readonly (readonly [RegExp, string])[] = [
  // A default, a description, a key that goes, a key that comes.
  [/(\('pm', 'n_min', 'integer', )'33'/, "$1'35'"],
  [/'How learned strength acts on the size\.'/, "'Said otherwise.'"],
  [
    /\n {2}\('pm', 'flags\.ae_v2_enabled',[^\n]*\n[^\n]*\n/,
    "\n  ('pm', 'trial.key', 'boolean', 'true', false, 'On trial.'),\n",
  ],
  [/(\('size_mult', 'multiplier', 1, 0\.7, )1\.3/, "$11.4"],
  [/\n {2}\('timeframe', 9, 'action', '\{\}'\),/, "\n  ('timeframe', 9, 'action', '{tf}'),"],
  [/\n {2}\('chain', 1, 'entry', '\{\}'\),/, "\n  ('chain', 1, 'entry', '{network}'),"],
  [
    /(\n {2}\('bucket_rank_position', 16, 'regime', '\{\}'\));/,
    "$1,\n  ('trial_dimension', 20, 'entry', '{}');",
  ],
];

/** The sources after the changes. Throws for a change that finds nothing to change. */
export function changeRegistries(sources: readonly SqlFile[]): SqlFile[] {
  let changed = [...sources];
  for (const [from, to] of REGISTRY_CHANGES) {
    if (!changed.some(({ text }) => from.test(text))) throw new Error(`Nothing in sql/ reads ${from}.`);
    changed = changed.map(({ name, text }) => ({ name, text: text.replace(from, to) }));
  }
  return changed;
}
