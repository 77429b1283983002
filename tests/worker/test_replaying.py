"""Reading one partition back: to the end that it had, within its time, and never for ever."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest
from support.messages import produce

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerUnreachableError
from streams.brokers.kafka import ApacheKafkaBroker
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics, surge_state_topic
from streams.worker import replaying
from streams.worker.replaying import replay

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from aiokafka.structs import ConsumerRecord

    from streams.brokers.broker import Broker

pytestmark = pytest.mark.integration

KEY = b"clock"


@pytest.fixture(autouse=True)
def small_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that half a megabyte comes in many answers."""
    monkeypatch.setattr(replaying, "_FETCH_BYTES", 32_768)


def write(settings: Settings, count: int, size: int = 100) -> int:
    """Write so many numbered records of a size in bytes to one partition; its number."""
    value = b"x" * size
    ((partition, *_), *_) = produce(
        settings, surge_state_topic(settings.topics), [(KEY, b"%d %s" % (number, value), []) for number in range(count)]
    )
    return partition


def read(settings: Settings, partition: int, *, within: float = 30.0) -> Generator[list[ConsumerRecord], None, None]:
    return replay(settings.kafka, surge_state_topic(settings.topics), partition, within=within)


def test_what_is_written_meanwhile_is_not_waited_for(stream_settings: Settings, broker: Broker) -> None:
    partition = write(stream_settings, 600, size=1_000)
    batches = read(stream_settings, partition)
    read_first = next(records for records in batches if records)
    write(stream_settings, 50)
    answers = [read_first, *(records for records in batches if records)]
    # The embedded broker has no limit on what it answers.
    assert len(answers) > 10 or broker.engine == "tansu"
    assert [record.offset for records in answers for record in records] == list(range(600))


def test_an_empty_partition_is_read_at_once(stream_settings: Settings) -> None:
    partition = write(stream_settings, 1)
    assert [record for records in read(stream_settings, (partition + 1) % 4) for record in records] == []


@pytest.mark.kafka
def test_a_broker_that_dies_meanwhile_is_told_to_whoever_waits(
    kafka_jars: Path, tmp_path: Path, clean_environment: None
) -> None:
    """As a worker reads: in a thread of an executor, awaited in a loop, where a cancellation would pass for another."""
    reading, dead = threading.Event(), threading.Event()

    def read_on(settings: Settings, partition: int) -> None:
        for records in read(settings, partition):
            if records:
                reading.set()
                assert dead.wait(30)

    async def main(broker: Broker, settings: Settings, partition: int) -> None:
        with ThreadPoolExecutor(1) as executor:
            read_back = asyncio.get_running_loop().run_in_executor(executor, read_on, settings, partition)
            assert await asyncio.to_thread(reading.wait, 30)
            broker.kill()
            dead.set()
            with pytest.raises(BrokerUnreachableError, match=broker.bootstrap_servers):
                await asyncio.wait_for(read_back, 60)

    with ApacheKafkaBroker(tmp_path / "kafka", jars=kafka_jars, quick_start=True) as broker:
        settings = Settings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        partition = write(settings, 600, size=1_000)
        quick = settings.kafka.model_copy(update={"request_timeout_seconds": 2.0})
        asyncio.run(main(broker, settings.model_copy(update={"kafka": quick}), partition))


def test_a_reader_that_is_given_up_half_way_holds_nothing_open(stream_settings: Settings) -> None:
    partition = write(stream_settings, 600, size=1_000)
    own = psutil.Process()
    # Sockets that earlier clients left to the collector might be closed in the midst of this, and hide those of ours.
    gc.collect()
    before = len(own.net_connections("tcp"))
    batches = read(stream_settings, partition)
    assert next(records for records in batches if records)
    assert len(own.net_connections("tcp")) > before
    batches.close()
    # Fewer where what wrote them had a socket to close yet.
    assert len(own.net_connections("tcp")) <= before


def test_brokers_that_take_the_call_and_say_nothing_are_given_up_in_time(clean_environment: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        kafka = KafkaSettings(bootstrap_servers=address, request_timeout_seconds=600.0)
        with pytest.raises(TimeoutError):
            list(replay(kafka, "tocsin.surge-state", 0, within=0.5))
