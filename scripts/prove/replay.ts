/**
 * The loop in a scratch database, in the order of time: first every strand is taken in, cut by cut, and what each cut
 * changed is noted; then runs begin with nothing, are let in on what was known at each cut, learn with the functions that
 * run live, and ask the database for sizes.
 *
 * @module
 */

import { z } from "zod";
import { mineLessons } from "../../functions/_shared/lessons/mine.ts";
import { materializeOverrides } from "../../functions/_shared/overrides/materialize.ts";
import { Stopwatch } from "../../functions/_shared/runtime/budget.ts";
import { Store } from "../../functions/_shared/store/store.ts";
import { aggregateStrands } from "../../functions/_shared/strands/aggregate.ts";
import type { Database } from "../stack/database.ts";
import { directClient } from "../stack/direct_client.ts";
import { dimensionRows } from "../strand_file.ts";
import { weekOf } from "./calendar.ts";
import type { History, KnownStrand } from "./history.ts";
import { shuffleWeeks } from "./statistics/placebo.ts";

const SCRATCH = new URL("scratch.sql", import.meta.url);
/** Strands of one insert. */
const BATCH = 500;
/** Decisions that the book is measured at in one transaction. */
const AT_ONCE = 20;
/** Longer than an invocation stays for strands that its own doorbell missed. */
const AFTER_LINGERING_MS = 60_000;
/** What one invocation may take here: nobody ends it. */
const ALLOWANCE = { cpuMs: 10 * AFTER_LINGERING_MS, wallMs: 10 * AFTER_LINGERING_MS };

