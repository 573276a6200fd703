/**
 * Tables of trades as tools write them, in small and made up: each holds the same kind of trades, worked out by hand where
 * it is tested.
 *
 * @module
 */

/** One row a trade, with names of its own, dimensions, an open trade and two rows that cannot be. */
export const PLAIN =
  `Symbol,Direction,Entry Time,Exit Time,Entry Price,Exit Price,Profit %,Setup,Grade,Regime,RSI,Exit Reason,Notes
BTCUSDT,Long,2024-03-01T10:00:00Z,2024-03-01T12:00:00Z,100,103,2.8,breakout,A,bull,71.5,target,"first, and
over two lines"
ETHUSDT,Short,2024-03-02T10:00:00Z,2024-03-02T11:00:00Z,200,210,-5.2,fade,B,bear,25,stop,
BTCUSDT,Long,2024-03-03T10:00:00Z,2024-03-03T11:00:00Z,100,99,-1.2,breakout,A,bull,55,stop,
SOLUSDT,sideways,2024-03-04T10:00:00Z,soon,100,101,one,breakout,A,bull,50,target,
BTCUSDT,Long,2024-03-05T10:00:00Z,,100,,,breakout,A,bull,60,,
`;

/** As a spreadsheet of a German writes it: semicolons, decimal commas, day first, no zone, Windows' code page. */
export const GERMAN = [
  "Symbol;Richtung;Eröffnet;Geschlossen;Einstiegskurs;Ausstiegskurs;Rendite;Börse",
  "DAX;Kauf;15.07.2024 09:00;15.07.2024 11:30;1.000,5;1.020,51;2,00 %;Zürich",
  "DAX;Verkauf;16.01.2024 09:00;16.01.2024 10:00;1.000,0;1.010,0;-1,00 %;Köln",
].join("\r\n");

/** TradingView before 2025: the exit stands first, the currency in the names. */
export const TRADINGVIEW_OLD =
  `Trade #,Type,Signal,Date/Time,Price USDT,Contracts,Profit USDT,Profit %,Cum. Profit USDT,Cum. Profit %,Run-up USDT,Run-up %,Drawdown USDT,Drawdown %
1,Exit Long,TP,2024-01-02 15:30,102,1,2,2,2,0.02,3,3,1,1
1,Entry Long,Dip,2024-01-02 09:30,100,1,,,,,,,,
2,Exit Short,SL,2024-01-03 15:30,101,2,-2,-1,0,0,1,0.5,2,1
2,Entry Short,Fade,2024-01-03 09:30,100,2,,,,,,,,
3,Exit Long,Open,2024-01-05 00:00,104,1,4,4,4,0.04,5,5,0,0
3,Entry Long,Dip,2024-01-04 09:30,100,1,,,,,,,,
`;

/** And since: other names, the entry first. */
export const TRADINGVIEW_NEW =
  `Trade #,Type,Date and time,Signal,Price USDT,Position size (qty),Position size (value),Net P&L USDT,Net P&L %,Favorable excursion USDT,Favorable excursion %,Cumulative P&L USDT
1,Entry long,2024-01-02 09:30,Dip,100,1,100,2,2,3,3,2
1,Exit long,2024-01-02 15:30,TP,102,1,100,2,2,3,3,2
2,Entry short,2024-01-03 09:30,Fade,100,2,200,-2,-1,1,0.5,0
2,Exit short,2024-01-03 15:30,SL,101,2,200,-2,-1,1,0.5,0
3,Entry long,2024-01-04 09:30,Dip,100,1,100,4,4,5,5,4
`;

const cellsOf = (values: readonly string[]): string => values.map((value) => `<td>${value}</td>`).join("");

