"""Calls a strategy's custom_stake_amount as freqtrade does, without freqtrade: a JSON question a line comes in."""

import datetime
import enum
import importlib
import inspect
import json
import logging
import sys
import types

sys.dont_write_bytecode = True


class RunMode(str, enum.Enum):
    LIVE = "live"
    DRY_RUN = "dry_run"
    BACKTEST = "backtest"
    HYPEROPT = "hyperopt"


class IStrategy:
    """As much of freqtrade's interface as stakes need, with its documented signature."""

    timeframe = "5m"

    def __init__(self, config):
        self.config = config

    def get_strategy_name(self):
        return self.__class__.__name__

    def custom_stake_amount(
        self, pair, current_time, current_rate, proposed_stake, min_stake, max_stake, leverage, entry_tag, side, **kwargs
    ):
        return proposed_stake


freqtrade, strategy = types.ModuleType("freqtrade"), types.ModuleType("freqtrade.strategy")
strategy.IStrategy = IStrategy
sys.modules.update({"freqtrade": freqtrade, "freqtrade.strategy": strategy})
sys.path[:0] = sys.argv[1:]

module = importlib.import_module("sized_strategy")
asked = list(inspect.signature(module.SizedStrategy.custom_stake_amount).parameters)
documented = list(inspect.signature(IStrategy.custom_stake_amount).parameters)
assert asked == documented, f"{asked} are not the documented {documented}"


class Told(logging.Handler):
    def emit(self, record):
        lines.append(record.getMessage())


lines = []
logging.getLogger().addHandler(Told())
logging.getLogger().setLevel(logging.INFO)
bots = {}
for line in sys.stdin:
    question = json.loads(line)
    mode, name = question.pop("mode"), question.pop("name")
    kind = type(name, (module.SizedStrategy,), {})
    bot = bots.setdefault((name, mode), kind({"runmode": RunMode(mode)}))
    question["current_time"] = datetime.datetime.fromisoformat(question["current_time"])
    stake = bot.custom_stake_amount(**question)
    print(json.dumps({"stake": stake, "log": lines[:]}), flush=True)
    lines.clear()
