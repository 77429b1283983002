"""Noticing that the brokers went away, and that they are back: kafka-python's consumer tells neither."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streams.brokers.client import is_listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.contract.settings import KafkaSettings

_EVERY_SECONDS = 1.0


class Presence:
    """Whether any broker is there, asked by a bare connection now and then.

    Ask while nothing comes: a record says by itself that a broker is there.

    Args:
        kafka: Where the brokers are.
        every: Seconds between two questions.
        clock: Seconds that only rise; given in tests.
    """

    def __init__(
        self, kafka: KafkaSettings, *, every: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kafka = kafka
        self._every = every
        self._clock = clock
        self._next = clock() + every
        self.is_there = True
        """By the last question."""

    def change(self) -> bool | None:
        """True where a broker is back, False where all are gone, None where nothing changed or it is early to ask."""
        if self._clock() < self._next:
            return None
        before, self.is_there = self.is_there, is_listening(self._kafka)
        self._next = self._clock() + self._every
        return None if self.is_there == before else self.is_there
