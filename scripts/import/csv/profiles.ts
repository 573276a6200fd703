/**
 * The tools whose tables are known. A new one is a folder with a profile, and a line here.
 *
 * @module
 */

import { backtestingPy } from "./backtesting_py/profile.ts";
import { hummingbotExecutors } from "./hummingbot/executors.ts";
import { hummingbotFills } from "./hummingbot/fills.ts";
import { jesse } from "./jesse/profile.ts";
import { metatrader, metatraderDeals } from "./metatrader/profile.ts";
import type { Profile } from "./profile.ts";
import { tradingView } from "./tradingview/profile.ts";
import { vectorbt } from "./vectorbt/profile.ts";

/** In the order in which they are tried. */
export const PROFILES: readonly Profile[] = [
  tradingView,
  metatrader,
  metatraderDeals,
  backtestingPy,
  vectorbt,
  jesse,
  hummingbotExecutors,
  hummingbotFills,
];