/** The detailed statement of MetaTrader 4, with a deposit, an order that was never filled and an open trade. */
export const METATRADER_4 = `<html><head><title>Statement: 1</title></head><body><table cellspacing=1>
<tr align=left><td colspan=2><b>Account: 1</b></td><td colspan=5><b>Name: Somebody</b></td></tr>
<tr align=left><td colspan=13><b>Closed Transactions:</b></td></tr>
<tr align=center bgcolor="#C0C0C0"><td>Ticket</td><td nowrap>Open Time</td><td>Type</td><td>Size</td><td>Item</td>
<td>Price</td><td>S / L</td><td>T / P</td><td nowrap>Close Time</td><td>Price</td><td>Commission</td><td>Taxes</td><td>Swap</td><td>Profit</td></tr>
<tr align=right><td>1</td><td>2024.01.01 00:00:00</td><td>balance</td><td colspan=10 align=left>Deposit</td><td>10 000.00</td></tr>
<tr>${
  cellsOf([
    "11",
    "2024.01.08 09:15:00",
    "buy",
    "0.20",
    "eurusd",
    "1.00000",
    "0.99000",
    "0.00000",
    "2024.01.09 16:30:00",
    "1.02000",
    "-2.00",
    "0.00",
    "-38.00",
    "400.00",
  ])
}</tr>
<tr>${
  cellsOf([
    "12",
    "2024.01.10 09:15:00",
    "sell",
    "0.10",
    "eurusd",
    "1.00000",
    "0.00000",
    "0.00000",
    "2024.01.10 10:00:00",
    "1.01000",
    "-1.00",
    "0.00",
    "0.00",
    "-100.00",
  ])
}</tr>
<tr><td>13</td><td>2024.01.11 09:15:00</td><td>buy limit</td><td>0.10</td><td>eurusd</td><td>0.9</td><td>0</td><td>0</td>
<td>2024.01.12 00:00:00</td><td>1.0</td><td colspan=4>cancelled</td></tr>
<tr align=right><td colspan=10>&nbsp;</td><td colspan=4><b>Closed P/L: 259.00</b></td></tr>
<tr align=left><td colspan=13><b>Open Trades:</b></td></tr>
<tr align=center><td>Ticket</td><td>Open Time</td><td>Type</td><td>Size</td><td>Item</td><td>Price</td><td>S / L</td><td>T / P</td>
<td>&nbsp;</td><td>Price</td><td>Commission</td><td>Taxes</td><td>Swap</td><td>Profit</td></tr>
<tr>${
  cellsOf([
    "14",
    "2024.01.12 09:15:00",
    "buy",
    "0.10",
    "gbpusd",
    "1.2",
    "0",
    "0",
    "&nbsp;",
    "1.21",
    "0",
    "0",
    "0",
    "10.00",
  ])
}</tr>
</table></body></html>`;

/** The history report of MetaTrader 5: Time and Price twice, hidden cells, other tables below. */
export const METATRADER_5 = `<!DOCTYPE html><html><body><table>
<tr align="center"><th colspan="14"><div><b>Positions</b></div></th></tr>
<tr align="center"><td><b>Time</b></td><td><b>Position</b></td><td><b>Symbol</b></td><td><b>Type</b></td><td><b>Volume</b></td>
<td><b>Price</b></td><td><b>S / L</b></td><td><b>T / P</b></td><td><b>Time</b></td><td><b>Price</b></td><td><b>Commission</b></td>
<td><b>Swap</b></td><td colspan="2"><b>Profit</b></td></tr>
<tr><td>2024.01.08 09:15:00</td><td>21</td><td>XAUUSD</td><td>buy</td><td class="hidden" colspan="8"></td><td>1</td><td>2 000.00</td>
<td>1 990.00</td><td></td><td>2024.01.09 16:30:00</td><td>2 020.00</td><td>-20.00</td><td>-80.00</td><td colspan="2">2 000.00</td></tr>
<tr><td>2024.01.10 09:15:00</td><td>22</td><td>XAUUSD</td><td>sell</td><td class="hidden" colspan="8"></td><td>1</td><td>2 000.00</td>
<td></td><td></td><td>2024.01.10 10:00:00</td><td>2 010.00</td><td>0.00</td><td>0.00</td><td colspan="2">-1 000.00</td></tr>
<tr align="center"><th colspan="14"><div><b>Orders</b></div></th></tr>
<tr><td>2024.01.08 09:15:00</td><td>31</td><td>XAUUSD</td><td>buy</td><td>1 / 1</td><td>market</td><td></td><td></td><td>2024.01.08 09:15:00</td><td></td><td>filled</td></tr>
</table></body></html>`;

