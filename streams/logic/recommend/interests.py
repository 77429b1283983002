"""What one reader is interested in: a few vectors that fade, what was read lately, and what was turned away.

Several vectors and not one, since the mean of two interests is neither (Pal et al., "PinnerSage: Multi-Modal User
Embedding Framework for Recommendations at Pinterest", 2020); clustered as behaviors come, by leaders: an item joins the
nearest interest where it is near enough, and begins a new one where it is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from streams.contract.recommendations import LONGEST_TOPIC
from streams.logic.recommend.interest_state import Kept, decode, encode
from streams.logic.recommend.seen import PRINT_BYTES, Seen, print_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from streams.contract.service_settings import RecommendSettings

    Vectors = NDArray[np.float32]

_SECONDS_PER_HOUR = 3600.0
_DISLIKED = 4
_TOPICS = 32
_PLACES = 8
# Weight of so much that is not known of a reader's topics.
_TOPIC_DOUBT = 5.0
# Below this an interest says nothing any more.
_LEAST = 1e-3
_BYTES_PER_CHARACTER = 4  # in UTF-8, at most


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a reader's state may hold at most, and how it fades.

    Attributes:
        interests: Most vectors.
        recent: Most items that are remembered.
        seen: Most items before these of which a print is kept.
        half_life: Seconds after which an interest counts for half.
        join: Cosine from which an item belongs to an interest that there is.
        away: How far a dismissed item pushes the interests near it away.
    """

    interests: int = 4
    recent: int = 64
    seen: int = 1000
    half_life: float = 168 * _SECONDS_PER_HOUR
    join: float = 0.5
    away: float = 0.3

    @classmethod
    def of(cls, settings: RecommendSettings) -> Self:
        """Those that the settings name."""
        half_life = settings.half_life_hours * _SECONDS_PER_HOUR
        return cls(settings.interests, settings.recent_items, settings.seen_items, half_life)

    def largest(self, width: int, id_bytes: int, topic_bytes: int = _BYTES_PER_CHARACTER * LONGEST_TOPIC) -> int:
        """Bytes that ``Interests.dump`` gives at most.

        Args:
            width: Of the vectors.
            id_bytes: Longest id of an item, in UTF-8.
            topic_bytes: Longest name of a topic and of an input topic, likewise; where absent, of any that is taken.
        """
        vectors = 2 * width * (self.interests + _DISLIKED) + 9 * self.interests
        named = self.recent * (id_bytes + 24) + (_TOPICS + _PLACES) * (topic_bytes + 24)
        return 72 + vectors + named + PRINT_BYTES * self.seen


