from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import psutil
import pytest
from support.processes import TocsinProcess, run_tocsin, wait_for

from streams.brokers.admin import list_topics
from streams.brokers.client import admin_client
from streams.brokers.kafka import _QUICK_START
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from pathlib import Path


def _address(process: TocsinProcess, timeout: float = 60) -> str:
    def told() -> str | None:
        assert process.running, process.stderr
        found = re.search(r"listens on (127\.0\.0\.1:\d+)", process.stdout)
        return found.group(1) if found and "Ctrl-C" in process.stdout else None

    return wait_for(told, timeout=timeout, what="for the broker's address") or ""


def _child(process: TocsinProcess) -> psutil.Process:
    (child,) = psutil.Process(process.pid).children()
    return child


def _topics(address: str) -> set[str]:
    with admin_client(KafkaSettings(bootstrap_servers=address)) as admin:
        return {topic.name for topic in list_topics(admin)}


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tansu_serves_with_the_topics_until_it_is_asked_to_stop(
    clean_environment: None, number: signal.Signals
) -> None:
    with run_tocsin(["broker", "--port", "0"], {}) as process:
        assert _topics(_address(process)) == {spec.name for spec in all_topics(Settings())}
        assert "every topic and message is gone" in process.stdout
        child = _child(process)
        process.popen.send_signal(number)
        assert process.wait() == 0, process.stderr
        assert not child.is_running()
        assert "Traceback" not in process.stderr


@pytest.mark.integration
def test_topics_are_not_created_where_that_is_not_wanted(clean_environment: None) -> None:
    with run_tocsin(["broker", "--port", "0", "--no-create-topics"], {}) as process:
        assert _topics(_address(process)) == set()


@pytest.mark.integration
def test_a_broker_that_dies_is_an_error(clean_environment: None) -> None:
    with run_tocsin(["broker", "--port", "0"], {}) as process:
        _address(process)
        _child(process).kill()
        assert process.wait() == 1
        assert "ended by itself: exit code -9" in process.stderr.replace("\n", " ")


def test_a_data_folder_is_refused_for_tansu(clean_environment: None, tmp_path: Path) -> None:
    with run_tocsin(["broker", "--data-dir", str(tmp_path)], {}) as process:
        assert process.wait() == 2
        assert "--engine kafka" in process.stderr.replace("\n", " ")


@pytest.mark.integration
@pytest.mark.kafka
def test_apache_kafka_serves_from_its_data_folder_until_it_is_asked_to_stop(
    clean_environment: None, kafka_jars: Path, tmp_path: Path
) -> None:
    env = {
        "TOCSIN_MODEL__CACHE": str(kafka_jars.parent / "cache"),
        "JAVA_TOOL_OPTIONS": " ".join(_QUICK_START),
    }
    args = ["broker", "--engine", "kafka", "--port", "0", "--data-dir", str(tmp_path / "data")]
    expected = {spec.name for spec in all_topics(Settings())}
    with run_tocsin(args, env) as process:
        assert _topics(_address(process)) == expected
        assert "gone" not in process.stdout
        assert process.terminate(timeout=60) == 0, process.stderr
    assert {path.name.rpartition("-")[0] for path in (tmp_path / "data" / "data").glob("*-0")} >= expected
