import { connect } from "../stack/database.ts";

/** What the demo would write, by its ids. */
export interface SampleIds {
  readonly strands: readonly string[];
  readonly positions: readonly string[];
}

/**
 * Throws where the database holds strands or positions that are not the sample's: it would teach somebody's loop an invented
 * market, and fill somebody's book.
 */
export async function refuseDataOfOthers(databaseUrl: string, sample: SampleIds): Promise<void> {
  const sql = connect(databaseUrl, { max: 1 });
  try {
    for (
      const [table, ids] of [["ad_strands", sample.strands], ["lowcap_positions", sample.positions]] as const
    ) {
      const [there] = await sql<{ there: boolean }[]>`
        select to_regclass(${`public.${table}`}) is not null as there`;
      if (there?.there !== true) continue;
      const [others] = await sql<{ number: number }[]>`
        select count(*)::integer as number from ${sql(`public.${table}`)} as r
        where not exists (select from unnest(${[...ids]}::text[]) as ours (id) where ours.id = r.id::text)`;
      const number = others?.number ?? 0;
      if (number === 0) continue;
      throw new Error(
        `public.${table} of this database holds rows that are not the sample's (${
          number.toLocaleString("en")
        }), and the ` +
          "sample would mix with them. Give --db a database of its own, or --input FILE with trades that belong there.",
      );
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}
