"""Settings that are each possible and do not go together are refused before anything starts, by both names."""

from __future__ import annotations

from typing import Any

import pytest

from streams.contract.settings import Settings, SettingsError, load_settings
from streams.logic.stall import Position, StallDetector

pytestmark = pytest.mark.usefixtures("clean_environment")

SIGNALS = ("tocsin.signals", 0)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"surge": {"checkpoint_seconds": 60.0}}, r"surge\.checkpoint_seconds \(60\)"),
        ({"recommend": {"checkpoint_seconds": 59.0}}, r"recommend\.checkpoint_seconds \(59\)"),
        ({"enrich": {"batch_wait_seconds": 90.0}}, r"enrich\.batch_wait_seconds \(90\)"),
        ({"kafka": {"commit_interval_seconds": 50.0}}, r"kafka\.commit_interval_seconds \(50\)"),
        ({"worker": {"stall_timeout_seconds": 11.0}}, r"surge\.checkpoint_seconds \(10\)"),
    ],
)
def test_a_worker_at_work_is_never_taken_for_one_that_does_not_move(sections: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=f"{told}.*worker.stall_timeout_seconds"):
        load_settings(**sections)


def test_what_is_off_or_short_enough_holds_no_offset_back() -> None:
    load_settings(surge={"enabled": False, "checkpoint_seconds": 600.0})
    load_settings(recommend={"enabled": False, "checkpoint_seconds": 600.0})
    load_settings(surge={"checkpoint_seconds": 58.0})


def test_the_longest_checkpoint_that_is_taken_moves_in_time() -> None:
    """What the rule says of seconds is what the detector of a standstill does with them."""
    settings = load_settings(surge={"checkpoint_seconds": 58.0})
    every = settings.surge.checkpoint_seconds + settings.kafka.commit_interval_seconds
    detector = StallDetector(settings.worker.stall_timeout_seconds)
    for second in range(600):
        position = Position(committed=int(second // every), highwater=second + 1)
        assert not detector.is_stuck(detector.observe(float(second), {SIGNALS: position}))


@pytest.mark.parametrize("seconds", [10.0, 30.0])
def test_heartbeats_come_before_a_session_is_over(seconds: float) -> None:
    with pytest.raises(SettingsError, match=r"kafka\.heartbeat_interval_seconds .*kafka\.session_timeout_seconds"):
        load_settings(kafka={"heartbeat_interval_seconds": seconds, "session_timeout_seconds": 10.0})


@pytest.mark.parametrize(
    ("sections", "topic"),
    [
        # A worker would read what it writes, and so without end.
        ({"topics": {"inputs": {"tocsin.predictions": "news"}}}, "tocsin.predictions"),
        ({"topics": {"inputs": {"labels": "social"}, "prefix": ""}}, "labels"),
        ({"topics": {"inputs": {"items": "news"}}}, "items"),
        ({"recommend": {"items_topic": "behaviors"}}, "behaviors"),
        ({"recommend": {"behaviors_topic": "news"}}, "news"),
    ],
)
def test_a_topic_is_one_thing(sections: dict[str, Any], topic: str) -> None:
    with pytest.raises(SettingsError, match=rf"the topic {topic} is named for two things: topics\.inputs"):
        load_settings(**sections)


@pytest.mark.parametrize("name", ["", "a b", "späte", "x" * 250, "a\n"])
def test_a_topic_has_a_name_that_brokers_take(name: str) -> None:
    with pytest.raises(SettingsError, match=r"topics\.inputs"):
        load_settings(topics={"inputs": {name: "news"}})
    with pytest.raises(SettingsError, match=r"recommend\.items_topic"):
        load_settings(recommend={"items_topic": name})


def test_two_models_have_two_names() -> None:
    with pytest.raises(SettingsError, match=r"generator\.name and model\.name are both encoder"):
        load_settings(generator={"name": "encoder"})


def test_the_defaults_go_together() -> None:
    assert load_settings() == Settings()
