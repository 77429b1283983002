"""What became of planted surges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.support.surge.planted import BASES, FACTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.surge.planted import Surge


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of all surges of one factor and base rate, or of several."""

    surges: int
    within_30_minutes: float
    within_2_hours: float
    delay_minutes: float | None
    """Median over all, those never found counting as endless; None where the median one is not found in two hours."""


def outcome(delays: Sequence[float | None]) -> Outcome:
    """Sum up delays in minutes; None is a surge that tells nothing, infinite one that was not found."""
    told = np.array([delay for delay in delays if delay is not None])
    if not len(told):
        return Outcome(0, 0.0, 0.0, None)
    # Of an even number the later of the two in the middle: there is no mean with what is endless.
    middle = float(np.sort(told)[len(told) // 2])
    return Outcome(
        len(told),
        float(np.mean(told <= 30)),
        float(np.mean(told <= 120)),
        round(middle, 1) if middle <= 120 else None,
    )


def by_cell(surges: Sequence[Surge], delays: Sequence[float | None]) -> dict[str, dict[str, Outcome]]:
    """Outcomes by factor and base rate, both as text: keys of JSON."""
    return {
        f"{factor:g}": {str(base): outcome(_chosen(surges, delays, {factor}, {base})) for base in BASES}
        for factor in FACTORS
    }


def twice_over(surges: Sequence[Surge], delays: Sequence[float | None]) -> Outcome:
    """Of the surges of twice over at 20 an hour or more."""
    return outcome(_chosen(surges, delays, {2.0}, {base for base in BASES if base >= 20}))


def _chosen(
    surges: Sequence[Surge], delays: Sequence[float | None], factors: set[float], bases: set[int]
) -> list[float | None]:
    return [
        delay for surge, delay in zip(surges, delays, strict=True) if surge.factor in factors and surge.base in bases
    ]
