"""Made traffic without surges, each with a rhythm: over-dispersed, self-exciting, what is left of syndicated copies.

Everything is counts of windows of five minutes, ``[windows, subjects]``, drawn from a stated seed. Time begins on a
Monday at 00:00 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]
    Rates = NDArray[np.float64]

WINDOW_SECONDS = 300
HOUR = 3600 // WINDOW_SECONDS
DAY = 24 * HOUR
WEEK = 7 * DAY
MONDAY = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) // WINDOW_SECONDS

# Negatives an hour of a subject in the mean; subjects differ by orders of magnitude.
_RATES = (0.2, 50.0)
# Gamma shape of a window's own rate: the variance of a count of mean m is m + m^2 / shape.
_SHAPES = (3.0, 30.0)
# Share of the messages that a message draws after it, and for how long.
_BRANCHING = (0.2, 0.6)
_EXCITATION_WINDOWS = 6.0
# Stories a day and subject; copies of one (Pareto); share of them that is rewritten, and so passes for a new text.
_STORIES_A_DAY = 1.0
_COPIES = (10.0, 1.2, 200.0)
_REWRITTEN = 0.05
_SPREAD_WINDOWS = 4.0


class Copies(NamedTuple):
    """Copies of texts that were counted already, ``[windows, subjects]``."""

    negative: Counts
    volume: Counts


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of a desk's subjects."""

    names: tuple[str, ...]
    first: int
    """Index since the epoch of the first window."""
    negative: Counts
    """``[windows, subjects]``."""
    volume: Counts
    """All messages, ``[windows, subjects]``."""
    copies: Copies | None = None
    """Copies that are left out of them, where there are any."""

    def of(self, columns: slice) -> Traffic:
        """Some of the subjects."""
        copies = self.copies and Copies(self.copies.negative[:, columns], self.copies.volume[:, columns])
        return Traffic(self.names[columns], self.first, self.negative[:, columns], self.volume[:, columns], copies)

    def rows(self, rows: slice) -> Traffic:
        """A stretch of time; ``rows`` has a start."""
        copies = self.copies and Copies(self.copies.negative[rows], self.copies.volume[rows])
        return Traffic(self.names, self.first + rows.start, self.negative[rows], self.volume[rows], copies)


def join(parts: list[Traffic]) -> Traffic:
    """One desk of several; names become unique by number."""
    negative = np.concatenate([part.negative for part in parts], axis=1)
    volume = np.concatenate([part.volume for part in parts], axis=1)
    copies = None
    if any(part.copies for part in parts):
        both = [part.copies or Copies(np.zeros_like(part.negative), np.zeros_like(part.volume)) for part in parts]
        copies = Copies(*(np.concatenate(each, axis=1) for each in zip(*both, strict=True)))
    return Traffic(names(negative.shape[1]), parts[0].first, negative, volume, copies)


def names(subjects: int) -> tuple[str, ...]:
    """Keys of made subjects."""
    return tuple(f"entity/made{number:04}" for number in range(subjects))


def rhythms(rng: np.random.Generator, windows: int, subjects: int) -> Rates:
    """Factors of the hour and the day, ``[windows, subjects]``, of mean 1 over a week.

    By day a subject's rate rises to 2.7 to 11 times that of its night, at about 15:00 UTC; at weekends it is 0.3 to 1.0
    of that of other days (dated headlines of three publishers have 0.02 to 0.5).
    """
    depth, peak, weekend = (
        rng.uniform(0.5, 1.2, subjects),
        rng.normal(15.0, 2.0, subjects),
        rng.uniform(0.3, 1, subjects),
    )
    window = np.arange(WEEK)[:, None]
    hours = (window % DAY) / HOUR
    week = np.exp(depth * np.cos(2 * np.pi * (hours - peak) / 24)) * np.where(window >= 5 * DAY, weekend, 1.0)
    week /= week.mean(axis=0)
    return week[np.arange(windows) % WEEK]


def trailing(counts: Counts | Rates, windows: int) -> Rates:
    """Sum of each window and those before it, ``windows`` in all; fewer at the beginning."""
    sums = np.cumsum(counts, axis=0, dtype=float)
    sums[windows:] -= sums[:-windows].copy()
    return sums


