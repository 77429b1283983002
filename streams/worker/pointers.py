"""Follows the topic of model pointers, from its beginning on, for one model.

Not by Faust's global tables, which can lose an update over a rebalance: a reader of its own, without a consumer group,
which begins anew whenever the brokers were away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.contract.decoding import JsonDecoder
from streams.contract.model_records import ModelPointer, pointer_key
from streams.contract.topics import model_pointers_topic
from streams.worker.controls import Controls

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.model_records import PointedAlias
    from streams.contract.settings import Settings

_POLL_SECONDS = 0.1


class Pointers:
    """The latest pointer of each alias of the served model.

    Args:
        settings: Where the brokers are, the topic, and which model.
    """

    def __init__(self, settings: Settings) -> None:
        self._model = settings.model.name
        self._timeout = settings.kafka.request_timeout_seconds
        self._controls = Controls(settings.kafka)
        self._listeners: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._control = self._controls.follow(
            model_pointers_topic(settings.topics), JsonDecoder(ModelPointer).decode, self._changed
        )

    def latest(self, alias: PointedAlias) -> ModelPointer | None:
        """The pointer of an alias that was written last; a record that says so of another model is none of ours."""
        pointer = self._control.latest.get(pointer_key(self._model, alias).decode())
        return pointer if pointer is not None and (pointer.model, pointer.alias) == (self._model, alias) else None

    def listen(self, on_change: Callable[[], None]) -> None:
        """Have somebody told, in the event loop, whenever a pointer has changed."""
        self._listeners.append(on_change)

    def start(self) -> None:
        """Begin to read; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._controls.start()

    async def caught_up(self) -> None:
        """Return once all is known that was there at the start.

        Raises:
            TimeoutError: That takes longer than ``kafka.request_timeout_seconds``; the log says why.
        """
        # Not by a thread that waits: it would keep a worker from stopping.
        async with asyncio.timeout(self._timeout):
            while not self._controls.is_caught_up:  # noqa: ASYNC110  told by a thread of the other kind
                await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Read no more."""
        await asyncio.to_thread(self._controls.close)

    def _changed(self, _key: str, _pointer: ModelPointer | None) -> None:
        if self._loop is None:
            return
        for listener in self._listeners:
            self._loop.call_soon_threadsafe(listener)
