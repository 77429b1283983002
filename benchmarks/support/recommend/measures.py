"""How well scores order a catalogue for each reader: AUC, MRR and nDCG, with one relevant or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class Measures(NamedTuple):
    """Means over readers who have something to be found."""

    auc: float
    """Probability that a relevant item stands before one that is not."""
    mrr: float
    """Reciprocal rank of the first relevant item."""
    ndcg_5: float
    ndcg_10: float
    """Discounted gain of the first ten, of the greatest that is possible (Jarvelin and Kekalainen, 2002)."""


def measure_reader(scores: NDArray[np.floating], relevant: NDArray[np.bool_], jitter: NDArray[np.float64]) -> Measures:
    """Measures of one reader.

    Args:
        scores: Of the items that are ranked, [items].
        relevant: Which of them are to be found; at least one is, and one is not.
        jitter: Decides between equal scores, [items].
    """
    order = np.lexsort((jitter, -scores))
    places = np.flatnonzero(relevant[order])
    found, others = len(places), len(scores) - len(places)
    before = float((places - np.arange(found)).sum())
    return Measures(
        auc=1.0 - before / (found * others),
        mrr=1.0 / (places[0] + 1.0),
        ndcg_5=_ndcg(places, 5, found),
        ndcg_10=_ndcg(places, 10, found),
    )


def measure_list(hits: NDArray[np.bool_], relevant: int) -> Measures:
    """Measures of a list that goes no further; AUC is not defined for it.

    Args:
        hits: Which of its items are relevant, best first.
        relevant: How many there are in all; at least one.
    """
    places = np.flatnonzero(hits)
    first = 1.0 / (places[0] + 1.0) if len(places) else 0.0
    return Measures(np.nan, first, _ndcg(places, 5, relevant), _ndcg(places, 10, relevant))


def measure(
    scores: Iterable[NDArray[np.floating]], relevant: NDArray[np.bool_], ranked: NDArray[np.bool_], *, seed: int
) -> NDArray[np.float64]:
    """Measures of each reader who has something to be found.

    Args:
        scores: Of all items for each reader, [readers] times [items].
        relevant: What is to be found, [readers, items].
        ranked: What is ranked at all, [readers, items].
        seed: Of the lot among equals.

    Returns:
        float64 [such readers, 4].
    """
    generator = np.random.default_rng(seed)
    lines = []
    for own, wanted, among in zip(scores, relevant, ranked, strict=True):
        if (wanted & among).any():
            lines.append(measure_reader(own[among], wanted[among], generator.random(int(among.sum()))))
    return np.array(lines)


def _ndcg(places: NDArray[np.intp], length: int, relevant: int) -> float:
    best = np.arange(min(length, relevant))
    return float((1.0 / np.log2(places[places < length] + 2.0)).sum() / (1.0 / np.log2(best + 2.0)).sum())
