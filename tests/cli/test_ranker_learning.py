"""A ranker out of a log of behaviors."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from support.recommend import NOON, WIDTH, an_item, noise

from models.items.ranker import Ranker
from retrain.projection import ProjectionPlan
from retrain.ranker import TooFewExamplesError
from streams.cli.ranker_learning import LearnedRanker, learn_ranker
from streams.contract.ranking import RankerWeights
from streams.contract.recommendations import Behavior
from streams.contract.settings import Settings

SETTINGS = Settings().recommend.model_copy(update={"item_ttl_hours": 2000.0})
EMBEDDER = "ab" * 32
PLAN = ProjectionPlan(reduced=6, epochs=3, batch=128, pairs=4000)
SUBJECTS, EACH, READERS = 5, 24, 30

ITEMS = [
    an_item(f"{subject}-{number}", hours=number, topics=[f"t{subject}"])
    for subject in range(SUBJECTS)
    for number in range(EACH)
]
VECTORS = np.array(
    [
        noise(100 * subject + number, near=np.eye(WIDTH, dtype=np.float32)[subject], spread=0.8)
        for subject in range(SUBJECTS)
        for number in range(EACH)
    ]
)


@cache
def behaviors(count: int = 1800) -> tuple[Behavior, ...]:
    """Each reader cares for one subject and for its older items: what the default weights do not expect."""
    generator = np.random.default_rng(7)
    told = []
    for at in range(count):
        reader = int(generator.integers(READERS))
        subject = reader % SUBJECTS if generator.random() < 0.85 else int(generator.integers(SUBJECTS))
        item = f"{subject}-{EACH - 1 - min(int(generator.exponential(4.0)), EACH - 1)}"
        told.append(Behavior(user=f"r{reader}", item=item, action="click", time=NOON + timedelta(minutes=at)))
    return tuple(told)


@cache
def learned() -> LearnedRanker:
    return learn_ranker(ITEMS, VECTORS, behaviors(), SETTINGS, embedder=EMBEDDER, current=None, plan=PLAN)


def test_what_readers_care_for_is_learned_and_is_not_worse_than_the_default() -> None:
    weights, projection, decision = learned()
    assert decision.promote
    assert decision.candidate > 0.3
    assert weights.embedder == EMBEDDER
    assert projection.matrix.shape[0] == WIDTH


def test_what_serves_is_judged_by_the_same_questions_with_its_own_projection() -> None:
    weights, projection, _ = learned()
    current = Ranker("ranker:1", weights, projection)
    blind = Ranker("ranker:2", RankerWeights(features=("recency",), means=(0,), scales=(1,), coefficients=(1,)), None)
    ahead = [
        learn_ranker(
            ITEMS, VECTORS, behaviors(), SETTINGS, embedder=EMBEDDER, current=ranker, plan=PLAN
        ).decision.ahead.value
        for ranker in (current, blind)
    ]
    # The one that serves has a projection that knew the questions, and is hard to beat; the blind one is not.
    assert ahead[0] <= 0.0
    assert ahead[1] > 0.1


def test_with_too_few_pairs_there_is_no_projection_and_with_too_few_behaviors_no_ranker() -> None:
    apart = [
        Behavior(user=f"u{at}", item=ITEMS[at % len(ITEMS)].id, action="click", time=NOON + timedelta(minutes=at))
        for at in range(1800)
    ]
    weights, projection, _ = learn_ranker(ITEMS, VECTORS, apart, SETTINGS, embedder=EMBEDDER, current=None)
    assert projection is None
    assert weights.embedder is None
    with pytest.raises(TooFewExamplesError, match="of 800 that are needed"):
        learn_ranker(ITEMS, VECTORS, behaviors()[:400], SETTINGS, embedder=EMBEDDER, current=None)
    with pytest.raises(TooFewExamplesError, match="0 items and 0 behaviors"):
        learn_ranker([], np.empty((0, WIDTH), np.float32), [], SETTINGS, embedder=EMBEDDER, current=None)