/** What a proof tells while it runs, and what ends it. */
export interface Watch {
  readonly onProgress: (what: string, done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** A run of the loop over the history. */
export interface Run {
  readonly id: string;
  /** The PM's configuration in it. */
  readonly config: object;
  /** Outcomes change weeks by this seed; without one they stay where they are. */
  readonly placebo?: number;
}

/** Place of the first strand that was not known before a moment. */
function placeFrom(strands: readonly KnownStrand[], from: number, moment: number): number {
  let place = from;
  while (place < strands.length && (strands[place]?.knownAt ?? NaN) < moment) place++;
  return place;
}

function nameOf({ id, placebo }: Run): string {
  return placebo === undefined ? `Learned and sized (${id})` : `Learned and sized (${id}, shuffled)`;
}

const cutRows = z.array(z.object({ cut: z.number(), at: z.string() }));
const done = z.object({ cut: z.number() });

export class Replay {
  readonly #sql: Database;
  readonly #watch: Watch;

  constructor(sql: Database, watch: Watch) {
    this.#sql = sql;
    this.#watch = watch;
  }

  /** Makes room for a proof in a database that has the schema. */
  async prepare(): Promise<void> {
    const [there] = await this.#sql`select from pg_catalog.pg_namespace where nspname = 'prove'`;
    if (there === undefined) {
      const text = await Deno.readTextFile(SCRATCH);
      await this.#sql.begin((transaction) => transaction.unsafe(text).simple());
    }
  }

  /** Whether everything was taken in, by an earlier call or process. */
  async isTakenIn(): Promise<boolean> {
    return (await this.#progress("taken in")) !== null;
  }

  /** Takes in a whole history, from where an earlier call was interrupted. */
  async takeIn(history: History, embargoMs: number): Promise<void> {
    if (await this.isTakenIn()) return;
    const { cuts } = history;
    const from = await this.#progress("take in");
    if (from === null) await this.#beginTakingIn(history);
    // What an interrupted call had claimed is nobody's now.
    else await this.#sql`update strand_receipts set next_attempt_at = now() where status = 'pending'`;
    let begin = 0;
    // After the last cut comes the rest, which tells outcomes and teaches nothing.
    for (let cut = 1; cut <= cuts.length; cut++) {
      const end = placeFrom(history.strands, begin, cuts[cut] ?? Infinity);
      if (cut > (from ?? 0)) {
        await this.#sql`update prove.clock set cut = ${cut}`;
        await this.#feed(history.strands.slice(begin, end), begin, history.strands.length);
        if (cut < cuts.length) await this.#sql`select prove.note_shares(${cut})`;
        await this.#note("take in", cut);
      }
      begin = end;
    }
    await this.#sql.begin(async (transaction) => {
      await transaction`select prove.end_ingest(make_interval(secs => ${embargoMs / 1000}))`;
      await transaction`insert into prove.progress values ('taken in', '{"cut": 0}')`;
    });
    await this.#sql.unsafe("analyze");
  }

  async #beginTakingIn({ cuts, dimensions }: History): Promise<void> {
    const registered = await this.#sql<{ dim: string; bit: number; aliases: string[] }[]>`
      select dim, bit, aliases from scope_dimensions`;
    const rows = dimensionRows(dimensions, registered);
    await this.#sql.begin(async (transaction) => {
      await transaction`
        insert into scope_dimensions (dim, bit, source, weight, aliases)
        select dim, bit, source, weight, aliases
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as given(dim text, bit integer, source text, weight float8, aliases text[])`;
      await transaction`
        insert into prove.cuts (cut, at)
        select place - 1, at from unnest(${
        cuts.map((cut) => new Date(cut).toISOString())
      }::timestamptz[]) with ordinality as given(at, place)`;
      await transaction`select prove.begin_ingest()`;
      await transaction`select prove.note_shares(0)`;
      await transaction`insert into prove.progress values ('take in', '{"cut": 0}')`;
    });
  }

  async #feed(strands: readonly KnownStrand[], before: number, of: number): Promise<void> {
    for (let begin = 0; begin < strands.length; begin += BATCH) {
      this.#watch.signal?.throwIfAborted();
      const rows = strands.slice(begin, begin + BATCH).map(({ row }) => row);
      await this.#sql`
        insert into ad_strands (id, module, kind, position_id, trade_id, parent_id, symbol, timeframe, content,
          regime_context, tags, created_at)
        select id, module, kind, position_id, trade_id, parent_id, symbol, timeframe, content, regime_context, tags,
          created_at
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as given(id text, module text, kind text, position_id text, trade_id text, parent_id text, symbol text,
            timeframe text, content jsonb, regime_context jsonb, tags jsonb, created_at timestamptz)
        on conflict (id) do nothing`;
      while ((await aggregateStrands(this.#store(), ALLOWANCE)).handedOver);
      this.#watch.onProgress("Taken in", before + begin + rows.length, of);
    }
  }

  /** The store of an invocation that has nobody to wait for. */
  #store(): Store {
    let first = true;
    const stopwatch = new Stopwatch(() => {
      const now = performance.now();
      const past = first ? now - AFTER_LINGERING_MS : now;
      first = false;
      return past;
    });
    return new Store(directClient(this.#sql), stopwatch);
  }

  /** Measures the book at every decision, by the exposure settings of the configuration. */
  async measureBook(book: string, config: object): Promise<void> {
    const [counted] = await this.#sql<{ decisions: number }[]>`
      select count(*)::integer as decisions from prove.decisions`;
    const decisions = counted?.decisions ?? 0;
    const step = `book ${book}`;
    const from = await this.#progress(step);
    if (from !== null && from >= decisions) return;
    await this.configure(config);
    // Who holds what is found anew after an interruption.
    await this.#sql`select prove.open_book()`;
    for (let after = from ?? 0; after < decisions; after += AT_ONCE) {
      this.#watch.signal?.throwIfAborted();
      await this.#sql.begin(async (transaction) => {
        await transaction`select prove.measure_skews(${book}, ${after}, ${AT_ONCE})`;
        await this.#note(step, after + AT_ONCE, transaction);
      });
      this.#watch.onProgress("The book at decision", Math.min(after + AT_ONCE, decisions), decisions);
    }
    await this.#sql`select prove.close_book()`;
  }

  /** Runs the loop over the history, from where an earlier call was interrupted. */
  async run(run: Run): Promise<void> {
    const cuts = await this.#cuts();
    const step = `run ${run.id}`;
    const from = await this.#progress(step);
    if (from === cuts.length) return;
    await this.configure(run.config);
    if (run.placebo !== undefined && from === null) await this.#drawDonors(run.id, run.placebo);
    // What was learned up to an interruption is learned again: nobody knows who used the database since.
    await this.#sql`select prove.forget()`;
    for (const { cut } of cuts) {
      this.#watch.signal?.throwIfAborted();
      await this.#sql`select prove.let_in(${run.id}, ${cut})`;
      await this.#learn();
      if (cut >= (from ?? 0)) {
        await this.#sql.begin(async (transaction) => {
          await transaction`select prove.size_decisions(${run.id}, ${cut})`;
          await this.#note(step, cut + 1, transaction);
        });
      }
      this.#watch.onProgress(`${nameOf(run)}, cut`, cut + 1, cuts.length);
    }
  }

  async #learn(): Promise<void> {
    const client = directClient(this.#sql);
    let report = await mineLessons(new Store(client), false);
    let failed = report.failed;
    while (report.handedOver) {
      report = await mineLessons(new Store(client), true);
      failed += report.failed;
    }
    if (failed > 0) throw new Error(`${failed} groups could not be mined.`);
    while ((await materializeOverrides(new Store(client))).handedOver);
  }

  /** Which decision's outcome each decision takes: weeks of a category change places. */
  async #drawDonors(run: string, seed: number): Promise<void> {
    const decisions = await this.#sql<{ id: string; category: string; at: number }[]>`
      select action_strand_id as id, action_category as category, extract(epoch from acted_at)::float8 * 1000 as at
      from prove.decisions order by place`;
    const donors = [...Map.groupBy(decisions, ({ category }) => category).values()].flatMap((ofCategory) => {
      const places = shuffleWeeks({
        outcomes: Float64Array.from(ofCategory.keys()),
        weeks: Int32Array.from(ofCategory, ({ at }) => weekOf(at)),
      }, seed);
      return ofCategory.map(({ id }, i) => ({ id, donor: ofCategory[places[i] ?? i]?.id }));
    });
    await this.#sql`
      insert into prove.donors (run, action_strand_id, donor)
      select ${run}, id, donor
      from jsonb_to_recordset(${JSON.stringify(donors)}::text::jsonb) as given(id text, donor text)
      on conflict (run, action_strand_id) do update set donor = excluded.donor`;
  }

  /** Makes a document the PM's whole configuration, but for what a proof sets. */
  async configure(config: object): Promise<void> {
    await this.#sql`
      insert into learning_configs (module_id, config_data) values ('pm', ${
      JSON.stringify(config)
    }::text::jsonb)
      on conflict (module_id) do update set config_data = excluded.config_data`;
  }

  async #cuts(): Promise<z.infer<typeof cutRows>> {
    return cutRows.parse([...await this.#sql`select cut, at::text as at from prove.cuts order by cut`]);
  }

  async #progress(step: string): Promise<number | null> {
    const [row] = await this.#sql<{ done: unknown }[]>`select done from prove.progress where step = ${step}`;
    return row === undefined ? null : done.parse(row.done).cut;
  }

  async #note(step: string, cut: number, sql: Pick<Database, "unsafe"> = this.#sql): Promise<void> {
    await sql.unsafe(
      `insert into prove.progress (step, done) values ($1, jsonb_build_object('cut', $2::integer))
       on conflict (step) do update set done = excluded.done`,
      [step, cut],
    );
  }
}
