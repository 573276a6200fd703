/**
 * The database as the edge functions see it: the only place that knows SQL names.
 *
 * @module
 */

import type { SupabaseClient } from "@supabase/supabase-js";
import type { Database, Json } from "./database.types.ts";
import { StoreError } from "./errors.ts";
import type { Fault } from "../strands/judge.ts";
import type { PackedColumns } from "./packed.ts";

/** A connection with the rights of the service role. */
export type Client = SupabaseClient<Database>;

type Functions = Database["public"]["Functions"];

/** A strand leased for judgement. */
export interface ClaimedStrand {
  readonly id: string;
  readonly revision: number;
  readonly kind: string;
}

/** A claimed strand on its way: its documents are JSON text, which survives whatever carries it. */
interface TravellingStrand extends ClaimedStrand {
  readonly content: string;
  readonly regime_context: string;
}

/** What became of a batch of judged strands. */
export interface AppliedStrands {
  readonly accepted: number;
  readonly rejected: number;
  readonly failed: number;
  /** Left for the next batch because the time for this one was up. */
  readonly postponed: number;
  /** Whether all of it was left because others are at work on the same trades. */
  readonly contended?: true;
}

/** Groups are mined in two cycles: those of trades and those of episodes. */
export type MiningFamily = "strength" | "tuning";

/** The baseline of a run as it is stored. */
export interface StoredBaseline {
  readonly n: number;
  readonly mean: number;
  readonly winsorised_mean: number;
  readonly sigma: number;
  readonly lower_bound: number;
  readonly upper_bound: number;
}

/** A group leased for mining, with what its run works with and where it has got to. */
export interface ClaimedGroup {
  readonly group_id: number;
  readonly lease_token: string;
  readonly lesson_type: "pm_strength" | "dm_alloc" | "tuning_rates";
  readonly module: string;
  readonly pattern_key: string;
  readonly action_category: string;
  readonly run: {
    readonly config: Json;
    readonly baseline: StoredBaseline | null;
    readonly dimensions: readonly { readonly bit: number; readonly dim: string }[] | null;
  };
  readonly progress: Json;
}

/** A lesson as it is stored. */
export interface StoredLesson {
  readonly scope_subset: Readonly<Record<string, string>>;
  readonly n: number;
  readonly stats: object;
  readonly edge_raw: number | null;
  readonly p_value: number | null;
  readonly q_value: number | null;
  readonly decay_halflife_hours: number | null;
  readonly status: "active" | "candidate";
  readonly last_evidence_at: string;
}

/** Earlier snapshots of one lesson's edge, oldest first; times in epoch milliseconds. */
export interface EdgeSeries {
  readonly scope_subset: Readonly<Record<string, string>>;
  readonly ts: readonly number[];
  readonly edge: readonly number[];
}

/** What one reconciliation step did; `next` is where the next one begins, null after the last. */
export interface ReconciledOverrides {
  readonly next: number | null;
  readonly created: number;
  readonly changed: number;
  readonly disabled: number;
}

/** One line of the learning log (spec §15). */
export interface LogLine {
  readonly level: "INFO" | "WARNING" | "ERROR";
  readonly component: string;
  readonly event: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The calls that edge functions make. Every one throws a {@linkcode StoreError} when it fails. */
export class Store {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The effective configuration of the PM. */
  async readConfig(): Promise<Record<string, unknown>> {
    return await this.call("get_pm_config", {}) as Record<string, unknown>;
  }

  /** Leases up to `limit` due strands. */
  async claimStrands(limit: number): Promise<ClaimedStrand[]> {
    const claimed = await this.call("claim_strands", { p_limit: limit }) as unknown as TravellingStrand[];
    return claimed.map((strand) => ({
      ...strand,
      content: JSON.parse(strand.content),
      regime_context: JSON.parse(strand.regime_context),
    }));
  }

