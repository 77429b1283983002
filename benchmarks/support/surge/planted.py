"""Planted surges: a desk whose rates are known, and two hours in which negatives come so many times as often.

A surge begins at any moment of a window. What a detector makes of it is seen on a copy of the desk as it stood, so that
no surge is another one's past, and the desk itself stays stationary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.support.surge.bell import Bell
from benchmarks.support.surge.traffic import DAY, HOUR, MONDAY, WEEK, Traffic, names, rhythms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.support.surge.rivals import Rival
    from benchmarks.support.surge.traffic import Counts, Rates
    from streams.contract.settings import SurgeSettings

FACTORS: Final = (1.5, 2.0, 3.0, 5.0)
BASES: Final = (5, 20, 100)
"""Negatives an hour."""
LASTS: Final = 2 * HOUR
# One more window, since a surge begins within one.
_TAIL = LASTS + 1
# Surges begin where the rhythm is so near its mean, so that a base rate is what it is called.
_NEAR_MEAN = (0.8, 1.25)
_SHARE = 0.3
_MINUTES = 5


@dataclass(frozen=True, slots=True)
class KnownDesk:
    """Stationary traffic and the rates that it was drawn from."""

    traffic: Traffic
    mean: Rates
    """Of negatives, ``[windows, subjects]``."""
    bases: tuple[int, ...]
    """Negatives an hour in the mean, of each subject."""
    shape: float
    """Gamma shape of a window's own rate: the variance of a count of mean m is m + m^2 / shape."""


@dataclass(frozen=True, slots=True)
class Surge:
    """Where, when and how much."""

    row: int
    """Window in which it begins."""
    subject: int
    base: int
    factor: float
    begins: float
    """Part of that window which is over when it begins."""
    negative: Counts
    """Negatives of its windows, instead of the stationary ones."""

    def delay(self, window: int) -> float:
        """Minutes from its beginning to the close of its window of this number."""
        return _MINUTES * (window + 1 - self.begins)


def known_desk(subjects: int, weeks: int, shape: float, seed: int) -> KnownDesk:
    """Negative binomial counts with a rhythm; a third of the subjects has each of the base rates.

    Negatives are three tenths of all, and the others are drawn without regard to them: else their number would tell
    of the negatives' own rate, and there were no telling what is the best that can be done.
    """
    rng = np.random.default_rng([seed, subjects])
    bases = tuple(BASES[subject % len(BASES)] for subject in range(subjects))
    mean = rhythms(rng, weeks * WEEK, subjects) * np.array(bases) / HOUR
    negative = draw(rng, mean, shape)
    other = draw(rng, mean * (1 - _SHARE) / _SHARE, shape)
    return KnownDesk(Traffic(names(subjects), MONDAY, negative, negative + other), mean, bases, shape)


def draw(rng: np.random.Generator, mean: Rates, shape: float) -> Counts:
    """Negative binomial counts of these means and this shape."""
    return rng.negative_binomial(shape, shape / (shape + mean)).astype(np.int32)


def plant(desk: KnownDesk, *, after: int, moments: int, each: int, seed: int) -> list[Surge]:
    """Surges of every factor, at random moments.

    Args:
        desk: Where.
        after: Not before this window.
        moments: How many moments.
        each: At each moment, how many subjects of each base rate surge, all by the same factor; then anew by the next.
        seed: Of the randomness.

    Returns:
        In order of their moments.
    """
    rng = np.random.default_rng(seed)
    bases = np.array(desk.bases)
    surges = []
    for row in np.sort(rng.choice(np.arange(after, len(desk.mean) - _TAIL), moments, replace=False)):
        mean = desk.mean[row : row + _TAIL]
        rhythm = mean.mean(axis=0) * HOUR / bases
        near = (rhythm > _NEAR_MEAN[0]) & (rhythm < _NEAR_MEAN[1])
        for base in BASES:
            candidates = np.flatnonzero(near & (bases == base))
            for subject in rng.permutation(candidates)[:each]:
                for factor in FACTORS:
                    begins = rng.random()
                    part = np.ones(_TAIL)
                    part[0], part[-1] = 1 - begins, begins
                    negative = draw(rng, mean[:, subject] * (1 + (factor - 1) * part), desk.shape)
                    surges.append(Surge(int(row), int(subject), base, factor, begins, negative))
    return surges


def with_surges(traffic: Traffic, surges: Sequence[Surge]) -> Traffic:
    """The windows of surges that begin at the same moment, for the whole desk; all messages rise as negatives do."""
    row = surges[0].row
    negative, volume = (counts[row : row + _TAIL].copy() for counts in (traffic.negative, traffic.volume))
    for surge in surges:
        volume[:, surge.subject] += surge.negative - negative[:, surge.subject]
        negative[:, surge.subject] = surge.negative
    return Traffic(traffic.names, traffic.first + row, negative, volume)


def watch(
    traffic: Traffic, surges: Sequence[Surge], settings: SurgeSettings, partitions: int
) -> tuple[list[int], list[float | None]]:
    """Let Tocsin watch one partition of the desk, and its copies with surges.

    Returns:
        Windows in which it rings on the undisturbed desk; and for each surge the minutes until it rings, infinite where
        it does not, None where the subject fires already, which tells nothing.
    """
    bell = Bell(settings, partitions)
    rung: list[int] = []
    delays: dict[int, float | None] = {}
    together: dict[int, dict[float, list[int]]] = {}
    for number, surge in enumerate(surges):
        together.setdefault(surge.row, {}).setdefault(surge.factor, []).append(number)
    for row in range(len(traffic.negative)):
        for numbers in together.get(row, {}).values():
            delays |= _delays_on(bell.fork(), traffic, {number: surges[number] for number in numbers})
        rung += [row] * len(bell.close(traffic, row))
    return rung, [delays[number] for number in range(len(surges))]


def _delays_on(bell: Bell, traffic: Traffic, surges: dict[int, Surge]) -> dict[int, float | None]:
    """Delays of surges that begin at one moment, by their numbers."""
    windows = with_surges(traffic, list(surges.values()))
    number_of = {traffic.names[surge.subject]: number for number, surge in surges.items()}
    delays: dict[int, float | None] = {
        number: None if name in bell.firing else np.inf for name, number in number_of.items()
    }
    for window in range(_TAIL):
        for transition in bell.close(windows, window):
            number = number_of.get(transition.subject)
            if number is not None and delays[number] == np.inf:
                delays[number] = surges[number].delay(window)
    return delays


def delays_of_rival(traffic: Traffic, surges: Sequence[Surge], rival: Rival, threshold: float) -> list[float | None]:
    """The same of a rival at a threshold."""
    found: list[float | None] = []
    for row in sorted({surge.row for surge in surges}):
        now = [surge for surge in surges if surge.row == row]
        # What a rival needs of the past, from a midnight on.
        begin = max(0, (row - rival.memory) // DAY * DAY)
        columns = [surge.subject for surge in now]
        past, tail = slice(begin, row), slice(row, row + _TAIL)
        negative = np.concatenate([traffic.negative[past][:, columns], np.stack([s.negative for s in now], axis=1)])
        other = (traffic.volume - traffic.negative)[begin : row + _TAIL][:, columns]
        windows = Traffic(names(len(now)), traffic.first + begin, negative, negative + other)
        rings = rival.prepare(windows)(threshold)
        before, during = rings[: row - begin], rings[tail.start - begin :]
        for number, surge in enumerate(now):
            if before[-3:, number].any():
                found.append(None)
            else:
                found.append(surge.delay(int(during[:, number].argmax())) if during[:, number].any() else np.inf)
    return found
