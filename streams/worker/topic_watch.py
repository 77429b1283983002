"""Whether the topics are still there: a worker whose topics are gone has nothing to read, and would wait for ever.

A broker that keeps nothing over its own death comes back without them, and somebody may delete one. To the worker it
looks like silence: no lag is told of a topic that does not exist, so the watchdog sees nothing that should move. A name
says too little: brokers that make topics by themselves make one for whoever reads it, as this worker still does, empty
and with as many partitions as they please. So topics are known by their ids.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog
from kafka.errors import KafkaError

from streams.brokers.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_EVERY_SECONDS = 10.0
# A broker that has just started may not know all of its topics yet.
_LOOKS = 2

log = structlog.get_logger(__name__)


class TopicsGoneError(RuntimeError):
    """Topics that were there when the worker started are there no longer, or are others; the worker must end."""


class TopicWatch:
    """Looks now and then. Belongs to one event loop.

    Args:
        names: Topics that there must be.
        ids: The topics that there are, by name, with their ids, None where the broker gives none; called in a thread.
        servers: Where that is, for the message.
        on_gone: Told once, where topics are gone twice in a row.
        every: Seconds between two looks.
    """

    def __init__(
        self,
        names: Sequence[str],
        ids: Callable[[], Mapping[str, str | None]],
        servers: str,
        on_gone: Callable[[TopicsGoneError], None],
        *,
        every: float = _EVERY_SECONDS,
    ) -> None:
        self._names = names
        self._ids = ids
        self._known: dict[str, str] = {}
        self._servers = servers
        self._on_gone = on_gone
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> Self:
        """Begin to look; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="topics")
        return self

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await self._look()  # to know them by
        looks = 0
        while looks < _LOOKS:
            await asyncio.sleep(self._every)
            gone = await self._look()
            if gone is not None:  # a broker that does not answer says nothing of its topics
                looks = looks + 1 if gone else 0
        self._on_gone(
            TopicsGoneError(
                f"topics {', '.join(gone or ())} at {self._servers} are gone, or others are there under their names: "
                "what was in them is lost to this worker. Where the broker keeps nothing over its death, as the "
                "embedded one, `tocsin topics create` makes those that are missing"
            )
        )

    async def _look(self) -> list[str] | None:
        try:
            ids = await asyncio.to_thread(self._ids)
        except (BrokerError, KafkaError, OSError) as error:
            log.debug("topics cannot be looked for", error=str(error))
            return None
        except Exception as error:  # such as a certificate that is just being renewed: nobody else looks
            log.exception("topics cannot be looked for: trying on", error=repr(error))
            return None
        return [name for name in self._names if name not in ids or self._is_another(name, ids[name])]

    def _is_another(self, name: str, told: str | None) -> bool:
        return told is not None and self._known.setdefault(name, told) != told
