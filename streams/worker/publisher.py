"""Publishing by the batch: each partition's records in one request, and every record acknowledged before it returns.

Faust sends one message at a time, which costs more than all else around the model; so outputs go by aiokafka's own
producer, in batches made here (docs/adr/0001).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidMessageError, KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from streams.worker.security import aiokafka_security

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.contract.outgoing import Output
    from streams.contract.settings import KafkaSettings

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidMessageError)
# Below the usual limit of a broker on one batch (message.max.bytes, 1 MiB); a single larger record still goes alone.
_MAX_BATCH_BYTES = 512 * 1024
_FIRST_PAUSE_SECONDS = 0.1

LONGEST_PAUSE_SECONDS = 5.0
"""Between two attempts at most. An attempt itself takes as long as a request may, since the client repeats within that
time what may pass: so seldom is there a retry to count (``TocsinPublishRetriesRise``)."""

METADATA_AGE_MS = 30_000
"""How soon partitions that were added are found; what is in them would wait for the clients' own five minutes."""

TOO_MANY_PARTITIONS = "partitions were added where state is kept: they stay empty, and nothing moves"

_NONE: Mapping[str, int] = MappingProxyType({})

log = structlog.get_logger(__name__)


class NoPartitionError(RuntimeError):
    """An output names a partition that its topic does not have."""


