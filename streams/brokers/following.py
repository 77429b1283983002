"""Following topics: every record from now on, or from the beginning."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from kafka import TopicPartition
from kafka.errors import KafkaError

from streams.brokers.client import QUIET_FETCH_SECONDS, consumer
from streams.brokers.errors import BrokerUnreachableError, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kafka import KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import KafkaSettings

_POLL_MS = 100
_NONE: Mapping[str, int] = MappingProxyType({})


class Follower:
    """Reads topics as they grow, without a consumer group. A context manager.

    Args:
        kafka: Where the brokers are; ``request_timeout_seconds`` is how long a silent one is waited for at the start.
        topics: Full names of topics that exist.
        from_beginning: Read what is there already, too.
        last: Topics of which, whatever ``from_beginning`` says, so many records of each partition are read that are
            there already: the latest.
        fetch_wait_seconds: How long a broker may hold a fetch that finds nothing.

    Raises:
        BrokerUnreachableError: No broker answers, or one falls silent.
        TopicError: The brokers do not let a topic be read.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Sequence[str],
        *,
        from_beginning: bool,
        last: Mapping[str, int] = _NONE,
        fetch_wait_seconds: float = QUIET_FETCH_SECONDS,
    ) -> None:
        self._consumer = consumer(kafka, fetch_wait_seconds=fetch_wait_seconds)
        try:
            self.partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]
            whole = [partition for partition in self.partitions if from_beginning and partition.topic not in last]
            latest = [partition for partition in self.partitions if partition not in whole]
            # The ends by themselves first, since finding them reads.
            starts = _starts(self._consumer, latest, last, kafka.request_timeout_seconds)
            self._consumer.assign(self.partitions)
            if whole:
                self._consumer.seek_to_beginning(*whole)
            for partition, start in starts.items():
                self._consumer.seek(partition, start)
        except BaseException as error:
            self._consumer.close()
            if isinstance(error, KafkaError):
                raise unreadable(topics, error) from error
            raise

    def poll(self, timeout: float) -> list[ConsumerRecord]:
        """Records that came, in order of time and, within a partition, of offset; none after ``timeout`` seconds.

        Raises:
            TopicError: The brokers do not let a topic be read.
        """
        try:
            batches = self._consumer.poll(timeout_ms=round(timeout * 1000))
        except KafkaError as error:
            raise unreadable(sorted({partition.topic for partition in self.partitions}), error) from error
        # Stable, and a partition's own order is kept where its timestamps are not in order.
        queues = [list(reversed(records)) for records in batches.values()]
        merged = []
        while queues := [queue for queue in queues if queue]:
            merged.append(min(queues, key=lambda queue: queue[-1].timestamp).pop())
        return merged

    @property
    def is_at_end(self) -> bool:
        """Whether all has been handed over that the brokers had when they were last asked."""
        # A fetch's mark, since Tansu's ListOffsets answers too small an end. The position passes what is no record.
        marks = {partition: self._consumer.highwater(partition) for partition in self.partitions}
        return all(mark is not None and self._consumer.position(where) >= mark for where, mark in marks.items())

    def bounds(self, topic: str) -> dict[int, tuple[int, int]]:
        """How far a topic reaches, followed or not, without reading it.

        Returns:
            By partition, the first offset that is there and one past the last; empty where there is no such topic.
            (Tansu's answer falls short by what the last batch holds beyond its first record.)
        """
        numbers = sorted(self._consumer.partitions_for_topic(topic) or ())
        partitions = [TopicPartition(topic, number) for number in numbers]
        if not partitions:
            return {}
        firsts, ends = self._consumer.beginning_offsets(partitions), self._consumer.end_offsets(partitions)
        return {where.partition: (firsts[where], ends[where]) for where in partitions}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


def _starts(
    reader: KafkaConsumer, partitions: Sequence[TopicPartition], last: Mapping[str, int], timeout: float
) -> dict[TopicPartition, int]:
    """Where reading begins: so many records before the high-water marks of a fetch.

    ListOffsets is not enough: for the latest offset Tansu answers the last batch's base offset + 1, which lies before
    the end. The fetch begins one before that, at a record that exists, so that it is answered at once.
    """
    if not partitions:
        return {}
    reader.assign(partitions)
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
    return {where: max(beginnings[where], ends[where] - last.get(where.topic, 0)) for where in partitions}
