"""Saying that the broker is gone, or silent, and that it is back, while a command sends records and waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from streams.brokers.delivery import Delivery
from streams.brokers.presence import Presence
from streams.cli import common
from streams.contract.settings import KafkaSettings

_EVERY_SECONDS = 1.0
_SILENT_SECONDS = 5.0


def tell_change(presence: Presence, place: str) -> None:
    """Say on standard error that the broker is gone or is back, where it is so since the last look."""
    is_there = presence.change()
    if is_there is not None:
        told = "is back" if is_there else "is away: waiting for it"
        common.say(f"the broker at {place} {told}", common.err)


class BrokerWatch:
    """Looks after the broker of a delivery until left; a context manager.

    From a thread of its own: the sender may wait for its source meanwhile, or for kafka-python, which takes a broker
    for gone only when the time for a delivery is over.

    Args:
        kafka: Where the broker is.
        delivery: Of which it is asked whether it moves.
        clock: Seconds that only rise; given in tests.
    """

    def __init__(
        self, kafka: KafkaSettings, delivery: Delivery, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._place = kafka.bootstrap_servers
        self._delivery = delivery
        self._clock = clock
        self._presence = Presence(kafka, every=_EVERY_SECONDS, clock=clock)
        self._acknowledged = -1
        self._since = 0.0
        self._told = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)

    def look(self) -> None:
        """Look once, and say what has changed."""
        delivery, now = self._delivery, self._clock()
        if delivery.acknowledged != self._acknowledged:
            self._acknowledged, self._since, self._told = delivery.acknowledged, now, False
        tell_change(self._presence, self._place)
        waiting = delivery.sent - delivery.acknowledged - delivery.failed
        if not waiting or not self._presence.is_there:
            self._since = now
        elif not self._told and now - self._since > _SILENT_SECONDS:
            self._told = True
            told = common.some(waiting, "message waits", "messages wait")
            common.say(f"the broker at {self._place} is silent: {told} to be acknowledged", common.err)

    def _run(self) -> None:
        while not self._left.wait(_EVERY_SECONDS):
            self.look()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
