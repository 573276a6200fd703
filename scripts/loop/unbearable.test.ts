/** Strands that the database or a function cannot bear, among others, over the doorbell and HTTP. */

import { assertEquals } from "@std/assert/mod.js";
import { startTestStack, testOnRealPostgres } from "../testing/databases.ts";

interface Fate {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
}

testOnRealPostgres(
  "a strand that nobody can bear is rejected with the reason, and what came with it goes on",
  async () => {
    await using cleanup = new AsyncDisposableStack();
    const stack = await startTestStack("postgres", cleanup);
    // The culprit of an apply: no document says so, only the database does when it is accepted.
    await stack.query(`
    create function public.refuse_culprit() returns trigger language plpgsql as $$
    begin
      raise exception 'this one cannot be stored' using errcode = '22003';
    end $$`);
    await stack.query(`
    create trigger refuse_culprit before update on public.strand_receipts for each row
    when (new.strand_id = 'culprit' and new.status = 'done') execute function public.refuse_culprit()`);
    await stack.query(`
    insert into public.ad_strands (id, kind, created_at, content)
    select strand.id, 'episode_outcome', '2025-01-15',
      '{"episode_id": "e", "outcome": "success"}'::jsonb || strand.content
    from (
      select 'good ' || place, '{}'::jsonb from generate_series(1, 40) as place
      union all values
        ('culprit', '{}'::jsonb),
        ('long', jsonb_build_object('x', array_fill(1e131071::numeric, array[9000]))),
        ('long name', jsonb_build_object('episode_id', array_fill(1e131071::numeric, array[9000]))),
        ('deep', jsonb_build_object('x', (repeat('[', 3000) || repeat(']', 3000))::jsonb))
    ) as strand(id, content)`);
    await stack.settle();
    const fates = await stack.query<Fate>(`
    select strand_id as id, status, errors -> 0 ->> 'message' as reason from public.strand_receipts
    where strand_id not like 'good%' order by strand_id`);
    const tooLong =
      "Too big: expected content and regime_context to have at most 16777216 bytes as text and they have ";
    assertEquals(fates.map(({ id, status, reason }) => [id, status, reason?.replace(/\d+ or more$/, "…")]), [
      ["culprit", "rejected", "The database refuses it: this one cannot be stored (SQLSTATE 22003)"],
      ["deep", "rejected", "Too deep: expected at most 64 objects and lists within each other"],
      ["long", "rejected", `${tooLong}…`],
      ["long name", "rejected", `${tooLong}…`],
    ]);
    const [good] = await stack.query<{ done: number }>(
      "select count(*)::integer as done from public.strand_receipts where strand_id like 'good%' and status = 'done'",
    );
    assertEquals(good, { done: 40 });
  },
);
