"""Following topics: every record from now on, or from the beginning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from kafka import TopicPartition

from streams.brokers.client import consumer
from streams.brokers.errors import BrokerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import KafkaSettings

_POLL_MS = 100


class Follower:
    """Reads topics as they grow, without a consumer group. A context manager.

    Args:
        kafka: Where the brokers are; ``request_timeout_seconds`` is how long a silent one is waited for at the start.
        topics: Full names of topics that exist.
        from_beginning: Read what is there already, too.

    Raises:
        BrokerUnreachableError: No broker answers, or one falls silent.
    """

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str], *, from_beginning: bool) -> None:
        self._consumer = consumer(kafka)
        try:
            self.partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]
            self._consumer.assign(self.partitions)
            if from_beginning:
                self._consumer.seek_to_beginning(*self.partitions)
            else:
                _seek_to_end(self._consumer, self.partitions, kafka.request_timeout_seconds)
        except BaseException:
            self._consumer.close()
            raise

    def poll(self, timeout: float) -> list[ConsumerRecord]:
        """Records that came, in order of time and, within a partition, of offset; none after ``timeout`` seconds."""
        batches = self._consumer.poll(timeout_ms=round(timeout * 1000))
        # Stable, and a partition's own order is kept where its timestamps are not in order.
        queues = [list(reversed(records)) for records in batches.values()]
        merged = []
        while queues := [queue for queue in queues if queue]:
            merged.append(min(queues, key=lambda queue: queue[-1].timestamp).pop())
        return merged

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


def _seek_to_end(reader: KafkaConsumer, partitions: Sequence[TopicPartition], timeout: float) -> None:
    """Go to the high-water marks of a fetch.

    ListOffsets is not enough: for the latest offset Tansu answers the last batch's base offset + 1, which lies before
    the end. The fetch begins one before that, at a record that exists, so that it is answered at once.
    """
    beginnings = reader.beginning_offsets(partitions)
    ends = reader.end_offsets(partitions)
    for partition in partitions:
        reader.seek(partition, max(beginnings[partition], ends[partition] - 1))
    unknown = {partition for partition in partitions if ends[partition] > beginnings[partition]}
    deadline = time.monotonic() + timeout
    while unknown:
        reader.poll(timeout_ms=_POLL_MS)
        for partition in sorted(unknown):
            if (mark := reader.highwater(partition)) is not None:
                ends[partition] = mark
                unknown.discard(partition)
        if unknown and time.monotonic() > deadline:
            raise BrokerUnreachableError(f"the broker told nothing of {sorted(unknown)} within {timeout:g} s")
    for partition in partitions:
        reader.seek(partition, ends[partition])
