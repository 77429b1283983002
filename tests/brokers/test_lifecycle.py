from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from kafka.errors import KafkaError
from support.messages import consume_all, produce
from support.processes import wait_for

from streams.brokers.admin import create_topics, list_topics
from streams.brokers.client import admin_client, producer
from streams.brokers.errors import BrokerError
from streams.brokers.kafka import ApacheKafkaBroker
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from pathlib import Path

    from streams.brokers.broker import Broker


def _settings(broker: Broker) -> Settings:
    return Settings(kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers))


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.integration
def test_tansu_runs_within_its_block_and_forgets_on_restart(clean_environment: None) -> None:
    with TansuBroker() as broker:
        port, pid = broker.port, broker.pid
        assert broker.running
        with admin_client(_settings(broker).kafka) as admin:
            create_topics(admin, all_topics(_settings(broker)))
        broker.restart()
        assert broker.port == port
        assert broker.pid != pid
        with admin_client(_settings(broker).kafka) as admin:
            assert list_topics(admin) == []
    assert not broker.running
    assert broker.pid is not None
    assert _gone(broker.pid)


@pytest.mark.integration
def test_tansu_stops_soon_with_a_client_connected(clean_environment: None) -> None:
    broker = TansuBroker()
    broker.start()
    with admin_client(_settings(broker).kafka):
        began = time.monotonic()
        broker.stop()
        assert time.monotonic() - began < 5
    assert not broker.running


@pytest.mark.integration
def test_starting_twice_is_starting_once(clean_environment: None) -> None:
    with TansuBroker() as broker:
        pid = broker.pid
        broker.start()
        assert broker.pid == pid


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's request (prctl) is Linux's alone")
def test_the_broker_dies_with_a_parent_that_is_killed() -> None:
    program = (
        "from streams.brokers.tansu import TansuBroker\n"
        "broker = TansuBroker()\n"
        "broker.start()\n"
        "print(broker.pid, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not _gone(pid)
        parent.kill()
    wait_for(lambda: _gone(pid), timeout=10, what="for the broker to die")


def test_a_port_that_is_taken_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} cannot be had.*--port"):
            TansuBroker(port).start()


def test_a_broker_that_ends_at_once_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tansu"
    program.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(program))
    broker = TansuBroker()
    with pytest.raises(BrokerError, match=r"(?s)ended before it was ready.*the disk is on fire"):
        broker.start()
    assert not broker.running
    assert "exit code 3" in broker.why_it_ended()


def test_a_program_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "absent"))
    with pytest.raises(BrokerError, match=r"not on this machine.*--engine kafka"):
        TansuBroker().start()


@pytest.mark.integration
@pytest.mark.kafka
def test_apache_kafka_keeps_what_it_acknowledged_over_kill_9(
    kafka_jars: Path, tmp_path: Path, clean_environment: None
) -> None:
    # A name that Java's properties files cannot hold as it is.
    with ApacheKafkaBroker(tmp_path / "ein Börse 📈", jars=kafka_jars, quick_start=True) as broker:
        settings = _settings(broker)
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))
        records = [(str(i).encode(), f"message {i}".encode(), []) for i in range(1000)]
        places = produce(settings, "news", records)
        port = broker.port
        broker.kill()
        assert not broker.running
        with pytest.raises((BrokerError, KafkaError)), producer(settings.kafka):
            pass

        broker.start()
        assert broker.port == port
        read = consume_all(settings, "news", len(records), timeout=30)
        assert {(r.partition, r.offset) for r in read} == set(places)
        assert sorted(r.value for r in read) == sorted(value for _, value, _ in records)
        more = produce(settings, "news", [(b"0", b"after", [])])
        assert more[0] not in places


@pytest.mark.kafka
def test_a_data_folder_that_kafka_would_part_is_refused(kafka_jars: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="comma"):
        ApacheKafkaBroker(tmp_path / "a,b", jars=kafka_jars).start()
