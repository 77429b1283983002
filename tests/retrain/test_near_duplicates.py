"""What is nearly equal goes together, in any script, and what is not stays apart."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from retrain.near_duplicates import THRESHOLD, clusters, jaccard, shingles

pytestmark = pytest.mark.train

STORY = "Harlow Bank raises its forecast after a strong quarter in retail lending"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STORY, STORY.upper() + "!!!"),
        (STORY, f"RT @desk: {STORY} https://example.org/a1"),
        (STORY, STORY.replace("strong", "weak")),
        ("one two three four five six seven eight", "one two three four nine six seven eight"),
        ("茶叶价格在今年春天继续上涨了很多", "茶叶价格在今年春天继续下涨了很多"),
        ("ราคาชาขึ้นอีกครั้งในปีนี้", "ราคาชาขึ้นอีกครั้งในปีนั้"),
        ("🔥🔥", " 🔥🔥 "),
        ("see https://a.example", "see: https a example"),
    ],
)
def test_copies_with_small_changes_go_together(one: str, other: str) -> None:
    assert clusters([one, STORY[::-1], other]) == [0, 1, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("one two three four five six seven eight nine ten", "one two x four five six seven y nine ten"),
        ("🔥", "👍"),
        ("up", "down"),
        ("茶叶价格今年上涨", "茶叶产量明年下降"),
        ("thank you", "thank you so very much for nothing"),
    ],
)
def test_what_differs_stays_apart(one: str, other: str) -> None:
    assert clusters([one, other]) == [0, 1]


def test_a_chain_is_one_cluster_and_clusters_are_numbered_as_they_appear() -> None:
    steps = [
        " ".join([f"x{number}" if number < changed else f"w{number}" for number in range(20)])
        for changed in range(0, 18, 3)
    ]
    assert jaccard(shingles(steps[0]), shingles(steps[-1])) < THRESHOLD
    assert clusters(["first", *steps, "last", "first"]) == [0, 1, 1, 1, 1, 1, 1, 2, 0]


def test_no_text_has_no_cluster() -> None:
    assert clusters([]) == []


def test_hashing_finds_what_comparing_every_pair_finds() -> None:
    rng = random.Random(7)
    # Few words, so that all similarities occur; many pairs lie about the threshold.
    made = [" ".join(rng.choices("abcdef", k=rng.randint(3, 9))) for _ in range(250)]
    pairs = np.array(
        [
            (one, other)
            for one, other in combinations(range(len(made)), 2)
            if jaccard(shingles(made[one]), shingles(made[other])) >= THRESHOLD
        ]
    )
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(made), len(made)))
    expected = connected_components(graph, directed=False)[1].tolist()
    found = clusters(made)
    assert len(set(expected)) > 30
    assert len(set(zip(expected, found, strict=True))) == len(set(expected)) == len(set(found))
