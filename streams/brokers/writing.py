"""Writing single records, each acknowledged: what a person's word on a topic goes through."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from kafka.errors import KafkaError

from streams.brokers.client import producer
from streams.brokers.errors import BrokerError
from streams.brokers.placing import place_of
from streams.contract.cloudevents import headers
from streams.contract.records import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka import KafkaProducer
    from msgspec import Struct

    from streams.contract.settings import KafkaSettings

_NONE: Mapping[str, int] = MappingProxyType({})


class NotWrittenError(BrokerError):
    """The brokers did not take a record; the message names the topic."""


class Writer:
    """Writes records one at a time, from any thread. A context manager; it connects at the first record.

    Args:
        kafka: Where the brokers are; ``delivery_timeout_seconds`` is how long one record may take.
        kept: From ``kept_in_place``: topics whose keys stay where they are, and over how many partitions.
    """

    def __init__(self, kafka: KafkaSettings, kept: Mapping[str, int] = _NONE) -> None:
        self._kafka = kafka
        self._kept = kept
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def put(self, topic: str, key: bytes, record: Struct | None) -> None:
        """Write one record, and return once it is acknowledged by all in-sync replicas.

        Args:
            topic: Full name of a topic that exists.
            key: Key of the record.
            record: Told to be what it is by CloudEvents headers; None removes what the key had on a compacted topic.

        Raises:
            BrokerUnreachableError: No broker answers.
            NotWrittenError: The brokers do not take the record.
        """
        value, event = None, []
        if record is not None:
            value = encode(record)
            event = headers(id=uuid4().hex, type=f"tocsin.{type(record).__name__.lower()}", time=datetime.now(UTC))
        # One after the other, so that what one person does twice stays in order.
        with self._lock:
            if self._producer is None:
                self._producer = producer(self._kafka, linger_ms=0)
            try:
                place = place_of(self._producer, topic, key, self._kept.get(topic))
                sent = self._producer.send(topic, key=key, value=value, headers=event, partition=place)
                sent.get(timeout=self._kafka.delivery_timeout_seconds)
            except KafkaError as error:
                self._disconnect()
                raise NotWrittenError(f"{topic} was not written to: {error}") from error

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        connected, self._producer = self._producer, None
        if connected is not None:
            with suppress(KafkaError):
                connected.close(timeout=1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
