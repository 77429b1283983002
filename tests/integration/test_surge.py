"""Surge detection over the death of real workers: the counts are those of an undisturbed run, and so are the alerts."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import worker

from streams.contract.alerts import Alert, Matcher, Silence, Trend, Watch
from streams.contract.records import encode
from streams.contract.settings import SurgeSettings
from streams.contract.signals import Heartbeat, Signal, Signals, UpstreamPartition
from streams.contract.topics import (
    alerts_topic,
    signals_topic,
    silences_topic,
    surge_state_topic,
    trends_topic,
    watchlist_topic,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka.consumer.fetcher import ConsumerRecord
    from support.streams import Worker

    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

# A replay of history: what is read is the past, so that no wall clock plays a part.
START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
HOUR = 3600.0
SUBJECTS = [f"entity/company {number}" for number in range(8)]
SURGING = SUBJECTS[3]
UPSTREAM = "elsewhere"
"""Stands for an input topic: the signals are told as if enrich had made them of its messages."""


def signal(number: int, time: float, subject: str, sentiment: str) -> Signal:
    return Signal(
        id=f"signal-{number}",
        subject=subject,
        message_id=f"message-{number}",
        time=datetime.fromtimestamp(time, UTC),
        sentiment="negative" if sentiment == "negative" else "neutral",
        score=0.9,
        source="wire",
        kind="news",
        topic=UPSTREAM,
        partition=0,
        offset=number,
        watermark=time - 120.0,
        model="encoder:1",
        fingerprint=f"text-{number}",
        text=f"What was said, {number}",
    )


def story(hours: int) -> list[Signal]:
    """Some hours of talk about eight companies; in the last but one, one of them is cursed by everybody."""
    noise = random.Random(17)
    said = []
    for hour in range(hours):
        for subject in SUBJECTS:
            rate = 12 if subject != SURGING or hour != hours - 2 else 90
            for _ in range(rate):
                bad = noise.random() < (0.3 if rate == 12 else 0.9)
                said.append((START + (hour + noise.random()) * HOUR, subject, "negative" if bad else "neutral"))
    return [signal(number, *what) for number, what in enumerate(sorted(said))]


def send(settings: Settings, signals: Sequence[Signal]) -> None:
    records = [(each.subject.encode(), encode(Signals(signals=[each])), []) for each in signals]
    produce(settings, signals_topic(settings.topics), records)


def end_upstream(settings: Settings, time: float) -> None:
    """Tell every partition that nothing more is to be read, and how late it is."""
    told = Heartbeat(
        worker="test",
        time=datetime.now(UTC),
        partitions=[UpstreamPartition(topic=UPSTREAM, partition=0, watermark=time, caught_up=True, idle=False)],
    )
    topic = signals_topic(settings.topics)
    # Keys that reach every one of the four partitions, wherever the partitioner puts them.
    produce(settings, topic, [(f"end {number}".encode(), encode(told), []) for number in range(64)])


# What does not depend on the broker is tried on the faster one.
on_tansu = pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True)


@pytest.fixture
def surge_settings(stream_settings: Settings) -> Settings:
    return stream_settings.model_copy(
        update={
            "surge": SurgeSettings(warm_up_hours=2.0, idle_seconds=2.0, checkpoint_seconds=0.3, checkpoint_events=200)
        }
    )


def trends(settings: Settings, windows: int) -> dict[tuple[str, datetime], Trend]:
    """Every window of every subject; what was told twice is equal."""

    def enough(records: Sequence[ConsumerRecord]) -> bool:
        return len({dict(record.headers)["ce_id"] for record in records}) >= windows

    found: dict[tuple[str, datetime], Trend] = {}
    for record in consume_all(settings, trends_topic(settings.topics), enough, 120.0):
        trend = msgspec.json.decode(record.value, type=Trend)
        known = found.setdefault((trend.subject, trend.start), trend)
        assert (known.id, known.volume, known.negative) == (trend.id, trend.volume, trend.negative)
    return found


def alerts(settings: Settings, changes: int) -> dict[str, Alert]:
    """Every change of an alert by its id; what was told twice is equal."""

    def told(records: Sequence[ConsumerRecord]) -> int:
        return len({dict(record.headers)["ce_id"] for record in records})

    found: dict[str, Alert] = {}
    for record in consume_all(settings, alerts_topic(settings.topics), lambda records: told(records) >= changes, 60.0):
        alert = msgspec.json.decode(record.value, type=Alert)
        assert record.key.decode() == alert.fingerprint
        assert found.setdefault(alert.id, alert).evidence.observed == alert.evidence.observed
    return found


def truth(signals: Sequence[Signal]) -> dict[tuple[str, datetime], tuple[int, int]]:
    """Volume and negatives of every window, counted by hand."""
    counts: dict[tuple[str, datetime], tuple[int, int]] = {}
    for each in signals:
        start = datetime.fromtimestamp(each.time.timestamp() // 300 * 300, UTC)
        volume, negative = counts.get((each.subject, start), (0, 0))
        counts[each.subject, start] = volume + 1, negative + (each.sentiment == "negative")
    return counts


def assert_undisturbed(settings: Settings, signals: Sequence[Signal]) -> None:
    """Counts are the true ones, and the surge rang once, was told with one fingerprint, and is over."""
    expected = truth(signals)
    counted = {place: (trend.volume, trend.negative) for place, trend in trends(settings, len(expected)).items()}
    assert counted == expected
    told = alerts(settings, 2).values()
    assert {alert.labels["subject"] for alert in told} == {SURGING}
    assert len({(alert.fingerprint, alert.startsAt) for alert in told}) == 1
    assert sorted({alert.status for alert in told}) == ["firing", "resolved"]


@pytest.mark.parametrize("workers", [1, 2])
def test_counts_and_alerts_survive_the_death_of_a_worker(surge_settings: Settings, workers: int) -> None:
    settings = surge_settings
    signals = story(8)
    # In the midst of the surge, between the alert and its end.
    cut = next(number for number, each in enumerate(signals) if each.time.timestamp() > START + 6.5 * HOUR)
    send(settings, signals[:cut])
    with worker(settings) as doomed:
        if workers == 1:
            alerts(settings, 1)
            doomed.process.kill()
            send(settings, signals[cut:])
            with worker(settings):
                end_upstream(settings, START + 10 * HOUR)
                assert_undisturbed(settings, signals)
        else:
            with worker(settings) as survivor:
                doomed.wait_until_ready(8)
                survivor.wait_until_ready(8)
                alerts(settings, 1)
                doomed.process.kill()
                send(settings, signals[cut:])
                survivor.wait_until_ready(16)
                end_upstream(settings, START + 10 * HOUR)
                assert_undisturbed(settings, signals)


@on_tansu
def test_a_rebalance_loses_and_doubles_nothing(surge_settings: Settings) -> None:
    settings = surge_settings
    signals = story(8)
    third = len(signals) // 3
    with worker(settings) as first:
        send(settings, signals[:third])
        first.wait_until_ready(16)
        with worker(settings) as second:
            second.wait_until_ready(8)
            send(settings, signals[third : 2 * third])
            assert second.process.terminate() == 0, second.process.stderr
        send(settings, signals[2 * third :])
        end_upstream(settings, START + 10 * HOUR)
        assert_undisturbed(settings, signals)


def say(settings: Settings, running: Worker, topic: str, key: bytes, value: bytes) -> None:
    """Tell a worker something of the desk's, and return once it has taken that in."""
    # Nothing orders such a topic and the signals. But a worker logs the place of what it cannot read; of one key, that
    # is read after what is meant.
    _, (partition, offset) = produce(settings, topic, [(key, value, []), (key, b"unreadable", [])])
    place = f"{topic}[{partition}]@{offset}"
    wait_for(lambda: place in running.process.stderr, what=f"for {place} to be read")


