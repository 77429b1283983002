"""The trials: every approach on the same readers, overall and for items that nobody has read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.support.recommend import tocsin
from benchmarks.support.recommend.log import Matrices, folds, split_by_reader, without
from benchmarks.support.recommend.measures import Measures, measure, measure_list
from benchmarks.support.recommend.rivals import RIVALS
from retrain.paired_bootstrap import cluster_sums, difference, resample

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.support.recommend.log import Log, Split
    from benchmarks.support.recommend.tocsin import Learned, Shelf
    from streams.logic.recommend.recommender import Recommender

    Scores = Iterable[NDArray[np.floating]]

TOCSIN = "tocsin"
UNPROJECTED = "tocsin_without_projection"
DEFAULT = "tocsin_default_weights"
SERVED = "tocsin_as_served"

_SEED = 13
_RESAMPLES = 2000
LENGTH = 10
"""Items of a recommendation as it is served."""


class Asked(NamedTuple):
    """What one trial found."""

    readers: NDArray[np.intp]
    """Numbers of those who have something to be found."""
    ranked: float
    """Items that are ranked for a reader, mean."""
    lines: dict[str, NDArray[np.float64]]
    """Measures of each approach, a line for each of them."""


class Trial:
    """What all approaches learn from, and what they are asked.

    Args:
        log: The data set.
        shelf: Its items with their vectors.
        split: What readers did before, and what is asked.
        held_out: Ids of items of which nothing is learned, and which alone are ranked; none where absent.
    """

    def __init__(self, log: Log, shelf: Shelf, split: Split, held_out: Collection[str] = ()) -> None:
        self._log = log
        self._shelf = shelf
        self._train = without(split.train, held_out)
        self._known = Matrices(log, self._train)
        self._index = shelf.as_index()
        # Each is recommended to at the first behavior of the test part.
        self._moments: dict[str, float] = {}
        for behavior in split.test:
            self._moments.setdefault(behavior.user, behavior.time.timestamp())
        appeared = np.array([item.time.timestamp() for item in log.items])
        moments = np.array([self._moments[reader] for reader in self._known.readers])
        self._ranked = ~Matrices(log, split.train).seen & (appeared <= moments[:, None])
        if held_out:
            self._ranked &= np.array([item.id in held_out for item in log.items])
        self._wanted = (Matrices(log, split.test).liked > 0) & self._ranked

    def run(self, say: Callable[[str], None], *, served: bool) -> Asked:
        """Measure all approaches.

        Args:
            say: Told what is done.
            served: Measure the first ten as a reader gets them, too.
        """
        lines = {}
        for name, rival in RIVALS.items():
            say(name)
            lines[name] = self._measured(rival(self._log.items, self._known))
        vectors = self._shelf.vectors
        lines["vectors"] = self._measured(self._known.liked @ vectors @ vectors.T)
        learns: dict[str, Callable[[], Learned]] = {
            TOCSIN: lambda: tocsin.learn(self._shelf, self._index, self._train),
            UNPROJECTED: lambda: tocsin.learn(self._shelf, self._index, self._train, project=False),
            DEFAULT: lambda: tocsin.UNLEARNED,
        }
        for name, learn in learns.items():
            say(name)
            learned = learn()
            recommender = tocsin.replay(self._index, self._train, learned)
            scores = tocsin.scores(recommender, learned.weights, self._shelf, self._moments, self._known.readers)
            lines[name] = self._measured(scores)
            if served and name == TOCSIN:
                lines[SERVED] = self._as_served(recommender)
        return Asked(np.flatnonzero(self._wanted.any(axis=1)), float(self._ranked.sum(axis=1).mean()), lines)

    def _measured(self, scores: Scores) -> NDArray[np.float64]:
        return measure(scores, self._wanted, self._ranked, seed=_SEED)

    def _as_served(self, recommender: Recommender) -> NDArray[np.float64]:
        """The first ten of 200 candidates, made diverse; AUC is not defined for them."""
        at = {item.id: place for place, item in enumerate(self._log.items)}
        lines = []
        for reader, wanted in zip(self._known.readers, self._wanted, strict=True):
            if wanted.any():
                found, _ = recommender.recommend(reader, self._moments[reader], LENGTH)
                lines.append(measure_list(wanted[[at[each.item] for each in found]], int(wanted.sum())))
        return np.array(lines)


def overall(log: Log, shelf: Shelf, say: Callable[[str], None]) -> dict[str, Any]:
    """All items that had appeared and that the reader has not seen are ranked."""
    return _figures([Trial(log, shelf, split_by_reader(log.behaviors)).run(say, served=True)])


def cold(log: Log, shelf: Shelf, count: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Each item once among those that are held out: nothing is learned of them, and they alone are ranked."""
    split, asked = split_by_reader(log.behaviors), []
    for number, held_out in enumerate(folds(log.items, count, _SEED), 1):
        say(f"items never seen: part {number} of {count}")
        asked.append(Trial(log, shelf, split, held_out).run(_quietly, served=False))
    return _figures(asked)


def _quietly(_what: str) -> None:
    """Say nothing."""


def _figures(parts: Sequence[Asked]) -> dict[str, Any]:
    """Means over readers, and over the parts where there are several; and how far Tocsin is ahead of the best rival."""
    means = {name: np.mean([part.lines[name].mean(axis=0) for part in parts], axis=0) for name in parts[0].lines}
    figures: dict[str, Any] = {
        measure_name: {
            name: round(float(values[column]), 4) for name, values in means.items() if np.isfinite(values[column])
        }
        for column, measure_name in enumerate(Measures._fields)
    }
    figures["readers"] = [len(part.readers) for part in parts]
    figures["ranked"] = [round(part.ranked) for part in parts]
    figures["ahead"] = {
        name: _ahead(parts, column, {rival: float(means[rival][column]) for rival in RIVALS})
        for column, name in enumerate(Measures._fields)
    }
    figures["projection"] = {
        name: _ahead(parts, column, {UNPROJECTED: 0.0}) for column, name in enumerate(Measures._fields)
    }
    return figures


def _ahead(parts: Sequence[Asked], column: int, rivals: Mapping[str, float]) -> dict[str, Any]:
    """How far ahead of the rival that is best at a measure; a paired bootstrap over the readers."""
    best = max(rivals, key=lambda name: rivals[name])
    apart = np.concatenate([part.lines[TOCSIN][:, column] - part.lines[best][:, column] for part in parts])
    readers = np.concatenate([part.readers for part in parts])
    drawn = resample(cluster_sums(readers, np.stack([apart, np.ones(len(apart))], axis=1)), _RESAMPLES, _SEED)
    found = difference(float(apart.mean()), drawn[:, 0] / drawn[:, 1], 0.95)
    return {"over": best, "by": round(found.value, 4), "low": round(found.low, 4), "high": round(found.high, 4)}
