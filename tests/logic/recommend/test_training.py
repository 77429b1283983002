"""What a ranker is learned from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.recommend import NOW, did, shelf

from streams.contract.settings import Settings
from streams.logic.recommend.features import FEATURES
from streams.logic.recommend.recommender import Recommender
from streams.logic.recommend.training import make_examples, passes_for_new, read_together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.ranking import Examples
    from streams.contract.recommendations import Behavior

SETTINGS = Settings().recommend
ITEMS = [f"{subject}-{number}" for subject in range(4) for number in range(12)]
KNOWN = [item for item in ITEMS if not passes_for_new(item)]
NEW = [item for item in ITEMS if passes_for_new(item)]


def examples(behaviors: list[Behavior], **options: int) -> Examples:
    index = shelf()
    items = index.take(ITEMS, NOW).items
    return make_examples(Recommender(SETTINGS, index), behaviors, items, **options)


def test_each_question_has_one_item_that_was_taken_to_among_others() -> None:
    told = examples([did("ann", KNOWN[0]), did("ben", KNOWN[1]), did("ann", KNOWN[2])], negatives=10)
    assert told.names == FEATURES
    assert np.unique(told.questions).tolist() == [0, 1, 2]
    assert np.bincount(told.questions, told.taken).tolist() == [1, 1, 1]
    assert (np.bincount(told.questions) > 5).all()
    assert np.unique(told.readers[told.questions != 1]).tolist() == [0]


def test_what_is_asked_was_not_known_when_it_was_asked() -> None:
    """Else a ranker would learn that what is popular by one is always right."""
    told = examples([did("ann", KNOWN[0])])
    assert told.features[told.taken][0, FEATURES.index("popularity")] == 0.0
    assert np.isnan(told.features[:, FEATURES.index("interest")]).all()
    again = examples([did("ann", KNOWN[0]), did("ben", KNOWN[0])], first=1)
    assert again.features[again.taken][0, FEATURES.index("popularity")] > 0.0


def test_no_rival_is_an_item_that_had_not_appeared_yet() -> None:
    """Else a ranker would learn that what is new is not read."""
    index = shelf()
    early = did("ann", "0-9", hours=-6)
    told = make_examples(Recommender(SETTINGS, index), [early], index.take(ITEMS, NOW).items, negatives=200)
    recency = told.features[:, FEATURES.index("recency")]
    # Each subject's stories appeared an hour apart: six ages of half a dozen hours are left.
    assert len(np.unique(recency.round(6))) == 6
    assert recency.max() == 1.0
    assert len(told.taken) == 4 * 6


def test_some_items_pass_for_new_throughout() -> None:
    told = examples([did("ann", NEW[0]), did("ben", NEW[0]), did("cy", NEW[0])])
    assert told.features[told.taken][:, FEATURES.index("new")].tolist() == [1.0, 1.0, 1.0]
    assert 0 < len(NEW) < len(ITEMS) / 2


def test_views_and_dismissals_and_the_time_to_warm_up_ask_nothing() -> None:
    behaviors = [did("ann", KNOWN[0]), did("ann", KNOWN[1], "view"), did("ann", KNOWN[2], "dismiss")]
    assert len(examples(behaviors, first=1).questions) == 0
    assert len(np.unique(examples(behaviors).questions)) == 1


def test_equal_seeds_draw_equally_and_no_more_than_asked_for() -> None:
    behaviors = [did(f"u{number % 5}", KNOWN[number % len(KNOWN)]) for number in range(40)]
    one, other = (examples(behaviors, most=7, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.features, other.features)
    assert len(np.unique(one.questions)) == 7


def test_pairs_are_of_one_reader_within_a_window_and_of_what_was_taken_to() -> None:
    behaviors = [
        did("ann", "a"),
        did("ben", "x"),
        did("ann", "b", "view"),
        did("ann", "c"),
        did("ann", "a"),
        did("ann", "d", "purchase"),
    ]
    assert list(read_together(behaviors, window=2)) == [("a", "c"), ("c", "a"), ("c", "d"), ("a", "d")]


def test_pairs_come_one_by_one_since_there_are_many_times_as_many_as_behaviors() -> None:
    def endless() -> Iterator[Behavior]:
        yield from (did("ann", item) for item in "abc")
        pytest.fail("more is read than is asked for")

    assert list(islice(read_together(endless()), 3)) == [("a", "b"), ("a", "c"), ("b", "c")]
