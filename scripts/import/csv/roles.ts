/**
 * What a column means, by the names that tools and people give it.
 *
 * @module
 */

/** What a column may be, beside a dimension. */
export type Role =
  | "symbol"
  | "side"
  | "opened"
  | "opened_time"
  | "closed"
  | "closed_time"
  | "entry_price"
  | "exit_price"
  | "return"
  | "profit"
  | "stake"
  | "quantity"
  | "r"
  | "stop"
  | "risk"
  | "leverage"
  | "strategy"
  | "timeframe"
  | "entry_tag"
  | "exit_reason"
  | "status"
  | "id";

/**
 * Names of each role, in the form of {@link plainName}; of several columns that fit, the one whose name stands first is
 * taken.
 */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  symbol: [
    "symbol",
    "pair",
    "trading pair",
    "currency pair",
    "ticker",
    "instrument",
    "market",
    "asset",
    "coin",
    "item",
    "security",
    "contract",
    "product",
    "underlying",
    "epic",
    "symbole",
    "instrumento",
    "wertpapier",
    "isin",
  ],
  side: [
    "side",
    "direction",
    "position side",
    "trade direction",
    "long short",
    "buy sell",
    "position type",
    "trade type",
    "trade side",
    "order side",
    "market pos",
    "b s",
    "l s",
    "type",
    "position",
    "action",
    "richtung",
    "sens",
  ],
  opened: [
    "opened",
    "opened at",
    "entry time",
    "entry date",
    "entry date time",
    "entry datetime",
    "entry timestamp",
    "entry date and time",
    "entered",
    "entered at",
    "entered on",
    "open time",
    "open date",
    "open date time",
    "open datetime",
    "open timestamp",
    "opening time",
    "opening date",
    "date opened",
    "time opened",
    "date entered",
    "date entry",
    "entry at",
    "open at",
    "opened on",
    "opened date",
    "opened time",
    "start time",
    "start date",
    "start",
    "buy date",
    "buy time",
    "bought at",
    "bought timestamp",
    "bought date",
    "date in",
    "time in",
    "entry",
    "entry index",
    "open",
    "eroffnet",
    "eroffnung",
    "einstieg",
    "position opened",
    "trade open time",
    "created at",
  ],
  opened_time: [],
  closed: [
    "closed",
    "closed at",
    "exit time",
    "exit date",
    "exit date time",
    "exit datetime",
    "exit timestamp",
    "exit date and time",
    "exited",
    "exited at",
    "exited on",
    "close time",
    "close date",
    "close date time",
    "close datetime",
    "close timestamp",
    "closing time",
    "closing date",
    "date closed",
    "time closed",
    "date exited",
    "date exit",
    "exit at",
    "close at",
    "closed on",
    "closed date",
    "closed time",
    "end time",
    "end date",
    "end",
    "sell date",
    "sell time",
    "sold at",
    "sold timestamp",
    "sold date",
    "date out",
    "time out",
    "exit",
    "exit index",
    "close",
    "geschlossen",
    "ausstieg",
    "position closed",
    "trade close time",
    "trade time",
    "filled time",
    "settled at",
  ],
  closed_time: [],
  entry_price: [
    "entry price",
    "avg entry price",
    "average entry price",
    "entry avg price",
    "avg entry",
    "average entry",
    "open price",
    "opening price",
    "price open",
    "price in",
    "open rate",
    "entry rate",
    "buy price",
    "bought price",
    "avg buy price",
    "fill entry",
    "entry fill",
    "entry level",
    "einstiegskurs",
    "entry",
    "open",
  ],
  exit_price: [
    "exit price",
    "avg exit price",
    "average exit price",
    "exit avg price",
    "avg exit",
    "average exit",
    "close price",
    "closing price",
    "price close",
    "price out",
    "close rate",
    "exit rate",
    "sell price",
    "sold price",
    "avg sell price",
    "avg close price",
    "exit fill",
    "exit level",
    "ausstiegskurs",
    "exit",
    "close",
  ],
  return: [
    "return pct",
    "net return pct",
    "return percent",
    "return",
    "returns",
    "net return",
    "roi",
    "roi pct",
    "net pnl pct",
    "pnl pct",
    "net profit pct",
    "profit pct",
    "profit percent",
    "profit percentage",
    "pnl percent",
    "pnl percentage",
    "profit ratio",
    "pnl ratio",
    "return ratio",
    "close profit",
    "close profit pct",
    "gain pct",
    "pct gain",
    "gain loss pct",
    "pct profit",
    "pct return",
    "pct pnl",
    "pct change",
    "change pct",
    "pl pct",
    "pct",
    "percent",
    "percent gain",
    "percent return",
    "percent profit",
    "roe",
    "roe pct",
    "rendite",
    "performance",
    "profit loss pct",
  ],
  profit: [
    "net pnl",
    "net profit",
    "net p l",
    "net profit loss",
    "realized pnl",
    "realised pnl",
    "realized profit",
    "realized p l",
    "closed pnl",
    "pnl",
    "p l",
    "profit",
    "profit loss",
    "profit and loss",
    "profit abs",
    "close profit abs",
    "net gain",
    "gain loss",
    "gain",
    "gross pnl",
    "gross profit",
    "net result",
    "net",
    "net amount",
    "pl",
    "gewinn",
    "gewinn verlust",
    "benefice",
    "beneficio",
    "trade pnl",
    "total pnl",
    "profitloss",
  ],
  stake: [
    "stake",
    "stake amount",
    "invested",
    "amount invested",
    "invested amount",
    "investment",
    "cost",
    "cost basis",
    "entry value",
    "entry cost",
    "position value",
    "position size value",
    "size value",
    "notional",
    "notional value",
    "position notional",
    "trade value",
    "capital",
    "margin",
    "collateral",
    "buy amount",
    "value",
    "einsatz",
  ],
  quantity: [
    "quantity",
    "qty",
    "size",
    "position size",
    "position size qty",
    "size qty",
    "volume",
    "amount",
    "contracts",
    "lots",
    "lot size",
    "units",
    "shares",
    "filled",
    "executed qty",
    "menge",
    "no of shares",
    "number of shares",
  ],
  r: [
    "r multiple",
    "realized r multiple",
    "realized r",
    "realised r",
    "realized rr",
    "r result",
    "result r",
    "rr",
    "r r",
    "r",
  ],
  stop: [
    "stop loss",
    "stoploss",
    "sl",
    "s l",
    "stop",
    "stop price",
    "initial stop",
    "initial stop loss",
    "stop loss price",
    "sl price",
    "initial sl",
    "stop level",
  ],
  risk: [
    "risk",
    "risk amount",
    "initial risk",
    "amount risked",
    "dollar risk",
    "risk dollar",
    "trade risk",
    "risked",
  ],
  leverage: ["leverage", "lev", "hebel"],
  strategy: [
    "strategy",
    "strategy name",
    "system",
    "system name",
    "bot",
    "bot name",
    "ea",
    "expert",
    "expert advisor",
    "algo",
    "algorithm",
    "model",
    "strategie",
  ],
  timeframe: [
    "timeframe",
    "time frame",
    "interval",
    "tf",
    "candle",
    "candle length",
    "bar size",
    "chart timeframe",
  ],
  entry_tag: [
    "enter tag",
    "entry tag",
    "buy tag",
    "entry signal",
    "entry reason",
    "entry name",
    "entry type",
    "open reason",
    "setup",
    "setups",
    "setup name",
    "setup type",
    "signal",
    "signal name",
    "tag",
    "pattern",
    "playbook",
    "trigger",
  ],
  exit_reason: [
    "exit reason",
    "exit signal",
    "close reason",
    "exit tag",
    "exit type",
    "close type",
    "sell reason",
    "exit name",
    "closed by",
    "close by",
    "reason",
    "exit comment",
    "reason for exit",
    "reason for closing",
  ],
  status: ["status", "trade status", "position status", "state", "is open"],
  id: [
    "id",
    "trade id",
    "trade",
    "trade number",
    "trade no",
    "number",
    "no",
    "nr",
    "ticket",
    "order id",
    "order",
    "position id",
    "deal",
    "deal id",
    "ref",
    "reference",
    "exit trade id",
    "trade num",
    "uuid",
    "order number",
  ],
};

