"""Readers, counts, items and weights together: takes in what readers do, and recommends.

Pure but for the catalogue that it is given. One thread at a time.
"""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING

from streams.logic.recommend.actions import weight_of
from streams.logic.recommend.candidates import Candidates
from streams.logic.recommend.counts import ItemCounts
from streams.logic.recommend.features import Lookout, Scene
from streams.logic.recommend.interests import Bounds, Interests
from streams.logic.recommend.ranking import Read, Scorer, rank
from streams.logic.recommend.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from streams.contract.ranking import Projection, RankerWeights
    from streams.contract.recommendations import Behavior, RecommendedItem
    from streams.contract.service_settings import RecommendSettings
    from streams.logic.recommend.catalogue import Catalogue

_SECONDS_PER_HOUR = 3600.0
# Of what was read, so many are paired with what is read next.
_PAIRED = 50
_NEWEST_SHARE = 8


class Recommender:
    """Recommends to the readers of one worker or partition.

    Args:
        settings: Of recommendations.
        catalogue: The live items.
        weights: The ranker's.
        projection: Of the ranker's version, where it has one for the catalogue's vectors.
    """

    def __init__(
        self,
        settings: RecommendSettings,
        catalogue: Catalogue,
        weights: RankerWeights = DEFAULT_WEIGHTS,
        projection: Projection | None = None,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._bounds = Bounds.of(settings)
        self._readers: dict[str, Interests] = {}
        counts = ItemCounts(settings.half_life_hours * _SECONDS_PER_HOUR, settings.max_items)
        self._scene = Scene(counts, settings.item_ttl_hours * _SECONDS_PER_HOUR / 2)
        self.serve(weights, projection)

    @property
    def readers(self) -> int:
        """How many readers are remembered."""
        return len(self._readers)

    @property
    def counts(self) -> ItemCounts:
        """What all readers did, by item."""
        return self._scene.counts

    def serve(self, weights: RankerWeights, projection: Projection | None = None) -> None:
        """Rank by other weights from now on.

        Raises:
            WeightsError: They name a feature that is unknown; the old ones stay.
        """
        self._scorer = Scorer(weights)
        self._scene = self._scene._replace(projection=projection)

    def hold(self, share: float) -> None:
        """Count the behaviors of so large a share of all readers, above 0 and at most 1, from now on.

        Readers are parted by hash, so that those of a share are like all: what they did, over the share, estimates what
        all did. Without that an item would be less popular, and newer, the more workers there are, than it was for
        whoever learned the ranker. Which items go together is a cosine of counts, and needs no such thing.
        """
        self._scene = self._scene._replace(share=share)

    def serve_items(self, catalogue: Catalogue, *, same_trunk: bool) -> None:
        """Recommend out of another catalogue from now on, such as one that another encoder embedded.

        Args:
            catalogue: The items.
            same_trunk: Whether its vectors compare with those before; where not, readers' vectors are forgotten and
                made anew of what they read lately and is in the catalogue.
        """
        self._catalogue = catalogue
        if not same_trunk:
            for reader in self._readers.values():
                reader.rebuild_vectors(catalogue.vector)

    def is_new(self, user: str, topic: str, partition: int, offset: int) -> bool:
        """Whether an input of a reader was not counted yet, by its place; it is taken for counted from then on."""
        return self._reader(user).is_new(topic, partition, offset)

    def observe(self, behavior: Behavior, now: float = math.inf, *, counted: bool = True) -> None:
        """Take in what a reader did, with an item that is known or not.

        Args:
            behavior: The behavior.
            now: Seconds since 1970; what is dated later passes for done now. Absent where the past is replayed.
            counted: Whether it adds to what is counted by item; not where an item is to pass for a new one.
        """
        self.take_in(self._reader(behavior.user), behavior, now, counted=counted)

    def take_in(self, reader: Interests, behavior: Behavior, now: float = math.inf, *, counted: bool = True) -> None:
        """Take in what a reader did who is held by the caller; otherwise as ``observe``."""
        weight = weight_of(behavior.action, behavior.seconds)
        # All fades by the latest time that was seen: one dated years ahead would outweigh whatever anybody else does.
        time = min(behavior.time.timestamp(), now)
        if weight > 0 and counted:
            self._scene.counts.observe(behavior.item, weight, time, _read_before(reader, behavior.item))
        item = self._catalogue.item(behavior.item)
        reader.observe(
            behavior.item,
            weight,
            time,
            vector=self._catalogue.vector(behavior.item),
            topics=() if item is None else item.topics,
            sentiment=None if item is None else item.sentiment,
        )

    def recommend(self, user: str, now: float, limit: int | None = None) -> tuple[list[RecommendedItem], bool]:
        """What a reader may like, best first, and whether nothing is known of the reader.

        A reader who is unknown is not remembered for asking.

        Args:
            user: Id of the reader.
            now: Seconds since 1970.
            limit: Most items; as the settings say where absent.
        """
        reader = self._readers.get(user) or Interests(self._bounds)
        return self.recommend_to(reader, now, limit), reader.is_cold

    def recommend_to(self, reader: Interests, now: float, limit: int | None = None) -> list[RecommendedItem]:
        """What a reader may like who is held by the caller, best first."""
        lookout = Lookout(reader, self._scene, now)
        items, vectors = self._catalogue.take(self._candidates(reader, lookout, now), now)
        read_items, read_vectors = self._catalogue.take(
            [item for item, (_, weight) in reader.recent.items() if weight > 0], now
        )
        return rank(
            lookout,
            Candidates(items, vectors),
            self._scorer,
            Read(list(read_items), read_vectors),
            limit=limit or self._settings.limit,
            diversity=self._settings.diversity,
        )

    def candidates(self, user: str, now: float) -> list[str]:
        """Ids of the items that would be ranked for a reader, none of them seen lately."""
        reader, lookout = self._look(user, now)
        return self._candidates(reader, lookout, now)

    def features(self, user: str, items: Iterable[str], now: float) -> tuple[list[str], NDArray[np.float64]]:
        """What the ranker sees of items that are live, float64 [items, len(FEATURES)], and their ids."""
        candidates = Candidates(*self._catalogue.take(items, now))
        return candidates.ids, self.look(user, now).features(candidates)

    def look(self, user: str, now: float) -> Lookout:
        """A reader at a moment, as the ranker sees items from there."""
        return self._look(user, now)[1]

    def dump(self, user: str) -> bytes | None:
        """A reader's state; None where the reader is not remembered."""
        reader = self._readers.get(user)
        return None if reader is None else reader.dump()

    def load(self, user: str, state: bytes, width: int, now: float = math.inf) -> None:
        """Restore a reader, and count what the reader read lately: counts are not kept by themselves.

        Args:
            user: Id of the reader.
            state: From ``dump``.
            width: Of the catalogue's vectors.
            now: As for ``Interests.load``.

        Raises:
            msgspec.DecodeError: It is no such state.
        """
        reader = Interests.load(state, self._bounds, width, now)
        self._readers.pop(user, None)
        self._readers[user] = reader
        self._make_room()
        self.count_anew(reader)

    def count_anew(self, reader: Interests) -> None:
        """Count what a reader read lately, who was not counted yet."""
        before: list[tuple[str, float]] = []
        for item, (time, weight) in reader.recent.items():
            if weight > 0:
                self._scene.counts.observe(item, weight, time, before[-_PAIRED:])
                before.append((item, weight))

    def forget(self, users: Iterable[str]) -> None:
        """Drop readers, such as those of a partition that another worker has now."""
        for user in users:
            self._readers.pop(user, None)

    def _look(self, user: str, now: float) -> tuple[Interests, Lookout]:
        reader = self._readers.get(user) or Interests(self._bounds)
        return reader, Lookout(reader, self._scene, now)

    def _reader(self, user: str) -> Interests:
        """A reader, put behind all others: the first is the one that was silent longest."""
        reader = self._readers.pop(user, None) or Interests(self._bounds)
        self._readers[user] = reader
        self._make_room()
        return reader

    def _make_room(self) -> None:
        while len(self._readers) > self._settings.max_users:
            del self._readers[next(iter(self._readers))]

    def _candidates(self, reader: Interests, lookout: Lookout, now: float) -> list[str]:
        """Ids that are worth a look: near an interest, read with what was read, popular, new; a part from each.

        All of them live: counts know what is over too, and it would take the places of others.
        """
        wanted, counts = self._settings.candidates, self._scene.counts

        def is_live(item: str) -> bool:
            return self._catalogue.is_live(item, now)

        sources = (
            self._catalogue.search(lookout.queries(), wanted, now),
            filter(is_live, counts.best(lookout.together)),
            counts.popular(now, is_live),
            self._catalogue.newest(max(1, wanted // _NEWEST_SHARE), now),
        )
        found = _first(reader.unseen(_in_turn(sources)), wanted)
        if len(found) < wanted:
            # Of the newest a reader may have seen most: so many more are looked through.
            found |= _first(reader.unseen(self._catalogue.newest(wanted + reader.seen, now)), wanted)
        return list(found)[:wanted]


def _first(items: Iterable[str], count: int) -> dict[str, None]:
    """The first so many of some items, each once."""
    found: dict[str, None] = {}
    for item in items:
        found[item] = None
        if len(found) == count:
            break
    return found


def _read_before(reader: Interests, item: str) -> list[tuple[str, float]]:
    """What speaks for what it is read with: the latest that was not dismissed."""
    liked = [(other, weight) for other, (_, weight) in reader.recent.items() if weight > 0 and other != item]
    return liked[-_PAIRED:]


def _in_turn(sources: Iterable[Iterable[str]]) -> Iterator[str]:
    """The first of each source, then the second of each, and so on; looked for no further than is asked."""
    return (item for each in zip_longest(*sources) for item in each if item is not None)
