"""A rival's alarms, out of the windows in which it is over its threshold; and the threshold that a budget affords."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.support.surge.traffic import WEEK, WINDOW_SECONDS
from streams.contract.settings import SurgeSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rings = NDArray[np.bool_]
    """``[windows, subjects]``: at the close of which windows a subject is over the threshold."""

_SETTINGS = SurgeSettings()
_CALM = _SETTINGS.resolve_windows
_COOL_DOWN = int(_SETTINGS.cool_down_seconds // WINDOW_SECONDS)
_BISECTIONS = 7
_STEP = 2.0


class Alarm(NamedTuple):
    """A subject begins to fire at the close of a window."""

    row: int
    subject: int


class UntunableError(Exception):
    """No threshold of a rival keeps it within the budget; the message names it."""


def alarms(rings: Rings) -> list[Alarm]:
    """Rings that follow one another are one alarm.

    It ends after as many calm windows as Tocsin's own alerts, and within the cool-down after that nothing begins anew.
    """
    begun = []
    for subject in np.flatnonzero(rings.any(axis=0)):
        last = -len(rings)
        for row in np.flatnonzero(rings[:, subject]).tolist():
            if row - last <= _CALM:
                last = row
            elif row - last > _CALM + _COOL_DOWN:
                begun.append(Alarm(row, int(subject)))
                last = row
    return sorted(begun)


def per_week(rings: Rings, *, after: int = 0) -> float:
    """Alarms a week of all subjects together, in the windows from ``after`` on."""
    return sum(alarm.row >= after for alarm in alarms(rings)) / ((len(rings) - after) / WEEK)


def tune(rings_at: Callable[[float], Rings], budget: float, *, after: int, start: float, name: str) -> float:
    """The least threshold with which a rival stays within a budget, to a hundredth of itself.

    It is sought from above: far below it a rival rings without end, and few alarms begin.

    Args:
        rings_at: What rings at a threshold, over the traffic to tune on.
        budget: Alarms a week.
        after: Windows before this one are the warm-up and do not count.
        start: A threshold that is far too high, and positive.
        name: The rival, for the error.

    Raises:
        UntunableError: Even at ``start`` it is over the budget.
    """
    low = high = start
    if per_week(rings_at(high), after=after) > budget:
        raise UntunableError(f"{name} is over its budget of {budget:g} alarms a week even at a threshold of {start:g}")
    while per_week(rings_at(low), after=after) <= budget and low > start * 1e-9:
        low, high = low / _STEP, low
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if per_week(rings_at(middle), after=after) > budget:
            low = middle
        else:
            high = middle
    return high
