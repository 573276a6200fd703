import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { bucketEdges, bucketOf } from "./buckets.ts";
import { orderOf, readDate, Zone } from "./dates.ts";
import { decimalOf, readNumber } from "./numbers.ts";
import { plainName, rolesOf } from "./roles.ts";
import { delimiterOf, rowsOfHtml } from "./rows.ts";
import { sideOf } from "./survey.ts";
import { encodingOf } from "./text.ts";

Deno.test("numbers are read with their signs, thousands, currencies and units", () => {
  const points = [
    "1,234.5",
    "$1,234.50",
    "(124.75)",
    "−3.2%",
    "-$5",
    "+0.5",
    "1 234.5",
    "12 USD",
    "1e-3",
    "2R",
    "'",
  ];
  assertEquals(points.map((text) => readNumber(text, ".")), [
    1234.5,
    1234.5,
    -124.75,
    -3.2,
    -5,
    0.5,
    1234.5,
    12,
    0.001,
    2,
    NaN,
  ]);
  assertEquals(["1.234,5", "-0,25 €", "1234"].map((text) => readNumber(text, ",")), [1234.5, -0.25, 1234]);
  assertEquals(["", "—", "N/A", "NaN"].map((text) => readNumber(text, ".")), [null, null, null, null]);
  assertEquals(readNumber("one", "."), NaN);
});

Deno.test("decimals are told from numbers that leave no doubt", () => {
  assertEquals(["1.234,5", "0,25", "12,5", "1,2345"].map(decimalOf), [",", ",", ",", ","]);
  assertEquals(["1,234.5", "0.25", "12.5", "1.23456"].map(decimalOf), [".", ".", ".", "."]);
  assertEquals(["1,234", "1.234", "12"].map(decimalOf), [null, null, null]);
});

Deno.test("dates are read in the usual forms", () => {
  const at = (text: string, order: "dmy" | "mdy" = "dmy", zone = "UTC"): string | null => {
    const date = readDate(text, order);
    return date === null ? null : new Date(new Zone(zone).instantOf(date)).toISOString();
  };
  for (
    const text of [
      "2024-03-01T10:05:00Z",
      "2024-03-01 10:05",
      "2024.03.01 10:05:00",
      "2024/03/01 10:05:00.000",
      "2024-03-01 12:05:00+02:00",
      "2024-03-01 05:05:00 -0500",
      "2024-03-01 10:05:00 UTC",
      "01.03.2024 10:05",
      "01/03/2024, 10:05:00 AM",
      "1 Mar 2024 10:05",
      "01-Mar-2024 10:05:00",
      "Mar 1, 2024 10:05 am",
      "Fri, 1 March 2024 10:05:00 GMT",
      "20240301 100500",
      "1709287500",
      "1709287500000",
      "1709287500.0",
    ]
  ) assertEquals([text, at(text)], [text, "2024-03-01T10:05:00.000Z"]);
  assertEquals(at("03/01/2024 10:05 PM", "mdy"), "2024-03-01T22:05:00.000Z");
  assertEquals(at("12/31/24 12:05 AM", "mdy"), "2024-12-31T00:05:00.000Z");
  assertEquals(at("2024-03-31 02:30", "dmy", "Europe/Berlin"), "2024-03-31T01:30:00.000Z");
  assertEquals(at("2024-07-01 10:00", "dmy", "America/New_York"), "2024-07-01T14:00:00.000Z");
  assertEquals(["2024-02-30", "31/31/2024", "soon", "12", "25:00"].map((text) => at(text)), [
    null,
    null,
    null,
    null,
    null,
  ]);
  assertEquals(["03/04/2024", "13/04/2024", "03/14/2024", "3.4.2024", "2024-03-04"].map(orderOf), [
    "either",
    "dmy",
    "mdy",
    "dmy",
    null,
  ]);
  // The clock was set back at three, to two.
  const twice = readDate("2024-10-27 02:30", "dmy") ?? NaN;
  const berlin = new Zone("Europe/Berlin");
  assertEquals(berlin.laterInstantOf(twice) - berlin.instantOf(twice), 3_600_000);
  assertThrows(() => new Zone("Mars/Olympus"), RangeError);
});

