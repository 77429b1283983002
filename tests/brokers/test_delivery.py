from __future__ import annotations

import gc
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from support.messages import consume_all
from support.processes import wait_for

from streams.brokers import client
from streams.brokers.admin import create_topics
from streams.brokers.delivery import Delivery
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import KafkaSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture
def own_broker() -> Iterator[TansuBroker]:
    """A broker that a test may stop and kill."""
    with TansuBroker() as broker:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers), topics=TopicsSettings(partitions=1)
        )
        with client.admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        yield broker


def test_every_record_is_acknowledged_and_counted(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    with client.producer(stream_settings.kafka) as producer:
        delivery = Delivery(producer, topic, track_keys=True)
        for number in range(500):
            assert delivery.has_room(5)
            delivery.send(f"line {number}", f"k{number}", b"value %d" % number, [("h", b"1")])
        assert delivery.flush(20)
    assert (delivery.sent, delivery.acknowledged, delivery.failed, delivery.problem) == (500, 500, 0, None)
    assert delivery.take_acknowledged() == {f"k{number}" for number in range(500)}
    assert delivery.take_acknowledged() == frozenset()
    records = consume_all(stream_settings, topic, 500)
    assert {(record.key, record.value) for record in records} == {
        (b"k%d" % number, b"value %d" % number) for number in range(500)
    }
    assert {tuple(record.headers) for record in records} == {(("h", b"1"),)}


def test_a_record_that_is_too_large_fails_alone(own_broker: TansuBroker) -> None:
    with client.producer(KafkaSettings(bootstrap_servers=own_broker.bootstrap_servers)) as producer:
        delivery = Delivery(producer, "news")
        delivery.send("line 1", "a", b"x" * 2_000_000)
        delivery.send("line 2", "b", b"x")
        assert delivery.flush(10)
    assert (delivery.sent, delivery.acknowledged, delivery.failed) == (2, 1, 1)
    assert delivery.problem is not None
    assert delivery.problem.startswith("line 1: ")
    assert not delivery.broker_failed


@pytest.mark.parametrize("bounds", [{"max_records": 5}, {"max_bytes": 50}])
def test_a_broker_that_pauses_holds_the_sender_back(own_broker: TansuBroker, bounds: dict[str, int]) -> None:
    assert own_broker.pid is not None
    with client.producer(KafkaSettings(bootstrap_servers=own_broker.bootstrap_servers)) as producer:
        delivery = Delivery(producer, "news", **bounds)
        delivery.send("line 0", "k", b"0123456789")
        assert delivery.flush(10)
        os.kill(own_broker.pid, signal.SIGSTOP)
        # It stops when it is next interrupted, which may be after it has acknowledged some more.
        stopped = psutil.Process(own_broker.pid)
        wait_for(lambda: stopped.status() == psutil.STATUS_STOPPED, what="for the broker to stand still")
        try:
            sent = 0
            while delivery.has_room(0.05):
                delivery.send("line", "k", b"0123456789")
                sent += 1
            assert sent == 5
            assert not delivery.flush(0.05)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        assert delivery.has_room(10)
        assert delivery.flush(10)
    assert delivery.acknowledged == 6


@pytest.fixture
def collected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What the test leaves to the garbage collector is collected before the next, and no log record keeps it."""
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


# kafka-python leaves the sockets of refused connections to the garbage collector.
@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_dies_is_told_in_time(own_broker: TansuBroker) -> None:
    kafka = KafkaSettings(bootstrap_servers=own_broker.bootstrap_servers, delivery_timeout_seconds=1.0)
    with client.producer(kafka) as producer:
        delivery = Delivery(producer, "news")
        delivery.send("line 1", "a", b"x" * 2_000_000, position=0)
        delivery.send("line 2", "a", b"x", position=1)
        assert delivery.flush(10)
        assert delivery.first_unacknowledged is None, "what is too large is no reason to go back"
        own_broker.kill()
        began = time.monotonic()
        delivery.send("line 3", "b", b"x", position=2)
        assert delivery.first_unacknowledged == 2
        wait_for(lambda: delivery.broker_failed, 20, what="for the failure")
        assert time.monotonic() - began < 5
        delivery.send("line 5", "b", b"x", position=4)
        assert delivery.flush(10)
    assert (delivery.sent, delivery.acknowledged, delivery.failed) == (4, 1, 3)
    assert delivery.first_unacknowledged == 2
