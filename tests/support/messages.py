"""What integration tests say to a broker and read back, as plain bytes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import TopicPartition

from streams.brokers import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import Settings

Headers = list[tuple[str, bytes]]


class BytesName(str):
    """A header's name that goes out as bytes that are no UTF-8: kafka-python takes no name but a ``str``."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Its bytes on the wire."""
        return b"x-\xff\xfe" + super().encode(encoding, errors)


def produce(
    settings: Settings, topic: str, records: Iterable[tuple[bytes | None, bytes | None, Headers]]
) -> list[tuple[int, int]]:
    """Send records of (key, value, headers), and return the (partition, offset) of each once all are acknowledged."""
    with client.producer(settings.kafka) as producer:
        futures = [producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records]
        producer.flush()
        sent = [future.get(timeout=0) for future in futures]
    return [(metadata.partition, metadata.offset) for metadata in sent]


def consume_all(
    settings: Settings,
    topic: str,
    until: int | Callable[[Sequence[ConsumerRecord]], bool],
    timeout: float = 30.0,
) -> list[ConsumerRecord]:
    """Read a topic from its beginning, outside any group, until there is enough.

    Args:
        settings: Where the broker is.
        topic: An existing topic.
        until: So many records, or a condition on those read so far, asked after each fetch.
        timeout: Seconds until the test is failed.
    """
    enough = (lambda records: len(records) >= until) if isinstance(until, int) else until
    records: list[ConsumerRecord] = []
    deadline = time.monotonic() + timeout
    with client.consumer(settings.kafka) as consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while not enough(records):
            if time.monotonic() > deadline:
                raise AssertionError(f"{topic}: {len(records)} records after {timeout:g} s were not enough")
            for batch in consumer.poll(timeout_ms=200).values():
                records += batch
    return records


def first_input(settings: Settings) -> str:
    """The input topic that is named first."""
    return next(iter(settings.topics.inputs))


def feed(settings: Settings, count: int) -> None:
    """Send so many messages to the first input."""
    produce(settings, first_input(settings), [(str(n).encode(), b'{"text": "x"}', []) for n in range(count)])
