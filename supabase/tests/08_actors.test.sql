begin;
create extension if not exists pgtap with schema extensions;
set local search_path = public, extensions;
select plan(8);

select is(learning.acts_as_loop(), false, 'Whoever does not name himself is a person');
select is(learning.actor(), session_user::text, 'Who goes by his role in the database');
select learning.act_as('loop', 'strength 3');
select is(learning.acts_as_loop(), true, 'The loop names itself');
select is(array[learning.actor(), learning.actor_note('run')], '{loop,strength 3}', 'And its run');
select learning.act_as('');
select is(learning.acts_as_loop(), false, 'Until it gives its name back');
select is(learning.actor_note('run'), null, 'With its run');
select set_config('request.jwt.claims', '{"sub": "2f3b"}', true);
select is(learning.actor(), '2f3b', 'Whoever signed in goes by his id');
select set_config('request.jwt.claims', '{"sub": "2f3b", "email": "ann@example.com"}', true);
select is(learning.actor(), 'ann@example.com', 'Or by his address');

select * from finish();
rollback;