  /** Lets accepted strands take effect and marks the others rejected. */
  async applyStrands(
    accepted: readonly ClaimedStrand[],
    rejected: readonly (ClaimedStrand & { readonly errors: readonly Fault[] })[],
  ): Promise<AppliedStrands> {
    return await this.call("apply_strands", {
      p_accepted: accepted.map(({ id, revision }) => ({ id, revision })),
      p_rejected: rejected.map(({ id, revision, errors }) => ({
        id,
        revision,
        errors: errors.map((e) => ({ ...e })),
      })),
    }) as unknown as AppliedStrands;
  }

  /** Begins a mining cycle; returns how many groups are due. */
  async startMining(family: MiningFamily): Promise<number> {
    return await this.call("start_mining", { p_family: family }) as number;
  }

  /** Leases one due group, or returns null where none is left. */
  async claimMiningGroup(family: MiningFamily): Promise<ClaimedGroup | null> {
    return await this.call("claim_mining_group", { p_family: family }) as unknown as ClaimedGroup | null;
  }

  /** The trades of a claimed group, packed. */
  async readMiningGroup(groupId: number): Promise<PackedColumns> {
    return await this.call("read_mining_group", { p_group_id: groupId }) as unknown as PackedColumns;
  }

  /** What posture is judged by, of every trade of a module, packed. */
  async readModuleTrades(module: string): Promise<Pick<PackedColumns, "roi" | "did_trim" | "reached_s3">> {
    return await this.call("read_module_trades", { p_module: module }) as unknown as PackedColumns;
  }

  /** What codes in packed columns stand for. */
  async readScopeValues(codes: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const values = await this.call("read_scope_values", { p_codes: [...codes] }) as Record<string, string>;
    return new Map(Object.entries(values).map(([code, value]) => [Number(code), value]));
  }

  /** Earlier edges of a group's lessons. */
  async readEdgeHistory(groupId: number): Promise<EdgeSeries[]> {
    return await this.call("read_edge_history", { p_group_id: groupId }) as unknown as EdgeSeries[];
  }

  /** Writes down where a run has got to and gives the group back. */
  async saveMiningProgress(group: ClaimedGroup, progress: unknown): Promise<void> {
    await this.call("save_mining_progress", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_progress: progress as Json,
    });
  }

  /** Gives up a run whose events were corrected under way. */
  async restartMiningGroup(group: ClaimedGroup): Promise<void> {
    await this.call("restart_mining_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
    });
  }

  /** Writes the lessons of a finished run all at once. */
  async finishMiningGroup(group: ClaimedGroup, lessons: readonly StoredLesson[]): Promise<void> {
    await this.call("finish_mining_group", {
      p_group_id: group.group_id,
      p_lease_token: group.lease_token,
      p_lessons: lessons as unknown as Json,
    });
  }

  /** Reconciles the overrides of the groups after `after`, up to `limit` groups. */
  async reconcileOverrides(after: number, limit: number): Promise<ReconciledOverrides> {
    return await this.call("reconcile_overrides", {
      p_after: after,
      p_limit: limit,
    }) as unknown as ReconciledOverrides;
  }

  /** Asks for further invocations of an edge function. */
  async ring(name: string, body: Readonly<Record<string, boolean>>, times = 1): Promise<void> {
    await this.call("ring_edge_function", { p_name: name, p_body: body, p_times: times });
  }

  /** Writes lines of the learning log. */
  async log(lines: readonly LogLine[]): Promise<void> {
    const { error } = await this.#client.from("learning_log").insert(
      lines.map((line) => ({ ...line, details: line.details as NonNullable<Json> })),
    );
    if (error) throw new StoreError("Writing the learning log", error);
  }

  /** Calls an RPC by name. For the stores of single rooms of the house; everyone else asks them. */
  async call<Name extends keyof Functions & string>(
    name: Name,
    args: Functions[Name]["Args"],
  ): Promise<unknown> {
    const { data, error } = await this.#client.rpc(name, args as never);
    if (error) throw new StoreError(name, error);
    return data;
  }
}
