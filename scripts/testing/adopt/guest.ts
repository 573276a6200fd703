/**
 * A portfolio manager that lived in a database before Edgeloop: its tables, and what it wrote there. Its schema is invented,
 * with all that an adoption has to deal with; that of a real one may be given instead.
 *
 * @module
 */

import { z } from "zod";
import type { Database } from "../../stack/database.ts";

const relation = z.object({
  kind: z.enum(["table", "view"]),
  /** Name, type, "null" or "not null", default. */
  columns: z.array(z.tuple([z.string(), z.string(), z.string(), z.string().nullable()])),
  constraints: z.array(z.string()),
});

/** Tables and views by name, in the order in which they can be made; a view shows those columns of ad_strands. */
export const guestSchema = z.record(z.string(), relation);

/** @see guestSchema */
export type GuestSchema = z.infer<typeof guestSchema>;

const id: [string, string, string, string | null] = ["id", "bigint", "not null", "identity"];
const now: string = "now()";

/** An invented one. */
export const GUEST: GuestSchema = {
  ad_strands: {
    kind: "table",
    columns: [
      ["id", "text", "not null", null],
      ["module", "text", "null", "'beta'::text"],
      ["kind", "text", "null", null],
      ["symbol", "text", "null", null],
      ["timeframe", "text", "null", null],
      ["tags", "jsonb", "null", null],
      ["recipient", "text", "null", null],
      ["created_at", "timestamp with time zone", "null", now],
      ["updated_at", "timestamp with time zone", "null", now],
      ["position_id", "text", "null", null],
      ["trade_id", "uuid", "null", null],
      ["parent_id", "text", "null", null],
      ["content", "jsonb", "null", null],
      ["regime_context", "jsonb", "null", null],
      ["standing", "character varying(20)", "null", "'fresh'::character varying"],
    ],
    constraints: ["PRIMARY KEY (id)"],
  },
  lowcap_positions: {
    kind: "table",
    columns: [
      ["id", "uuid", "not null", "gen_random_uuid()"],
      ["token_chain", "text", "not null", null],
      ["token_contract", "text", "not null", null],
      ["token_ticker", "text", "null", null],
      ["timeframe", "text", "not null", null],
      ["status", "text", "not null", "'watchlist'::text"],
      ["state", "text", "not null", "'S4'::text"],
      ["current_trade_id", "uuid", "null", null],
      ["total_allocation_pct", "double precision", "null", null],
      ["total_quantity", "double precision", "null", "0"],
      ["held_usd", "numeric", "null", "0"],
      ["current_usd_value", "double precision", "null", "0"],
      ["book_id", "text", "null", "'social'::text"],
      ["is_new", "boolean", "null", "false"],
      ["entry_context", "jsonb", "null", null],
      ["completed_trades", "jsonb", "null", "'[]'::jsonb"],
      ["created_at", "timestamp with time zone", "null", now],
      ["updated_at", "timestamp with time zone", "null", now],
    ],
    constraints: [
      "PRIMARY KEY (id)",
      "UNIQUE (token_contract, token_chain, timeframe)",
      "CHECK ((timeframe = ANY (ARRAY['1m'::text, '15m'::text, '1h'::text, '4h'::text, '1d'::text])))",
    ],
  },
  pattern_episode_events: {
    kind: "table",
    columns: [
      id,
      ["scope", "jsonb", "not null", null],
      ["pattern_key", "text", "not null", null],
      ["episode_id", "text", "not null", null],
      ["trade_id", "text", "null", null],
      ["decision", "text", "not null", null],
      ["outcome", "text", "null", null],
      ["factors", "jsonb", "not null", null],
      ["timestamp", "timestamp with time zone", "not null", now],
      ["updated_at", "timestamp with time zone", "not null", now],
    ],
    constraints: ["PRIMARY KEY (id)", "CHECK ((outcome = ANY (ARRAY['success'::text, 'failure'::text])))"],
  },
  pattern_trade_events: {
    kind: "table",
    columns: [id, ["pattern_key", "text", "not null", null], ["rr", "double precision", "not null", null]],
    constraints: ["PRIMARY KEY (id)"],
  },
  learning_lessons: {
    kind: "table",
    columns: [id, ["pattern_key", "text", "not null", null], ["n", "integer", "not null", "0"]],
    constraints: ["PRIMARY KEY (id)"],
  },
  pm_overrides: {
    kind: "table",
    columns: [id, ["pattern_key", "text", "not null", null], [
      "multiplier",
      "double precision",
      "not null",
      "1.0",
    ]],
    constraints: ["PRIMARY KEY (id)"],
  },
  pattern_scope_stats: {
    kind: "table",
    columns: [id, ["stats", "jsonb", "not null", null]],
    constraints: ["PRIMARY KEY (id)"],
  },
  learning_configs: {
    kind: "table",
    columns: [
      ["module_id", "text", "not null", null],
      ["config_data", "jsonb", "not null", null],
      ["updated_at", "timestamp with time zone", "null", now],
      ["updated_by", "text", "null", null],
      ["notes", "text", "null", null],
    ],
    constraints: ["PRIMARY KEY (module_id)"],
  },
  open_strands: {
    kind: "view",
    columns: [["id", "text", "null", null], ["kind", "text", "null", null], [
      "trade_id",
      "uuid",
      "null",
      null,
    ], [
      "recipient",
      "text",
      "null",
      null,
    ]],
    constraints: [],
  },
  paths_of_positions: {
    kind: "table",
    columns: [id, ["position_id", "uuid", "not null", null], ["roi", "double precision", "not null", null]],
    constraints: ["PRIMARY KEY (id)", "FOREIGN KEY (position_id) REFERENCES public.lowcap_positions(id)"],
  },
};

