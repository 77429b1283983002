"""Follows one large compacted topic from its beginning on, record by record: nothing of it is kept here.

Every worker reads all of it, so there is no consumer group. A thread of its own reads, since kafka-python blocks. Small
topics that people write are followed by ``streams.worker.controls``, which holds them whole.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

import structlog
from kafka.errors import KafkaError

from streams.brokers.client import QUIET_FETCH_SECONDS, consumer
from streams.brokers.errors import BrokerError, BrokerUnreachableError
from streams.brokers.presence import Presence
from streams.worker.controls import assign_whole, is_at_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import KafkaSettings

_POLL_MS = 200
_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Sink(Protocol):
    """Takes what is read, in the reading thread."""

    def begin(self) -> None:
        """All is read anew from here: what does not come again is no longer there."""

    def apply(self, records: Sequence[ConsumerRecord]) -> None:
        """Take the next records of one partition, in order; it does not raise for what is wrong with one."""

    def caught_up(self) -> None:
        """All is read that was there when reading began."""


class Tail:
    """Reads a topic for a sink until closed, over the death of brokers too.

    Where the brokers were away everything is read again: a broker may have lost what it had.

    Args:
        kafka: Where the brokers are; ``request_timeout_seconds`` is how long a silent one is waited for.
        topic: Full name of a topic that is kept compacted.
        sink: Takes what is read.
        on_start: Called once in the reading thread, before it reads.
    """

    def __init__(
        self, kafka: KafkaSettings, topic: str, sink: Sink, on_start: Callable[[], None] = lambda: None
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._sink = sink
        self._on_start = on_start
        self._is_well = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tail {topic}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._kafka.request_timeout_seconds)

    def _run(self) -> None:
        self._on_start()
        while not self._stop.is_set():
            try:
                with consumer(self._kafka, fetch_wait_seconds=QUIET_FETCH_SECONDS) as reader:
                    self._read(reader)
            except (BrokerError, KafkaError, OSError) as error:
                if self._is_well and not self._stop.is_set():
                    log.warning("a topic cannot be followed: what was known holds on", problem=str(error))
                self._is_well = False
            except Exception as error:  # a thread that ends unseen would leave the worker deaf
                log.exception("a topic cannot be followed: trying on", topic=self._topic, error=repr(error))
            self._stop.wait(_PAUSE_SECONDS)

    def _read(self, reader: KafkaConsumer) -> None:
        behind = assign_whole(reader, [self._topic], self._kafka)
        presence = Presence(self._kafka)
        self._sink.begin()
        started = time.monotonic()
        deadline = started + self._kafka.request_timeout_seconds
        while not self._stop.is_set():
            batches = reader.poll(timeout_ms=_POLL_MS)
            for records in batches.values():
                self._sink.apply(records)
            if behind:
                behind -= {partition for partition in behind if is_at_end(reader, partition)}
                if not behind:
                    self._is_well = True
                    self._sink.caught_up()
                    seconds = round(time.monotonic() - started, 2)
                    log.info("a topic is known whole, and followed", topic=self._topic, seconds=seconds)
            if batches:
                deadline = time.monotonic() + self._kafka.request_timeout_seconds
            elif behind and time.monotonic() > deadline:
                raise BrokerUnreachableError(f"the broker told nothing of {sorted(behind)}")
            elif not behind and presence.change() is False:
                raise BrokerUnreachableError(f"no broker listens at {self._kafka.bootstrap_servers}")