def over_dispersed(rng: np.random.Generator, windows: int, subjects: int) -> Traffic:
    """Negative binomial counts: each window has a rate of its own, which negatives and all others share."""
    negative_mean, other_mean = _means(rng, windows, subjects)
    shape = rng.uniform(*_SHAPES, subjects)
    own = rng.gamma(shape, 1 / shape, (windows, subjects))
    return _traffic(rng.poisson(negative_mean * own), rng.poisson(other_mean * own))


def self_exciting(rng: np.random.Generator, windows: int, subjects: int) -> Traffic:
    """Messages draw others after them (a Hawkes process in steps of one window); negatives draw negatives.

    Hawkes, A. G. (1971). Spectra of some self-exciting and mutually exciting point processes. Biometrika 58, 83-90.
    """
    branching = rng.uniform(*_BRANCHING, subjects)
    return _traffic(*(_cascades(rng, mean, branching) for mean in _means(rng, windows, subjects)))


def syndicated(rng: np.random.Generator, windows: int, subjects: int) -> Traffic:
    """Over-dispersed traffic, and stories that are copied.

    Tocsin counts equal copies once, so what is left of a story are its rewritten copies: a twentieth of 10 to 200, in
    the hour after it. How many equal ones there were in each window it knows. Half of the stories are bad news.
    """
    traffic = over_dispersed(rng, windows, subjects)
    negative, volume = traffic.negative.copy(), traffic.volume.copy()
    row, column = np.nonzero(rng.random((windows, subjects)) < _STORIES_A_DAY / DAY)
    least, tail, most = _COPIES
    copies = np.minimum(most, least * rng.random(len(row)) ** (-1 / tail)).astype(int)
    rewritten = rng.binomial(copies, _REWRITTEN)
    is_bad = rng.random(len(row)) < 0.5
    equal = Copies(np.zeros_like(negative), np.zeros_like(volume))
    for counts, passed_on in ((Copies(negative, volume), rewritten), (equal, copies - rewritten)):
        bad, column_of = np.repeat(is_bad, passed_on), np.repeat(column, passed_on)
        row_of = np.repeat(row, passed_on)
        row_of = np.minimum(row_of + rng.geometric(1 / _SPREAD_WINDOWS, len(row_of)) - 1, windows - 1)
        np.add.at(counts.volume, (row_of, column_of), 1)
        np.add.at(counts.negative, (row_of[bad], column_of[bad]), 1)
    return Traffic(traffic.names, traffic.first, negative, volume, equal)


def log_uniform(rng: np.random.Generator, bounds: tuple[float, float], size: int) -> Rates:
    """Numbers whose logarithm is uniform between those of two bounds."""
    low, high = np.log(bounds)
    return np.exp(rng.uniform(low, high, size))


def _means(rng: np.random.Generator, windows: int, subjects: int) -> tuple[Rates, Rates]:
    """Means of negatives and of all others, ``[windows, subjects]``."""
    negative = log_uniform(rng, _RATES, subjects) / HOUR
    share = np.clip(rng.beta(3, 5, subjects), 0.05, 0.95)
    rhythm = rhythms(rng, windows, subjects)
    return rhythm * negative, rhythm * (negative * (1 - share) / share)


def _cascades(rng: np.random.Generator, mean: Rates, branching: Rates) -> Counts:
    counts = np.empty(mean.shape, dtype=np.int32)
    keep = np.exp(-1 / _EXCITATION_WINDOWS)
    drawn = branching * mean[0]
    for row, spontaneous in enumerate((1 - branching) * mean):
        counts[row] = rng.poisson(spontaneous + drawn)
        drawn = keep * drawn + branching * (1 - keep) * counts[row]
    return counts


def _traffic(negative: NDArray[np.integer], other: NDArray[np.integer]) -> Traffic:
    volume = (negative + other).astype(np.int32)
    return Traffic(names(negative.shape[1]), MONDAY, negative.astype(np.int32), volume)