/** Whether a text is the name of a role. */
export function isRole(text: string): text is Role {
  return Object.hasOwn(NAMES, text);
}

/** All roles. */
export const ALL_ROLES: readonly Role[] = Object.keys(NAMES).filter(isRole);

const CURRENCY =
  /\s(?:usd[tc]?|busd|fdusd|eur|gbp|chf|jpy|aud|cad|nzd|inr|brl|try|krw|cny|btc|eth|bnb|quote|dollars?|euros?|in usd|in eur)$/;

/** A column's name in plain words: camel case and signs taken apart, currencies left out, accents taken off. */
export function plainName(name: string): string {
  const words = name.normalize("NFD").replaceAll(/\p{Mn}/gu, "")
    .replaceAll(/P\s*&\s*L|P\s*\/\s*L|PnL|P&L|Pn\/L/gi, " pnl ")
    .replaceAll(/R\s*\/\s*R|R:R/gi, " rr ")
    .replaceAll("%", " pct ").replaceAll("#", " number ").replaceAll(/[$€£¥₹₿]/g, " ")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2").replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^\p{L}\d]+/gu, " ").replaceAll(/\b(?:percentage|percent|prozent)\b/g, "pct")
    .replaceAll(/\bstop loss\b/g, "stop loss").replaceAll(/\s+/g, " ").trim();
  return words.replace(/\s(?:utc|gmt)(?:\s\d+)?$/, "").replace(CURRENCY, "").replace(CURRENCY, "").trim();
}

/** The roles that a column's name may have, the nearest first, each with how near. */
export function rolesOf(name: string): { readonly role: Role; readonly rank: number }[] {
  const plain = plainName(name);
  return ALL_ROLES.flatMap((role) => {
    const rank = NAMES[role].indexOf(plain);
    return rank < 0 ? [] : [{ role, rank }];
  });
}

/** What is only known when a trade is over, and would tell its outcome: in no scope. */
const OUTCOMES =
  /\b(?:exit|exits|exited|close|closes|closed|closing|outcome|result|results|win|wins|won|winner|loss|lost|loser|mae|mfe|pnl|profit|profits|gain|drawdown|runup|run up|duration|holding|held|bars|balance|equity|cumulative|cum|after|fee|fees|commission|commissions|swap|tax|taxes|slippage|mistake|mistakes|review|lesson|pips|points|ticks|adverse|favorable|favourable|excursion)\b/;

/** Whether a column of this name tells how a trade ended. */
export function tellsOutcome(name: string): boolean {
  return OUTCOMES.test(plainName(name));
}

const IDENTIFIERS =
  /\b(?:id|ids|uuid|note|notes|comment|comments|description|url|link|screenshot|image|account|login|order|ticket|hash|tx|email)\b/;

/** Whether a column of this name tells trades apart rather than says what they have in common. */
export function tellsApart(name: string): boolean {
  return IDENTIFIERS.test(plainName(name));
}
