"""What readers did, in the one form that every data set is brought to, and how it is split."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streams.logic.recommend.actions import weight_of
from streams.logic.recommend.training import LIKED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from streams.contract.recommendations import Behavior, Item


class Log(NamedTuple):
    """A data set."""

    items: list[Item]
    behaviors: list[Behavior]
    """In order of time; of one time, in the order of the data set."""


class Split(NamedTuple):
    """What is learned from, and what is asked."""

    train: list[Behavior]
    test: list[Behavior]


def split_by_reader(behaviors: Sequence[Behavior], share: float = 0.8) -> Split:
    """The first part of each reader's behaviors, and the rest; both in order of time.

    Args:
        behaviors: In order of time.
        share: Of each reader's behaviors, rounded down, in the first part.
    """
    own: dict[str, list[int]] = defaultdict(list)
    for place, behavior in enumerate(behaviors):
        own[behavior.user].append(place)
    early = {place for places in own.values() for place in places[: int(share * len(places))]}
    return Split(
        [behavior for place, behavior in enumerate(behaviors) if place in early],
        [behavior for place, behavior in enumerate(behaviors) if place not in early],
    )


def folds(items: Sequence[Item], count: int, seed: int) -> list[set[str]]:
    """Every item in one of so many parts of about equal size, drawn by lot."""
    order = np.random.default_rng(seed).permutation(len(items))
    return [{items[at].id for at in part} for part in np.array_split(order, count)]


def without(behaviors: Iterable[Behavior], items: Collection[str]) -> list[Behavior]:
    """Behaviors with all but these items."""
    return [behavior for behavior in behaviors if behavior.item not in items]


def drawn(log: Log, readers: int, seed: int) -> Log:
    """Some readers of a data set, drawn by lot, and the items that they did something with."""
    names = sorted({behavior.user for behavior in log.behaviors})
    order = np.random.default_rng(seed).permutation(len(names))[:readers]
    chosen = {names[at] for at in order.tolist()}
    behaviors = [behavior for behavior in log.behaviors if behavior.user in chosen]
    known = {behavior.item for behavior in behaviors}
    return Log([item for item in log.items if item.id in known], behaviors)


class Matrices:
    """Behaviors as dense arrays.

    Args:
        log: Names readers and items.
        behaviors: What is counted.

    Attributes:
        readers: Ids of all readers, sorted.
        liked: What each took to (a click's weight or more), float32 [readers, items].
        seen: What each did anything with, bool [readers, items].
    """

    def __init__(self, log: Log, behaviors: Iterable[Behavior]) -> None:
        self.readers = sorted({behavior.user for behavior in log.behaviors})
        at_reader = {reader: at for at, reader in enumerate(self.readers)}
        at_item = {item.id: at for at, item in enumerate(log.items)}
        self.liked: NDArray[np.float32] = np.zeros((len(self.readers), len(log.items)), np.float32)
        self.seen: NDArray[np.bool_] = np.zeros(self.liked.shape, bool)
        for behavior in behaviors:
            place = at_reader[behavior.user], at_item[behavior.item]
            self.seen[place] = True
            if weight_of(behavior.action, behavior.seconds) >= LIKED:
                self.liked[place] = 1.0
