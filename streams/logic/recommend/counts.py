"""What all readers did, counted by item and fading: how popular each is, and which go together.

Both rest on one table of items, since which of two items go together is told by a cosine of counts (Sarwar et al.,
"Item-Based Collaborative Filtering Recommendation Algorithms", 2001), kept up to date as behaviors come. Weights fade
forward: what is new is added with a greater weight, and nothing old is touched (Cormode et al., "Forward Decay", 2009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_FIRST_ROWS = 256
# Powers of two that a weight may grow by before all are brought down; float32 ends at 2 ** 127.
_MOST_DOUBLINGS = 60.0
_NONE = -1
_DROPPED_AT_ONCE = 0.1
_RANKED_ANEW = 512
_RANKED_ANEW_SECONDS = 60.0


class ItemCounts:
    """Popularity and co-occurrence of items, bounded. Not for several threads.

    Args:
        half_life: Seconds after which a behavior counts for half.
        max_items: Items that are counted; beyond, the least popular tenth goes.
        neighbours: Items that go with an item, kept for each.
    """

    def __init__(self, half_life: float, max_items: int, neighbours: int = 64) -> None:
        self._half_life = half_life
        self._max = max_items
        self._row: dict[str, int] = {}
        self._ids: list[str] = []
        self._free: list[int] = []
        self._count = np.zeros(_FIRST_ROWS)
        self._beside = np.full((_FIRST_ROWS, neighbours), _NONE, np.int32)
        self._together = np.zeros((_FIRST_ROWS, neighbours), np.float32)
        self._landmark: float | None = None
        self._top: list[str] = []
        """The most popular, as far as anybody has asked."""
        self._below: Iterator[int] = iter(())
        """Rows of all others, the most popular first."""
        self._ranked = 0
        self._ranked_at = 0.0
        self._since_ranked = _RANKED_ANEW

    def __len__(self) -> int:
        return len(self._row)

    @property
    def bytes_per_item(self) -> int:
        """What the arrays take for each row."""
        return self._count.itemsize + self._beside.shape[1] * (self._beside.itemsize + self._together.itemsize)

    def observe(self, item: str, weight: float, time: float, before: Iterable[tuple[str, float]] = ()) -> None:
        """Count a behavior in favour of an item.

        Args:
            item: Id of the item.
            weight: Of the action, above 0.
            time: Seconds since 1970.
            before: Items that the same reader took to earlier, other than this one, with their weights.
        """
        grown = self._grown(time)
        row = self._row_of(item)
        self._count[row] += weight * grown
        self._since_ranked += 1
        known = [(at, other) for name, other in before if (at := self._row.get(name)) is not None]
        if known:
            rows = np.array([at for at, _ in known], np.int32)
            weights = np.sqrt(weight * np.array([other for _, other in known])) * grown
            self._add_to_one(row, rows, weights.astype(np.float32))
            self._add_to_each(rows, row, weights.astype(np.float32))

    def popularity(self, items: Sequence[str], now: float) -> NDArray[np.float64]:
        """Faded counts of items, [items]."""
        rows = self._rows(items)
        counts = np.where(rows >= 0, self._count[rows], 0.0)
        faded: NDArray[np.float64] = counts / self._growth(now)
        return faded

    def popular(self, now: float, is_live: Callable[[str], bool]) -> Iterator[str]:
        """Live items, the most popular first, as of the last few hundred behaviors or the last minute.

        They are looked for as they are asked for, and what is over is passed over once and not for each reader: of what
        was popular most may be over.

        Args:
            now: Seconds since 1970.
            is_live: Whether an item can be recommended.
        """
        is_short = self._ranked < min(_RANKED_ANEW, len(self._row))
        if is_short or self._since_ranked >= _RANKED_ANEW or abs(now - self._ranked_at) >= _RANKED_ANEW_SECONDS:
            self._rank(now)
        at = 0
        while True:
            if at == len(self._top):
                found = next(filter(is_live, (self._ids[row] for row in self._below)), None)
                if found is None:
                    return
                self._top.append(found)
            if is_live(self._top[at]):
                yield self._top[at]
            at += 1

    def together(self, read: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
        """How much each item goes with what was read: the sum of cosines of counts, by row of the table.

        Args:
            read: Items with weights, which may be below 0.

        Returns:
            float64 [rows]; ``rows`` of ``scores_of`` find an item's.
        """
        total = np.zeros(len(self._count))
        known = [(at, weight) for name, weight in read if (at := self._row.get(name)) is not None]
        if not known:
            return total
        rows = np.array([at for at, _ in known], np.intp)
        beside = self._beside[rows]
        lengths = np.sqrt(self._count)
        over = np.maximum(lengths[rows][:, None] * lengths[beside], 1e-12)
        cosines = np.where(beside >= 0, self._together[rows] / over, 0.0)
        weighted = np.minimum(cosines, 1.0) * np.array([weight for _, weight in known])[:, None]
        np.add.at(total, np.maximum(beside, 0).ravel(), weighted.ravel())
        return total

    def scores_of(self, items: Sequence[str], total: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of items out of what ``together`` gave, [items]."""
        rows = self._rows(items)
        return np.where(rows >= 0, total[rows], 0.0)

    def best(self, total: NDArray[np.float64]) -> Iterator[str]:
        """Items with scores above 0 in what ``together`` gave, the highest first."""
        rows = np.flatnonzero(total > 0)
        return (self._ids[row] for row in rows[np.argsort(-total[rows], kind="stable")])

    def forget(self, items: Iterable[str]) -> None:
        """Drop items that are gone for good."""
        rows = [row for item in items if (row := self._row.pop(item, None)) is not None]
        if not rows:
            return
        gone = np.array(rows, np.int32)
        self._count[gone] = 0.0
        self._beside[gone] = _NONE
        self._together[gone] = 0.0
        of_gone = np.isin(self._beside, gone)
        self._beside[of_gone] = _NONE
        self._together[of_gone] = 0.0
        self._free.extend(rows)
        # Their rows go to others.
        self._since_ranked = _RANKED_ANEW

    def _rank(self, now: float) -> None:
        rows = np.fromiter(self._row.values(), np.intp, len(self._row))
        self._top, self._below = [], iter(rows[np.argsort(-self._count[rows], kind="stable")])
        self._ranked, self._ranked_at, self._since_ranked = len(rows), now, 0

    def _rows(self, items: Sequence[str]) -> NDArray[np.intp]:
        return np.array([self._row.get(item, _NONE) for item in items], np.intp)

    def _row_of(self, item: str) -> int:
        row = self._row.get(item)
        if row is None:
            if len(self._row) >= self._max:
                self._drop_least()
            row = self._free.pop() if self._free else len(self._ids)
            if row == len(self._ids):
                self._ids.append(item)
            self._ids[row] = item
            self._row[item] = row
            if row >= len(self._count):
                self._count = np.concatenate([self._count, np.zeros_like(self._count)])
                self._beside = np.concatenate([self._beside, np.full_like(self._beside, _NONE)])
                self._together = np.concatenate([self._together, np.zeros_like(self._together)])
        return row

    def _drop_least(self) -> None:
        count = max(1, int(_DROPPED_AT_ONCE * self._max))
        names = list(self._row)
        least = np.argsort(self._count[self._rows(names)], kind="stable")[:count]
        self.forget([names[at] for at in least])

    def _growth(self, time: float) -> float:
        since = 0.0 if self._landmark is None else time - self._landmark
        # What is ages old or is dated ages ahead must neither vanish nor overflow.
        return float(2.0 ** min(max(since / self._half_life, -_MOST_DOUBLINGS), _MOST_DOUBLINGS))

    def _grown(self, time: float) -> float:
        """Weight of what happens at a time; all weights are brought down before it grows too large."""
        if self._landmark is None:
            self._landmark = time
        if time - self._landmark > _MOST_DOUBLINGS * self._half_life:
            down = 2.0 ** -min((time - self._landmark) / self._half_life, 1000.0)
            self._count *= down
            self._together *= np.float32(down)
            self._landmark = time
        return self._growth(time)

    def _add_to_one(self, row: int, others: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        """Count others beside one; for those that are new there, the least make room."""
        beside, together = self._beside[row], self._together[row]
        place = {int(other): at for at, other in enumerate(beside) if other >= 0}
        new = []
        for other, weight in zip(others.tolist(), weights.tolist(), strict=True):
            at = place.get(other)
            if at is None:
                new.append((other, weight))
            else:
                together[at] += weight
        if new:
            new = new[-len(beside) :]
            for at, (other, weight) in zip(np.argsort(together, kind="stable")[: len(new)], new, strict=True):
                if together[at] <= weight:
                    beside[at], together[at] = other, weight

    def _add_to_each(self, rows: NDArray[np.int32], other: int, weights: NDArray[np.float32]) -> None:
        """Count one beside each of others, at once."""
        beside, together = self._beside[rows], self._together[rows]
        is_there = beside == other
        found = is_there.any(axis=1)
        at = np.where(found, is_there.argmax(axis=1), together.argmin(axis=1))
        lines = np.arange(len(rows))
        least = together[lines, at]
        taken = found | (least <= weights)
        value = np.where(found, least + weights, weights)
        self._together[rows[taken], at[taken]] = value[taken]
        self._beside[rows[taken], at[taken]] = other
