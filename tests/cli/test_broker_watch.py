"""A command that sends says within seconds that its broker is gone, goes on when it is back, and can be stopped."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.messages import consume_all
from support.processes import run_tocsin, settings_env, wait_for

from streams.brokers.admin import create_topics
from streams.brokers.broker import free_port
from streams.brokers.client import admin_client
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker
from streams.cli import common
from streams.cli.broker_watch import BrokerWatch
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.brokers.broker import Broker

# What is promised is about ten seconds; the machine may be busy.
TOLD_SECONDS = 12.0


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


def settings_of(broker: Broker) -> Settings:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers))
    with admin_client(settings.kafka) as admin:
        create_topics(admin, all_topics(settings))
    return settings


def test_silence_is_told_once_and_absence_is_not_silence(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}")
    delivery: Any = SimpleNamespace(sent=0, acknowledged=0, failed=0)
    now = 0.0
    watch = BrokerWatch(kafka, delivery, clock=lambda: now)

    def told(*seconds: float) -> list[str]:
        nonlocal now
        for now in seconds:  # noqa: B007  the clock
            watch.look()
        return capsys.readouterr().err.splitlines()

    place = f"the broker at 127.0.0.1:{port}"
    with listening(port):
        assert told(1, 20) == []  # nothing waits
        delivery.sent = 1
        assert told(21, 25) == []
        assert told(26, 27, 40) == [f"{place} is silent: 1 message waits to be acknowledged"]
        delivery.acknowledged, delivery.sent = 1, 3
        assert told(41, 46) == []
        assert told(47, 48) == [f"{place} is silent: 2 messages wait to be acknowledged"]
        delivery.acknowledged, delivery.sent = 2, 4
        assert told(49) == []
    assert told(50, 60, 70) == [f"{place} is away: waiting for it"]
    with listening(port):
        # It has just come back: the time that it was away is none in which it was silent.
        assert told(71, 75) == [f"{place} is back"]


def test_it_looks_by_itself_until_it_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    delivery: Any = SimpleNamespace(sent=0, acknowledged=0, failed=0)
    told = ""
    with BrokerWatch(kafka, delivery):
        deadline = time.monotonic() + 30
        while "is away" not in told and time.monotonic() < deadline:
            told += capsys.readouterr().err
            time.sleep(0.05)
    assert "is away" in told
    assert "broker-watch" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(("count", "told"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (1234, "1,234 pages")])
def test_so_many_of_something(count: int, told: str) -> None:
    assert common.some(count, "page") == told
    assert common.some(count, "reply", "replies").split()[1] == ("reply" if count == 1 else "replies")


@pytest.mark.integration
@pytest.mark.kafka
def test_feed_goes_on_when_its_broker_is_back(kafka_jars: Path, clean_environment: None, tmp_path: Path) -> None:
    path = tmp_path / "posts.txt"
    with ApacheKafkaBroker(tmp_path / "kafka", jars=kafka_jars, quick_start=True) as broker:
        settings = settings_of(broker)
        # Slow, so that little is on its way: no bound of what may be is reached.
        path.write_text("\n".join(f"post {number}" for number in range(150)))
        command = ["feed", str(path), "--to", "news", "--rate", "10"]
        with run_tocsin(command, settings_env(settings)) as process:
            consume_all(settings, "news", 5)
            broker.kill()
            wait_for(lambda: "is away" in process.stderr, TOLD_SECONDS, what="for the death to be told")
            broker.start()
            wait_for(lambda: "is back" in process.stderr, what="for the return to be told")
            assert process.wait(60) == 0, process.stderr
            assert "150 sent, 150 acknowledged" in process.stderr
        records = consume_all(settings, "news", lambda records: len({record.key for record in records}) == 150)
    assert len(records) >= 150


@pytest.mark.integration
def test_feed_that_is_stopped_while_its_broker_is_away_says_how_to_go_on(
    clean_environment: None, tmp_path: Path
) -> None:
    path = tmp_path / "posts.txt"
    path.write_text("post\n" * 1000)
    with TansuBroker() as broker:
        settings = settings_of(broker)
        command = ["feed", str(path), "--to", "news", "--rate", "10"]
        with run_tocsin(command, settings_env(settings)) as process:
            consume_all(settings, "news", 5)
            broker.kill()
            wait_for(lambda: "is away" in process.stderr, TOLD_SECONDS, what="for the death to be told")
            process.popen.send_signal(signal.SIGINT)
            assert process.wait(30) == 1, process.stderr
            assert "To go on, give the same command with --skip" in process.stderr


@pytest.mark.integration
def test_feed_that_waits_for_input_tells_of_its_broker_too(clean_environment: None) -> None:
    with TansuBroker() as broker:
        settings = settings_of(broker)
        with subprocess.Popen(
            [sys.executable, "-m", "streams.cli.main", "feed", "-", "--to", "news"],
            env=settings_env(settings),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write('{"text": "one"}\n')
            process.stdin.flush()
            consume_all(settings, "news", 1)
            broker.kill()
            began = time.monotonic()
            # Nothing is on its way, and nothing comes.
            assert process.stderr.readline() == f"the broker at {broker.bootstrap_servers} is away: waiting for it\n"
            assert time.monotonic() - began < TOLD_SECONDS
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
            # It may have died between keeping the message and acknowledging it: feed cannot know, and says so.
            told = process.stderr.read()
            account = re.search(r"1 sent, ([01]) acknowledged, ([01]) failed", told)
            assert account is not None, told
            assert (account.groups(), code) in {(("1", "0"), 0), (("0", "1"), 1)}
