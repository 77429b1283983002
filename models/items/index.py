"""The live items and their vectors: found by cosine (HNSW of usearch), let go when they expire or grow too many."""

from __future__ import annotations

import heapq
import math
from bisect import insort
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec
import numpy as np

from models.hnsw import Index

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from streams.contract.recommendations import Item

_FIRST_ROWS = 256
_ROW_BITS = 32
_ROW_MASK = (1 << _ROW_BITS) - 1
_NO_KEY = 0
_TITLE = 120
_SECONDS_PER_HOUR = 3600.0
# usearch's default of 64 misses one in twenty of the nearest among 100,000.
_EXPANSION_SEARCH = 192
# Half of usearch's default, and 2.5 times as many items added a second, since a worker loads all of them at each start;
# of the nearest 200 among 20,000 made ones 0.86 are found, and 0.92 with the default.
_EXPANSION_ADD = 64


class Live(NamedTuple):
    """Items that can be recommended, with their vectors."""

    items: list[Item]
    vectors: NDArray[np.float32]
    """Unit vectors, [items, width]."""


class _Entry(NamedTuple):
    item: Item
    row: int
    key: int
    until: float


class _Rows(NamedTuple):
    """What is looked up of many items at once, by their rows."""

    keys: NDArray[np.uint64]
    """Number in the graph, [rows]; ``_NO_KEY`` where the row is free. Its lower bits are the row."""
    until: NDArray[np.float64]
    """Seconds since 1970, [rows]."""
    vectors: NDArray[np.float16]
    """Unit vectors, [rows, width]."""

    @classmethod
    def empty(cls, rows: int, width: int) -> Self:
        return cls(np.zeros(rows, np.uint64), np.zeros(rows), np.zeros((rows, width), np.float16))

    def doubled(self) -> Self:
        return type(self)(*(np.concatenate([part, np.zeros_like(part)]) for part in self))


