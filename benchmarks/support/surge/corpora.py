"""The kinds of stationary traffic by name, and desks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from benchmarks.support.surge.replay import replayed
from benchmarks.support.surge.traffic import WEEK, Traffic, join, over_dispersed, self_exciting, syndicated

if TYPE_CHECKING:
    from benchmarks.support.surge.replay import RealWeek

Corpus = Literal["replayed", "replayed_all_hours", "over_dispersed", "self_exciting", "syndicated", "mixed"]

CORPORA: Final[tuple[Corpus, ...]] = (
    "mixed",
    "replayed",
    "replayed_all_hours",
    "over_dispersed",
    "self_exciting",
    "syndicated",
)
_MADE = {"over_dispersed": over_dispersed, "self_exciting": self_exciting, "syndicated": syndicated}
_MIXTURE: Final[tuple[Corpus, ...]] = ("replayed", "over_dispersed", "self_exciting", "syndicated")


def stationary(corpus: Corpus, subjects: int, weeks: int, seed: int, week: RealWeek) -> Traffic:
    """A desk without surges; equal arguments give equal traffic.

    Args:
        corpus: Kind of traffic; ``mixed`` has a quarter of each but the harsh replay.
        subjects: How many.
        weeks: How many.
        seed: Of the randomness.
        week: The real week, for what is resampled from it.
    """
    rng = np.random.default_rng([seed, CORPORA.index(corpus), subjects])
    if corpus != "mixed":
        return _of(corpus, rng, weeks * WEEK, subjects, week)
    sizes = [len(part) for part in np.array_split(np.arange(subjects), len(_MIXTURE))]
    return join([_of(kind, rng, weeks * WEEK, size, week) for kind, size in zip(_MIXTURE, sizes, strict=True)])


def _of(corpus: Corpus, rng: np.random.Generator, windows: int, subjects: int, week: RealWeek) -> Traffic:
    if corpus in _MADE:
        return _MADE[corpus](rng, windows, subjects)
    return replayed(rng, windows, subjects, week, calm=corpus == "replayed")
