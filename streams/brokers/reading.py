"""Reading a topic whole: from its beginning to the end that it had when reading began."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import TopicPartition

from streams.brokers.client import consumer
from streams.brokers.errors import BrokerUnreachableError, TopicError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import Settings

_POLL_MS = 200


def read_all(settings: Settings, topic: str) -> Iterator[ConsumerRecord]:
    """Every record of a topic, each partition in order, without a consumer group.

    The end of a partition is the high-water mark of its first fetch: what is written meanwhile is not waited for, and
    an idle partition costs one fetch. (Tansu's answer to ListOffsets for the latest offset is too small; the mark that
    comes with a fetch is right on every broker.)

    Args:
        settings: Where the brokers are, and ``kafka.request_timeout_seconds``: how long a silent broker is waited for.
        topic: Full name of the topic.

    Raises:
        TopicError: There is no such topic.
        BrokerUnreachableError: No broker answers, or one falls silent.
    """
    with consumer(settings.kafka) as reader:
        partitions = reader.partitions_for_topic(topic)
        if not partitions:
            raise TopicError(f"no topic {topic} at {settings.kafka.bootstrap_servers}: `tocsin topics create` makes it")
        assigned = [TopicPartition(topic, number) for number in sorted(partitions)]
        reader.assign(assigned)
        reader.seek_to_beginning(*assigned)
        yield from _until_marks(reader, assigned, settings.kafka.request_timeout_seconds)


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
