"""Reading a topic whole: from its beginning to the end that it had when reading began."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.brokers.client import consumer
from streams.brokers.errors import RIGHTS_ADVICE, BrokerUnreachableError, TopicError, unreadable
from streams.brokers.placing import place
from streams.contract.topics import kept_in_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import Settings

_POLL_MS = 200


def read_all(settings: Settings, topic: str, *, partition: int | None = None) -> Iterator[ConsumerRecord]:
    """Every record of a topic, or of one partition, each partition in order, without a consumer group.

    The end of a partition is the high-water mark of its first fetch: what is written meanwhile is not waited for, and
    an idle partition costs one fetch. (Tansu's answer to ListOffsets for the latest offset is too small; the mark that
    comes with a fetch is right on every broker.)

    Args:
        settings: Where the brokers are, and ``kafka.request_timeout_seconds``: how long a silent broker is waited for.
        topic: Full name of the topic.
        partition: The only one to be read; all where absent.

    Raises:
        TopicError: There is no such topic, or no such partition, or the brokers do not let it be read.
        BrokerUnreachableError: No broker answers, or one falls silent.
    """
    with consumer(settings.kafka) as reader:
        partitions = _partitions(reader, settings, topic)
        if partition is not None and partition not in partitions:
            raise TopicError(f"topic {topic} has {len(partitions)} partitions, and none with the number {partition}")
        yield from _read(reader, settings, topic, partitions if partition is None else [partition])


def read_key(settings: Settings, topic: str, key: bytes) -> Iterator[ConsumerRecord]:
    """Every record of one key, in order: only the partition is read that such keys are sent to.

    Args:
        settings: As in ``read_all``.
        topic: Full name of a topic whose producers partition by key as Kafka's own do.
        key: Key of the records.

    Raises:
        TopicError: There is no such topic, or the brokers do not let it be read.
        BrokerUnreachableError: No broker answers, or one falls silent.
    """
    with consumer(settings.kafka) as reader:
        partitions = _partitions(reader, settings, topic)
        partition = partitions[place(key, len(partitions), kept_in_place(settings).get(topic))]
        yield from (record for record in _read(reader, settings, topic, [partition]) if record.key == key)


def _partitions(reader: KafkaConsumer, settings: Settings, topic: str) -> list[int]:
    try:
        partitions = reader.partitions_for_topic(topic)
    except KafkaError as error:
        raise unreadable([topic], error) from error
    if not partitions:
        # A topic that may not be seen looks as if it were none.
        raise TopicError(
            f"no topic {topic} at {settings.kafka.bootstrap_servers}: `tocsin topics create` makes it; "
            f"where it is there, {RIGHTS_ADVICE}"
        )
    return sorted(partitions)


def _read(reader: KafkaConsumer, settings: Settings, topic: str, partitions: list[int]) -> Iterator[ConsumerRecord]:
    assigned = [TopicPartition(topic, number) for number in partitions]
    try:
        reader.assign(assigned)
        reader.seek_to_beginning(*assigned)
        yield from _until_marks(reader, assigned, settings.kafka.request_timeout_seconds)
    except KafkaError as error:
        raise unreadable([topic], error) from error


def _until_marks(reader: KafkaConsumer, assigned: list[TopicPartition], timeout: float) -> Iterator[ConsumerRecord]:
    ends: dict[TopicPartition, int] = {}
    open_partitions = set(assigned)
    deadline = time.monotonic() + timeout
    while open_partitions:
        batches = reader.poll(timeout_ms=_POLL_MS)
        for partition in open_partitions:
            if partition not in ends and (mark := reader.highwater(partition)) is not None:
                ends[partition] = mark
        for partition, records in batches.items():
            yield from (record for record in records if record.offset < ends[partition])
        if batches:  # set after they were handed over: the caller's own time is not the broker's silence
            deadline = time.monotonic() + timeout
        # The position passes what is no record: transaction markers, and offsets that compaction took away.
        done = {
            partition
            for partition in open_partitions
            if partition in ends and reader.position(partition) >= ends[partition]
        }
        reader.pause(*done)
        open_partitions -= done
        if time.monotonic() > deadline:
            raise BrokerUnreachableError(f"the broker told nothing of {sorted(open_partitions)} within {timeout:g} s")
