"""Heartbeats: what keeps event time going on for surge detection, whether messages come or not.

Each goes to every partition of the signals topic, since whoever reads one partition hears only what is told there.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from streams.contract.outgoing import Output
from streams.contract.records import encode
from streams.contract.signals import Heartbeat
from streams.contract.topics import signals_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.contract.settings import Settings
    from streams.logic.inputs import InputClocks
    from streams.logic.stall import Place, Position
    from streams.worker.publisher import BatchPublisher

log = structlog.get_logger(__name__)


class Heartbeats:
    """Tells, once in a while, how far this worker's input partitions have come.

    A heartbeat that fails is not sent again: the next one says more. Nothing else waits for it, or fails with it.

    Args:
        clocks: How far each input partition has come.
        positions: Where the worker stands in each of its partitions; empty before it has any.
        publisher: Sends what is told; started, and stopped after this.
        settings: Name of the topic, and how often.
    """

    def __init__(
        self,
        clocks: InputClocks,
        positions: Callable[[], Mapping[Place, Position]],
        publisher: BatchPublisher,
        settings: Settings,
    ) -> None:
        self._clocks = clocks
        self._positions = positions
        self._publisher = publisher
        self._topic = signals_topic(settings.topics)
        self._every = settings.surge.heartbeat_seconds
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._telling: asyncio.Task[None] | None = None
        self._is_heard = True

    def start(self) -> None:
        """Begin to tell; needs a running event loop."""
        self._telling = asyncio.create_task(self._tell_for_ever(), name="heartbeats")

    async def stop(self) -> None:
        """Tell no more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell_for_ever(self) -> None:
        while True:
            try:
                self._note(heard=await self._tell())
            except Exception as error:  # noqa: BLE001  whatever it is, the stream goes on
                self._note(heard=False, error=repr(error))
            await asyncio.sleep(self._every)

    async def _tell(self) -> bool:
        upstream = self._clocks.report(self._positions(), time.monotonic())
        if not upstream:
            return True
        value = encode(Heartbeat(worker=self._worker, time=datetime.now(UTC), partitions=upstream))
        partitions = await self._publisher.partitions_of(self._topic)
        return await self._publisher.offer([Output(self._topic, b"", value, partition=number) for number in partitions])

    def _note(self, *, heard: bool, error: str = "not acknowledged") -> None:
        if heard != self._is_heard:
            self._is_heard = heard
            if heard:
                log.info("heartbeats are heard again", topic=self._topic)
            else:
                log.warning("a heartbeat failed: surge detection waits for the next", topic=self._topic, error=error)