class BatchPublisher:
    """Publishes outputs with the acknowledgement of all in-sync replicas.

    Args:
        kafka: How to reach the brokers.
        kept: From ``kept_in_place``: topics whose keys stay where they are, and over how many partitions.
        on_retry: Called for each attempt that failed and is made again; where a broker is away, once in
            ``kafka.request_timeout_seconds`` and a pause for each caller of ``publish``.
    """

    def __init__(
        self, kafka: KafkaSettings, kept: Mapping[str, int] = _NONE, *, on_retry: Callable[[], None] = lambda: None
    ) -> None:
        self._kafka = kafka
        self._kept = kept
        self._on_retry = on_retry
        self._partitioner = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None
        self._known: dict[str, list[int]] = {}
        self._warned: set[str] = set()

    async def start(self) -> None:
        """Connect to the brokers.

        Raises:
            aiokafka.errors.KafkaConnectionError: None can be reached.
        """
        self._producer = AIOKafkaProducer(**producer_options(self._kafka))
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is pending and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        """Publish outputs and wait until the brokers have acknowledged every one.

        Faults that may pass (a broker away, a leader moving) are tried again until they do, so the order of work
        behind this call holds; the worker's watchdog ends a wait that never ends.

        Returns:
            The outputs that no broker will ever take, because they are too large; all others are acknowledged.

        Raises:
            NoPartitionError: One is for a partition that its topic does not have.
        """
        waiting, refused = list(outputs), []
        pause = _FIRST_PAUSE_SECONDS
        while waiting:
            failed, too_large = await self._attempt(waiting)
            refused += too_large
            if failed:
                self._on_retry()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            waiting = failed
        return refused

    async def offer(self, outputs: Sequence[Output]) -> bool:
        """Publish outputs without waiting until the brokers take them: tried once.

        Returns:
            Whether the brokers have acknowledged every one.

        Raises:
            NoPartitionError: One is for a partition that its topic does not have.
        """
        failed, too_large = await self._attempt(list(outputs))
        return not (failed or too_large)

    def partition_by_key(self, topic: str) -> Callable[[bytes], int]:
        """How this publisher parts a topic's keys: as every other Kafka client does, by their hash.

        Raises:
            NoPartitionError: ``partitions_of`` has not been asked for the topic yet.
        """
        known = self._known.get(topic)
        if known is None:
            raise NoPartitionError(f"the partitions of {topic} have not been asked for")

        def partition(key: bytes) -> int:
            number: int = self._partitioner(key, known, known)
            return number

        return partition

    async def partitions_of(self, topic: str) -> list[int]:
        """Partitions of a topic that are written to, in order, as the brokers told last.

        Raises:
            aiokafka.errors.KafkaError: There is no such topic, or no broker tells.
        """
        known = sorted(await self._started.partitions_for(topic))
        kept = self._kept.get(topic)
        if kept is not None and len(known) > kept:
            if topic not in self._warned:
                self._warned.add(topic)
                log.warning(TOO_MANY_PARTITIONS, topic=topic, partitions=len(known), used=kept)
            known = known[:kept]
        self._known[topic] = known
        return known

    async def _attempt(self, outputs: list[Output]) -> tuple[list[Output], list[Output]]:
        try:
            batches = await self._group(outputs)
        except KafkaError as error:
            log.warning("no metadata of output topics", error=repr(error))
            return outputs, []
        results = await asyncio.gather(*(self._send(*batch) for batch in batches), return_exceptions=True)
        failed: list[Output] = []
        too_large: list[Output] = []
        for (topic, partition, members), result in zip(batches, results, strict=True):
            if isinstance(result, _TOO_LARGE):
                if len(members) == 1:
                    too_large += members
                else:  # one of them is: find it by sending each alone
                    for place, member in enumerate(members):
                        again, refused = await self._attempt([member])
                        too_large += refused
                        if again:  # what follows it waits, so as not to come before it
                            failed += members[place:]
                            break
            elif isinstance(result, (KafkaError, asyncio.TimeoutError)):
                log.warning("publish failed", topic=topic, partition=partition, error=repr(result))
                failed += members
            elif isinstance(result, BaseException):
                raise result
        return failed, too_large

    async def _group(self, outputs: list[Output]) -> list[tuple[str, int, list[Output]]]:
        groups: defaultdict[tuple[str, int], list[Output]] = defaultdict(list)
        partitions: dict[str, list[int]] = {}
        for output in outputs:
            known = partitions.get(output.topic)
            if known is None:
                known = partitions[output.topic] = await self.partitions_of(output.topic)
            groups[output.topic, self._partition(output, known)].append(output)
        return [(topic, partition, members) for (topic, partition), members in groups.items()]

    def _partition(self, output: Output, known: list[int]) -> int:
        if output.partition is None:
            partition: int = self._partitioner(output.key, known, known)
            return partition
        if output.partition not in known:
            raise NoPartitionError(
                f"{output.topic} has {len(known)} partitions and none of number {output.partition}: topics that "
                "belong together must have equally many (topics.partitions)"
            )
        return output.partition

    async def _send(self, topic: str, partition: int, members: list[Output]) -> None:
        batch = self._started.create_batch()
        for member in members:
            stamp = _milliseconds(member.timestamp)
            if batch.append(key=member.key, value=member.value, timestamp=stamp, headers=member.headers) is None:
                # One after the other: were one refused while the next is on its way, it would come after that.
                await (await self._started.send_batch(batch, topic, partition=partition))
                batch = self._started.create_batch()
                batch.append(key=member.key, value=member.value, timestamp=stamp, headers=member.headers)
        await (await self._started.send_batch(batch, topic, partition=partition))

    @property
    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("BatchPublisher.start() has not been awaited")
        return self._producer


def _milliseconds(timestamp: float | None) -> int | None:
    """A timestamp for Kafka, None for none; one of the future is now, since brokers refuse it."""
    if timestamp is None or timestamp < 0:
        return None
    return int(min(timestamp, time.time()) * 1000)


def producer_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Arguments of aiokafka's producer for these settings."""
    return {
        "bootstrap_servers": [address.strip() for address in kafka.bootstrap_servers.split(",")],
        "client_id": kafka.client_id,
        "acks": "all",
        # Outputs carry ids by which a repeat can be told; and an idempotent producer fails on the embedded broker.
        "enable_idempotence": False,
        "max_batch_size": _MAX_BATCH_BYTES,
        "linger_ms": 0,
        "request_timeout_ms": int(kafka.request_timeout_seconds * 1000),
        "metadata_max_age_ms": METADATA_AGE_MS,
        **aiokafka_security(kafka),
    }
