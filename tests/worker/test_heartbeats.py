"""Heartbeats reach every partition of the signals topic, and whatever becomes of them harms nobody."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs
from support.messages import consume_all

from streams.contract.incoming import Record
from streams.contract.settings import KafkaSettings, Settings, SurgeSettings
from streams.contract.signals import Heartbeat, UpstreamPartition
from streams.contract.topics import signals_topic
from streams.logic.inputs import InputClocks
from streams.logic.stall import Place, Position
from streams.worker.heartbeats import Heartbeats
from streams.worker.publisher import BatchPublisher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.outgoing import Output

OFTEN = SurgeSettings(heartbeat_seconds=0.05)


class Worker:
    """A worker's heartbeats, with positions that the test sets."""

    def __init__(self, settings: Settings, publisher: BatchPublisher | None = None) -> None:
        self.settings = settings.model_copy(update={"surge": OFTEN})
        self.publisher = publisher or BatchPublisher(settings.kafka)
        self.clocks = InputClocks(self.settings)
        self.positions: dict[Place, Position] = {}
        self.heartbeats = Heartbeats(self.clocks, lambda: self.positions, self.publisher, self.settings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.publisher.start()
        self.heartbeats.start()
        try:
            yield
        finally:
            await self.heartbeats.stop()
            await self.publisher.stop()


def read(settings: Settings, until: Callable[[Sequence[ConsumerRecord]], bool]) -> list[tuple[int, bytes, Heartbeat]]:
    records = consume_all(settings, signals_topic(settings.topics), until)
    return [(record.partition, record.key, msgspec.json.decode(record.value, type=Heartbeat)) for record in records]


def test_every_partition_hears_how_far_each_input_has_come(stream_settings: Settings) -> None:
    news, social, _ = stream_settings.topics.inputs
    now = time.time()

    async def main() -> list[tuple[int, bytes, Heartbeat]]:
        worker = Worker(stream_settings)
        for offset in range(2):
            record = Record(news, 1, offset, now, None, b"", ())
            progress = worker.clocks.observe(record, now - 60, now)
        worker.clocks.delivered({(news, 1): progress}, time.monotonic())
        worker.positions = {(news, 1): Position(2, 2), (social, 0): Position(0, 7)}
        async with worker.running():
            return await asyncio.to_thread(
                read, worker.settings, lambda records: len({record.partition for record in records}) == 4
            )

    heard = asyncio.run(main())
    assert {partition for partition, _, _ in heard} == {0, 1, 2, 3}
    assert {key for _, key, _ in heard} == {b""}
    for _, _, heartbeat in heard:
        assert heartbeat.worker
        assert abs(datetime.now(UTC) - heartbeat.time) < timedelta(minutes=1)
        assert heartbeat.partitions == [
            UpstreamPartition(topic=news, partition=1, watermark=now - 180, caught_up=True, idle=False),
            UpstreamPartition(topic=social, partition=0, watermark=None, caught_up=False, idle=False),
        ]


def test_a_heartbeat_follows_another(stream_settings: Settings) -> None:
    news = next(iter(stream_settings.topics.inputs))

    async def main() -> list[tuple[int, bytes, Heartbeat]]:
        worker = Worker(stream_settings)
        worker.positions = {(news, 0): Position(0, 0)}
        async with worker.running():
            return await asyncio.to_thread(read, worker.settings, lambda records: len(records) >= 12)

    in_partition = [heartbeat.time for partition, _, heartbeat in asyncio.run(main()) if partition == 0]
    assert len(in_partition) >= 3
    assert in_partition == sorted(set(in_partition))


class Faulty(BatchPublisher):
    """Publishes nothing: raises, or says that nothing was acknowledged, as long as the test wants."""

    def __init__(self, fault: BaseException | None) -> None:
        super().__init__(KafkaSettings())
        self.fault = fault
        self.works = False
        self.offered: list[Output] = []

    async def start(self) -> None:
        """There is no broker."""

    async def partitions_of(self, topic: str) -> list[int]:
        return [0, 1] if topic == "tocsin.signals" else []

    async def offer(self, outputs: Sequence[Output]) -> bool:
        self.offered += outputs
        if self.fault is not None and not self.works:
            raise self.fault
        return self.works


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  any condition, not only one that tells
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("fault", [None, RuntimeError("no more memory")])
def test_a_failing_heartbeat_is_told_of_once_and_the_next_one_is_made(fault: BaseException | None) -> None:
    publisher = Faulty(fault)

    async def main() -> list[tuple[str, str]]:
        worker = Worker(Settings(), publisher)
        worker.positions = {("news", 0): Position(0, 0)}
        with capture_logs() as logs:
            async with worker.running():
                await until(lambda: len(publisher.offered) >= 6)
                publisher.works = True
                await until(lambda: len(logs) >= 2)
        return [(entry["log_level"], entry["event"]) for entry in logs]

    assert asyncio.run(main()) == [
        ("warning", "a heartbeat failed: surge detection waits for the next"),
        ("info", "heartbeats are heard again"),
    ]
    assert {output.partition for output in publisher.offered} == {0, 1}


def test_a_worker_without_partitions_has_nothing_to_say() -> None:
    publisher = Faulty(None)
    publisher.works = True

    async def main() -> None:
        worker = Worker(Settings(), publisher)
        asked: list[None] = []
        worker.heartbeats = Heartbeats(
            worker.clocks, lambda: asked.append(None) or worker.positions, publisher, worker.settings
        )
        async with worker.running():
            await until(lambda: len(asked) >= 3)
            assert publisher.offered == []
            worker.positions = {("news", 0): Position(0, 0)}
            await until(lambda: publisher.offered)

    asyncio.run(main())


def test_it_may_be_stopped_before_it_was_started() -> None:
    asyncio.run(Worker(Settings()).heartbeats.stop())
