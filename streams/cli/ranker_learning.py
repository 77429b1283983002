"""Learns a ranker from what readers did: replays it, fits, and judges by what came later.

Weights and projection are learned from different behaviors, in order of time: a projection that knew what is asked
would be trusted too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.items.index import ItemIndex
from models.items.ranker import fits
from retrain.projection import ProjectionPlan, TooFewPairsError, fit_projection
from retrain.ranker import TooFewExamplesError, decide, fit, split
from streams.logic.recommend.recommender import Recommender
from streams.logic.recommend.training import make_examples, passes_for_new, read_together
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.items.ranker import Ranker
    from retrain.ranker import RankerDecision
    from streams.contract.ranking import Examples, Projection, RankerWeights
    from streams.contract.recommendations import Behavior, Item
    from streams.contract.service_settings import RecommendSettings

# Of the behaviors, so many are there for the projection and for the counts alone.
_WARM_UP = 0.5
_PLAN = ProjectionPlan()


class LearnedRanker(NamedTuple):
    """A ranker, and what was found of it."""

    weights: RankerWeights
    projection: Projection | None
    decision: RankerDecision


class _Log(NamedTuple):
    items: Sequence[Item]
    vectors: NDArray[np.float32]
    behaviors: Sequence[Behavior]
    """In order of time."""
    catalogue: ItemIndex
    settings: RecommendSettings
    plan: ProjectionPlan

    def examples(self, projection: Projection | None) -> Examples:
        """Equal questions for each projection: what is drawn does not depend on it."""
        recommender = Recommender(self.settings, self.catalogue, projection=projection)
        first = int(_WARM_UP * len(self.behaviors))
        return make_examples(recommender, self.behaviors, self.items, first=first)

    def project(self, behaviors: Sequence[Behavior]) -> Projection | None:
        at = {item.id: place for place, item in enumerate(self.items)}
        pairs = [(at[one], at[two]) for one, two in read_together(behaviors) if one in at and two in at]
        try:
            return fit_projection(self.vectors, np.array(pairs, np.int64).reshape(-1, 2), self.plan)
        except TooFewPairsError:
            return None


def learn_ranker(
    items: Sequence[Item],
    vectors: NDArray[np.float32],
    behaviors: Sequence[Behavior],
    settings: RecommendSettings,
    *,
    embedder: str,
    current: Ranker | None,
    plan: ProjectionPlan = _PLAN,
) -> LearnedRanker:
    """Learn a ranker, and judge it against the one that serves.

    Args:
        items: Whatever could be recommended, ended or not.
        vectors: Their unit vectors, float32 [items, width].
        behaviors: What readers did, in any order.
        settings: Of recommendations.
        embedder: SHA-256 of the graph that made the vectors.
        current: The ranker that serves; the default weights where there is none.
        plan: How the projection is learned.

    Raises:
        TooFewExamplesError: There are too few behaviors.
    """
    if not items or not behaviors:
        raise TooFewExamplesError(f"{len(items)} items and {len(behaviors)} behaviors: there is nothing to learn from")
    ttl = settings.item_ttl_hours
    log = _Log(
        items,
        vectors,
        sorted(behaviors, key=lambda behavior: behavior.time),
        ItemIndex(vectors.shape[1], len(items), ttl),
        settings,
        plan,
    )
    for item, vector in zip(items, vectors, strict=True):
        log.catalogue.put(item, vector)
    earlier = log.behaviors[: int(_WARM_UP * len(log.behaviors))]
    projection = log.project([behavior for behavior in earlier if not passes_for_new(behavior.item)])
    learned_from, later = split(log.examples(projection))
    weights = fit(learned_from, embedder=None if projection is None else embedder)
    if current is None:
        decision = decide(DEFAULT_WEIGHTS, weights, later)
    else:
        _, of_current = split(log.examples(fits(current, embedder)))
        decision = decide(current.weights, weights, later, of_current)
    # What serves knows all; the weights stay, since they were learned with one that knew less.
    return LearnedRanker(weights, None if projection is None else log.project(log.behaviors), decision)
