"""Every item that can be recommended, with its vector: an index for each embedder, of which one serves.

Each worker follows the whole topic of item vectors. Vectors of two embedders are never compared: where the trunk
changes, the index of the one before serves until nearly all items are embedded anew.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import structlog

from streams.contract.decoding import JsonDecoder
from streams.contract.recommendations import ItemVector

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kafka.consumer.fetcher import ConsumerRecord
    from numpy.typing import NDArray

    from models.items.index import ItemIndex
    from streams.contract.recommendations import Item

# With fewer of its items embedded anew, another embedder's index does not take over.
_ENOUGH = 0.95
_SECONDS_PER_HOUR = 3600.0

log = structlog.get_logger(__name__)

_decoder = JsonDecoder(ItemVector)


class Shelf(NamedTuple):
    """The index of one embedder."""

    embedder: str
    items: ItemIndex


class _Entry(NamedTuple):
    """Where the latest record of an item stands, and what it says."""

    embedder: str
    partition: int
    offset: int
    expires: float


class Stale(NamedTuple):
    """Where item vectors stand that are to be made anew, and those that are over."""

    anew: dict[int, set[int]]
    """Offsets by partition."""
    expired: list[str]
    """Ids of items."""


class Shelves:
    """What can be recommended, as of now; a sink of ``streams.worker.tailing``.

    Args:
        make_index: An empty index for vectors of so many dimensions.
        embedder: SHA-256 of the embedder that serves.
        ttl_hours: An item that says no end is over so long after it appeared.
        clock: Seconds since the epoch; given in tests.
    """

    def __init__(
        self,
        make_index: Callable[[int], ItemIndex],
        embedder: str,
        *,
        ttl_hours: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._make_index = make_index
        self._wanted = embedder
        self._ttl = ttl_hours * _SECONDS_PER_HOUR
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._unseen: set[str] = set()
        """While all is read anew: what has not come yet."""
        self._is_read_anew = False
        self._shelves: dict[str, Shelf] = {}
        self._serving: Shelf | None = None
        self._older: set[str] = set()
        """Embedders that served before: what they embedded is to be embedded anew."""
        self._is_loaded = threading.Event()

    @property
    def serving(self) -> Shelf | None:
        """The index that serves now; None before there is any item."""
        return self._serving

    @property
    def is_loaded(self) -> bool:
        """Whether all is known that was there at the start."""
        return self._is_loaded.is_set()

    def __len__(self) -> int:
        """Items in the index that serves."""
        serving = self._serving
        return 0 if serving is None else len(serving.items)

    @property
    def memory_bytes(self) -> int:
        """What the indexes take, that which serves and those that wait or are about to go."""
        return sum(shelf.items.memory_bytes for shelf in list(self._shelves.values()))

    def exchange(self, embedder: str) -> None:
        """Another encoder serves, which may have another trunk; from any thread."""
        with self._lock:
            if embedder != self._wanted:
                self._older.add(self._wanted)
                self._older.discard(embedder)
                self._wanted = embedder
                self._choose()

    def begin(self) -> None:
        """All is read anew: what does not come again is gone."""
        with self._lock:
            self._unseen = set(self._entries)
            self._is_read_anew = True

    def apply(self, records: Sequence[ConsumerRecord]) -> None:
        """Take in the next records of a partition."""
        with self._lock:
            for record in records:
                self._take(record)
            if self._is_loaded.is_set():
                self._choose()

    def caught_up(self) -> None:
        """All is known that there is."""
        with self._lock:
            for id_ in self._unseen:
                self._remove(id_)
            self._unseen = set()
            self._is_read_anew = False
            if not self._is_loaded.is_set():
                # What others than the champion's trunk have embedded up to now is of versions before it.
                self._older |= {entry.embedder for entry in self._entries.values()} - {self._wanted}
            self._choose()
            self._is_loaded.set()

    def stale(self, partitions: Collection[int]) -> Stale:
        """What is to be embedded anew, or is over, in some partitions of the topic of item vectors.

        Nothing while all is read anew: older records of an item come before its latest.
        """
        now = self._clock()
        anew: dict[int, set[int]] = {}
        expired: list[str] = []
        with self._lock:
            if self._is_read_anew:
                return Stale(anew, expired)
            for id_, entry in self._entries.items():
                if entry.partition not in partitions:
                    continue
                if entry.expires <= now:
                    expired.append(id_)
                elif entry.embedder in self._older:
                    anew.setdefault(entry.partition, set()).add(entry.offset)
        return Stale(anew, expired)

    def is_latest(self, id_: str, offset: int) -> bool:
        """Whether nothing was told of an item after this record of it."""
        entry = self._entries.get(id_)
        return not self._is_read_anew and entry is not None and entry.offset == offset

    def is_expired(self, id_: str) -> bool:
        """Whether an item is there, and is over."""
        entry = self._entries.get(id_)
        return not self._is_read_anew and entry is not None and entry.expires <= self._clock()

    def expire(self) -> None:
        """Let go what is over."""
        for shelf in list(self._shelves.values()):
            shelf.items.expire(self._clock())

    @property
    def stale_items(self) -> int:
        """Live items that another embedder than the serving one has embedded."""
        with self._lock:
            return sum(entry.embedder != self._wanted for entry in self._entries.values())

    def _take(self, record: ConsumerRecord) -> None:
        id_ = (record.key or b"").decode("utf-8", "surrogatepass" if record.value else "replace")
        self._unseen.discard(id_)
        if record.value is None:
            self._remove(id_)
            return
        known = self._entries.get(id_)
        if known is not None and (known.partition, known.offset) == (record.partition, record.offset):
            return  # It is read anew, and was not changed.
        try:
            told = _decoder.decode(record.value)
            vector = np.frombuffer(told.vector, "<f4")
        except ValueError as error:
            log.warning("left out: no item vector", partition=record.partition, offset=record.offset, error=str(error))
            return
        # In seconds: an item of the year 9999 has no end that a calendar knows.
        expires = told.item.time.timestamp() + self._ttl if told.item.expires is None else told.item.expires.timestamp()
        # Every item has the same string for the same embedder, and not one of its own.
        embedder = sys.intern(told.embedder)
        self._entries[told.item.id] = _Entry(embedder, record.partition, record.offset, expires)
        if expires <= self._clock():
            self._take_off(told.item.id)
        else:
            self._put(told.item, embedder, vector)

    def _put(self, item: Item, embedder: str, vector: NDArray[np.float32]) -> None:
        shelf = self._shelves.get(embedder)
        if shelf is None:
            shelf = self._shelves[embedder] = Shelf(embedder, self._make_index(len(vector)))
        try:
            shelf.items.put(item, vector)
        except ValueError as error:
            log.warning("left out: not as wide as others of its embedder", error=str(error))

    def _remove(self, id_: str) -> None:
        self._entries.pop(id_, None)
        self._take_off(id_)

    def _take_off(self, id_: str) -> None:
        for shelf in self._shelves.values():
            shelf.items.remove(id_)

    def _choose(self) -> None:
        """The wanted index where enough is in it, else the one until now, else the fullest."""
        wanted = self._shelves.get(self._wanted)
        current = self._serving
        if wanted is not None and current is not wanted:
            live = max((len(shelf.items) for shelf in self._shelves.values()), default=0)
            if len(wanted.items) >= _ENOUGH * live:
                self._serve(wanted)
        elif current is None and self._shelves:
            self._serve(max(self._shelves.values(), key=lambda shelf: len(shelf.items)))

    def _serve(self, shelf: Shelf) -> None:
        before, self._serving = self._serving, shelf
        if before is not None:
            log.info("items of another embedder are recommended", embedder=shelf.embedder[:12], items=len(shelf.items))
        # What other workers embed that are not yet, or no longer, on this version, stays.
        if shelf.embedder == self._wanted:
            for embedder in self._older & self._shelves.keys():
                del self._shelves[embedder]
