-- Generated from sql/ by `deno task db:migrate`; edit sql/ instead.

set local check_function_bodies = off;
CREATE OR REPLACE FUNCTION learning.choose_due_strands(most_strands integer)
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  due record;
  chosen text[] := '{}'::text[];
  company integer := most_strands;
begin
  for due in
    select receipt.strand_id, receipt.attempts
    from public.strand_receipts receipt
    where receipt.status = 'pending' and receipt.next_attempt_at <= clock_timestamp()
    order by receipt.next_attempt_at, receipt.event_at, receipt.strand_id
    limit most_strands
    for update skip locked
  loop
    -- Each time that a strand was claimed in vain it travels with an eighth of the company, and in the end
    -- alone: in case it is what brings its company down.
    company := least(company,
      case when due.attempts < 3 then greatest(1, most_strands >> 3 * due.attempts) else 1 end,
      -- One that will be refused for its id does not add it to those of a whole claim.
      case when length(due.strand_id) > learning.size_limit('id_characters') then 1 end);
    exit when cardinality(chosen) >= company;
    chosen := chosen || due.strand_id;
  end loop;
  return chosen;
end
$function$;
CREATE OR REPLACE FUNCTION learning.lock_subjects(accepted jsonb, rejected jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  deadline constant timestamptz := clock_timestamp() + interval '250 milliseconds';
  touched record;
begin
  for touched in
    select subject.kind, subject.subject
    from learning.touched_subjects(accepted, rejected) as subject
    -- What belongs to nothing is shared by all batches and changes nothing.
    where subject.subject <> ''
  loop
    while not pg_try_advisory_xact_lock(hashtextextended(touched.kind || ' ' || touched.subject, 0)) loop
      if clock_timestamp() > deadline then
        return false;
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  return true;
end
$function$;
COMMENT ON FUNCTION "learning"."lock_subjects"(jsonb, jsonb) IS 'Locks the trades and episodes that some verdicts touch, in one order, so that two batches that share some wait for each other instead of deadlocking. False where that would take longer than a quarter of a second: who works through many strands holds their trades for most of the time, and goes on by itself.';
delete from public.scope_dimensions where false;
delete from learning.settings where false;
