/**
 * Where the strands of a proof come from.
 *
 * @module
 */

import { z } from "zod";
import { ExportError } from "../import/freqtrade/export.ts";
import { importExport } from "../import/freqtrade/import.ts";
import { openSource } from "../import/freqtrade/source.ts";
import type { StrandSink } from "../import/sink.ts";
import { generateSample, SAMPLE_SEED } from "../sample/sample.ts";
import { connect, type Database } from "../stack/database.ts";
import { DIMENSIONS_KIND, readStrandFile, type Strand, StrandFileError } from "../strand_file.ts";

/** A source that can be read. */
export interface Source {
  /** What a person calls it. */
  readonly name: string;
  /** Differs where its strands may differ. */
  readonly identity: string;
  /** The PM's and the decision maker's configuration where it has one. */
  readonly configs: Readonly<Record<string, object>>;
  readonly configVersion: number;
  /** Release that a database was brought to. */
  readonly release: string | null;
  strands(): AsyncIterable<Strand>;
}

const NO_CONFIG = { configs: {}, configVersion: 0, release: null } as const;

/** The sample of the demo, as of a day. */
export function sampleSource(asOf: Date): Source {
  const { strands } = generateSample({ seed: SAMPLE_SEED, asOf });
  return {
    ...NO_CONFIG,
    name: "the built-in sample",
    identity: `sample ${SAMPLE_SEED} ${strands[0]?.created_at}`,
    async *strands(): AsyncIterable<Strand> {
      yield* strands;
    },
  };
}

/** A strand file, or an export of freqtrade: told from what is in it. */
export async function fileSource(path: string, isExport: boolean): Promise<Source> {
  const { size, mtime } = await Deno.stat(path);
  const about = {
    ...NO_CONFIG,
    name: path,
    identity: `${await Deno.realPath(path)} ${size} ${mtime?.getTime() ?? ""}`,
  };
  const refusal = isExport ? null : await firstRefusal(path);
  if (!isExport && refusal === null) {
    return {
      ...about,
      async *strands(): AsyncIterable<Strand> {
        for await (const { strand } of readStrandFile(path)) yield strand;
      },
    };
  }
  try {
    const strands = await importedStrands(path);
    return {
      ...about,
      async *strands(): AsyncIterable<Strand> {
        yield* strands;
      },
    };
  } catch (error) {
    throw error instanceof ExportError && refusal !== null ? refusal : error;
  }
}

async function firstRefusal(path: string): Promise<StrandFileError | null> {
  try {
    for await (const _ of readStrandFile(path)) return null;
  } catch (error) {
    if (error instanceof StrandFileError) return error;
    throw error;
  }
  throw new Error(`${path} holds no strand.`);
}

async function importedStrands(path: string): Promise<Strand[]> {
  await using source = await openSource(path);
  const strands: Strand[] = [];
  const sink: StrandSink = {
    add(strand: Strand): Promise<void> {
      strands.push(strand);
      return Promise.resolve();
    },
    close: () => Promise.resolve({ written: strands.length, known: 0 }),
    abandon: () => Promise.resolve(),
  };
  await importExport(source, sink);
  return strands;
}

const dimensionRow = z.object({
  dim: z.string(),
  source: z.enum(["entry", "action", "regime"]),
  weight: z.number(),
  aliases: z.array(z.string()),
});
const aboutRow = z.object({
  name: z.string(),
  strands: z.number(),
  newest: z.string().nullable(),
  release: z.string().nullable(),
});
const configRow = z.object({
  module_id: z.enum(["pm", "decision_maker"]),
  config_data: z.record(z.string(), z.unknown()),
  version: z.number(),
});

/** A running database, which is only read. */
export async function databaseSource(url: string): Promise<Source> {
  const sql = connect(url, { max: 1, applicationName: "edgeloop prove" });
  try {
    const about = aboutRow.parse(
      (await sql`
      select current_database() as name, count(*)::integer as strands, max(created_at)::text as newest,
        learning.release() as release
      from ad_strands where kind in ('pm_action', 'dm_action', 'position_closed')`)[0],
    );
    const configs = z.array(configRow).parse([
      ...await sql`
        select module_id, config_data, version from learning_configs where module_id in ('pm', 'decision_maker')`,
    ]);
    return {
      name: `database ${about.name}`,
      identity: `${about.name} ${new URL(url).host} ${about.strands} ${about.newest} ${
        JSON.stringify(configs)
      }`,
      configs: Object.fromEntries(configs.map(({ module_id, config_data }) => [module_id, config_data])),
      configVersion: configs.find(({ module_id }) => module_id === "pm")?.version ?? 0,
      release: about.release,
      strands: () => strandsOf(url),
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Strands in the order of their times, read without a transaction that writes; what is registered comes first. */
async function* strandsOf(url: string): AsyncIterable<Strand> {
  const sql: Database = connect(url, { max: 1, applicationName: "edgeloop prove" });
  try {
    await sql`set default_transaction_read_only = on`;
    const dimensions = z.array(dimensionRow).parse([
      ...await sql`select dim, source, weight, aliases from scope_dimensions order by bit`,
    ]);
    yield { id: "dimensions of the database", kind: DIMENSIONS_KIND, content: { dimensions } };
    const rows = sql<Strand[]>`
      select id, module, kind, position_id, trade_id, parent_id, symbol, timeframe, content, regime_context, tags,
        to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at
      from ad_strands where kind in ('pm_action', 'dm_action', 'position_closed') order by created_at`.cursor(
      1_000,
    );
    for await (const batch of rows) yield* batch;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
