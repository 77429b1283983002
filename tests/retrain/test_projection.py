"""A projection that is learned from what is read together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.projection import ProjectionPlan, TooFewPairsError, fit_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, ITEMS, GROUPS = 12, 240, 6
PLAN = ProjectionPlan(reduced=6, epochs=6, batch=64, pairs=4000)


def world(seed: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Items of six groups, told apart by faint directions under loud ones that say nothing; half are never read."""
    generator = np.random.default_rng(seed)
    groups = np.arange(ITEMS) % GROUPS
    vectors = np.zeros((ITEMS, WIDTH), np.float32)
    vectors[:, :GROUPS] = 0.5 * np.eye(GROUPS)[groups]
    vectors[:, GROUPS:] = generator.standard_normal((ITEMS, WIDTH - GROUPS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    read = np.arange(ITEMS // 2)
    first = generator.choice(read, 6000)
    second = np.array([generator.choice(read[groups[read] == groups[one]]) for one in first])
    return vectors, groups, np.stack([first, second], axis=1)


def share_of_own_group(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> float:
    """Of the five nearest among items that were never read, how many are of one's own group."""
    new = np.arange(ITEMS // 2, ITEMS)
    alike = vectors[new] @ vectors[new].T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argsort(-alike, axis=1)[:, :5]
    return float((groups[new][nearest] == groups[new][:, None]).mean())


def test_what_readers_care_for_is_seen_in_items_that_nobody_read() -> None:
    vectors, groups, pairs = world()
    projection = fit_projection(vectors, pairs, PLAN)
    projected = (vectors - projection.mean) @ projection.matrix
    assert share_of_own_group(vectors, groups) < 0.6
    assert share_of_own_group(projected, groups) > 0.9


def test_what_all_take_to_has_appeal() -> None:
    vectors, groups, pairs = world()
    liked = pairs[(groups[pairs[:, 1]] == 0) | (np.arange(len(pairs)) % 8 == 0)]
    shuffled = np.stack([np.random.default_rng(1).permutation(liked[:, 0]), liked[:, 1]], axis=1)
    projection = fit_projection(vectors, shuffled, PLAN)
    appeal = (vectors - projection.mean) @ projection.appeal
    new = np.arange(ITEMS) >= ITEMS // 2
    assert appeal[new & (groups == 0)].mean() > appeal[new & (groups != 0)].mean() + 0.2


def test_equal_seeds_learn_equally() -> None:
    vectors, _, pairs = world()
    for one, other in zip(fit_projection(vectors, pairs, PLAN), fit_projection(vectors, pairs, PLAN), strict=True):
        np.testing.assert_array_equal(one, other)


def test_too_few_pairs_are_told() -> None:
    vectors, _, pairs = world()
    with pytest.raises(TooFewPairsError, match="10 pairs of items that were read together, of 64 that are needed"):
        fit_projection(vectors, pairs[:10], PLAN)
