"""What is told beside the work: whoever tells waits for no broker, and decides and acts meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.contract.outgoing import Output
    from streams.worker.publisher import BatchPublisher

# Of one topic: a version makes a handful, so that is weeks of them.
_MOST = 1000
# A worker that stops has messages to finish, too.
_LAST_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Teller:
    """Publishes by tasks of its own: one for each topic, so that one that is away holds up no other.

    Args:
        publisher: Started before anything is told, and stopped after this.
    """

    def __init__(self, publisher: BatchPublisher) -> None:
        self._publisher = publisher
        self._waiting: dict[str, deque[Output]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def tell(self, outputs: Iterable[Output]) -> None:
        """Have outputs published, those of one topic in the order in which they come; in a running event loop.

        Where the brokers take nothing for so long that too many wait, the oldest are dropped, and the log says so.
        """
        for output in outputs:
            waiting = self._waiting.setdefault(output.topic, deque())
            if len(waiting) >= _MOST:
                waiting.popleft()
                log.error("too much waits to be told, and the oldest is dropped", topic=output.topic)
            waiting.append(output)
            if output.topic not in self._tasks:
                self._tasks[output.topic] = asyncio.create_task(self._publish(output.topic), name="teller")

    async def stop(self) -> None:
        """Give what waits a moment to be told; what the brokers do not take in it is lost."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks.values(), timeout=_LAST_SECONDS)
        if late:
            log.error("not told before the end", topics=sorted(self._tasks))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _publish(self, topic: str) -> None:
        waiting = self._waiting[topic]
        try:
            while waiting:
                outputs = list(waiting)
                waiting.clear()
                try:
                    refused = await self._publisher.publish(outputs)
                except Exception as error:
                    # What comes after it is told all the same.
                    log.exception("not told", topic=topic, error=repr(error))
                else:
                    if refused:
                        log.error("too large for the brokers, and not told", topic=topic, outputs=len(refused))
        finally:
            del self._tasks[topic]
