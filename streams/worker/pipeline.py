"""The order of work, from top to bottom: gather, infer, publish, have it acknowledged, acknowledge the inputs.

Batches overlap and never overtake: while one is being published the next are being read by the model, one in each lane,
and another waits at the door. Every input is acknowledged after its own outputs and after every input before it, so a
commit never passes a message that is not done. All that is held is bounded: one batch gathering, one in each lane, and
two more in hand.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from streams.worker.guarding import guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from streams.logic.batcher import Batcher

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")

# Beside those in the lanes: one that is being published, and one at the door.
_MORE_BATCHES_IN_HAND = 2

log = structlog.get_logger(__name__)


class Pipeline(Generic[EventT, ResultT]):
    """Carries events in batches through work in threads and delivery to the brokers, strictly in order.

    Args:
        work: Makes a batch's results, in one of ``lanes`` threads; it must not raise for what is wrong with a message.
        deliver: Publishes the results of one batch and returns once the brokers have acknowledged all.
        acknowledge: Marks the events of one batch as done, in order.
        on_fatal: Called once with what ended the pipeline; nothing is acknowledged after that, so the process must end.
        batcher: Gathers events into batches; empty.
        lanes: Batches that are worked on at the same time.
    """

    def __init__(
        self,
        work: Callable[[Sequence[EventT]], ResultT],
        deliver: Callable[[ResultT], Awaitable[None]],
        acknowledge: Callable[[Sequence[EventT], ResultT], None],
        on_fatal: Callable[[BaseException], None],
        batcher: Batcher[EventT],
        *,
        lanes: int = 1,
    ) -> None:
        self._work = work
        self._deliver = deliver
        self._acknowledge = acknowledge
        self._on_fatal = on_fatal
        self._batcher = batcher
        self._executor = ThreadPoolExecutor(max_workers=lanes, thread_name_prefix="work")
        self._lanes = lanes
        self._in_hand: asyncio.Queue[tuple[Sequence[EventT], asyncio.Future[ResultT]]] = asyncio.Queue()
        self._free_hands = asyncio.Semaphore(lanes + _MORE_BATCHES_IN_HAND)
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._settled = asyncio.Event()
        self._settled.set()
        self._working = 0
        self._unfinished = 0
        self._closed = False
        self._held = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def in_flight(self) -> int:
        """Events taken in and not yet acknowledged."""
        return self._unfinished

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        self._tasks = [
            asyncio.create_task(guard(self._dispatch, self._fail), name="dispatch"),
            asyncio.create_task(guard(self._finish, self._fail), name="finish"),
        ]

    async def put(self, event: EventT) -> None:
        """Take an event in; waits while a batch is already gathered, and for ever once closed.

        While intake is held an event is let go unacknowledged: its partition is being taken away, and it is read again,
        from what is committed, by whoever has that then. Kept until the hold is over it would be worked on beside them.
        """
        while self._closed or self._held or self._batcher.is_full:
            if self._held:
                # Whoever has many more must not keep the event loop from finishing what the hold waits for.
                await asyncio.sleep(0)
                return
            self._has_room.clear()
            await self._has_room.wait()
        self._unfinished += 1
        self._settled.clear()
        self._batcher.add(event, time.monotonic())
        self._changed.set()

    async def drain(self) -> None:
        """Wait until all that was taken in is published and acknowledged, or the pipeline has ended."""
        await self._settled.wait()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Take nothing in until left; entered once all that was taken in before is published and acknowledged.

        Who comes meanwhile, or waited for room, is let go.
        """
        self._held = True
        self._changed.set()
        try:
            await self.drain()
            yield
        finally:
            self._held = False
            self._has_room.set()

    async def close(self) -> None:
        """Take no more, finish what is in hand, and stop."""
        self._closed = True
        self._changed.set()
        await self.drain()
        await self.abort()

    async def abort(self) -> None:
        """Stop at once; what is in hand stays unacknowledged and is read again by whoever comes after."""
        self._end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _dispatch(self) -> None:
        """Hand each batch to a lane when it is due."""
        loop = asyncio.get_running_loop()
        while True:
            await self._free_hands.acquire()
            await self._until_due()
            events = self._batcher.take()
            self._has_room.set()
            self._working += 1
            work = loop.run_in_executor(self._executor, self._work, events)
            work.add_done_callback(self._worked)
            self._in_hand.put_nowait((events, work))

    async def _until_due(self) -> None:
        while (due := self._due_in()) != 0.0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), due)
            except TimeoutError:
                return

    def _due_in(self) -> float | None:
        if len(self._batcher) and (self._held or self._closed):
            return 0.0  # Nothing more comes: whoever waits for the rest does not wait for company.
        return self._batcher.due_in(time.monotonic(), free=self._working < self._lanes)

    def _worked(self, _: asyncio.Future[ResultT]) -> None:
        self._working -= 1
        self._changed.set()

    async def _finish(self) -> None:
        """Publish each batch's results in order, and acknowledge its events once the brokers have them."""
        while True:
            events, work = await self._in_hand.get()
            results = await work
            await self._deliver(results)
            self._acknowledge(events, results)
            self._free_hands.release()
            self._unfinished -= len(events)
            if self._unfinished == 0:
                self._settled.set()

    def _end(self) -> None:
        self._closed = True
        self._settled.set()

    def _fail(self, error: BaseException) -> None:
        self._end()
        log.error("the pipeline cannot go on; nothing after this is acknowledged", exc_info=error)
        self._on_fatal(error)
