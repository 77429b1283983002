"""Slow work beside the stream: an intake that never waits, and one batch at a time behind it.

Faust hands the records of all topics on through one consumer: an agent that does not take its own holds up every other
agent of the worker. The pipeline of the quick agents may make the stream wait (``streams.worker.pipeline``): a batch
there is a matter of milliseconds. A batch here may be one of seconds, so what comes is always taken in; what has waited
for too long, or is too many, is done in another, quick way with the next batch, in order, and so is never lost. Should
so many come during one batch that memory is at stake, their topic alone is fetched no more for a while.

Batches do not overlap, unlike there: the work on one needs to know what became of the one before.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from streams.worker.guarding import guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from concurrent.futures import Executor

    from streams.logic.waiting import WaitingLine

# While somebody waits for what does not tell when it is ready.
_LOOK_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Results(Protocol):
    """What came of a batch."""

    done: int
    """So many of those that were not late are done, from the first on; the others stay in line."""


EventT = TypeVar("EventT")
ResultsT = TypeVar("ResultsT", bound=Results)


class Line(Generic[EventT, ResultsT]):
    """Carries events through slow work and delivery to the brokers, in order.

    Args:
        work: Makes the results of a batch, in a thread of the executor, from those that have waited for too long and
            from the first of the others; it must not raise for what is wrong with an event.
        deliver: Publishes the results and returns once the brokers have acknowledged all.
        acknowledge: Marks events as done, in order.
        on_fatal: Called once with what ended the line; nothing is acknowledged after that, so the process must end.
        executor: Where the work is done; others may share it.
        waiting: Who waits; empty.
        batch_max: Most events that are no late ones in a batch, as of now.
        is_ready: Whether others than late ones can be worked on; asked again and again.
    """

    def __init__(
        self,
        work: Callable[[Sequence[EventT], Sequence[EventT]], ResultsT],
        deliver: Callable[[ResultsT], Awaitable[None]],
        acknowledge: Callable[[Sequence[EventT], ResultsT], None],
        on_fatal: Callable[[BaseException], None],
        *,
        executor: Executor,
        waiting: WaitingLine[EventT],
        batch_max: Callable[[], int],
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._work = work
        self._deliver = deliver
        self._acknowledge = acknowledge
        self._on_fatal = on_fatal
        self._executor = executor
        self.waiting = waiting
        self._batch_max = batch_max
        self._is_ready = is_ready
        self._most: float = math.inf
        self._hold_back: Callable[[bool], None] = lambda _: None
        self._is_held_back = False
        self._late_in_hand = 0
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Events taken in and not yet acknowledged."""
        return len(self.waiting) + self._late_in_hand

    def bound(self, most: int, hold_back: Callable[[bool], None]) -> None:
        """Have the source hold back what it has while there are too many.

        Args:
            most: So many may wait.
            hold_back: Called with whether it is to; more may still come for a moment.
        """
        self._most, self._hold_back = most, hold_back

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        self._task = asyncio.create_task(guard(self._run, self._fail), name="line")

    def put(self, event: EventT, lane: int, since: float) -> None:
        """Take an event in, at once.

        While it is held, and once it is closed, an event is let go unacknowledged: it is read again, from what is
        committed, by whoever has its partition then.

        Args:
            event: What came.
            lane: Its partition.
            since: Since when it has waited, in seconds since the epoch.
        """
        if self._held or self._closed:
            return
        self.waiting.add(event, lane, since)
        if len(self.waiting) >= self._most:
            # Again with each: Faust forgets it in a rebalance.
            self._is_held_back = True
            self._hold_back(True)  # noqa: FBT003  its only argument
        self._changed.set()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Take nothing in until left; entered once the batch in hand is acknowledged. Who waits is let go.

        They could wait for longer than a rebalance may take.
        """
        self._held = True
        try:
            await self._idle.wait()
            self.waiting.clear()
            yield
        finally:
            self._held = False
            self._let_in()
            self._changed.set()

    async def close(self) -> None:
        """Take no more, finish the batch in hand, and stop; who waits is left to whoever comes after."""
        self._closed = True
        await self._idle.wait()
        await self.abort()

    async def abort(self) -> None:
        """Stop at once; what is in hand stays unacknowledged and is read again by whoever comes after."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._until_due()
            late = self.waiting.take_late(time.time())
            fresh = self.waiting.look(self._batch_max()) if self._is_ready() else []
            if not late and not fresh:
                continue
            self._late_in_hand = len(late)
            self._idle.clear()
            results = await loop.run_in_executor(self._executor, self._work, late, fresh)
            await self._deliver(results)
            done = fresh[: results.done]
            self.waiting.served(done)
            self._acknowledge([*late, *done], results)
            self._late_in_hand = 0
            self._idle.set()
            if len(self.waiting) < self._most / 2:
                self._let_in()

    async def _until_due(self) -> None:
        while (due := self._due_in()) != 0.0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), due)
            except TimeoutError:
                continue

    def _due_in(self) -> float | None:
        """Seconds until there is something to do, or until it is worth another look; None where somebody will tell."""
        late_in = self.waiting.late_in(time.time())
        if self._held or self._closed or late_in is None:
            return None
        return 0.0 if late_in <= 0.0 or self._is_ready() else min(late_in, _LOOK_SECONDS)

    def _let_in(self) -> None:
        if self._is_held_back:
            self._is_held_back = False
            self._hold_back(False)  # noqa: FBT003  its only argument

    def _fail(self, error: BaseException) -> None:
        self._closed = True
        self._idle.set()
        log.error("the line cannot go on; nothing after this is acknowledged", exc_info=error)
        self._on_fatal(error)