/** Makes the guest's tables and views in `public`. */
export async function createGuest(sql: Database, schema: GuestSchema = GUEST): Promise<void> {
  for (const [name, { kind, columns, constraints }] of Object.entries(schema)) {
    if (kind === "view") {
      await sql.unsafe(
        `create view public.${name} as select ${
          columns.map(([column]) => column).join(", ")
        } from public.ad_strands`,
      );
      continue;
    }
    const lines = columns.map(([column, type, nullable, written]) =>
      written === "identity" || written?.startsWith("nextval(") === true
        ? `"${column}" bigserial not null`
        : `"${column}" ${type} ${nullable}${written === null ? "" : ` default ${written}`}`
    );
    await sql.unsafe(`create table public.${name} (${[...lines, ...constraints].join(", ")})`);
  }
}

/** How much the guest wrote. */
export interface GuestRows {
  /** Closed trades; each has an entry, an exit and a close. */
  readonly trades: number;
  /** Strands that learning does not read. */
  readonly others: number;
  readonly positions: number;
  readonly episodes: number;
  /** Trades that only the positions' completed_trades know, at most one a position. */
  readonly forgotten: number;
}

/** Fills the guest's tables. Allocations are percentages. */
export async function fillGuest(sql: Database, rows: GuestRows): Promise<void> {
  const scope = `jsonb_build_object('timeframe', (array['15m', '1h', '4h'])[1 + i % 3],
    'chain', (array['solana', 'base'])[1 + i % 2], 'ticker', 'T' || i % 40, 'book_id', 'social',
    'mcap_bucket', '1m-2m', 'curator', 'c' || i % 7)`;
  const trade = (i: string): string => `(lpad(to_hex(${i}), 8, '0') || '-0000-4000-8000-000000000000')`;
  const position = (i: string): string => `(lpad(to_hex(${i}), 8, '0') || '-1111-4111-8111-111111111111')`;
  const summary =
    `jsonb_build_object('rr', round((sin(i) * 2)::numeric, 4), 'rpnl_pct', round((sin(i) * 10)::numeric, 4),
    'pnl_usd', 5, 'entry_price', 1, 'exit_price', 1.1,
    'entry_timestamp', '2026-01-01 00:00+00'::timestamptz + i * interval '5 minutes',
    'exit_timestamp', '2026-01-01 06:00+00'::timestamptz + i * interval '5 minutes')`;
  const strand =
    `insert into public.ad_strands (id, module, kind, symbol, timeframe, position_id, trade_id, content,
    regime_context, tags, created_at)`;
  const place = `'T' || i % 40, (array['15m', '1h', '4h'])[1 + i % 3], ${position("i % 40")}, ${
    trade("i")
  }::uuid`;
  const series = `from generate_series(1, ${rows.trades}) as i`;
  for (const [category, state, hours] of [["entry", "S1", 0], ["exit", "S3", 6]] as const) {
    await sql.unsafe(`${strand}
      select 'pm_action_' || i || '_${category}', 'pm', 'pm_action', ${place}, jsonb_build_object(
        'trade_id', ${
      trade("i")
    }, 'pattern_key', 'module=pm|pattern_key=uptrend.${state}.flag', 'decision_type', '${category}',
        'action_category', '${category}', 'scope', ${scope}, 'a_value', 0.5, 'e_value', 0.4, 'size_frac', 0.3,
        'reasons', jsonb_build_object('pm_strength_applied', 1.05, 'exposure_skew_applied', 0.9)
      ), '{"bucket_rank": ["micro"]}', '["pm_action"]',
        '2026-01-01 0${hours}:00+00'::timestamptz + i * interval '5 minutes'
      ${series}`);
  }
  await sql.unsafe(`${strand}
    select 'position_closed_' || i, 'pm', 'position_closed', ${place}, jsonb_build_object(
      'trade_id', ${
    trade("i")
  }, 'entry_context', jsonb_build_object('curator', 'c' || i % 7, 'mcap_bucket', '1m-2m'),
      'trade_summary', ${summary}, 'completed_trades', '[]'::jsonb
    ), null, null, '2026-01-01 06:00+00'::timestamptz + i * interval '5 minutes'
    ${series}`);
  await sql.unsafe(`insert into public.ad_strands (id, module, kind, content, created_at)
    select 'other_' || i, 'dm', 'decision', '{"action": "approve"}', '2026-01-01'::timestamptz + i * interval '1 minute'
    from generate_series(1, ${rows.others}) as i`);
  await sql.unsafe(`
    insert into public.lowcap_positions (id, token_chain, token_contract, token_ticker, timeframe, status, state,
      total_allocation_pct, current_usd_value, book_id, entry_context, completed_trades)
    select ${
    position("i")
  }::uuid, 'solana', 'contract-' || i, 'T' || i, (array['15m', '1h', '4h'])[1 + i % 3],
      (array['active', 'watchlist', 'dormant', 'shadow', 'regime_driver'])[1 + i % 5], 'S1', 1 + i % 3, 100 * (i % 4),
      'social', '{"curator": "c1"}',
      case when i < ${rows.forgotten} then jsonb_build_array(jsonb_build_object(
        'trade_id', ${
    trade("1000000000 + i")
  }, 'summary', ${summary}, 'actions', jsonb_build_array(jsonb_build_object(
          'strand_id', 'forgotten_' || i, 'ts', '2026-01-01 00:00+00'::timestamptz + i * interval '5 minutes',
          'decision_type', 'entry', 'action_category', 'entry',
          'pattern_key', 'module=pm|pattern_key=uptrend.S1.flag', 'scope', ${scope}
        ))
      )) else '[]' end
    from generate_series(0, ${rows.positions - 1}) as i`);
  await sql.unsafe(`
    insert into public.pattern_episode_events (scope, pattern_key, episode_id, decision, outcome, factors, "timestamp")
    select ${scope}, 'module=pm|pattern_key=uptrend.S1.entry', 'window_' || i % 97,
      case when i % 4 = 0 then 'acted' else 'skipped' end,
      case when i % 5 > 0 then (array['success', 'failure'])[1 + i % 2] end,
      jsonb_build_object('ts_score', 0.5 + (i % 9) * 0.02, 'halo_distance', 0.7, 'slope', 0.001),
      '2026-01-01'::timestamptz + i * interval '7 minutes'
    from generate_series(1, ${rows.episodes}) as i`);
  await sql.unsafe(`
    insert into public.learning_configs (module_id, config_data, notes) values
      ('pm', '{"feature_flags": {"learning_overrides_enabled": false, "own": 1}, "n_min": 40, "half_life": 3}', 'mine'),
      ('decision_maker', '{"global_roi": {"x": 1}}', null),
      ('scout', '{"anything": [1]}', 'whatever')`);
}
