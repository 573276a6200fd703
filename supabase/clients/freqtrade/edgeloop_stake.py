"""Lets a strategy of freqtrade ask Edgeloop how large a stake should be.

Put this file and edgeloop.py (of supabase/clients/python) into user_data/strategies and mix it in:

    class MyStrategy(EdgeloopStake, IStrategy):
        …

A stake is what freqtrade proposes times what was learned. In dry runs and live it asks; in backtests, hyperopts and
plots it does not, for what was learned came from this very past. Where nobody answers, the stake is the proposed one.
"""

import logging
import os
import re
import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Optional

logger = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("6d0b5a0e-8c1f-4b7e-9d53-2f7a4c9e61b8")
_MOST_OF_A_KEY = 90
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def key_part(text: str) -> str:
    """A text as one part of a pattern key, as import:freqtrade writes it."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_")
    if plain and len(plain) <= _MOST_OF_A_KEY:
        return plain
    digest = "x" + str(uuid.uuid5(_NAMESPACE, text))[:8]
    return digest if not plain else f"{plain[: _MOST_OF_A_KEY - 10]}_{digest}"


def candidate_of(
    strategy: str, timeframe: str, pair: str, side: str, entry_tag: Optional[str], opened_at: datetime
) -> Dict[str, Any]:
    """What import:freqtrade will call the entry of a trade, so that what it learns of one is found for the next."""
    at = opened_at.astimezone(timezone.utc)
    tag = (entry_tag or "").strip()
    scope = {
        "strategy": strategy,
        "pair": pair,
        "side": side,
        "session": "asia" if at.hour < 8 else "europe" if at.hour < 16 else "us",
        "weekday": _WEEKDAYS[at.weekday()],
        "timeframe": timeframe,
    }
    if tag:
        scope["enter_tag"] = tag
    return {
        "pattern_key": f"pm.{key_part(strategy)}.{side}.{key_part(tag) if tag else 'entry'}",
        "action_category": "entry",
        "scope": scope,
    }


class EdgeloopStake:
    """To be named before IStrategy among the bases of a strategy."""

    edgeloop_timeout = 0.3
    """Seconds that an entry waits for an answer."""
    edgeloop_crowding = False
    """Whether a crowded book makes stakes smaller. It knows of no crowd before the bot's positions are told to it."""
    edgeloop_least = 0.3
    edgeloop_most = 3.0
    """Bounds of the factor, whatever is answered."""

    _edgeloop = None

    def edgeloop_client(self) -> Any:
        """The client, made when it is first needed; None where nobody said where to ask."""
        if self._edgeloop is None:
            url, key = os.environ.get("EDGELOOP_URL"), os.environ.get("EDGELOOP_KEY")
            if not url or not key:
                logger.warning("EDGELOOP_URL and EDGELOOP_KEY are not set: stakes stay as proposed")
                return None
            from edgeloop import Edgeloop

            self._edgeloop = Edgeloop(url, key, timeout=self.edgeloop_timeout)
        return self._edgeloop

    def custom_stake_amount(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        proposed_stake: float,
        min_stake: Optional[float],
        max_stake: float,
        leverage: float,
        entry_tag: Optional[str],
        side: str,
        **kwargs: Any,
    ) -> float:
        """The proposed stake times what was learned; freqtrade itself calls it for every new trade."""
        mode = self.config["runmode"]  # type: ignore[attr-defined]
        if getattr(mode, "value", mode) not in ("live", "dry_run"):
            return proposed_stake
        try:
            client = self.edgeloop_client()
            if client is None:
                return proposed_stake
            name = self.get_strategy_name()  # type: ignore[attr-defined]
            answer = client.size(
                candidate_of(name, self.timeframe, pair, side, entry_tag, current_time)  # type: ignore[attr-defined]
            )
        except Exception as error:  # Whatever it is, trading goes on.
            logger.error("Edgeloop was not asked, the stake stays as proposed: %s", error)
            return proposed_stake
        factor = answer.pm_strength * (answer.exposure_skew if self.edgeloop_crowding else 1.0)
        factor = max(self.edgeloop_least, min(self.edgeloop_most, factor))
        stake = min(max(proposed_stake * factor, min_stake or 0.0), max_stake)
        logger.info(
            "%s %s: stake %.8g = proposed %.8g x %.3f (%s)", pair, side, stake, proposed_stake, factor, answer.source
        )
        return stake
