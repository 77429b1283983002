from __future__ import annotations

import json
import socket

import pytest
from support.commands import Tocsin
from support.messages import produce
from support.processes import run_tocsin, settings_env, wait_for
from support.streams import Worker

from exporters.lag import Lag
from streams.brokers.tansu import TansuBroker
from streams.cli.lag import _table
from streams.contract.settings import ExporterSettings, KafkaSettings, Settings


@pytest.fixture
def tocsin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    return Tocsin(monkeypatch, capsys)


def feed(settings: Settings, count: int) -> str:
    topic = next(iter(settings.topics.inputs))
    produce(settings, topic, [(b"one key", b"{}", [])] * count)
    return topic


def test_lag_is_told_by_topic(stream_settings: Settings, tocsin: Tocsin) -> None:
    topic = feed(stream_settings, 12)
    outcome = tocsin.under(stream_settings)("lag")
    assert outcome.code == 0
    (row,) = [line for line in outcome.out.splitlines() if topic in line]
    group, name, partitions, messages, _ = [cell.strip() for cell in row.strip("│").split("│")]
    assert (group, name, partitions, messages) == (stream_settings.kafka.group_id, topic, "4", "12")
    assert f"members: {group} 0" in outcome.err


def test_lag_is_told_by_partition(stream_settings: Settings, tocsin: Tocsin) -> None:
    topic = feed(stream_settings, 3)
    rows = [line for line in tocsin.under(stream_settings)("lag", "--partitions").out.splitlines() if topic in line]
    assert len(rows) == 4
    assert all("never" in row for row in rows)


def test_lag_is_told_to_scripts(stream_settings: Settings, tocsin: Tocsin) -> None:
    topic = feed(stream_settings, 3)
    rows = [json.loads(line) for line in tocsin.under(stream_settings)("lag", "--json").out.splitlines()]
    assert len(rows) == 4 * len(stream_settings.topics.inputs)
    (behind,) = [row for row in rows if row["messages"]]
    assert behind.keys() == {"group", "topic", "partition", "committed", "end", "messages", "seconds"}
    assert (behind["topic"], behind["messages"], behind["end"], behind["committed"]) == (topic, 3, 3, None)


def test_groups_given_are_watched_beside_the_settings(stream_settings: Settings, tocsin: Tocsin) -> None:
    outcome = tocsin.under(stream_settings)("lag", "--group", "another", "--group", "third")
    assert f"members: {stream_settings.kafka.group_id} 0, another 0, third 0" in outcome.err


def test_nothing_to_tell_is_an_end_of_its_own(unmade_settings: Settings, tocsin: Tocsin) -> None:
    outcome = tocsin.under(unmade_settings)("lag")
    assert outcome.code == 3
    assert "none of these groups reads Tocsin's topics" in outcome.err


def test_a_broker_that_is_away_is_told(unmade_settings: Settings, tocsin: Tocsin) -> None:
    with socket.socket() as taken:  # bound and never listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = tocsin.under(unmade_settings)("--bootstrap-servers", address, "lag")
    assert outcome.code == 1
    assert "no broker lets us in" in outcome.err


def test_the_table_shows_names_as_they_are() -> None:
    lag = Lag("[bold]", "t", 0, committed=None, end=1, messages=1, seconds=0.5)
    for by_partition in (False, True):
        (cells,) = zip(*(column.cells for column in _table([lag], by_partition=by_partition).columns), strict=True)
        assert cells[0] == r"\[bold]"
        assert cells[-1] == "0.5 s"


@pytest.mark.integration
def test_the_exporter_serves_through_its_brokers_death(clean_environment: None) -> None:
    with TansuBroker() as broker:
        settings = Settings(
            kafka=KafkaSettings(bootstrap_servers=broker.bootstrap_servers),
            exporter=ExporterSettings(port=0, groups=("another",)),
        )
        with run_tocsin(["topics", "create"], settings_env(settings)) as process:
            assert process.wait() == 0
        topic = feed(settings, 5)
        with run_tocsin(["exporter"], settings_env(settings)) as process:
            page = Worker(process)
            assert page.metric("tocsin_kafka_up") == 1
            group = settings.kafka.group_id
            lags = [
                page.metric(f'tocsin_group_lag_messages{{group="{group}",partition="{number}",topic="{topic}"}}')
                for number in range(settings.topics.partitions)
            ]
            assert sorted(lags) == [0, 0, 0, 5]
            assert 'tocsin_group_members{group="another"} 0.0' in page.get("/metrics")[1]
            assert page.get("/readyz")[0] == 200
            broker.stop()
            assert page.metric("tocsin_kafka_up") == 0
            assert page.get("/metrics")[0] == 200
            assert page.get("/healthz")[0] == 200
            status, body = page.get("/readyz")
            assert (status, "no broker lets us in" in body) == (503, True)
            wait_for(lambda: "lag cannot be measured" in process.stderr, what="for a line in the log")
            assert process.terminate() == 0


def test_a_port_in_use_is_told_with_the_setting_to_mend(unmade_settings: Settings, tocsin: Tocsin) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = tocsin.under(unmade_settings)("exporter", "--port", port)
    assert outcome.code == 1
    assert "set exporter.port to a free one" in outcome.err
