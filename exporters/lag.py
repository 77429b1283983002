"""Consumer lag: how far each group is behind on each of the application's topics.

Every measurement makes its clients anew and closes them, so that brokers that went away and came back, and topics made
meanwhile, need no care. It is one bounded round: a metadata request, two for each group, offsets and a fetch from each
leader, and one fetch more for each further group that is behind on the same partitions.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from kafka import TopicPartition
from kafka.errors import GroupIdNotFoundError, KafkaError, NoError, for_code
from kafka.protocol.admin import DescribeGroupsRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kafka import KafkaAdminClient, KafkaConsumer
    from kafka.consumer.fetcher import ConsumerRecord

    Offsets = Mapping[TopicPartition, int]

_POLL_MS = 100
_PAUSE_SECONDS = 0.1
_MS_PER_SECOND = 1000.0


class LagError(RuntimeError):
    """The brokers did not tell all in time; the message names what is missing."""


class Clients(NamedTuple):
    """Makers of the clients; both clients are context managers. The consumer belongs to no group."""

    admin: Callable[[], KafkaAdminClient]
    consumer: Callable[[], KafkaConsumer]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is measured.

    Attributes:
        topics: The application's topics; those that do not exist are left out.
        group: The application's own group. What it has not committed of its inputs it will read from the beginning.
        inputs: The topics among them that this group reads.
        others: Further groups, shown for the topics on which they have committed.
    """

    topics: Sequence[str]
    group: str
    inputs: Sequence[str]
    others: Sequence[str] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Each group once, the application's own first."""
        return tuple(dict.fromkeys((self.group, *self.others)))


@dataclass(frozen=True, slots=True)
class Lag:
    """Where one group stands in one partition.

    Attributes:
        group: The consumer group.
        topic: Full name of the topic.
        partition: Number of the partition.
        committed: Next offset that the group will read after a restart; None before its first commit.
        end: Offset of the next message to be written.
        messages: Messages not yet committed as done; an upper bound where a topic is compacted.
        seconds: Age of the oldest of them, by its Kafka timestamp; 0 where it bears none.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    messages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the brokers told.

    Attributes:
        starts: Offset of the oldest message that is kept in each partition.
        ends: Offset of the next message to be written to it.
        lags: By group, topic and partition.
        members: Number of members of each group.
    """

    starts: Offsets
    ends: Offsets
    lags: Sequence[Lag]
    members: Mapping[str, int]


class _Group(NamedTuple):
    """What a group's coordinator told."""

    committed: Offsets
    members: int


class _Unread(NamedTuple):
    """What was found from an offset on: the first message's timestamp in ms, None where there is none, and the end."""

    timestamp: int | None
    end: int


def measure(clients: Clients, scope: Scope, timeout: float) -> Measurement:
    """Ask the brokers where every group stands.

    The end of a partition is the high-water mark of a fetch, which is right on every broker (for the latest offset the
    embedded Tansu answers ListOffsets with the last batch's base offset + 1). The fetch begins where the group stands,
    so that it also tells how old the next message is, and whether what is left are messages at all.

    Args:
        clients: Makers of clients. How long a single request may take is set in them.
        scope: What is measured.
        timeout: Seconds that it may take. A single request that hangs is ended by the clients' own limit.

    Raises:
        LagError: The fetches took longer.
        kafka.errors.KafkaError: The brokers refuse something, or one went away.
    """
    deadline = time.monotonic() + timeout
    with clients.admin() as admin:
        partitions = _partitions(admin, scope.topics)
        told = {group: _until_told(partial(_group, admin, group, partitions), deadline) for group in scope.groups}
    with clients.consumer() as reader:
        starts: Offsets = reader.beginning_offsets(partitions)
        standing = {group: _standing(scope, group, told[group].committed, starts) for group in scope.groups}
        unread = _look(reader, _where_to_look(reader, starts, list(standing.values())), deadline)
        now = time.time()
        ends = {partition: reader.highwater(partition) for partition in partitions}
    lags = [
        _lag(group, partition, told[group].committed.get(partition), offset, unread[partition, offset], now)
        for group, offsets in standing.items()
        for partition, offset in sorted(offsets.items())
    ]
    return Measurement(starts, ends, lags, {group: place.members for group, place in told.items()})