@on_tansu
def test_a_silence_and_the_watchlist_are_heeded_while_the_worker_runs(surge_settings: Settings) -> None:
    settings = surge_settings
    signals = story(8)
    half = len(signals) // 2
    silence = Silence(
        id="quiet",
        matchers=[Matcher(name="subject", value=SURGING)],
        startsAt=datetime(2026, 1, 1, tzinfo=UTC),
        endsAt=datetime(2126, 1, 1, tzinfo=UTC),
        createdBy="test",
        comment="planned",
    )
    watch = Watch(subject=SURGING, added=datetime.now(UTC), by="test")
    with worker(settings) as running:
        send(settings, signals[:half])
        running.wait_until_ready()
        say(settings, running, silences_topic(settings.topics), b"quiet", encode(silence))
        say(settings, running, watchlist_topic(settings.topics), SURGING.encode(), encode(watch))
        send(settings, signals[half:])
        end_upstream(settings, START + 10 * HOUR)
        for alert in alerts(settings, 2).values():
            assert alert.watched
            assert alert.silenced_by == ["quiet"]
            assert alert.past


@on_tansu
def test_state_is_written_by_the_batch_and_not_by_the_signal(surge_settings: Settings) -> None:
    settings = surge_settings.model_copy(
        update={"surge": surge_settings.surge.model_copy(update={"checkpoint_events": 5000, "checkpoint_seconds": 5.0})}
    )
    signals = story(4)
    send(settings, signals)
    with worker(settings) as running:
        end_upstream(settings, START + 10 * HOUR)
        trends(settings, len(truth(signals)))
        assert running.process.terminate() == 0, running.process.stderr
    states = consume_all(settings, surge_state_topic(settings.topics), len(SUBJECTS))
    # One for each subject and partition at each checkpoint; there were few.
    assert len(states) < len(signals) / 4
    assert {record.key.decode() for record in states} >= set(SUBJECTS)
