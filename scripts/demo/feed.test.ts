import { assertEquals, assertRejects } from "@std/assert/mod.js";
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Strand } from "../strand_file.ts";
import { StrandFeeder } from "./feed.ts";

interface Request {
  readonly table: string;
  readonly action: "select" | "insert" | "upsert";
  readonly rows: readonly Record<string, unknown>[];
}

/** A data API that keeps what it is asked; a registry of one dimension. */
function recordingClient(failure?: Error): { client: SupabaseClient; requests: Request[] } {
  const requests: Request[] = [];
  const answer = (data: unknown): { throwOnError: () => Promise<unknown> } => ({
    throwOnError: () => failure === undefined ? Promise.resolve({ data }) : Promise.reject(failure),
  });
  const client = {
    from: (table: string) => ({
      select: () => {
        requests.push({ table, action: "select", rows: [] });
        return answer([{ dim: "chain", bit: 1, aliases: [] }]);
      },
      insert: (rows: Record<string, unknown>[]) => {
        requests.push({ table, action: "insert", rows });
        return answer(null);
      },
      upsert: (rows: Record<string, unknown>[], options: unknown) => {
        assertEquals(options, { onConflict: "id", ignoreDuplicates: true });
        requests.push({ table, action: "upsert", rows });
        return answer(null);
      },
    }),
  };
  return { client: client as unknown as SupabaseClient, requests };
}

const strand = (id: string, created_at?: string): Strand => ({
  id,
  kind: "note",
  ...(created_at === undefined ? {} : { created_at }),
});

Deno.test("strands are written a thousand at a time, in their order, the last ones when it is asked for", async () => {
  const { client, requests } = recordingClient();
  const progress: number[] = [];
  const feeder = new StrandFeeder(client, (fed) => progress.push(fed));
  for (let i = 0; i < 2500; i++) await feeder.feed(strand(`s${i}`));
  assertEquals([requests.length, feeder.fed], [2, 2000]);
  await feeder.flush();
  await feeder.flush();
  assertEquals(requests.map(({ table, action, rows }) => [table, action, rows.length]), [
    ["ad_strands", "upsert", 1000],
    ["ad_strands", "upsert", 1000],
    ["ad_strands", "upsert", 500],
  ]);
  assertEquals(
    requests.flatMap(({ rows }) => rows.map(({ id }) => id)),
    Array.from({ length: 2500 }, (_, i) => `s${i}`),
  );
  assertEquals(progress, [1000, 2000, 2500]);
});

Deno.test("dimensions are registered before the strands that ask for them, and after those that do not", async () => {
  const { client, requests } = recordingClient();
  const feeder = new StrandFeeder(client, () => {});
  await feeder.feed(strand("before"));
  await feeder.feed({
    id: "dimensions",
    kind: "scope_dimensions",
    content: { dimensions: [{ dim: "session", source: "action" }, { dim: "chain", source: "entry" }] },
  });
  await feeder.feed(strand("after"));
  await feeder.flush();
  assertEquals(
    requests.map(({ table, action, rows }) => [table, action, rows.map((row) => row["dim"] ?? row["id"])]),
    [
      ["ad_strands", "upsert", ["before"]],
      ["scope_dimensions", "select", []],
      ["scope_dimensions", "insert", ["session"]],
      ["ad_strands", "upsert", ["dimensions", "after"]],
    ],
  );
});

Deno.test("the newest event time is known as it was written, whatever the offsets", async () => {
  const { client } = recordingClient();
  const feeder = new StrandFeeder(client, () => {});
  assertEquals(feeder.newest, null);
  for (const time of ["2025-01-01T12:00:00Z", "2025-01-01T12:30:00+02:00", "2025-01-01T11:00:00-02:00"]) {
    await feeder.feed(strand(time, time));
  }
  assertEquals(feeder.newest, null);
  await feeder.flush();
  assertEquals(feeder.newest, "2025-01-01T11:00:00-02:00");
});

Deno.test("a batch that is refused ends the feeding with its reason", async () => {
  const { client } = recordingClient(new Error("permission denied for table ad_strands"));
  const feeder = new StrandFeeder(client, () => {});
  await feeder.feed(strand("a"));
  await assertRejects(() => feeder.flush(), Error, "permission denied");
  assertEquals(feeder.fed, 0);
});
