"""Handing every change of the view to every page that is open, each in its order and none of them twice."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

# A page that is so far behind begins anew with a snapshot.
_MOST_WAITING = 1000


class Event(NamedTuple):
    """One event of the stream, ready to be sent."""

    id: str
    """Of this run and a number that rises, so that a page knows what it has seen."""
    name: str
    data: bytes
    """JSON."""


class Subscriber:
    """The events of one page. Read in the event loop alone.

    Args:
        loop: The event loop of the page's connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.is_behind = False
        """It was too slow: its connection is to be closed, so that it comes again for a snapshot."""

    async def next(self) -> Event | None:
        """The next event; None where there will be no more."""
        return await self._queue.get()

    def push(self, event: Event | None) -> None:
        """Hand it an event, from any thread."""
        self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: Event | None) -> None:
        if self.is_behind:
            return  # It is told already, and may not listen for hours.
        if event is not None and self._queue.qsize() >= _MOST_WAITING:
            self.is_behind, event = True, None
        self._queue.put_nowait(event)


class Hub:
    """All pages that are open. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[Subscriber] = set()
        self._run = uuid4().hex[:8]
        self._number = 0
        self._closed = False

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._subscribers)

    @contextmanager
    def subscribed(self, subscriber: Subscriber, first: Callable[[], bytes]) -> Iterator[None]:
        """Hand a subscriber a snapshot and then whatever is published, with nothing lost between the two.

        Args:
            subscriber: Whom.
            first: Makes the snapshot, as JSON.
        """
        with self._lock:
            subscriber.push(Event(self._id(), "snapshot", first()))
            self._subscribers.add(subscriber)
            if self._closed:
                subscriber.push(None)
        try:
            yield
        finally:
            with self._lock:
                self._subscribers.discard(subscriber)

    def publish(self, name: str, data: Callable[[], bytes]) -> None:
        """Hand an event to all.

        Args:
            name: Of the event.
            data: Changes what a snapshot would tell, and makes the event's JSON: within the lock, so that no page gets
                a snapshot that knows of a change and then the change.
        """
        with self._lock:
            content = data()
            self._number += 1
            event = Event(self._id(), name, content)
            for subscriber in self._subscribers:
                subscriber.push(event)

    def reading(self, ask: Callable[[], T]) -> T:
        """Ask something while nothing is published."""
        with self._lock:
            return ask()

    def close(self) -> None:
        """End every stream; those that come later end at once."""
        with self._lock:
            self._closed = True
            for subscriber in self._subscribers:
                subscriber.push(None)

    def _id(self) -> str:
        return f"{self._run}-{self._number}"
