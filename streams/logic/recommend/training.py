"""Makes of what readers did what a ranker and a projection are learned from: each behavior as it was before it came."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from streams.contract.ranking import Examples
from streams.logic.recommend.actions import weight_of
from streams.logic.recommend.features import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.contract.recommendations import Behavior, Item
    from streams.logic.recommend.recommender import Recommender

_NEW_SHARE = 5

LIKED = 1.0
"""Weight of an action from which a reader took to an item: a click, and not a mere look."""


def make_examples(
    recommender: Recommender,
    behaviors: Sequence[Behavior],
    items: Sequence[Item],
    *,
    first: int = 0,
    negatives: int = 50,
    most: int = 10_000,
    seed: int = 13,
) -> Examples:
    """Replay behaviors and ask, before each that took to an item: that one, or one of these?

    The others are drawn evenly from all items that had appeared by then. Those that would have been ranked are no
    better: they were chosen by the very features that are weighed, so that what speaks for an item would seem to speak
    against it. Items that ``passes_for_new`` are not counted, so that it is learned what to go by where nothing is
    counted yet.

    Args:
        recommender: Takes the behaviors in. Its projection, if any, is learned from other behaviors than those asked
            about, and none with items that pass for new.
        behaviors: In order of time.
        items: All items.
        first: Place of the first behavior that is asked about; those before warm up what is counted.
        negatives: Others in each question.
        most: Questions at most, drawn by lot.
        seed: Equal seeds draw equally.
    """
    generator = np.random.default_rng(seed)
    asked = [
        place
        for place, behavior in enumerate(behaviors)
        if place >= first and weight_of(behavior.action, behavior.seconds) >= LIKED
    ]
    chosen = set(generator.permutation(asked)[:most].tolist())
    by_age = sorted(items, key=lambda item: item.time)
    ages = [item.time for item in by_age]
    numbers: dict[str, int] = {}
    features, taken, questions, readers = [], [], [], []
    for place, behavior in enumerate(behaviors):
        if place in chosen:
            there = max(1, bisect_right(ages, behavior.time))
            drawn = (by_age[at].id for at in generator.integers(there, size=negatives).tolist())
            others = [item for item in dict.fromkeys(drawn) if item != behavior.item]
            ids, seen = recommender.features(behavior.user, [behavior.item, *others], behavior.time.timestamp())
            if len(ids) > 1 and ids[0] == behavior.item:
                features.append(seen)
                taken.append(np.arange(len(ids)) == 0)
                questions.append(np.full(len(ids), place))
                readers.append(np.full(len(ids), numbers.setdefault(behavior.user, len(numbers))))
        recommender.observe(behavior, counted=not passes_for_new(behavior.item))
    if not features:
        return Examples(FEATURES, np.empty((0, len(FEATURES))), np.empty(0, bool), *np.empty((2, 0), np.int64))
    return Examples(
        FEATURES,
        np.concatenate(features),
        np.concatenate(taken),
        np.concatenate(questions).astype(np.int64),
        np.concatenate(readers).astype(np.int64),
    )


def read_together(behaviors: Iterable[Behavior], *, window: int = 20) -> Iterator[tuple[str, str]]:
    """Pairs of items of which one reader took to the second soon after the first, in the behaviors' order.

    One by one, since there are up to ``window`` times as many as behaviors.

    Args:
        behaviors: In order of time.
        window: How many items later at most.
    """
    before: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=window))
    for behavior in behaviors:
        if weight_of(behavior.action, behavior.seconds) >= LIKED:
            earlier = before[behavior.user]
            yield from ((item, behavior.item) for item in earlier if item != behavior.item)
            earlier.append(behavior.item)


def passes_for_new(item: str) -> bool:
    """Whether an item is one of the fifth that pass for items that nobody has read, told by its id."""
    return crc32(item.encode()) % _NEW_SHARE == 0