class ItemIndex:
    """Any thread may use it. Vectors are kept as float16, twice: in the graph, and to be looked up.

    Args:
        width: Of the vectors.
        max_items: Most live items; beyond, those that appeared first go.
        ttl_hours: How long an item lives that says no end.
    """

    def __init__(self, width: int, max_items: int, ttl_hours: float) -> None:
        self.width = width
        self._max = max_items
        self._ttl = ttl_hours * _SECONDS_PER_HOUR
        self._lock = RLock()
        self._graph = Index(
            ndim=width,
            metric="cos",
            dtype="f16",
            expansion_add=_EXPANSION_ADD,
            expansion_search=_EXPANSION_SEARCH,
        )
        self._entries: dict[str, _Entry] = {}
        self._at_row: list[str] = []
        self._free: list[int] = []
        self._rows = _Rows.empty(_FIRST_ROWS, width)
        self._given = 0
        # By time of appearance, and a heap by end; what is gone stays in both until it comes up or is swept.
        self._by_time: list[tuple[float, int, str]] = []
        self._ends: list[tuple[float, int, str]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, item: object) -> bool:
        return item in self._entries

    @property
    def memory_bytes(self) -> int:
        """What the graph and the vectors take; titles and ids come on top."""
        with self._lock:
            return int(self._graph.memory_usage) + self._rows.vectors.nbytes

    def put(self, item: Item, vector: NDArray[np.float32]) -> None:
        """Take an item in, or take its new form in place of the old one.

        Its text is not kept: the beginning of its title is, or of the text where it has none.

        Args:
            item: The item.
            vector: Unit vector, float32 [width].

        Raises:
            ValueError: The vector has another width.
        """
        if vector.shape != (self.width,):
            raise ValueError(f"item {item.id}: a vector of shape {vector.shape}, and the index takes ({self.width},)")
        title = title_of(item)
        kept = msgspec.structs.replace(item, text=title, title=title)
        with self._lock:
            before = self._entries.get(item.id)
            if before is not None:
                # It stays in its place until the new form is there: whoever looks meanwhile must not think it gone.
                self._let_go(before)
            row = self._free.pop() if self._free else self._new_row()
            # usearch may find a removed item under a number that is given anew; these are never given twice.
            self._given += 1
            key = self._given << _ROW_BITS | row
            until = self._until(item)
            self._entries[item.id] = _Entry(kept, row, key, until)
            self._at_row[row] = item.id
            self._rows.keys[row], self._rows.until[row], self._rows.vectors[row] = key, until, vector
            self._graph.add(key, vector, threads=1)
            insort(self._by_time, (item.time.timestamp(), key, item.id))
            heapq.heappush(self._ends, (until, key, item.id))
            while len(self._entries) > self._max:
                self._drop(*self._by_time.pop(0)[1:])
            if max(len(self._by_time), len(self._ends)) > 2 * len(self._entries) + _FIRST_ROWS:
                self._sweep()

    def remove(self, item: str) -> bool:
        """Let an item go; whether it was there."""
        with self._lock:
            entry = self._entries.pop(item, None)
            if entry is None:
                return False
            self._let_go(entry)
            return True

    def expire(self, now: float) -> int:
        """Let go what has ended by a time, in seconds since 1970; how many there were."""
        gone = 0
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                gone += self._drop(*heapq.heappop(self._ends)[1:])
        return gone

    def item(self, item: str) -> Item | None:
        """An item as it is kept: its text is its title."""
        entry = self._entries.get(item)
        return None if entry is None else entry.item

    def is_live(self, item: str, now: float) -> bool:
        """Whether an item is there, and is not over at a time."""
        entry = self._entries.get(item)
        return entry is not None and entry.until > now

    def vector(self, item: str) -> NDArray[np.float32] | None:
        """Unit vector of an item, float32 [width]."""
        with self._lock:
            entry = self._entries.get(item)
            return None if entry is None else self._rows.vectors[entry.row].astype(np.float32)

    def take(self, ids: Iterable[str], now: float) -> Live:
        """Those of some items that are live at a time, in their order."""
        with self._lock:
            entries = [entry for item in ids if (entry := self._entries.get(item)) is not None and entry.until > now]
            vectors = self._rows.vectors[[entry.row for entry in entries]].astype(np.float32)
        return Live([entry.item for entry in entries], vectors)

    def search(self, vectors: NDArray[np.float32], limit: int, now: float) -> list[str]:
        """Ids of the live items nearest to any of some vectors.

        Args:
            vectors: float32 [count, width], of any length above 0.
            limit: How many items for each vector at most.
            now: Seconds since 1970.

        Returns:
            Each item once, the nearest ones first.
        """
        with self._lock:
            if not len(vectors) or not self._entries:
                return []
            found = self._graph.search(vectors.reshape(-1, self.width), min(limit, len(self._entries)), threads=1)
            keys, distances = np.asarray(found.keys).ravel(), np.asarray(found.distances).ravel()
            keys = keys[np.argsort(distances, kind="stable")].astype(np.uint64)
            rows = (keys & np.uint64(_ROW_MASK)).astype(np.intp)
            rows = rows[(self._rows.keys[rows] == keys) & (self._rows.until[rows] > now)]
            _, first = np.unique(rows, return_index=True)
            return [self._at_row[row] for row in rows[np.sort(first)].tolist()]

    def newest(self, limit: int, now: float) -> list[str]:
        """Ids of the live items that appeared last."""
        with self._lock:
            live = (item for _, key, item in reversed(self._by_time) if self._is(item, key, now))
            return list(islice(live, limit))

    def _let_go(self, entry: _Entry) -> None:
        """Free an item's row."""
        self._graph.remove(entry.key)
        self._rows.keys[entry.row] = _NO_KEY
        # usearch fills up what it did not find with zeros, which are keys of no item.
        self._rows.until[entry.row] = -math.inf
        self._free.append(entry.row)

    def _until(self, item: Item) -> float:
        return item.time.timestamp() + self._ttl if item.expires is None else item.expires.timestamp()

    def _new_row(self) -> int:
        row = len(self._at_row)
        if row >= len(self._rows.keys):
            self._rows = self._rows.doubled()
        self._at_row.append("")
        return row

    def _is(self, item: str, key: int, now: float) -> bool:
        """Whether an item is live, and in the form that had this key."""
        entry = self._entries.get(item)
        return entry is not None and entry.key == key and entry.until > now

    def _drop(self, key: int, item: str) -> bool:
        """Let an item go, where it still has the form that had this key."""
        return self._is(item, key, -math.inf) and self.remove(item)

    def _sweep(self) -> None:
        """Rid both orders of what is gone."""
        keys = {entry.key for entry in self._entries.values()}
        self._by_time = [each for each in self._by_time if each[1] in keys]
        self._ends = [each for each in self._ends if each[1] in keys]
        heapq.heapify(self._ends)


def title_of(item: Item) -> str:
    """The beginning of an item's title, or of its text where it has none: at most 120 characters, in one line."""
    title = " ".join((item.title or "").split()) or " ".join(item.text.split())
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1].rstrip()}…"
