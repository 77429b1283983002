"""Reading one partition back at speed: from its beginning to the end that it had when reading began.

By aiokafka, whose parsing of records is compiled: kafka-python, which the commands use, takes many times as much of the
processor, and a worker that takes over a partition of a busy group has none to spare.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError

from streams.brokers.errors import BrokerUnreachableError, TopicError
from streams.worker.header_names import spell_out_header_names
from streams.worker.security import aiokafka_security

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from aiokafka.structs import ConsumerRecord

    from streams.contract.settings import KafkaSettings

# Short: the end of an empty partition is known once a fetch is answered, of which nothing else tells.
_POLL_MS = 20
# Four times the usual: a partition is read back alone, and each answer costs a round trip.
_FETCH_BYTES = 4 * 1024 * 1024
_LEADERLESS_SECONDS = 3.0
_PAUSE_SECONDS = 0.05

T = TypeVar("T")


def replay(
    kafka: KafkaSettings, topic: str, partition: int, *, within: float
) -> Generator[list[ConsumerRecord], None, None]:
    """Every record of one partition, in order, many at a time.

    The end is the high-water mark of the first fetch: what is written meanwhile is not waited for. (Tansu's answer to
    ListOffsets for the latest offset is too small; the mark that comes with a fetch is right on every broker.) An event
    loop of its own turns while records are asked for, so it is iterated in a thread that has none.

    Args:
        kafka: Where the brokers are, and ``request_timeout_seconds``: how long a silent one is waited for.
        topic: Full name of the topic.
        partition: Its number.
        within: Seconds for all of it.

    Yields:
        Records; none where the broker had nothing to tell for a moment.

    Raises:
        TopicError: There is no such topic, or no such partition.
        BrokerUnreachableError: No broker answers, or one falls silent.
        TimeoutError: It was not read in time.
    """
    spell_out_header_names()
    deadline = time.monotonic() + within
    with asyncio.Runner() as runner:
        reader = runner.run(_made(kafka, topic, partition))
        try:
            runner.run(_by(deadline, reader.open()))
            while not reader.is_done:
                yield runner.run(_by(deadline, reader.more()))
        except TimeoutError:
            raise
        except (KafkaError, OSError) as error:
            raise BrokerUnreachableError(f"no broker lets us read at {kafka.bootstrap_servers}: {error}") from error
        finally:
            runner.run(reader.close())


async def _by(deadline: float, awaitable: Awaitable[T]) -> T:
    # Some of aiokafka's waits end with an answer alone: for a position where the broker that would tell it is gone.
    async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
        return await awaitable


async def _made(kafka: KafkaSettings, topic: str, partition: int) -> _Reader:
    """In the running loop, which aiokafka's clients look for as they are made."""
    return _Reader(kafka, topic, partition)


async def _soon(ask: Callable[[], Awaitable[T]], within: float) -> T:
    """The answer once there is something in it, or after so many seconds."""
    deadline = time.monotonic() + within
    while not (answer := await ask()) and time.monotonic() < deadline:  # noqa: ASYNC110  nobody tells when it is there
        await asyncio.sleep(_PAUSE_SECONDS)
    return answer


class _Reader:
    def __init__(self, kafka: KafkaSettings, topic: str, partition: int) -> None:
        self._kafka = kafka
        self._place = TopicPartition(topic, partition)
        self._end: int | None = None
        self._silence = 0.0
        self.is_done = False
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap_servers,
            client_id=kafka.client_id,
            request_timeout_ms=round(kafka.request_timeout_seconds * 1000),
            fetch_max_wait_ms=round(kafka.fetch_max_wait_seconds * 1000),
            max_partition_fetch_bytes=_FETCH_BYTES,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **aiokafka_security(kafka),
        )

    async def open(self) -> None:
        kafka, consumer, place = self._kafka, self._consumer, self._place
        await consumer.start()
        # By all topics: to ask for one that is missing would make it, where brokers make topics by themselves.
        # One whose leader changes seems to be missing.
        if not await _soon(self._is_there, _LEADERLESS_SECONDS):
            raise TopicError(f"no topic {place.topic} at {kafka.bootstrap_servers}: `tocsin topics create` makes it")
        consumer.assign([place])
        partitions = await _soon(self._partitions, kafka.request_timeout_seconds)
        if place.partition not in partitions:
            raise TopicError(
                f"topic {place.topic} has {len(partitions)} partitions, and none with the number {place.partition}"
            )
        await consumer.seek_to_beginning(place)

    async def _is_there(self) -> bool:
        return self._place.topic in await self._consumer.topics()

    async def _partitions(self) -> set[int]:
        return self._consumer.partitions_for_topic(self._place.topic) or set()

    async def more(self) -> list[ConsumerRecord]:
        consumer, place = self._consumer, self._place
        asked = time.monotonic()
        records: list[ConsumerRecord] = (await consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, [])
        if self._end is None:
            self._end = consumer.highwater(place)
        if self._end is not None:
            # The position passes what is no record: transaction markers, and offsets that compaction took away.
            self.is_done = await consumer.position(place) >= self._end
            records = [record for record in records if record.offset < self._end]
        # Only the time that the broker was asked counts: the caller's own is not its silence.
        self._silence = 0.0 if records else self._silence + time.monotonic() - asked
        if not self.is_done and self._silence > self._kafka.request_timeout_seconds:
            raise KafkaTimeoutError(f"nothing more is told of {place.topic}[{place.partition}]")
        return records

    async def close(self) -> None:
        try:
            await self._consumer.stop()
        except (asyncio.CancelledError, KafkaError, OSError):
            # Where its fetcher was about to ask again, stop() ends with the fetcher's own cancellation, half done.
            await self._consumer._client.close()  # noqa: SLF001  nothing else closes the connections then
