/**
 * One history under every disturbance: what it comes to must be the same each time (README.md, "Guarantees").
 */

import { Random } from "../sample/random.ts";
import { connect } from "../stack/database.ts";
import { createScratchDatabase } from "../stack/scratch.ts";
import { installStandIns } from "../stack/standins.ts";
import { push } from "../supabase_cli.ts";
import type { Cluster } from "./cluster.ts";
import type { Disturbance } from "./disturbances.ts";
import { arrivalsOf, expectedEvents, generateHistory, type History } from "./history.ts";
import { differences, type Outcome, readEvents, readOutcome } from "./outcome.ts";
import { Rig } from "./rig.ts";

/** Tokens whose positions are rescaled as the allocation moves. */
const POSITIONS = `
  insert into public.lowcap_positions (id, token_chain, token_contract, timeframe, status, total_allocation_pct)
  select md5(token.name || frame.name)::uuid, 'solana', token.name, frame.name, 'watchlist', 0.1 * frame.share
  from (values ('A'), ('B'), ('C')) as token(name), (values ('15m', 0.15), ('1h', 0.5), ('4h', 0.35)) as frame(name, share)`;

/** A database with the migrations in it, to be copied; its server is the one at `serverUrl`. */
export async function createTemplate(serverUrl: string, cleanup: AsyncDisposableStack): Promise<string> {
  const databaseUrl = await createScratchDatabase(serverUrl, cleanup);
  const sql = connect(databaseUrl, { max: 1 });
  try {
    await installStandIns(sql);
    await push(databaseUrl);
  } finally {
    await sql.end({ timeout: 5 });
  }
  return new URL(databaseUrl).pathname.slice(1);
}

/** Where the databases of a trial come from; null for embedded ones. */
export interface Server {
  readonly url: string;
  readonly template: string;
}

/** How one disturbance went. */
export interface Trial {
  /** What differs from the undisturbed run; nothing, if all is well. */
  readonly differences: readonly string[];
  readonly seconds: number;
  /** Sweeps it took in the end. */
  readonly sweeps: number;
  /** Strands that had no effect yet when the disturbance was over. */
  readonly left: number;
  /** Answers of the functions by status. */
  readonly answers: Readonly<Record<number, number>>;
  /** What the functions said when they failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface TrialOptions {
  /** The server may be killed when this is given; it must be the one that `server` is on. */
  readonly cluster?: Cluster;
  /** How often a process is killed. */
  readonly kills?: number;
}

/** One history, and what it comes to when all goes well. */
export class ExactlyOnce {
  readonly #history: History;
  readonly #server: Server | null;
  #undisturbed: Outcome | undefined;

  constructor(trades: number, server: Server | null) {
    this.#history = generateHistory(trades, trades);
    this.#server = server;
  }

  get strands(): number {
    return this.#history.strands.length;
  }

  /** Lets the history in undisturbed and remembers what it comes to. Throws where that is not what it must come to. */
  async prepare(): Promise<void> {
    await this.#withRig(async (rig) => {
      await rig.feed(arrivalsOf(this.#history, 1));
      await rig.drain();
      const expected = expectedEvents(this.#history);
      const found = await readEvents(rig.stack.query);
      for (const [place, event] of expected.entries()) {
        if (JSON.stringify(found[place]) !== JSON.stringify(event)) {
          throw new Error(
            `Expected the event ${JSON.stringify(event)} and found ${JSON.stringify(found[place])}.`,
          );
        }
      }
      if (found.length !== expected.length) {
        throw new Error(`Expected ${expected.length} events and found ${found.length}.`);
      }
      this.#undisturbed = await readOutcome(rig.stack.query);
    });
  }

  /** Lets the history in, in another order, while something goes wrong. */
  async disturb(name: string, disturbance: Disturbance, options: TrialOptions = {}): Promise<Trial> {
    if (this.#undisturbed === undefined) await this.prepare();
    const undisturbed = this.#undisturbed ?? new Map();
    return await this.#withRig(async (rig): Promise<Trial> => {
      const from = performance.now();
      const failures: Record<string, number> = {};
      rig.doorbells.onFailure = (_path, status, body): void => {
        const said = `${status} ${body.slice(0, 120)}`;
        failures[said] = (failures[said] ?? 0) + 1;
      };
      const seed = [...name].reduce((sum, character) => sum * 31 + character.charCodeAt(0) | 0, 7);
      await disturbance({
        rig,
        deliveries: arrivalsOf(this.#history, seed),
        random: new Random(seed),
        cluster: options.cluster ?? null,
        kills: options.kills ?? 4,
      });
      rig.doorbells.fate = rig.calls.fate = (): "deliver" => "deliver";
      const left = await rig.backlog();
      const sweeps = await rig.drain();
      return {
        differences: differences(
          undisturbed,
          await readOutcome((sql, parameters) => rig.query(sql, parameters)),
        ),
        seconds: (performance.now() - from) / 1000,
        sweeps,
        left,
        answers: rig.doorbells.traffic.statuses,
        failures,
      };
    });
  }

  async #withRig<T>(work: (rig: Rig) => Promise<T>): Promise<T> {
    await using cleanup = new AsyncDisposableStack();
    const rig = await Rig.start(
      this.#server === null
        ? {}
        : { databaseUrl: await createScratchDatabase(this.#server.url, cleanup, this.#server.template) },
    );
    cleanup.use(rig);
    await rig.query(POSITIONS);
    return await work(rig);
  }
}
