"""A line whose events are acknowledged in checkpoints: what they changed is kept first, once for many of them.

Events that were worked on are held until the work says that they are settled. Something may be due at certain times,
too, whether events come or not. Before partitions are given up, and at the end, all is settled at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import structlog

from streams.logic.waiting import WaitingLine
from streams.worker.line import Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from concurrent.futures import Executor

# How late what is due may be found.
_LOOK_SECONDS = 0.1
_AT_LEAST_SECONDS = 0.005
_NO_LANE = -1

log = structlog.get_logger(__name__)


class Results(Protocol):
    """What came of a batch."""

    done: int
    settled: int
    """So many of the events that are held, the first ones, may be acknowledged."""


EventT = TypeVar("EventT")
ResultsT = TypeVar("ResultsT", bound=Results)
EventT_contra = TypeVar("EventT_contra", contravariant=True)
ResultsT_co = TypeVar("ResultsT_co", bound=Results, covariant=True)


class Work(Protocol[EventT_contra, ResultsT_co]):
    """What is done with events, in one thread; it must not raise for what is wrong with one."""

    def apply(self, events: Sequence[EventT_contra], /) -> ResultsT_co:
        """Take events in, and do what is due; from none, the latter alone."""

    def flush(self) -> ResultsT_co:
        """Settle all."""

    def due_in(self) -> float | None:
        """Seconds until there is something to do without an event; None where there is nothing. From any thread."""


class CheckpointedLine(Line["EventT | None", ResultsT], Generic[EventT, ResultsT]):
    """Carries events through work and delivery, and acknowledges those that are settled.

    Args:
        work: What is done.
        deliver: Publishes the results and returns once the brokers have acknowledged all.
        acknowledge: Marks events as done, in order; told the results that settled them.
        on_fatal: Called once with what ended the line; nothing is acknowledged after that, so the process must end.
        executor: One thread, in which the work is done.
        batch_max: Most events in a batch.
        is_ready: Whether events can be worked on; asked again and again.
    """

    def __init__(
        self,
        work: Work[EventT, ResultsT],
        deliver: Callable[[ResultsT], Awaitable[None]],
        acknowledge: Callable[[Sequence[EventT], ResultsT], None],
        on_fatal: Callable[[BaseException], None],
        *,
        executor: Executor,
        batch_max: int,
        is_ready: Callable[[], bool],
    ) -> None:
        def work_on(late: Sequence[EventT | None], fresh: Sequence[EventT | None]) -> ResultsT:
            results = work.apply([event for event in (*late, *fresh) if event is not None])
            results.done = len(fresh)
            return results

        super().__init__(
            work_on,
            deliver,
            self._settle,
            on_fatal,
            executor=executor,
            waiting=everybody_waits(),
            batch_max=lambda: batch_max,
            is_ready=is_ready,
        )
        self._does = work
        self._done_with = acknowledge
        self._unsettled: deque[EventT] = deque()
        self._is_told = False
        """Whether somebody waits in line who only tells the time."""
        self._clock: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Events taken in and not yet acknowledged."""
        return super().in_flight + len(self._unsettled)

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        super().start()
        self._clock = asyncio.create_task(self._tell_time(), name="line's clock")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Take nothing in until left; entered once all that was worked on is settled and acknowledged."""
        async with super().held():
            self._is_told = False  # Who waited was let go.
            await self._settle_all()
            yield

    async def close(self) -> None:
        """Take no more, settle what was worked on, and stop; who waits is left to whoever comes after."""
        self._closed = True
        await self._idle.wait()
        await self._settle_all()
        await self.abort()

    async def abort(self) -> None:
        """Stop at once; what is in hand stays unacknowledged and is read again by whoever comes after."""
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        await super().abort()

    def _settle(self, events: Sequence[EventT | None], results: ResultsT) -> None:
        self._unsettled.extend(event for event in events if event is not None)
        self._is_told &= None not in events
        self._done_with([self._unsettled.popleft() for _ in range(results.settled)], results)

    async def _settle_all(self) -> None:
        if self._task is None or self._task.done():
            return  # Not begun, or ended: what is held is read again.
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._executor, self._does.flush)
            await self._deliver(results)
            self._settle([], results)
        except Exception as error:
            self._closed = True
            log.exception("the line cannot go on; nothing after this is acknowledged")
            self._on_fatal(error)

    async def _tell_time(self) -> None:
        while True:
            due = self._does.due_in()
            if due == 0.0 and not self._is_told and not (self._held or self._closed):
                self._is_told = True
                self.put(None, _NO_LANE, time.time())
            await asyncio.sleep(_LOOK_SECONDS if due is None else min(max(due, _AT_LEAST_SECONDS), _LOOK_SECONDS))


def everybody_waits() -> WaitingLine[EventT]:
    """A line in which nobody has ever waited for too long."""
    return WaitingLine(room=2**62, patience=float("inf"))
