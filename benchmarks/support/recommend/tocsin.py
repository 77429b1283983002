"""Tocsin as it is served, with a ranker that learns from the training part alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.support.recommend.log import split_by_reader
from models.items.index import ItemIndex
from retrain.projection import fit_projection
from retrain.ranker import fit
from streams.contract.service_settings import RecommendSettings
from streams.logic.recommend.candidates import Candidates
from streams.logic.recommend.ranking import Scorer
from streams.logic.recommend.recommender import Recommender
from streams.logic.recommend.training import make_examples, passes_for_new, read_together
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from streams.contract.ranking import Projection, RankerWeights
    from streams.contract.recommendations import Behavior, Item

_TEN_YEARS = 10 * 365.25 * 24
SETTINGS = RecommendSettings(half_life_hours=_TEN_YEARS, item_ttl_hours=1e6, recent_items=64)
"""As by default, but for time: films are watched for decades, and the default is made for news."""

_QUESTIONS = 6000
_EMBEDDER = "0" * 64


class Learned(NamedTuple):
    """A ranker, as a version holds it."""

    weights: RankerWeights
    projection: Projection | None


UNLEARNED = Learned(DEFAULT_WEIGHTS, None)


class Shelf(NamedTuple):
    """All items with their vectors."""

    items: Sequence[Item]
    vectors: NDArray[np.float32]

    def as_index(self) -> ItemIndex:
        """As a worker holds them."""
        index = ItemIndex(self.vectors.shape[1], len(self.items), SETTINGS.item_ttl_hours)
        for item, vector in zip(self.items, self.vectors, strict=True):
            index.put(item, vector)
        return index


def learn(shelf: Shelf, index: ItemIndex, train: Sequence[Behavior], *, project: bool = True) -> Learned:
    """Learn a ranker: from the last fifth of each reader's training part, after what came before.

    The projection that the weights are learned with knows nothing of that fifth; the one that serves is learned anew
    from the whole training part.
    """
    earlier, later = split_by_reader(train)
    known = [behavior for behavior in earlier if not passes_for_new(behavior.item)]
    projection = _project(shelf, known) if project else None
    recommender = Recommender(SETTINGS, index, projection=projection)
    examples = make_examples(recommender, [*earlier, *later], shelf.items, first=len(earlier), most=_QUESTIONS)
    weights = fit(examples, embedder=_EMBEDDER if project else None)
    return Learned(weights, _project(shelf, train) if project else None)


def replay(index: ItemIndex, train: Sequence[Behavior], learned: Learned) -> Recommender:
    """A recommender that took in the training part."""
    recommender = Recommender(SETTINGS, index, *learned)
    for behavior in train:
        recommender.observe(behavior)
    return recommender


def scores(
    recommender: Recommender, weights: RankerWeights, shelf: Shelf, moments: Mapping[str, float], readers: Sequence[str]
) -> Iterator[NDArray[np.float64]]:
    """Scores of all items for each reader at a moment."""
    candidates, scorer = Candidates(shelf.items, shelf.vectors), Scorer(weights)
    for reader in readers:
        yield scorer.score(recommender.look(reader, moments[reader]).features(candidates))


def _project(shelf: Shelf, behaviors: Sequence[Behavior]) -> Projection:
    at = {item.id: place for place, item in enumerate(shelf.items)}
    pairs = np.array([(at[one], at[other]) for one, other in read_together(behaviors)], np.int64)
    return fit_projection(shelf.vectors, pairs)
