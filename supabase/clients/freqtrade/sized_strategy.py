"""A strategy that asks how large its stakes should be. Its signals are an example and no advice."""

from edgeloop_stake import EdgeloopStake
from freqtrade.strategy import IStrategy


class SizedStrategy(EdgeloopStake, IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "5m"
    stoploss = -0.1
    minimal_roi = {"0": 0.03}
    can_short = False

    def populate_indicators(self, dataframe, metadata):
        dataframe["mean"] = dataframe["close"].rolling(48).mean()
        dataframe["spread"] = dataframe["close"].rolling(48).std()
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        # What is learned is learned by these tags.
        is_dip = dataframe["close"] < dataframe["mean"] - 2 * dataframe["spread"]
        is_break = dataframe["close"] > dataframe["mean"] + 2 * dataframe["spread"]
        dataframe.loc[is_dip, ["enter_long", "enter_tag"]] = (1, "dip")
        dataframe.loc[is_break, ["enter_long", "enter_tag"]] = (1, "break")
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
