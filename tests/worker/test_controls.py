"""Controls are known whole at the start, followed from then on, and over the death of a broker."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from support.messages import produce
from support.processes import wait_for

from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.brokers.errors import BrokerUnreachableError
from streams.brokers.tansu import TansuBroker
from streams.contract.settings import KafkaSettings, Settings
from streams.contract.topics import all_topics, silences_topic, watchlist_topic
from streams.worker.controls import Controls

if TYPE_CHECKING:
    from collections.abc import Iterator

Changes = list[tuple[str, int | None]]


def put(settings: Settings, topic: str, *records: tuple[str, str | None]) -> None:
    """Keys and values, in order."""
    produce(settings, topic, [(key.encode(), value and value.encode(), []) for key, value in records])


def topics(settings: Settings) -> tuple[str, str]:
    return silences_topic(settings.topics), watchlist_topic(settings.topics)


def test_the_latest_of_each_key_is_known_at_the_start_and_told_once(stream_settings: Settings) -> None:
    first, second = topics(stream_settings)
    for number in range(3):
        put(stream_settings, first, *((f"k{key}", str(number * 100 + key)) for key in range(40)))
    put(stream_settings, first, ("k0", None), ("k1", None), ("k1", "7"))
    put(stream_settings, second, ("only", "1"))
    changes: Changes = []
    controls = Controls(stream_settings.kafka)
    one = controls.follow(first, int, lambda key, value: changes.append((key, value)))
    other = controls.follow(second, int)
    with controls:
        controls.wait_until_caught_up(30)
        assert one.latest == {"k1": 7, **{f"k{key}": 200 + key for key in range(2, 40)}}
        assert other.latest == {"only": 1}
    assert sorted(changes) == sorted(one.latest.items())


def test_changes_come_as_they_are_made(stream_settings: Settings) -> None:
    topic, _ = topics(stream_settings)
    changes: Changes = []
    controls = Controls(stream_settings.kafka)
    control = controls.follow(topic, int, lambda key, value: changes.append((key, value)))
    with controls:
        controls.wait_until_caught_up(30)
        before = control.latest
        assert before == {}
        put(stream_settings, topic, ("a", "1"))
        wait_for(lambda: control.latest == {"a": 1})
        put(stream_settings, topic, ("a", "1"))  # nothing new
        put(stream_settings, topic, ("b", "2"))
        wait_for(lambda: control.latest == {"a": 1, "b": 2})
        put(stream_settings, topic, ("a", None))
        wait_for(lambda: control.latest == {"b": 2})
    assert before == {}
    assert changes == [("a", 1), ("b", 2), ("a", None)]


only_tansu = pytest.mark.parametrize(
    "broker", [pytest.param("tansu_broker", marks=pytest.mark.integration, id="tansu")], indirect=True
)


@only_tansu
def test_what_cannot_be_read_is_logged_with_its_place_and_left_out(stream_settings: Settings) -> None:
    topic, _ = topics(stream_settings)
    put(stream_settings, topic, ("a", "1"), ("a", "one"), ("b", "2"))
    ((partition, offset),) = produce(stream_settings, topic, [(None, b"5", [])])
    controls = Controls(stream_settings.kafka)
    control = controls.follow(topic, int)
    with capture_logs() as logs, controls:
        controls.wait_until_caught_up(30)
    assert control.latest == {"a": 1, "b": 2}
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 2
    assert f"{topic}[{partition}]@{offset}" in {entry["place"] for entry in warnings}


@only_tansu
def test_a_user_that_fails_is_logged_and_keeps_nobody_from_the_rest(stream_settings: Settings) -> None:
    topic, _ = topics(stream_settings)

    def on_change(key: str, _value: int | None) -> None:
        if key == "a":
            raise RuntimeError("no room")

    controls = Controls(stream_settings.kafka)
    control = controls.follow(topic, int, on_change)
    with capture_logs() as logs, controls:
        controls.wait_until_caught_up(30)
        put(stream_settings, topic, ("a", "1"), ("b", "2"))
        wait_for(lambda: control.latest == {"a": 1, "b": 2})
    assert "no room" in str(logs)


def _why_not_caught_up(controls: Controls) -> str:
    with pytest.raises(BrokerUnreachableError) as told:
        controls.wait_until_caught_up(0.05)
    return str(told.value)


@only_tansu
def test_a_topic_that_is_missing_is_told_and_waited_for(unmade_settings: Settings) -> None:
    topic, _ = topics(unmade_settings)
    controls = Controls(unmade_settings.kafka)
    control = controls.follow(topic, int)
    with controls:
        wait_for(lambda: re.search(f"no topic {re.escape(topic)}.*topics create", _why_not_caught_up(controls)))
        with admin_client(unmade_settings.kafka) as admin:
            create_topics(admin, all_topics(unmade_settings))
        controls.wait_until_caught_up(30)
        put(unmade_settings, topic, ("a", "1"))
        wait_for(lambda: control.latest == {"a": 1})


@pytest.fixture
def own_broker(clean_environment: None) -> Iterator[TansuBroker]:
    with TansuBroker() as broker:
        yield broker


@pytest.mark.integration
def test_the_death_of_a_broker_is_outlived(own_broker: TansuBroker) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=own_broker.bootstrap_servers))
    topic, _ = topics(settings)

    def make_topics() -> None:
        with admin_client(settings.kafka) as admin:
            create_topics(admin, all_topics(settings))

    make_topics()
    put(settings, topic, ("a", "1"), ("b", "2"))
    changes: Changes = []
    controls = Controls(settings.kafka)
    control = controls.follow(topic, int, lambda key, value: changes.append((key, value)))
    with capture_logs() as logs, controls:
        controls.wait_until_caught_up(30)
        own_broker.kill()
        wait_for(lambda: [entry for entry in logs if entry["log_level"] == "warning"], what="for it to be noticed")
        assert control.latest == {"a": 1, "b": 2}
        own_broker.start()
        make_topics()
        # The embedded broker has lost all, and what is new has the offsets of what was.
        put(settings, topic, ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"))
        wait_for(lambda: control.latest == {"b": 2, "c": 3, "d": 4, "e": 5})
    assert sorted(changes[:2]) == [("a", 1), ("b", 2)]
    assert ("a", None) in changes
    assert changes.count(("b", 2)) == 1
    assert [entry["event"] for entry in logs if entry["log_level"] in ("warning", "error")] == [
        "controls cannot be followed: what was known holds on"
    ]


def test_nobody_to_read_from_is_told_in_time_and_closed_at_once(clean_environment: None) -> None:
    controls = Controls(KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    controls.follow("topic", int)
    with controls:
        wait_for(lambda: re.search(r"topic not read within 0\.05 s.*127\.0\.0\.1:1", _why_not_caught_up(controls)))
    assert not [thread for thread in threading.enumerate() if thread.name == "controls"]
