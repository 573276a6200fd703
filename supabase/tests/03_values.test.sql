begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(21);

-- Numbers ------------------------------------------------------------------------------------------------

select is(
  array[learning.clamp(0.5, 0, 1), learning.clamp(-3, 0, 1), learning.clamp(7, 0, 1)], '{0.5,0,1}',
  'A number between the bounds stays, one outside becomes the nearest bound'
);
select is(
  array[learning.clamp('Infinity', 0, 1), learning.clamp('-Infinity', 0, 1)], '{1,0}',
  'Even one that is infinitely far outside'
);
select is(learning.clamp(null, 0, 1), null, 'Nothing stays nothing');

select is(
  array(select learning.without_dust(x) from unnest('{1e-12,-1e-12,9e-13,-9e-13,5e-324,0,3}'::float8[]) as x),
  '{1e-12,-1e-12,0,0,0,0,3}', 'What is nearer to 0 than 1e-12 counts as 0'
);
select is(learning.without_dust(null), null, 'Nothing is no dust');
select is(
  array(
    select learning.number_of_decimal(x::numeric) from unnest('{1.5,-1e-400,9e-13,1e-12,1e300}'::text[]) as x
  ),
  '{1.5,0,0,1e-12,1e300}', 'So it does where it is too small for float8 to hold'
);

select is(
  array(
    select learning.number_of(document, 'x')
    from unnest('{"{\"x\": 1.5}","{\"x\": null}","{}"}'::jsonb[]) as document
  ),
  '{1.5,null,null}', 'A number of a document, nothing where it has none'
);
select is(
  array[learning.number_of('{"x": -1e-400}', 'x'), learning.number_of('{"x": 1e-12}', 'x')], '{0,1e-12}',
  'Without dust'
);
select is(
  array(
    select learning.finite_number(x)
    from unnest('{1.5,-1e-400,"\"1.5\"",true,null,"{}",1e300,-1e400}'::jsonb[]) as x
  ),
  '{1.5,0,null,null,null,null,null,null}', 'A message may hold anything; only a number is one'
);

-- For a person to read -------------------------------------------------------------------------------------

select is(learning.shortened(repeat('x', 60)), repeat('x', 60), '60 characters are shown');
select is(learning.shortened(repeat('x', 61)), repeat('x', 60) || '…', 'Of more the beginning is');
select is(learning.quoted('it''s'), '''it''''s''', 'A value is quoted');
select is(learning.quoted(repeat('x', 61)), '''' || repeat('x', 60) || '…''', 'And shortened');
select is(
  array(select learning.rounded(x) from unnest('{0.1,1,-2.50,1e-7,0.1234567}'::float8[]) as x),
  '{0.1,1,-2.5,0,0.123457}', 'Six decimals, without needless zeros'
);
select is(
  array(select learning.short(x) from unnest('{0,-0.001,0.05,0.1,1.2e-7,-3e-10}'::float8[]) as x),
  '{0,-0.001,0.05,0.1,1.2e-07,-3.0e-10}', 'Small numbers are written to be read'
);
select is(learning.rate('{"wr": 0.66666, "dr": null}', 'wr'), '0.667', 'A rate has three decimals');
select is(
  array[learning.rate('{"wr": 0.5, "dr": null}', 'dr'), learning.rate('{}', 'dr')], '{none,none}',
  'Or there is none'
);
select is(
  array[learning.in_percent(0.15), learning.in_percent(0.0012345)], '{15 %,0.1235 %}', 'A share in percent'
);
select is(
  learning.moment('2026-03-01 23:30:59+02'), '2026-03-01 21:30 UTC', 'A time is told in UTC'
);
select is(
  array(select learning.counted(n, 'strand', 'strands') from generate_series(0, 2) as n),
  '{0 strands,1 strand,2 strands}', 'One thing is one, others are many'
);
select is(learning.counted(null, 'strand', 'strands'), null, 'An unknown number of things is none');

select * from finish();
rollback;
