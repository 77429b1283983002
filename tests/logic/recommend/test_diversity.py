"""Not ten times the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick
from support.recommend import noise, unit

from streams.logic.recommend.diversity import mmr


@quick
@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(0, 1))
def test_with_room_for_all_it_is_a_permutation(scores: list[float], diversity: float) -> None:
    vectors = np.array([noise(seed) for seed in range(30)])[: len(scores)]
    chosen = mmr(np.array(scores), vectors, len(scores), diversity)
    assert sorted(chosen.tolist()) == list(range(len(scores)))


@quick
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=30, unique=True), st.integers(1, 30))
def test_without_diversity_it_is_the_order_of_scores(scores: list[int], limit: int) -> None:
    vectors = np.array([noise(seed) for seed in range(len(scores))])
    chosen = mmr(np.array(scores, float), vectors, limit, 0.0)
    assert np.all(np.diff(np.array(scores)[chosen]) <= 0)
    assert len(chosen) == min(limit, len(scores))


def test_the_best_comes_first_and_a_copy_of_it_waits() -> None:
    vectors = np.array([unit(1), unit(1), unit(0, 1), unit(0, 0, 1)])
    scores = np.array([1.0, 0.9, 0.7, 0.0])
    assert mmr(scores, vectors, 3, 0.3).tolist() == [0, 2, 1]
    assert mmr(scores, vectors, 3, 0.05).tolist() == [0, 1, 2]


def test_of_nothing_nothing_is_chosen() -> None:
    assert mmr(np.empty(0), np.empty((0, 4), np.float32), 5, 0.3).tolist() == []
