"""Ask Edgeloop how large the next action should be, from Python.

One file, for Python 3.9 and newer, with nothing to install: copy it beside the code that trades.

    edgeloop = Edgeloop("https://<ref>.supabase.co", "sb_secret_…")
    answer = edgeloop.size({
        "pattern_key": "pm.uptrend.S1.buy_flag",
        "action_category": "entry",
        "scope": {"timeframe": "15m", "chain": "solana"},
        "a_value": 0.6,
    })
    answer.size_frac, answer.pm_strength, answer.exposure_skew, answer.source

Trading goes on whatever becomes of the service. Where it is down, hangs, refuses the key or answers nonsense,
an answer is the last known one of that candidate ("stale", up to `stale_after` seconds), then a neutral one
("fallback"), with the reason, and the logger "edgeloop" says so: as an error where the settings are to blame,
else as a warning. Only a candidate that is malformed raises, for no waiting mends it.

That holds for `size`, `size_many` and `levers`, which trading waits for. `explain`, `allocation`, `overrides`,
`config`, `unified_scope` and `call`, which takes any other RPC by its name, have nothing neutral to say: they
raise NoAnswer where the service gives none.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import http.client
import json
import logging
import math
import numbers
import os
import select
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Deque,
    Dict,
    Generic,
    Iterable,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
)

__all__ = [
    "Allocation",
    "Candidate",
    "Edgeloop",
    "Lever",
    "Levers",
    "MalformedCandidate",
    "NoAnswer",
    "OverrideMatch",
    "Size",
    "SizingRow",
]

T = TypeVar("T")
ActionCategory = Literal["entry", "add", "trim", "exit"]
Source = Literal["live", "stale", "fallback"]
Multiplier = Literal[
    "entry_aggression_mult",
    "exit_aggression_mult",
    "panic_trigger_mult",
    "phase1_frac_mult",
    "phase_scaling_s1_mult",
    "phase_scaling_s2_mult",
    "phase_scaling_s3_mult",
    "size_mult",
    "trail_mult",
    "trim_delay_mult",
]
Addend = Literal[
    "entry_delay_bars",
    "tuning_dx_min",
    "tuning_halo",
    "tuning_slope",
    "tuning_ts_min",
    "wait_n_bars_after_trim",
]
Target = Literal[
    "max_edx_for_add", "min_dx_for_add", "min_ox_for_trim", "min_ts_for_add", "wait_for_signal_x"
]


class _RequiredOfCandidate(TypedDict):
    pattern_key: str
    action_category: ActionCategory
    scope: Mapping[str, Union[str, float, bool, None]]


class Candidate(_RequiredOfCandidate, total=False):
    """What a size is asked for: the arguments of `get_pm_sizing`."""

    a_value: Optional[float]
    e_value: Optional[float]
    previous_strength: Optional[float]
    as_of: Union[datetime.datetime, str, None]


class Contribution(TypedDict, total=False):
    """What one override contributed to a size; a last entry sums up the `rest`, without a scope, beyond 50."""

    id: int
    scope_subset: Dict[str, str]
    rest: int
    weight: float
    share: float
    pull: float


class CrowdedMask(TypedDict, total=False):
    """A scope that is crowded; the last entry may sum up the `rest` with their `concentration`."""

    scope: Dict[str, str]
    weight: float
    exposure: float
    pattern_exposure: float
    rest: int
    concentration: float


class _AlwaysOfExposure(TypedDict):
    enabled: bool
    masks: List[CrowdedMask]


class Exposure(_AlwaysOfExposure, total=False):
    """What made the skew; trims and exits, which have none, say no more than `enabled` and `masks`."""

    alpha: float
    beta: float
    total: float
    cap: Optional[float]
    weight_sum: float
    concentration: float
    crowding: Optional[float]


class ModeOutcome(TypedDict):
    """What another strength mode would have made of the candidate."""

    pm_strength: float
    size_frac: float
    max_alloc_pct: float
    a_final: float
    e_final: float


class _AlwaysOfSizing(TypedDict):
    mode: str
    base_alloc_pct: float
    timeframe_share: Optional[float]
    size_frac_raw: float
    pm_strength: float
    exposure_skew: float
    size_frac: float
    max_alloc_pct: float
    a_final: float
    e_final: float
    confidence: float
    steer_max: float
    overrides: List[Contribution]
    exposure: Exposure
    shadow: Dict[str, ModeOutcome]
    config_version: int
    computed_at: str


class SizingRow(_AlwaysOfSizing, total=False):
    """A row of `get_pm_sizing`; newer databases may say more."""

    ignored: Dict[str, Optional[str]]


@dataclass(frozen=True)
class Size:
    """How large an action should be."""

    source: Source
    """Whether the service said so (live), said so a while ago (stale) or could not be asked (fallback)."""
    reason: Optional[str]
    """Why it is not live; None where it is."""
    age_seconds: Optional[float]
    """How long ago the service said so; None for a fallback."""
    pm_strength: float
    """Factor from what was learned; 1 in a fallback."""
    exposure_skew: float
    """Factor from crowding; in a fallback the last known one, at most 1."""
    size_frac: float
    """Size to use, with both factors applied, 0 to 1."""
    a_final: float
    """Appetite after steering; in a fallback as it was given."""
    e_final: float
    """Assertiveness after steering; in a fallback as it was given."""
    row: Optional[SizingRow]
    """All that the service said; None for a fallback."""


@dataclass(frozen=True)
class Lever:
    """Where a lever stands, and which override put it there."""

    multiplier: Optional[float]
    value: Optional[float]
    override_id: Optional[int]
    scope_subset: Optional[Dict[str, str]]


@dataclass(frozen=True)
class Levers:
    """Where every lever stands for a candidate; neutral in a fallback."""

    source: Source
    reason: Optional[str]
    age_seconds: Optional[float]
    levers: Mapping[str, Lever]

    def multiplier(self, name: Multiplier) -> float:
        """The factor on the PM's own number; 1 is neutral."""
        return cast(float, self.levers[_known(name, _MULTIPLIERS)].multiplier)

    def addend(self, name: Addend) -> float:
        """What is added to the PM's own number; 0 is neutral."""
        return cast(float, self.levers[_known(name, _ADDENDS)].value)

    def target(self, name: Target, own: float) -> float:
        """What takes the place of the PM's own number, and that number where nothing does."""
        value = self.levers[_known(name, _TARGETS)].value
        return own if value is None else value


