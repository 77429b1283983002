"""A ranker out of a log of behaviors."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.recommend import NOON, WIDTH, an_item, noise

from models.items.ranker import Ranker
from retrain.projection import ProjectionPlan
from retrain.ranker import LATER, TooFewExamplesError, decide
from streams.cli.ranker_learning import LearnedRanker, Log
from streams.contract.model_settings import RetrainSettings
from streams.contract.ranking import RankerWeights
from streams.contract.recommendations import Behavior
from streams.contract.settings import Settings
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = RetrainSettings()

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


def log_of(told: Sequence[Behavior], plan: ProjectionPlan = PLAN) -> Log:
    return Log(ITEMS, VECTORS, told, SETTINGS, embedder=EMBEDDER, plan=plan)


@cache
def log() -> Log:
    return log_of(behaviors())


DEFAULT = Ranker("ranker:1", DEFAULT_WEIGHTS, None)
BLIND = Ranker("ranker:2", RankerWeights(features=("recency",), means=(0,), scales=(1,), coefficients=(1,)), None)


@cache
def learned() -> LearnedRanker:
    return log().learn(DEFAULT, None)


def test_what_readers_care_for_is_learned_and_is_better_than_the_default() -> None:
    weights, projection = learned()
    assert weights.embedder == EMBEDDER
    assert projection is not None
    assert projection.matrix.shape[0] == WIDTH
    decision = decide(*log().judge(DEFAULT, None, weights), RULES)
    assert decision.promote
    assert decision.figures[LATER]["candidate"] > 0.3


def test_what_serves_is_judged_by_the_same_questions_and_by_none_that_it_knew() -> None:
    weights, projection = learned()
    current = Ranker("ranker:3", weights, projection)
    ahead = [
        candidate.reciprocal.mean() - of_current.reciprocal.mean()
        for of_current, candidate in (log().judge(current, None, weights), log().judge(BLIND, None, weights))
    ]
    # The same weights are level; the blind one is not.
    assert abs(ahead[0]) < 0.05
    assert ahead[1] > 0.1
    # Three hundred behaviors later: these alone are asked, since its projection knew all before them.
    until, later = log().behaviors[-1].time, log_of(behaviors(2100))
    of_current, of_candidate = later.judge(current, until, weights)
    assert of_current.questions.min() >= len(behaviors())
    assert abs(of_candidate.reciprocal.mean() - of_current.reciprocal.mean()) < 0.1
    with pytest.raises(TooFewExamplesError, match="since the ranker that serves was learned"):
        log_of(behaviors(1900)).learn(current, until)


def test_with_too_few_pairs_there_is_no_projection_and_with_too_few_behaviors_no_ranker() -> None:
    apart = [
        Behavior(user=f"u{at}", item=ITEMS[at % len(ITEMS)].id, action="click", time=NOON + timedelta(minutes=at))
        for at in range(1800)
    ]
    weights, projection = log_of(apart).learn(DEFAULT, None)
    assert projection is None
    assert weights.embedder is None
    assert len(log_of(apart).judge(DEFAULT, None, weights)[1].questions) > 200
    with pytest.raises(TooFewExamplesError, match="of 800 that are needed"):
        log_of(behaviors()[:400]).learn(DEFAULT, None)
    with pytest.raises(TooFewExamplesError, match="0 items and 0 behaviors"):
        Log([], np.empty((0, WIDTH), np.float32), [], SETTINGS, embedder=EMBEDDER)