Deno.test("columns are known by dozens of spellings", () => {
  const roleOf = (name: string): string | undefined => rolesOf(name).sort((a, b) => a.rank - b.rank)[0]?.role;
  const spellings: Readonly<Record<string, readonly string[]>> = {
    symbol: ["Symbol", "PAIR", "Trading Pair", "ticker", "Instrument"],
    side: ["Side", "Direction", "Long/Short", "B/S", "positionSide"],
    opened: [
      "Entry Time",
      "entry_date",
      "openedAt",
      "Date Opened",
      "OPEN TIME",
      "Entry Date/Time",
      "buy_date",
    ],
    closed: ["Exit Time", "exitDate", "closed_at", "Close Date", "SoldTimestamp"],
    entry_price: ["Entry Price", "avgEntryPrice", "Open Rate", "Entry Price (USDT)", "Buy price"],
    exit_price: ["Exit Price", "close_price", "Avg. Exit Price", "Sell price $"],
    return: [
      "Return %",
      "Profit (%)",
      "ROI",
      "P&L %",
      "PnL%",
      "profit_ratio",
      "Net P&L %",
      "% Gain",
      "Return [%]",
    ],
    profit: [
      "Profit",
      "PnL",
      "P&L",
      "Net P/L",
      "Realized PnL (USDT)",
      "Profit USD",
      "realizedPnl",
      "Gain/Loss",
    ],
    stake: ["Stake", "Cost Basis", "Position Size (value)", "Amount invested", "Notional"],
    quantity: ["Qty", "Size", "Contracts", "Position size (qty)", "Lots"],
    r: ["R", "R-Multiple", "R/R", "R:R", "Realized R"],
    stop: ["SL", "S / L", "Stop Loss", "StopLoss"],
    strategy: ["Strategy", "Bot Name", "EA"],
    entry_tag: ["Setup", "Entry Signal", "enter_tag", "Tag"],
    exit_reason: ["Exit Reason", "exitSignal", "Close type"],
  };
  for (const [role, names] of Object.entries(spellings)) {
    assertEquals(names.map((name) => [name, roleOf(name)]), names.map((name) => [name, role]));
  }
  assertEquals(plainName("Net P&L USDT"), "net pnl");
});

Deno.test("sides, delimiters, encodings and pages are told from what is there", () => {
  assertEquals(["Buy", "SHORT", "entry long", "-1", "S", "hold", "1"].map(sideOf), [
    "long",
    "short",
    "long",
    "short",
    "short",
    null,
    "long",
  ]);
  assertEquals(delimiterOf(["a;b;c", "1,5;2,5;3", '"x;y";2;3']), ";");
  assertEquals(delimiterOf(["a\tb", "1\t2"]), "\t");
  assertEquals(delimiterOf(["a,b,c", '"x;y;z;w",2,3']), ",");
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
  assertEquals(encodingOf(bytes(0xff, 0xfe, 0x41, 0)), "utf-16le");
  assertEquals(encodingOf(bytes(0x41, 0, 0x42, 0)), "utf-16le");
  assertEquals(encodingOf(bytes(0x4d, 0xfc, 0x6e)), "windows-1252");
  // A character cut off by the end of what was looked at.
  assertEquals(encodingOf(bytes(0x41, 0xc3)), "utf-8");
  assertEquals(
    rowsOfHtml(
      '<tr><td>a &amp; b<td colspan=2>c</td></tr>\n<TR><TH class="hidden">x</TH><th>d&nbsp;</th></TR>',
    ),
    [
      { line: 1, cells: ["a & b", "c", ""] },
      { line: 2, cells: ["d"] },
    ],
  );
});

Deno.test("buckets hold as many values each, and are named by where they begin and end", () => {
  const edges = bucketEdges(Float64Array.from({ length: 101 }, (_, at) => at), 4);
  assertEquals(edges, [25, 50, 75]);
  assertEquals([24.9, 25, 74, 75, 1000].map((value) => bucketOf(value, edges)), [
    "below 25",
    "25 to 50",
    "50 to 75",
    "from 75",
    "from 75",
  ]);
  assertEquals(bucketEdges(Float64Array.of(1, 1, 1, 1, 2), 4), []);
  assertEquals(bucketOf(7, []), "any");
  assertAlmostEquals(bucketEdges(Float64Array.of(1, 2, 3), [2.5, 1.5])[0] ?? NaN, 1.5, 0);
});