class MalformedCandidate(ValueError):
    """A candidate that cannot be sized, with every reason; `answers` has what a batch made of the others."""

    def __init__(self, reasons: Sequence[str], answers: Sequence[Optional[Size]] = ()) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)
        self.answers = list(answers)


class NoAnswer(Exception):
    """Why the service gave no answer to a question that has no neutral one."""


class Allocation(TypedDict):
    """What an approved token gets on one timeframe, and why: a row of `get_dm_allocation`."""

    base: float
    share: Optional[float]
    multiplier: float
    product: Optional[float]
    overrides: List[Dict[str, Any]]
    config_version: int
    computed_at: str


OverrideMatch = Dict[str, Any]
"""A row of `match_pm_overrides`; its columns are those of the database."""


class Edgeloop:
    """Asks one project. Threads may share it; connections are kept open and used again."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        access_token: Optional[Callable[[], str]] = None,
        timeout: float = 0.3,
        stale_after: float = 900.0,
        remember: int = 5_000,
        connections: int = 8,
    ) -> None:
        """
        `url` and `key` are those of the project. `access_token` gives the token of a signed-in user with
        the role pm where the key is the publishable one. `timeout` bounds each question, connecting and
        trying again included; `stale_after` is how long the last known answer stands in; both are in
        seconds. The `remember` candidates that were answered last are remembered; at most `connections`
        questions are on their way at once.
        """
        self._http = _Http(url, connections)
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("key must be the project's secret key (sb_secret_…) and is not a key at all")
        if not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"timeout must be a number of seconds and is {timeout!r}")
        if not stale_after >= 0:
            raise ValueError(f"stale_after must be a number of seconds and is {stale_after!r}")
        if remember < 1 or connections < 1:
            raise ValueError("remember and connections must be at least 1")
        self._key = key
        self._access_token = access_token
        self._timeout = timeout
        self._sizes: _Memory[SizingRow] = _Memory(remember, stale_after)
        self._levers: _Memory[Dict[str, Lever]] = _Memory(remember, stale_after)
        self._news = _News()

    def __enter__(self) -> Edgeloop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; whoever asks afterwards opens new ones."""
        self._http.close()

    def size(self, candidate: Candidate, *, timeout: Optional[float] = None) -> Size:
        """How large the candidate's action should be. Raises MalformedCandidate, and nothing else."""
        asked = _checked(candidate)
        try:
            row = self._ask("get_pm_sizing", asked, timeout, _read_sizing)
        except _Unanswered as fault:
            return self._remembered_size(asked, fault)
        return self._live_size(asked, row)

    def size_many(self, candidates: Iterable[Candidate], *, timeout: Optional[float] = None) -> List[Size]:
        """
        The same for many, in their order, a hundred in each question; `timeout` is that of a question, and
        once one is not answered no other is asked. Malformed candidates raise at the end, with what became
        of the others.
        """
        reasons: List[str] = []
        sound: List[Tuple[int, Dict[str, Any]]] = []
        answers: List[Optional[Size]] = []
        for place, candidate in enumerate(candidates):
            answers.append(None)
            try:
                sound.append((place, _checked(candidate)))
            except MalformedCandidate as error:
                reasons.extend(f"candidates[{place}]: {reason}" for reason in error.reasons)
        fault: Optional[_Unanswered] = None
        for begin in range(0, len(sound), _PIECE):
            piece = sound[begin : begin + _PIECE]
            rows: Sequence[Union[SizingRow, str, None]] = [None] * len(piece)
            if fault is None:
                try:
                    batch = {"candidates": [asked for _, asked in piece]}
                    rows = self._ask(
                        "get_pm_sizing_batch", batch, timeout, lambda told: _read_batch(told, len(piece))
                    )
                except _Unanswered as error:
                    fault = error
                except MalformedCandidate as error:
                    reasons.append(f"candidates[{piece[0][0]}] to [{piece[-1][0]}]: {error}")
                    continue
            for (place, asked), row in zip(piece, rows):
                if isinstance(row, str):
                    reasons.append(f"candidates[{place}]: {row}")
                elif row is not None:
                    answers[place] = self._live_size(asked, row)
                elif fault is not None:
                    answers[place] = self._remembered_size(asked, fault)
        if reasons:
            raise MalformedCandidate(reasons, answers)
        return cast(List[Size], answers)

    def levers(self, candidate: Candidate, *, timeout: Optional[float] = None) -> Levers:
        """Where every lever stands for the candidate. Raises MalformedCandidate, and nothing else."""
        asked = _checked(candidate)
        key = _key_of(asked)
        question = {name: asked[name] for name in ("pattern_key", "action_category", "scope")}
        try:
            levers = self._ask("get_pm_levers", question, timeout, _read_levers)
        except _Unanswered as fault:
            known = self._levers.recall(key)
            if known is not None and known.fresh:
                return Levers("stale", fault.reason, known.age, known.value)
            return Levers("fallback", fault.reason, None, dict(_NEUTRAL_LEVERS))
        self._levers.keep(key, levers)
        return Levers("live", None, 0.0, levers)

    def explain(self, candidate: Candidate, *, timeout: Optional[float] = None) -> List[str]:
        """A size in sentences, from the base step by step. Raises NoAnswer or MalformedCandidate."""
        asked = dict(_checked(candidate))
        return cast(List[str], self._told("explain_pm_sizing", asked, timeout, list))

    def overrides(self, candidate: Candidate, *, timeout: Optional[float] = None) -> List[OverrideMatch]:
        """The overrides that contain a candidate's scope. Raises NoAnswer or MalformedCandidate."""
        asked = _checked(candidate)
        question = {name: asked[name] for name in ("pattern_key", "action_category", "scope")}
        return cast(List[OverrideMatch], self._told("match_pm_overrides", question, timeout, list))

    def allocation(
        self,
        timeframe: str,
        scope: Optional[Mapping[str, Union[str, float, bool, None]]] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Allocation:
        """What an approved token gets on a timeframe. Raises NoAnswer, and ValueError for what is malformed."""
        question = {"timeframe": timeframe, "scope": {} if scope is None else dict(scope)}
        return cast(Allocation, self._told("get_dm_allocation", question, timeout, dict))

    def config(self, *, timeout: Optional[float] = None) -> Dict[str, Any]:
        """The configuration in force. Raises NoAnswer."""
        return cast(Dict[str, Any], self._told("get_pm_config", {}, timeout, dict))

    def unified_scope(
        self,
        entry_context: Mapping[str, Any],
        action_scope: Mapping[str, Any],
        regime_context: Mapping[str, Any],
        *,
        timeout: Optional[float] = None,
    ) -> Dict[str, str]:
        """The scope that learning makes of an action's contexts. Raises NoAnswer."""
        question = {
            "entry_context": dict(entry_context),
            "action_scope": dict(action_scope),
            "regime_context": dict(regime_context),
        }
        return cast(Dict[str, str], self._told("unified_scope", question, timeout, dict))

    def call(
        self,
        rpc: str,
        arguments: Optional[Mapping[str, Any]] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Any:
        """
        Any other RPC by its name, its answer as it is. Raises NoAnswer where there is none, and MalformedCandidate
        where the database blames the arguments.
        """
        if not rpc.isidentifier():
            raise ValueError(f"rpc must be the name of a function and is {rpc!r}")
        return self._told(rpc, {} if arguments is None else arguments, timeout, None)

    def _told(
        self, rpc: str, arguments: Mapping[str, Any], timeout: Optional[float], kind: Optional[type]
    ) -> Any:
        """An answer of that kind, or NoAnswer."""

        def read(told: Any) -> Any:
            if kind is not None and not isinstance(told, kind):
                raise _nonsense(f"an answer of {rpc}", told)
            return told

        try:
            return self._ask(rpc, arguments, timeout, read)
        except _Unanswered as fault:
            raise NoAnswer(fault.reason) from fault

    def _live_size(self, asked: Mapping[str, Any], row: SizingRow) -> Size:
        # With what was asked, which tells how far the answer moved it.
        self._sizes.keep(_key_of(asked), row, (asked.get("a_value", _MIDDLE), asked.get("e_value", _MIDDLE)))
        return Size(
            "live",
            None,
            0.0,
            row["pm_strength"],
            row["exposure_skew"],
            row["size_frac"],
            row["a_final"],
            row["e_final"],
            row,
        )

    def _remembered_size(self, asked: Mapping[str, Any], fault: _Unanswered) -> Size:
        a_value, e_value = asked.get("a_value", _MIDDLE), asked.get("e_value", _MIDDLE)
        known = self._sizes.recall(_key_of(asked))
        if known is not None and known.fresh:
            row = known.value
            former_a, former_e = known.posture
            strength, skew = row["pm_strength"], row["exposure_skew"]
            same = former_a == a_value
            return Size(
                "stale",
                fault.reason,
                known.age,
                strength,
                skew,
                row["size_frac"] if same else _applied_size(a_value, strength, skew),
                _moved_alike(a_value, former_a, row["a_final"]),
                _moved_alike(e_value, former_e, row["e_final"]),
                row,
            )
        skew = 1.0 if known is None else min(1.0, known.value["exposure_skew"])
        size = _applied_size(a_value, 1.0, skew)
        return Size("fallback", fault.reason, None, 1.0, skew, size, a_value, e_value, None)

    def _ask(
        self, rpc: str, arguments: Mapping[str, Any], timeout: Optional[float], read: Callable[[Any], T]
    ) -> T:
        """The answer as it is read. Raises _Unanswered, having said so, or MalformedCandidate."""
        try:
            status, body = self._http.post(
                f"/rest/v1/rpc/{rpc}",
                self._headers(),
                json.dumps(arguments).encode(),
                self._timeout if timeout is None else timeout,
            )
            answer = read(_read_answer(status, body))
        except _Unanswered as fault:
            self._news.fault(fault)
            raise
        except MalformedCandidate:
            self._news.answer()
            raise
        self._news.answer()
        return answer

    def _headers(self) -> Dict[str, str]:
        headers = {"apikey": self._key, "Content-Type": "application/json", "Accept": "application/json"}
        if self._access_token is not None:
            try:
                headers["Authorization"] = f"Bearer {self._access_token()}"
            except Exception as error:  # Whatever it is, trading goes on.
                raise _Unanswered(
                    f"access_token gave no token: {type(error).__name__}: {error}", settings=True
                ) from error
        return headers


# Candidates.

_ARGUMENTS = ("pattern_key", "action_category", "scope", "a_value", "e_value", "previous_strength", "as_of")
_CATEGORIES = ("entry", "add", "trim", "exit")
_MIDDLE = 0.5
"""What get_pm_sizing takes for an appetite or an assertiveness that is not given."""
_PIECE = 100
"""So many candidates that the default timeout is enough for them."""


def _checked(candidate: Any) -> Dict[str, Any]:
    """What is sent for a candidate; raises MalformedCandidate with every reason why it cannot be."""
    if not isinstance(candidate, Mapping):
        raise MalformedCandidate([f"A candidate must be a mapping and is {_shown(candidate)}"])
    reasons = [
        f"A candidate has no argument {_shown(name)}; the arguments are {', '.join(_ARGUMENTS)}"
        for name in candidate
        if name not in _ARGUMENTS
    ]
    asked: Dict[str, Any] = {}

    def take(name: str, expected: str, read: Callable[[Any], Any], required: bool = False) -> None:
        given = candidate.get(name)
        if given is None and not required:
            return
        asked[name] = read(given)
        if asked[name] is None:
            reasons.append(f"Argument {name} must be {expected} and is {_shown(given)}")

    take("pattern_key", "a behaviour such as pm.uptrend.S1.buy_flag", _text, required=True)
    take("action_category", "entry, add, trim or exit", _read_category, required=True)
    take("scope", "a mapping of dimensions to texts, numbers, booleans and None", _read_scope, required=True)
    take("a_value", "a number from 0 to 1", _read_fraction)
    take("e_value", "a number from 0 to 1", _read_fraction)
    take("previous_strength", "a number greater than 0 and at most 1e6", _read_strength)
    take("as_of", "a time with a time zone", _read_time)
    if reasons:
        raise MalformedCandidate(reasons)
    return asked


def _read_category(given: Any) -> Optional[str]:
    return str.__str__(given) if isinstance(given, str) and given in _CATEGORIES else None


def _read_fraction(given: Any) -> Optional[float]:
    return _number_within(given, lambda x: 0 <= x <= 1)


def _read_strength(given: Any) -> Optional[float]:
    return _number_within(given, lambda x: 0 < x <= 1e6)


def _text(given: Any) -> Optional[str]:
    return str.__str__(given) if isinstance(given, str) and given.strip() else None


def _number(given: Any) -> Optional[float]:
    if isinstance(given, bool) or not isinstance(given, (numbers.Real, decimal.Decimal)):
        return None
    try:
        number = float(given)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _number_within(given: Any, holds: Callable[[float], bool]) -> Optional[float]:
    number = _number(given)
    return number if number is not None and holds(number) else None


def _read_scope(given: Any) -> Optional[Dict[str, Union[str, float, bool, None]]]:
    if not isinstance(given, Mapping):
        return None
    scope: Dict[str, Union[str, float, bool, None]] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            return None
        if value is None or isinstance(value, bool) or type(value) is int:
            scope[name] = value
        elif isinstance(value, str):
            scope[name] = str.__str__(value)
        else:
            number = _number(value)
            if number is None:
                return None
            scope[name] = number
    return scope


def _read_time(given: Any) -> Optional[str]:
    if isinstance(given, datetime.datetime):
        return None if given.tzinfo is None else given.isoformat()
    return _text(given)


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _key_of(asked: Mapping[str, Any]) -> str:
    return json.dumps([asked["pattern_key"], asked["action_category"], asked["scope"]], sort_keys=True)


# What stands in for an answer.


def _applied_size(a_value: float, strength: float, skew: float) -> float:
    """What the database makes of an appetite and both factors (functions/README.md, "Sizing")."""
    return max(0.0, min(1.0, (0.10 + 0.50 * a_value) * strength * skew))


def _moved_alike(given: float, former: float, former_moved: float) -> float:
    """What is given, moved as far as the answer to what was given then."""
    return former_moved if given == former else max(0.0, min(1.0, given + former_moved - former))


_MULTIPLIERS: Tuple[str, ...] = get_args(Multiplier)
_ADDENDS: Tuple[str, ...] = get_args(Addend)
_TARGETS: Tuple[str, ...] = get_args(Target)
_NEUTRAL_LEVERS: Mapping[str, Lever] = {
    **{name: Lever(1.0, None, None, None) for name in _MULTIPLIERS},
    **{name: Lever(1.0, 0.0, None, None) for name in _ADDENDS},
    **{name: Lever(1.0, None, None, None) for name in _TARGETS},
}


def _known(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise KeyError(f"{name!r} is none of {', '.join(names)}")
    return name


@dataclass(frozen=True)
class _Known(Generic[T]):
    value: T
    posture: Tuple[float, float]
    age: float
    fresh: bool


class _Memory(Generic[T]):
    """The last answer for each candidate; beyond `most` the one whose answer is oldest is forgotten."""

    def __init__(self, most: int, stale_after: float) -> None:
        self._most = most
        self._stale_after = stale_after
        self._answers: Dict[str, Tuple[float, T, Tuple[float, float]]] = {}
        self._lock = _Lock()

    def keep(self, key: str, value: T, posture: Tuple[float, float] = (_MIDDLE, _MIDDLE)) -> None:
        with self._lock.held():
            self._answers.pop(key, None)
            self._answers[key] = (time.monotonic(), value, posture)
            if len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]

    def recall(self, key: str) -> Optional[_Known[T]]:
        with self._lock.held():
            known = self._answers.get(key)
        if known is None:
            return None
        at, value, posture = known
        age = time.monotonic() - at
        return _Known(value, posture, age, age < self._stale_after)


# Answers.


class _Unanswered(Exception):
    """Why there is no answer to use; of what `sort`, where the reason has figures that differ each time."""

    def __init__(self, reason: str, sort: Optional[str] = None, *, settings: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sort = reason if sort is None else sort
        self.settings = settings
        """Whether the settings are to blame, so that waiting will not mend it."""


def _read_answer(status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if status == 200:
            raise _Unanswered(f"The service answered no JSON: {_shown(body)}", "no JSON") from error
        answer = None
    if status == 200:
        return answer
    said = answer if isinstance(answer, dict) else {"message": body.decode(errors="replace")}
    words = _words_of(said) or "nothing else"
    if _blames_candidate(said.get("code")) and 400 <= status < 500:
        raise MalformedCandidate([words])
    if status in (401, 403, 404):
        reason = f"The service answered {status}, look at url and key: {words[:300]}"
        raise _Unanswered(reason, f"status {status}", settings=True)
    raise _Unanswered(f"The service answered {status}: {words[:300]}", f"status {status}")


def _words_of(error: Mapping[str, Any]) -> str:
    return ". ".join(str(error[part]) for part in ("message", "hint") if error.get(part))


def _blames_candidate(code: Any) -> bool:
    """Whether an SQLSTATE is about the data that was given (22) or its size (54)."""
    return isinstance(code, str) and len(code) == 5 and code[:2] in ("22", "54")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_SIZING_NUMBERS: Mapping[str, Callable[[float], bool]] = {
    "base_alloc_pct": lambda x: x >= 0,
    "size_frac_raw": lambda x: 0 <= x <= 1,
    "pm_strength": lambda x: x > 0,
    "exposure_skew": lambda x: x >= 0,
    "size_frac": lambda x: 0 <= x <= 1,
    "max_alloc_pct": lambda x: x >= 0,
    "a_final": lambda x: 0 <= x <= 1,
    "e_final": lambda x: 0 <= x <= 1,
    "confidence": lambda x: x >= 0,
    "steer_max": lambda x: x >= 0,
}
_SIZING_OTHERS: Mapping[str, type] = {
    "mode": str,
    "overrides": list,
    "exposure": dict,
    "shadow": dict,
    "config_version": int,
    "computed_at": str,
}


def _read_sizing(told: Any) -> SizingRow:
    """The row of a sizing, its numbers as floats; raises _Unanswered where it is none."""
    if not isinstance(told, dict):
        raise _nonsense("a sizing", told)
    row = dict(told)
    for name, holds in _SIZING_NUMBERS.items():
        row[name] = _number_within(told.get(name), holds)
        if row[name] is None:
            raise _nonsense(name, told.get(name))
    row["timeframe_share"] = _number_or_none(told, "timeframe_share")
    for name, kind in _SIZING_OTHERS.items():
        if type(told.get(name)) is not kind:
            raise _nonsense(name, told.get(name))
    return cast(SizingRow, row)


def _number_or_none(row: Mapping[str, Any], name: str) -> Optional[float]:
    given = row.get(name)
    number = _number(given)
    if number is None and (given is not None or name not in row):
        raise _nonsense(name, given)
    return number


def _read_batch(told: Any, number: int) -> List[Union[SizingRow, str, None]]:
    """For each candidate its row, or why it was refused."""
    if not isinstance(told, list) or len(told) != number:
        raise _nonsense(f"{number} sizings", told)
    rows: List[Union[SizingRow, str, None]] = []
    for place, row in enumerate(told, 1):
        if not isinstance(row, dict) or row.get("position") != place:
            raise _nonsense(f"sizing {place}", row)
        error = row.get("error")
        if error is None:
            answer = {name: row[name] for name in row if name not in ("position", "error")}
            rows.append(_read_sizing(answer))
        elif isinstance(error, dict):
            rows.append(_words_of(error) or _shown(error))
        else:
            raise _nonsense("error", error)
    return rows


def _read_levers(told: Any) -> Dict[str, Lever]:
    """Every lever by its name; one that an older database does not have is neutral."""
    if not isinstance(told, list) or not told:
        raise _nonsense("levers", told)
    levers = dict(_NEUTRAL_LEVERS)
    for row in told:
        if not isinstance(row, dict) or not isinstance(row.get("lever"), str):
            raise _nonsense("a lever", row)
        name, subset, override = row["lever"], row.get("scope_subset"), row.get("override_id")
        multiplier, value = _number_or_none(row, "multiplier"), _number_or_none(row, "value")
        lacks = (name in _MULTIPLIERS and multiplier is None) or (name in _ADDENDS and value is None)
        if lacks or type(override) not in (int, type(None)) or type(subset) not in (dict, type(None)):
            raise _nonsense(f"lever {name}", row)
        levers[name] = Lever(multiplier, value, override, subset)
    return levers


def _nonsense(expected: str, told: Any) -> _Unanswered:
    return _Unanswered(f"The service answered nonsense: {_shown(told)} for {expected}", "nonsense")


# What is told.

_SAY_AGAIN_AFTER = 60.0


class _News:
    """Tells the log what is wrong: when it changes, and once a minute while it lasts."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("edgeloop")
        self._lock = _Lock()
        self._told: Optional[str] = None
        self._told_at = 0.0

    def fault(self, fault: _Unanswered) -> None:
        now = time.monotonic()
        with self._lock.held():
            if fault.sort == self._told and now < self._told_at + _SAY_AGAIN_AFTER:
                return
            self._told, self._told_at = fault.sort, now
        level = logging.ERROR if fault.settings else logging.WARNING
        self._logger.log(level, "%s; sizes are the last known ones, then neutral", fault.reason)

    def answer(self) -> None:
        with self._lock.held():
            if self._told is None:
                return
            self._told = None
        self._logger.info("The service answers again")


# Connections.

_CONNECT_SECONDS = 5.0
"""A connection that takes longer than a question may is made all the same, for the next one."""
_IDLE_SECONDS = 50.0
"""Less than servers keep an idle connection."""
_PAUSE_BEFORE_RETRY = 0.05


class _Lock:
    """A lock that a fork does not leave held by a thread that the child does not have."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()

    def held(self) -> threading.Lock:
        if os.getpid() != self._process:
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock


class _Call:
    """A question on its way."""

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> None:
        self.path, self.headers, self.body = path, headers, body
        self.deadline = time.monotonic() + seconds
        self.done = threading.Event()
        self.answer: Optional[Tuple[int, bytes]] = None
        self.fault: Optional[_Unanswered] = None
        self.was_left = False
        self.stage = "waiting for one of its connections"
        self.socket: Optional[socket.socket] = None

    def remaining(self) -> float:
        return self.deadline - time.monotonic()


class _Http:
    """
    Posts to one server over connections that are kept. Each has a thread of its own, so that whoever asks
    goes on when the time is over, whatever hangs: looking up a name, a handshake, an answer that trickles.
    """

    def __init__(self, url: str, connections: int) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must be that of the project, https://<ref>.supabase.co, and is {url!r}")
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._most = connections
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: Deque[_Call] = collections.deque()
        self._threads = 0
        self._idle = 0
        self._generation = object()

    def post(self, path: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Tuple[int, bytes]:
        """Status and body of the answer; raises _Unanswered."""
        if os.getpid() != self._process:
            self._begin()
        call = _Call(self._path + path, headers, body, seconds)
        with self._changed:
            self._waiting.append(call)
            if self._idle < len(self._waiting) and self._threads < self._most:
                try:
                    threading.Thread(
                        target=self._work, args=(self._generation,), daemon=True, name="edgeloop"
                    ).start()
                    self._threads += 1
                except RuntimeError as error:
                    if self._threads == 0:
                        self._waiting.remove(call)
                        raise _Unanswered(f"No thread could be started to ask: {error}") from error
            self._changed.notify()
        if not call.done.wait(max(0.0, call.remaining())):
            self._leave(call, seconds)
        if call.fault is not None:
            raise call.fault
        assert call.answer is not None
        return call.answer

    def close(self) -> None:
        with self._changed:
            self._generation = object()
            self._changed.notify_all()

    def _leave(self, call: _Call, seconds: float) -> None:
        with self._changed:
            if call.done.is_set():
                return
            call.was_left = True
            if call in self._waiting:
                self._waiting.remove(call)
            if call.socket is not None:
                try:
                    socket.socket.shutdown(call.socket, socket.SHUT_RDWR)
                except OSError:
                    pass  # It broke by itself.
            raise _Unanswered(f"No answer from {self._url} within {seconds:g} s ({call.stage})", "late")

    def _work(self, generation: object) -> None:
        worker = _Connection(self._host, self._port, self._secure, self._url, self._changed)
        try:
            while True:
                call = self._next_call(generation)
                if call is None:
                    return
                try:
                    call.answer = worker.exchange(call)
                except _Unanswered as fault:
                    call.fault = fault
                except Exception as error:  # Whatever it is, trading goes on.
                    worker.drop()
                    call.fault = _Unanswered(f"Asking failed: {type(error).__name__}: {error}")
                with self._changed:
                    call.socket = None
                    if call.was_left and call.stage != "connecting":
                        worker.drop()
                    call.done.set()
        finally:
            worker.drop()

    def _next_call(self, generation: object) -> Optional[_Call]:
        with self._changed:
            until = time.monotonic() + _IDLE_SECONDS
            while generation is self._generation and not self._waiting:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._idle += 1
                self._changed.wait(left)
                self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None


class _Connection:
    """One connection, of one thread."""

    def __init__(
        self, host: str, port: Optional[int], secure: bool, url: str, changed: threading.Condition
    ) -> None:
        self._host, self._port, self._secure, self._url = host, port, secure, url
        self._changed = changed
        self._connection: Optional[http.client.HTTPConnection] = None

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def exchange(self, call: _Call) -> Tuple[int, bytes]:
        """Asks once; a second time only where there was no connection to ask over."""
        kept = self._is_open()
        try:
            if not kept:
                self._connect(call)
            return self._send(call)
        except _NotConnected:
            time.sleep(max(0.0, min(_PAUSE_BEFORE_RETRY, call.remaining() / 2)))
        except (ConnectionResetError, BrokenPipeError) as error:
            # The server had closed it meanwhile: of an answer not a byte came.
            self.drop()
            if not kept or call.stage != "waiting for the answer":
                raise _broken(error) from error
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            raise _broken(error) from error
        if call.was_left:
            raise _Unanswered("Nobody waits any more")
        try:
            self._connect(call)
            return self._send(call)
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            raise _broken(error) from error

    def _is_open(self) -> bool:
        if self._connection is None or self._connection.sock is None:
            self.drop()
            return False
        try:
            # What can be read before anything was asked is its end.
            poll = select.poll() if hasattr(select, "poll") else None
            if poll is None:
                is_over = bool(select.select([self._connection.sock], [], [], 0)[0])
            else:
                poll.register(self._connection.sock, select.POLLIN)
                is_over = bool(poll.poll(0))
        except (OSError, ValueError):
            is_over = True
        if is_over:
            self.drop()
        return not is_over

    def _connect(self, call: _Call) -> None:
        call.stage = "connecting"
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=max(_CONNECT_SECONDS, call.remaining()))
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            connection.close()
            raise _NotConnected(f"No connection to {self._url}: {error}", "unconnected") from error
        self._connection = connection

    def _send(self, call: _Call) -> Tuple[int, bytes]:
        connection = self._connection
        assert connection is not None and connection.sock is not None
        with self._changed:
            if call.was_left:
                raise _Unanswered("Nobody waits any more")
            call.stage = "waiting for the answer"
            call.socket = connection.sock
            # Later than whoever asked leaves, which is what ends it.
            connection.sock.settimeout(max(0.0, call.remaining()) + 1.0)
        connection.request("POST", call.path, call.body, dict(call.headers))
        response = connection.getresponse()
        call.stage = "reading the answer"
        return response.status, response.read()


class _NotConnected(_Unanswered):
    """There was no connection to ask over."""


def _broken(error: Exception) -> _Unanswered:
    return _Unanswered(f"The answer broke off: {type(error).__name__}: {error}", "broken")
