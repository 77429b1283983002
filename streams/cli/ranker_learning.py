"""Learns a ranker from what readers did: replays it, fits, and judges by what came later.

Weights and projection are learned from different behaviors, in order of time: a projection that knew what is asked
would be trusted too much. And what serves is judged by behaviors alone that came after it was learned: its projection
knows all that came before.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.items.index import ItemIndex
from models.items.ranker import fits
from retrain.projection import ProjectionPlan, TooFewPairsError, fit_projection
from retrain.ranker import TooFewExamplesError, fit, rank, split
from streams.logic.recommend.recommender import Recommender
from streams.logic.recommend.training import make_examples, passes_for_new, read_together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from models.items.ranker import Ranker
    from retrain.ranker import Ranks
    from streams.contract.ranking import Examples, Projection, RankerWeights
    from streams.contract.recommendations import Behavior, Item
    from streams.contract.service_settings import RecommendSettings

# Of the behaviors, so many are there for the projection and for the counts alone.
_WARM_UP = 0.5
_PLAN = ProjectionPlan()


class LearnedRanker(NamedTuple):
    """A ranker that serves if it is better."""

    weights: RankerWeights
    projection: Projection | None


class Log:
    """What readers did, with what they could have done.

    Args:
        items: Whatever could be recommended, ended or not.
        vectors: Their unit vectors, float32 [items, width].
        behaviors: What readers did, in any order.
        settings: Of recommendations.
        embedder: SHA-256 of the graph that made the vectors.
        plan: How the projection is learned.

    Raises:
        TooFewExamplesError: There is nothing at all.
    """

    def __init__(
        self,
        items: Sequence[Item],
        vectors: NDArray[np.float32],
        behaviors: Sequence[Behavior],
        settings: RecommendSettings,
        *,
        embedder: str,
        plan: ProjectionPlan = _PLAN,
    ) -> None:
        if not items or not behaviors:
            raise TooFewExamplesError(
                f"{len(items)} items and {len(behaviors)} behaviors: there is nothing to learn a ranker from"
            )
        self.embedder = embedder
        self._items, self._vectors, self._settings, self._plan = items, vectors, settings, plan
        self.behaviors = sorted(behaviors, key=lambda behavior: behavior.time)
        self._catalogue = ItemIndex(vectors.shape[1], len(items), settings.item_ttl_hours)
        for item, vector in zip(items, vectors, strict=True):
            self._catalogue.put(item, vector)

    def learn(self, current: Ranker, until: datetime | None) -> LearnedRanker:
        """Learn a ranker from all but what ``judge`` judges by.

        Args:
            current: What serves.
            until: Time of the last behavior that it was learned from; None where that does not matter.

        Raises:
            TooFewExamplesError: There are too few behaviors.
        """
        earlier = self.behaviors[: self._warm_up]
        projection = self._project([behavior for behavior in earlier if not passes_for_new(behavior.item)])
        learned_from, _ = split(self._examples(projection), self._known(current, until))
        weights = fit(learned_from, embedder=None if projection is None else self.embedder)
        # What serves knows all; the weights stay, since they were learned with one that knew less.
        return LearnedRanker(weights, None if projection is None else self._project(self.behaviors))

    def judge(self, current: Ranker, until: datetime | None, candidate: RankerWeights) -> tuple[Ranks, Ranks]:
        """Answers of both to what came later: of the candidate as it would have been learned just before.

        Args:
            current: As for ``learn``.
            until: Likewise.
            candidate: Weights from ``learn``.

        Raises:
            TooFewExamplesError: There are too few behaviors.
        """
        known = self._known(current, until)
        _, of_current = split(self._examples(fits(current, self.embedder)), known)
        before = self.behaviors[: int(of_current.questions[0])]
        projection = None if candidate.embedder is None else self._project(before)
        _, of_candidate = split(self._examples(projection), known)
        return rank(current.weights, of_current), rank(candidate, of_candidate)

    @property
    def _warm_up(self) -> int:
        return int(_WARM_UP * len(self.behaviors))

    def _known(self, current: Ranker, until: datetime | None) -> int:
        """Place of the first behavior that what serves cannot know."""
        if until is None or fits(current, self.embedder) is None:
            return 0
        return bisect_right(self.behaviors, until, key=lambda behavior: behavior.time)

    def _examples(self, projection: Projection | None) -> Examples:
        """Equal questions for each projection: what is drawn does not depend on it. Their numbers are places."""
        recommender = Recommender(self._settings, self._catalogue, projection=projection)
        return make_examples(recommender, self.behaviors, self._items, first=self._warm_up)

    def _project(self, behaviors: Sequence[Behavior]) -> Projection | None:
        at = {item.id: place for place, item in enumerate(self._items)}
        pairs = ((at[one], at[two]) for one, two in read_together(behaviors) if one in at and two in at)
        # As numbers from the start: of a million behaviors, pairs as objects would take gigabytes.
        numbers = np.fromiter(chain.from_iterable(pairs), np.int64)
        try:
            return fit_projection(self._vectors, numbers.reshape(-1, 2), self._plan)
        except TooFewPairsError:
            return None