def _partitions(admin: KafkaAdminClient, topics: Sequence[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in admin.describe_topics(list(topics))
        if topic["error_code"] == 0
        for partition in topic["partitions"]
    ]


def _until_told(ask: Callable[[], _Group], deadline: float) -> _Group:
    """What is asked; asked again where the error may pass, as while a new cluster makes its coordinators."""
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _group(admin: KafkaAdminClient, group: str, partitions: list[TopicPartition]) -> _Group:
    # One group a request: Tansu and brokers before 3.0 know no other.
    told = admin.list_group_offsets({group: partitions})[group] if partitions else {}
    committed = {partition: place.offset for partition, place in told.items() if place.offset >= 0}

    # Not describe_groups(), which always asks for access rights, and cannot read what Tansu answers to that.
    async def count_members() -> int:
        coordinators = await admin._find_coordinator_ids([group])  # noqa: SLF001  no public way
        request = DescribeGroupsRequest(groups=[group], include_authorized_operations=False)
        answer = await admin._manager.send(request, node_id=coordinators[group])  # noqa: SLF001  likewise
        (described,) = answer.groups
        problem = for_code(described.error_code)
        # A group that never was has no members; brokers from Kafka 4 on call that an error.
        if problem not in (NoError, GroupIdNotFoundError):
            raise problem
        return len(described.members)

    return _Group(committed, admin._manager.run(count_members))  # noqa: SLF001  likewise


def _standing(scope: Scope, group: str, committed: Offsets, starts: Offsets) -> dict[TopicPartition, int]:
    """Next offset that a group reads in each partition of the topics that it reads."""
    topics = {partition.topic for partition in committed}
    if group == scope.group:
        topics |= set(scope.inputs)
    # What retention has taken away cannot be read any more: the group will go on from the oldest message.
    return {
        partition: max(start, committed.get(partition, start))
        for partition, start in starts.items()
        if partition.topic in topics
    }


def _where_to_look(
    reader: KafkaConsumer, starts: Offsets, standing: Sequence[Offsets]
) -> dict[TopicPartition, list[int]]:
    """Offsets to fetch from: where groups stand; in what nobody reads, one that exists, near the end."""
    latest: Offsets = reader.end_offsets(list(starts))
    return {
        partition: sorted({offsets[partition] for offsets in standing if partition in offsets})
        or [max(start, latest[partition] - 1)]
        for partition, start in starts.items()
    }


def _look(
    reader: KafkaConsumer, places: Mapping[TopicPartition, Sequence[int]], deadline: float
) -> dict[tuple[TopicPartition, int], _Unread]:
    """What is unread from each of the offsets on: all partitions' first offsets in one round, then all second ones."""
    reader.assign(list(places))
    found: dict[tuple[TopicPartition, int], _Unread] = {}
    for offsets in zip_longest(*places.values()):
        waiting = {partition: offset for partition, offset in zip(places, offsets, strict=True) if offset is not None}
        for partition, offset in waiting.items():
            reader.seek(partition, offset)
        reader.resume(*waiting)
        while waiting:
            batches = reader.poll(timeout_ms=_POLL_MS)
            seen = {
                partition: unread
                for partition in waiting
                if (unread := _unread(reader, partition, batches.get(partition))) is not None
            }
            reader.pause(*seen)
            for partition, unread in seen.items():
                found[partition, waiting.pop(partition)] = unread
            if waiting and time.monotonic() > deadline:
                names = ", ".join(f"{partition.topic}/{partition.partition}" for partition in sorted(waiting))
                raise LagError(f"the brokers told nothing of {names} in time (exporter.timeout_seconds)")
    return found


def _unread(
    reader: KafkaConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord] | None
) -> _Unread | None:
    """What a poll told of a partition; None if it told nothing yet."""
    mark: int | None = reader.highwater(partition)
    if mark is None:
        return None
    if records:
        return _Unread(records[0].timestamp, mark)
    # The position passes what is no message: transaction markers, and offsets that compaction took away.
    return _Unread(None, mark) if reader.position(partition) >= mark else None


def _lag(group: str, partition: TopicPartition, committed: int | None, offset: int, unread: _Unread, now: float) -> Lag:
    messages, seconds = 0, 0.0
    if unread.timestamp is not None:
        messages = max(0, unread.end - offset)
        # Kafka takes records that bear no time (-1), whose age nobody knows.
        seconds = max(0.0, now - unread.timestamp / _MS_PER_SECOND) if unread.timestamp >= 0 else 0.0
    return Lag(group, partition.topic, partition.partition, committed, unread.end, messages, seconds)