/** `stats["_trades"].to_csv(…)` of backtesting.py. */
export const BACKTESTING_PY =
  `,Size,EntryBar,ExitBar,EntryPrice,ExitPrice,SL,TP,PnL,Commission,ReturnPct,EntryTime,ExitTime,Duration,Tag
0,10,5,9,100.0,102.0,95.0,,20.0,0.0,0.02,2024-01-02 09:00:00+00:00,2024-01-02 13:00:00+00:00,0 days 04:00:00,dip
1,-5,12,14,100.0,101.0,,,-5.0,0.0,-0.01,2024-01-03 09:00:00+00:00,2024-01-03 11:00:00+00:00,0 days 02:00:00,
`;

/** `portfolio.trades.records_readable.to_csv(…)` of vectorbt. */
export const VECTORBT =
  `,Exit Trade Id,Column,Size,Entry Timestamp,Avg Entry Price,Entry Fees,Exit Timestamp,Avg Exit Price,Exit Fees,PnL,Return,Direction,Status,Position Id
0,0,BTC-USD,1.0,2024-01-02 00:00:00+00:00,100.0,0.1,2024-01-04 00:00:00+00:00,102.0,0.1,1.8,0.018,Long,Closed,0
1,1,ETH-USD,2.0,2024-01-03 00:00:00+00:00,50.0,0.1,2024-01-05 00:00:00+00:00,51.0,0.1,-2.2,-0.022,Short,Closed,1
2,2,ETH-USD,2.0,2024-01-06 00:00:00+00:00,50.0,0.1,2024-01-07 00:00:00+00:00,52.0,0.0,3.9,0.039,Long,Open,2
`;

/** Trades of a backtest of Jesse. */
export const JESSE =
  `id,strategy_name,symbol,exchange,type,entry_price,exit_price,qty,fee,size,PNL,PNL_percentage,holding_period,opened_at,closed_at
a1,Turtle,BTC-USDT,Binance Perpetual Futures,long,100,103,1,0.2,100,2.8,5.6,7200,1709287200000,1709294400000
a2,Turtle,BTC-USDT,Binance Perpetual Futures,short,100,101,1,0.2,100,-1.2,-2.4,3600,1709373600000,1709377200000
`;

/** Executors of Hummingbot: one that ended, one that was never filled, one that runs. */
export const HUMMINGBOT_EXECUTORS =
  `id,timestamp,type,close_timestamp,close_type,status,config,net_pnl_pct,net_pnl_quote,cum_fees_quote,filled_amount_quote,is_active,is_trading,controller_id
e1,1709287200.0,position_executor,1709290800.0,CloseType.TAKE_PROFIT,4,"{""trading_pair"": ""SOL-USDT"", ""connector_name"": ""binance_perpetual"", ""side"": 2, ""leverage"": 5, ""entry_price"": ""100""}",0.01,2,0.1,200,False,False,pmm
e2,1709287300.0,position_executor,1709287400.0,CloseType.EXPIRED,4,"{""trading_pair"": ""SOL-USDT"", ""side"": 1}",0,0,0,0,False,False,pmm
e3,1709287400.0,position_executor,1709291000.0,CloseType.STOP_LOSS,4,"{""trading_pair"": ""SOL-USDT"", ""side"": 1, ""leverage"": 5}",-0.02,-4,0.1,200,False,False,pmm
e4,1709290000.0,position_executor,,,2,"{""trading_pair"": ""SOL-USDT"", ""side"": 1}",0.01,1,0,200,True,True,pmm
`;

/** Fills of Hummingbot: in twice, out at once and over to the other side, which stays. */
export const HUMMINGBOT_FILLS =
  `config_file_path,strategy,market,symbol,base_asset,quote_asset,timestamp,order_id,trade_type,order_type,price,amount,trade_fee_in_quote
c.yml,xemm,kucoin,ETH-USDT,ETH,USDT,1709287200000,o1,BUY,LIMIT,100,1,0.1
c.yml,xemm,kucoin,ETH-USDT,ETH,USDT,1709287260000,o2,BUY,LIMIT,110,1,0.1
c.yml,xemm,kucoin,ETH-USDT,ETH,USDT,1709287320000,o3,SELL,LIMIT,115,3,0.3
`;
