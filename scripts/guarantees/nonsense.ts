/** Bad strands among good ones: what becomes of each (functions/README.md, "From strands to events"). */

import { fastForward } from "../demo/fast_forward.ts";
import { connect } from "../stack/database.ts";
import { badStrands, type RawStrand } from "./bad_input.ts";
import { arrivalsOf, expectedEvents, generateHistory } from "./history.ts";
import { readEvents } from "./outcome.ts";
import type { Rig } from "./rig.ts";

/** What became of the bad strands. */
export interface NonsenseReport {
  readonly processed: number;
  readonly rejected: number;
  /** Refused by Postgres at the insert, by SQLSTATE. */
  readonly refused: Readonly<Record<string, number>>;
  /** What is not as it should be; nothing, if all is well. */
  readonly complaints: readonly string[];
}

const WRITERS = 4;

/** Writes bad strands between the good ones of a history, lets the loop run, and looks what became of each. */
export async function feedNonsense(
  rig: Rig,
  options: { readonly seed: number; readonly bad: number; readonly trades: number },
): Promise<NonsenseReport> {
  const history = generateHistory(options.seed, options.trades);
  const complaints: string[] = [];
  rig.doorbells.onFailure = (path, status, body): void => {
    complaints.push(`${path} answered ${status}: ${body.slice(0, 300)}`);
  };
  rig.calls.onFailure = rig.doorbells.onFailure;
  // So that what is odd and accepted is mined, named and asked for as well.
  await rig.query(
    `insert into public.learning_configs (module_id, config_data)
     values ('pm', '{"n_min": 2, "edge_min": 0, "max_q_value": null}')`,
  );

  const bad = badStrands(options.seed, options.bad, ["somebody", "trade-x", "episode-x"]);
  const refused = new Map<string, string>();
  await Promise.all([rig.feed(arrivalsOf(history, options.seed)), writeRaw(rig, bad, refused)]);
  await rig.drain();

  const good = await readEvents((sql, parameters) => rig.query(sql, parameters));
  const own = new Set(history.strands.map(({ id }) => id));
  if (
    JSON.stringify(good.filter(({ action_strand_id }) => own.has(action_strand_id))) !==
      JSON.stringify(expectedEvents(history))
  ) {
    complaints.push("The good strands did not all come to what they must.");
  }
  const receipts = await readReceipts(rig);
  const counts = { processed: 0, rejected: 0 };
  for (const strand of bad) {
    const receipt = receipts.get(strand.id);
    if (refused.has(strand.id)) {
      if (receipt !== undefined) complaints.push(`${strand.id} was refused and has a receipt.`);
    } else if (receipt === undefined) {
      // Of a kind that learning does not read.
      counts.processed += 1;
    } else {
      if (receipt.status === "rejected") counts.rejected += 1;
      else counts.processed += 1;
      complaints.push(...faultsOfVerdict(strand, receipt));
    }
  }
  complaints.push(...await faultsAfterwards(rig));
  const byCode = Object.groupBy([...refused.values()], (code) => code);
  return {
    ...counts,
    refused: Object.fromEntries(Object.entries(byCode).map(([code, strands = []]) => [code, strands.length])),
    complaints,
  };
}

interface Receipt {
  readonly id: string;
  readonly status: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

async function readReceipts(rig: Rig): Promise<Map<string, Receipt>> {
  const rows = await rig.query<Receipt>("select strand_id as id, status, errors from public.strand_receipts");
  return new Map(rows.map((row) => [row.id, row]));
}

/** One statement each, so that Postgres refuses each by itself. */
async function writeRaw(
  rig: Rig,
  strands: readonly RawStrand[],
  refused: Map<string, string>,
): Promise<void> {
  const writer = async (first: number): Promise<void> => {
    const sql = connect(rig.stack.databaseUrl, { max: 1 });
    try {
      for (let place = first; place < strands.length; place += WRITERS) {
        const { id, kind, module, timeframe, content, regime_context, created_at } =
          strands[place] as RawStrand;
        try {
          await sql`
            insert into public.ad_strands (id, kind, module, timeframe, content, regime_context, created_at)
            values (${id}, ${kind}, ${module}, ${timeframe}, ${content}::text::jsonb, ${regime_context}::text::jsonb,
              ${created_at}::text::timestamptz)`;
        } catch (error) {
          const code = error instanceof Error && "code" in error ? String(error.code) : "";
          if (!/^[0-9A-Z]{5}$/.test(code)) throw error;
          refused.set(id, code);
        }
      }
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, first) => writer(first)));
}

function faultsOfVerdict(strand: RawStrand, { status, errors }: Receipt): string[] {
  const said = `${strand.id} (${strand.kind}, ${strand.content.slice(0, 200)}) is ${status}: ${
    JSON.stringify(errors)
  }`;
  if (status === "done" && strand.wrong.length === 0) return [];
  if (status !== "rejected") return [said];
  if (errors.length === 0 || errors.some(({ message }) => message === "")) {
    return [`${said}, without a reason`];
  }
  const missed = strand.wrong.filter((path) =>
    !errors.some((error) => error.path === path || path.startsWith(`${error.path}.`))
  );
  return missed.map((path) => `${said}, without ${path}`);
}

/** What accepted nonsense does to the rest of the loop. */
async function faultsAfterwards(rig: Rig): Promise<string[]> {
  await fastForward({ ...rig.stack, settle: () => rig.settle() }, () => {});
  const errors = await rig.query<{ message: string }>(
    "select component || ' ' || event || ': ' || message as message from public.learning_log where level = 'ERROR'",
  );
  const problems = await rig.query<{ problem: string }>(
    "select stage || ': ' || problem as problem from public.learning_health where problem is not null and stage not in ('inbox', 'proof')",
  );
  const numbers = await rig.query<{ count: number }>(`
    select count(*)::integer as count from public.pattern_trade_events event
    where 'NaN' in (event.roi, event.rr, event.pnl_usd) or abs(event.roi) > 1e4 or abs(event.rr) > 1e12`);
  return [
    ...errors.map(({ message }) => message),
    ...problems.map(({ problem }) => problem),
    ...(numbers[0]?.count === 0 ? [] : [`${numbers[0]?.count} events have numbers out of range.`]),
  ];
}
