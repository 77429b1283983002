"""When what disturbs a soak is due. Pure.

Acts of a kind come as often in one part that is compared as in another: swaps in each tenth of the run, by which memory
is compared, and all else in each quarter of what follows the first tenth, by which latency is. So a ratio of two
parts shows the course of time, and not that more was going on in one of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["swap", "retraining", "rebalance"]

WARM_UP_SHARE = 0.1
"""So much of a run is warm-up: the model's memory is laid out, and the detector meets its subjects."""

_TENTHS, _QUARTERS = 10, 4
_SWAP_SECONDS = 300.0
_RETRAINING_SECONDS = 1200.0
_REBALANCE_SECONDS = 600.0
_KILLED_OF = 8
_KILLED_PLACE = 2
_SHORT_SECONDS = 900.0
_SHORT: tuple[tuple[float, Kind], ...] = ((0.02, "retraining"), (0.05, "rebalance"), (0.5, "swap"))


class Act(NamedTuple):
    """Something that disturbs the stream."""

    at: float
    """Seconds since the feed began."""
    kind: Kind
    is_kill: bool = False
    """Whether the worker that a rebalance is about is killed (SIGKILL) and not stopped."""


def timetable(seconds: float) -> list[Act]:
    """What is due in a run of so many seconds, in order.

    One that is too short for parts to be compared has one act of each kind.
    """
    if seconds < _SHORT_SECONDS:
        return [Act(share * seconds, kind, kind == "rebalance") for share, kind in _SHORT]
    warm_up = WARM_UP_SHARE * seconds
    quarter = (seconds - warm_up) / _QUARTERS
    swaps = [Act(at, "swap") for at in _moments(0.0, seconds / _TENTHS, _TENTHS, _SWAP_SECONDS, 0.1)]
    retrainings = [Act(at, "retraining") for at in _moments(warm_up, quarter, _QUARTERS, _RETRAINING_SECONDS, 0.05)]
    rebalances = [
        Act(at, "rebalance", number % _KILLED_OF == _KILLED_PLACE)
        for number, at in enumerate(_moments(warm_up, quarter, _QUARTERS, _REBALANCE_SECONDS, 0.5))
    ]
    return sorted([*swaps, *retrainings, *rebalances])


def swap_period(seconds: float) -> float:
    """Seconds from one swap to the next: memory rises and falls by them, since two versions are held for a while."""
    part = seconds / _TENTHS
    return part / _each(part, _SWAP_SECONDS)


def _moments(begin: float, part: float, parts: int, period: float, share: float) -> Iterator[float]:
    """Moments in equal parts, at a share of their own period each."""
    each = _each(part, period)
    for number in range(parts * each):
        yield begin + (number + share) * part / each


def _each(part: float, period: float) -> int:
    """Acts in a part, so that they are about a period apart."""
    return max(1, math.floor(part / period + 0.75))
