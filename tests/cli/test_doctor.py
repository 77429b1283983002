"""The doctor finds what is wrong, says what to do, and fails."""

from __future__ import annotations

import json
import shutil
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support import toy_model
from support.commands import Tocsin
from support.processes import run_tocsin, settings_env

from models.registry import Registry
from streams.brokers.broker import free_port
from streams.cli import doctor
from streams.contract.settings import KafkaSettings, MetricsSettings, ModelSettings, Settings, TopicsSettings
from streams.contract.topics import all_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.cli.doctor import Finding


@pytest.fixture
def settings(tmp_path: Path, clean_environment: None) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}"),
        metrics=MetricsSettings(port=0),
        model=ModelSettings(registry=str(tmp_path / "registry"), cache=tmp_path / "cache"),
    )


def problems(settings: Settings, check: Callable[[Settings], Iterator[Finding]]) -> str:
    """What one check finds wrong, and its advice; all of them at once would each time wait for a broker."""
    return "; ".join(f"{item.found} {item.advice}" for item in check(settings) if item.status == "problem")


def with_model(settings: Settings, folder: Path, **lineage: str) -> None:
    registry = Registry(settings.model.registry)
    facts = toy_model.facts()
    facts["lineage"] |= lineage
    number = registry.register(toy_model.write_files(folder), settings.model.name, **facts)
    registry.set_alias(settings.model.name, "champion", number)


def test_a_bare_machine_lacks_a_broker_and_a_model(settings: Settings) -> None:
    # In a process of its own: kafka-python leaves a socket open where no broker answers.
    with run_tocsin(["doctor", "--json"], settings_env(settings)) as process:
        assert process.wait() == 1
        out = process.stdout
    rows = {row["check"]: row for row in map(json.loads, out.splitlines())}
    assert {check for check, row in rows.items() if row["status"] == "problem"} == {"broker", "model"}
    assert "tocsin broker" in rows["broker"]["found"]
    assert "tocsin models bootstrap" in rows["model"]["found"]
    assert {"libraries", "settings", "domain", "metrics port", "disk"} <= rows.keys()


def test_all_is_well(
    stream_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ModelSettings(registry=str(tmp_path / "registry"), cache=tmp_path / "cache")
    settings = stream_settings.model_copy(update={"model": model})
    with_model(settings, tmp_path / "made")
    outcome = Tocsin(monkeypatch, capsys).under(settings)("doctor")
    assert outcome.code == 0, outcome.out
    assert "encoder:1 (champion)" in outcome.out
    assert "Apache Kafka" in outcome.out
    assert f"{len(all_topics(settings))} topics of 4 partitions" in outcome.out


def test_topics_that_are_missing_or_of_another_size_are_told(
    stream_settings: Settings, unmade_settings: Settings
) -> None:
    other = TopicsSettings(prefix="nowhere.", inputs=stream_settings.topics.inputs, partitions=8)
    told = [
        finding
        for finding in doctor.examine(stream_settings.model_copy(update={"topics": other}))
        if finding.check == "topics"
    ]
    assert [finding.status for finding in told] == ["problem", "problem"]
    assert "missing: nowhere.predictions, nowhere.dead-letters" in told[0].found
    assert "tocsin topics create" in told[0].advice
    assert "has 4" in told[1].found


def test_looking_for_a_topic_does_not_create_it(unmade_settings: Settings) -> None:
    for _ in range(2):
        assert "missing" in problems(unmade_settings, doctor._check_broker)


def test_a_version_that_was_tampered_with_is_told(settings: Settings, tmp_path: Path) -> None:
    with_model(settings, tmp_path / "made")
    assert problems(settings, doctor._check_model) == ""
    (graph,) = (tmp_path / "registry").rglob("model.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert "model.onnx" in problems(settings, doctor._check_model)


def test_a_model_of_another_domain_is_told(settings: Settings, tmp_path: Path) -> None:
    with_model(settings, tmp_path / "own", domain="finance")
    assert problems(settings, doctor._check_model) == ""
    with_model(settings, tmp_path / "other", domain="bakery")
    assert "encoder:2 (champion) was made for the domain bakery, not for finance" in problems(
        settings, doctor._check_model
    )


def test_a_port_that_another_program_has_is_told(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = MetricsSettings(port=server.getsockname()[1])
        told = problems(settings.model_copy(update={"metrics": taken}), doctor._check_port)
    assert "is taken" in told
    assert "metrics.port" in told


class _Worker(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"tocsin_messages_total 1\n")

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_worker_on_the_port_is_no_problem(settings: Settings) -> None:
    with HTTPServer(("127.0.0.1", 0), _Worker) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            used = MetricsSettings(port=server.server_port)
            assert problems(settings.model_copy(update={"metrics": used}), doctor._check_port) == ""
        finally:
            server.shutdown()
            thread.join()


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1 << 40, 1 << 40, 1 << 20))
    assert "0.0 GiB free" in problems(settings, doctor._check_disk)


def test_a_folder_that_may_not_be_looked_into_is_a_finding_and_no_crash(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> _Usage:
        raise PermissionError(13, "Permission denied", "/var/lib/tocsin")

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    told = problems(settings, doctor._check_disk)
    assert "Permission denied: '/var/lib/tocsin'" in told
    assert "worker.data_dir" in told


def test_a_domain_that_is_nowhere_is_told(settings: Settings) -> None:
    assert "no-such" in problems(settings.model_copy(update={"domain": "no-such"}), doctor._check_domain)


def test_security_that_does_not_fit_together_is_a_finding_and_no_crash(settings: Settings) -> None:
    kafka = settings.kafka.model_copy(update={"security_protocol": "SASL_SSL"})
    assert "sasl_username" in problems(settings.model_copy(update={"kafka": kafka}), doctor._check_broker)