class Interests:
    """A reader. Vectors are kept to float16's precision from the start, so that one restored is the same as one alive.

    Args:
        bounds: Of its state.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._as_of = 0.0
        self._vectors: Vectors = np.empty((0, 0), np.float32)
        self._weights: NDArray[np.float64] = np.empty(0)
        self._disliked: Vectors = np.empty((0, 0), np.float32)
        self._recent: dict[str, tuple[int, float]] = {}
        self._seen = Seen(bounds.seen)
        self._topics: dict[str, float] = {}
        self._mood = (0.0, 0.0)
        self._places: dict[tuple[str, int], int] = {}

    @property
    def is_cold(self) -> bool:
        """Whether nothing is known that speaks for anything."""
        return not len(self._weights) and not any(weight > 0 for _, weight in self._recent.values())

    @property
    def as_of(self) -> float:
        """Time of the latest behavior, in seconds since 1970; 0 before the first."""
        return self._as_of

    @property
    def recent(self) -> dict[str, tuple[int, float]]:
        """Items that were seen lately with their time and the greatest weight, the oldest first; below 0: dismissed."""
        return self._recent

    @property
    def seen(self) -> int:
        """How many items may be known to have been seen: those that are remembered, and prints."""
        return len(self._recent) + len(self._seen)

    def unseen(self, items: Iterable[str]) -> Iterator[str]:
        """Those of some items that the reader has not seen, as far as is known, in their order."""
        prints = self._seen.prints()
        for item in items:
            if item not in self._recent and not (prints and print_of(item) in prints):
                yield item

    @property
    def disliked(self) -> Vectors:
        """Unit vectors of the items dismissed last, float32 [count, width]."""
        return self._disliked

    def is_new(self, topic: str, partition: int, offset: int) -> bool:
        """Whether an input was not counted yet, told by its place; it is taken for counted from then on."""
        place = (topic, partition)
        if offset <= self._places.get(place, -1):
            return False
        # Put behind all others: the one that nothing came from for longest makes room.
        self._places.pop(place, None)
        self._places[place] = offset
        if len(self._places) > _PLACES:
            del self._places[next(iter(self._places))]
        return True

    def observe(
        self,
        item: str,
        weight: float,
        time: float,
        *,
        vector: Vectors | None = None,
        topics: Sequence[str] = (),
        sentiment: float | None = None,
    ) -> None:
        """Take in a behavior.

        Args:
            item: Id of the item.
            weight: Of the action; below 0 it was dismissed.
            time: Seconds since 1970. One that comes late counts as much less as it is older.
            vector: Unit vector of the item, float32 [width]; None where the item is not known.
            topics: Of the item.
            sentiment: Of the item, from -1 to 1.
        """
        fade = self._fade(time)
        now_weight = weight * fade
        self._remember(item, weight, round(time))
        self._like_topics(topics, now_weight)
        if sentiment is not None and weight > 0:
            total, summed = self._mood
            self._mood = (total + now_weight, summed + now_weight * sentiment)
        if vector is not None:
            self._place(vector, weight, fade)

    def vectors(self, now: float) -> tuple[Vectors, NDArray[np.float64]]:
        """Interests and their weights, faded: unit vectors float32 [count, width], float64 [count]."""
        return self._vectors, self._weights * self._decay(now - self._as_of)

    def topics(self) -> dict[str, float]:
        """Preference for each topic: its share of all that was done, below 0 where it was dismissed.

        Drawn to 0 while little is known, so that one click does not drown what the text says.
        """
        whole = sum(map(abs, self._topics.values())) + _TOPIC_DOUBT
        return {topic: weight / whole for topic, weight in self._topics.items()}

    def mood(self) -> float:
        """Mean sentiment of what the reader reads, from -1 to 1; drawn to 0 while little is known."""
        total, summed = self._mood
        return summed / (total + 1.0)

    def dump(self) -> bytes:
        """All of it, in ``interest_state``'s form."""
        return encode(
            Kept(
                as_of=self._as_of,
                vectors=self._vectors.astype("<f2").tobytes(),
                weights=self._weights.tolist(),
                disliked=self._disliked.astype("<f2").tobytes(),
                recent=[(item, time, weight) for item, (time, weight) in self._recent.items()],
                topics=self._topics,
                mood=self._mood,
                places=[(topic, partition, offset) for (topic, partition), offset in self._places.items()],
                seen=self._seen.dump(),
            )
        )

    @classmethod
    def load(cls, state: bytes, bounds: Bounds, width: int, now: float = math.inf) -> Self:
        """A reader out of what ``dump`` gave.

        Args:
            state: From ``dump``.
            bounds: As they are now; what is beyond them goes.
            width: Of the vectors. Those of another width, as of another trunk, are left out: the rest is kept.
            now: Seconds since 1970. A state that is dated later is one of now: what the reader does from now on would
                count for nothing against it.

        Raises:
            msgspec.DecodeError: It is no such state.
            ValueError: Its vectors or prints are cut short.
        """
        kept = decode(state)
        reader = cls(bounds)
        reader._as_of = min(kept.as_of, now)
        if len(kept.vectors) == 2 * width * len(kept.weights):
            order = np.sort(np.argsort(kept.weights)[-bounds.interests :])
            reader._vectors = _unpacked(kept.vectors, width)[order]
            reader._weights = np.array(kept.weights)[order]
        if len(kept.disliked) % (2 * width) == 0:
            reader._disliked = _unpacked(kept.disliked, width)
        reader._recent = {
            item: (time if time <= now else int(now), weight) for item, time, weight in kept.recent[-bounds.recent :]
        }
        reader._seen.load(kept.seen)
        # Fewer may be remembered than when it was written: they were seen all the same.
        for item, _, _ in kept.recent[: -bounds.recent]:
            reader._seen.add(item)
        reader._topics = {topic: weight for topic, weight in kept.topics.items() if len(topic) <= LONGEST_TOPIC}
        reader._mood = kept.mood
        reader._places = {(topic, partition): offset for topic, partition, offset in kept.places}
        return reader

    def rebuild_vectors(self, find: Callable[[str], Vectors | None]) -> None:
        """Make the vectors anew of what was seen lately: those of two trunks cannot be compared.

        Args:
            find: Vector of an item by its id; None where it is gone.
        """
        self._vectors, self._weights = np.empty((0, 0), np.float32), np.empty(0)
        self._disliked = np.empty((0, 0), np.float32)
        for item, (time, weight) in self._recent.items():
            vector = find(item)
            if vector is not None:
                self._place(vector, weight, self._decay(self._as_of - time))

    def _decay(self, seconds: float) -> float:
        return float(0.5 ** (max(0.0, seconds) / self._bounds.half_life))

    def _fade(self, time: float) -> float:
        """Bring all weights to a time, and say how much what happens at that time counts."""
        if time <= self._as_of:
            return self._decay(self._as_of - time)
        factor = self._decay(time - self._as_of)
        self._as_of = time
        self._weights = self._weights * factor
        keep = self._weights >= _LEAST
        if not keep.all():
            self._weights, self._vectors = self._weights[keep], self._vectors[keep]
        self._topics = {topic: weight * factor for topic, weight in self._topics.items()}
        self._mood = (self._mood[0] * factor, self._mood[1] * factor)
        return 1.0

    def _remember(self, item: str, weight: float, time: int) -> None:
        before = self._recent.pop(item, None)
        # The last word stands between for and against; of several for it, the greatest.
        heaviest = weight if before is None or weight < 0 else max(weight, before[1])
        self._recent[item] = (time, heaviest)
        if len(self._recent) > self._bounds.recent:
            oldest = next(iter(self._recent))
            del self._recent[oldest]
            self._seen.add(oldest)

    def _like_topics(self, topics: Sequence[str], weight: float) -> None:
        for topic in topics:
            self._topics[topic] = self._topics.get(topic, 0.0) + weight / len(topics)
        beyond = len(self._topics) - _TOPICS
        if beyond > 0:
            for topic in sorted(self._topics, key=lambda topic: abs(self._topics[topic]))[:beyond]:
                del self._topics[topic]

    def _place(self, vector: Vectors, weight: float, fade: float) -> None:
        if weight < 0:
            self._push_away(vector)
        else:
            self._take_in(vector, weight * fade)

    def _take_in(self, vector: Vectors, weight: float) -> None:
        if weight < _LEAST:
            return
        if not len(self._weights):
            self._vectors, self._weights = _rounded(vector[None]), np.array([weight])
            return
        nearness = self._vectors @ vector
        nearest = int(nearness.argmax())
        if nearness[nearest] < self._bounds.join:
            self._vectors = np.concatenate([self._vectors, _rounded(vector[None])])
            self._weights = np.append(self._weights, weight)
            if len(self._weights) > self._bounds.interests:
                self._join_nearest()
            return
        self._vectors[nearest] = _rounded(_unit(self._weights[nearest] * self._vectors[nearest] + weight * vector))
        self._weights[nearest] += weight

    def _join_nearest(self) -> None:
        """Make one of the two that are most alike: what gives way is a difference, and not an interest."""
        alike = self._vectors @ self._vectors.T
        np.fill_diagonal(alike, -np.inf)
        one, other = divmod(int(alike.argmax()), len(alike))
        weights = self._weights[[one, other]]
        self._vectors[one] = _rounded(_unit(weights[0] * self._vectors[one] + weights[1] * self._vectors[other]))
        self._weights[one] = weights.sum()
        self._vectors = np.delete(self._vectors, other, axis=0)
        self._weights = np.delete(self._weights, other)

    def _push_away(self, vector: Vectors) -> None:
        kept = self._disliked[-_DISLIKED + 1 :] if len(self._disliked) else np.empty((0, len(vector)), np.float32)
        self._disliked = np.concatenate([kept, _rounded(vector[None])])
        if not len(self._weights):
            return
        nearness = np.maximum(self._vectors @ vector, 0.0)
        step = self._bounds.away * nearness
        for at in np.flatnonzero(nearness >= self._bounds.join):
            self._vectors[at] = _rounded(_unit(self._vectors[at] - step[at] * vector))
            self._weights[at] *= 1.0 - step[at]


def _unit(vector: NDArray[np.floating]) -> NDArray[np.floating]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _rounded(vectors: NDArray[np.floating]) -> Vectors:
    return vectors.astype(np.float16).astype(np.float32)


def _unpacked(packed: bytes, width: int) -> Vectors:
    return np.frombuffer(packed, "<f2").reshape(-1, width).astype(np.float32)
