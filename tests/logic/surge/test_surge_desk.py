from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.surge import MONDAY, SUBJECT, WINDOW, Feed, make_desk

from streams.contract.alerts import Alert, Trend, Verdict
from streams.contract.settings import SurgeSettings
from streams.contract.subjects import parse_subject
from streams.logic.surge.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM = 30 * 12
SETTINGS = SurgeSettings()


def alerts(records: Sequence[Alert | Trend]) -> list[Alert]:
    return [record for record in records if isinstance(record, Alert)]


def trends(records: Sequence[Alert | Trend]) -> list[Trend]:
    return [record for record in records if isinstance(record, Trend)]


def moment(bucket: float) -> datetime:
    return datetime.fromtimestamp(bucket * WINDOW, UTC)


def live(feed: Feed, windows: int = WARM, *, negative: int = 2, other: int = 4) -> int:
    """Live through quiet windows; returns the one after."""
    for at in range(windows):
        feed.put(feed.window(MONDAY + at, negative if at % 2 else negative - 1, other))
        feed.advance(MONDAY + at + 1)
    return MONDAY + windows


@pytest.fixture(scope="module")
def lived() -> tuple[list[tuple[str, bytes | None]], int]:
    """States of a desk that has lived through thirty quiet hours, and how many signals there were."""
    feed = Feed(make_desk(SETTINGS))
    live(feed)
    return feed.desk.dirty(), feed.offset


@pytest.fixture
def feed(lived: tuple[list[tuple[str, bytes | None]], int]) -> Feed:
    states, offset = lived
    feed = Feed(restored(states))
    feed.offset = offset
    return feed


NOW = MONDAY + WARM


def restored(states: Sequence[tuple[str, bytes | None]], settings: SurgeSettings = SETTINGS) -> Desk:
    desk = make_desk(settings)
    for key, state in states:
        if state is not None:
            desk.restore(key, state)
    desk.dirty()
    return desk


def surge(feed: Feed, first: int, length: int, *, negative: int = 14, **more: object) -> list[Alert | Trend]:
    records = []
    for at in range(length):
        feed.put(feed.window(first + at, negative, 4, **more))
        records += feed.advance(first + at + 1)
    return records


def calm(feed: Feed, first: int, length: int) -> list[Alert | Trend]:
    records = []
    for at in range(length):
        feed.put(feed.window(first + at, 1, 4))
        records += feed.advance(first + at + 1)
    return records


def counted(desk: Desk, bucket: int) -> Trend:
    (trend,) = trends(desk.advance((bucket + 1) * WINDOW, bucket * WINDOW))
    return trend


# Trends


def test_a_trend_tells_what_was_said_in_a_window() -> None:
    feed = Feed(make_desk())
    feed.put(feed.window(MONDAY, 2, 3))
    feed.put([feed.signal(MONDAY + 0.99, "positive")])
    (trend,) = feed.advance(MONDAY + 1)
    assert isinstance(trend, Trend)
    assert (trend.subject, trend.start, trend.end) == (SUBJECT, moment(MONDAY), moment(MONDAY + 1))
    assert (trend.volume, trend.negative, trend.neutral, trend.positive) == (6, 2, 3, 1)
    assert trend.change is None
    feed.put(feed.window(MONDAY + 1, 0, 9))
    (after,) = trends(feed.advance(MONDAY + 2))
    assert after.change == pytest.approx(0.5)
    assert after.id != trend.id
    assert trends(feed.advance(MONDAY + 3)) == []
    feed.put(feed.window(MONDAY + 3, 0, 1))
    assert trends(feed.advance(MONDAY + 4))[0].change is None


def test_a_trend_knows_what_was_to_be_expected(feed: Feed) -> None:
    feed.put(feed.window(NOW, 2, 4))
    trend = counted(feed.desk, NOW)
    assert trend.expected_negative == pytest.approx(1.5, rel=0.2)
    assert trend.expected_volume == pytest.approx(5.5, rel=0.2)


def test_a_window_is_closed_once_the_watermark_has_passed_its_end() -> None:
    feed = Feed(make_desk())
    feed.put(feed.window(MONDAY, 1, 0))
    assert feed.desk.advance((MONDAY + 1) * WINDOW - 0.001, 0.0) == []
    assert len(feed.desk.advance((MONDAY + 1) * WINDOW, 0.0)) == 1
    assert feed.desk.advance((MONDAY + 1) * WINDOW, 0.0) == []
    assert feed.desk.advance(MONDAY * WINDOW, 0.0) == [], "time does not go back"


# Counted once


def test_a_signal_that_is_read_again_is_not_counted_again() -> None:
    feed = Feed(make_desk())
    signals = feed.window(MONDAY, 2, 0)
    feed.put(signals)
    feed.put(signals)
    assert feed.desk.duplicates == 2
    assert counted(feed.desk, MONDAY).volume == 2


def test_what_enrich_repeats_is_not_counted_again() -> None:
    """The same input comes again with a later offset of the signals topic."""
    feed = Feed(make_desk())
    first = feed.signal(MONDAY)
    repeated = feed.signal(MONDAY, offset=first.offset, message_id="another", fingerprint="another")
    other_partition = feed.signal(MONDAY, partition=1, offset=first.offset)
    other_topic = feed.signal(MONDAY, topic="social", offset=first.offset)
    for at, signal in enumerate((first, repeated, other_partition, other_topic)):
        feed.desk.observe(signal, at)
    assert feed.desk.duplicates == 1
    assert counted(feed.desk, MONDAY).volume == 3


def test_a_message_that_comes_again_from_outside_is_not_counted_again() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY), feed.signal(MONDAY, message_id="message-1", fingerprint="edited")])
    assert feed.desk.duplicates == 1
    assert counted(feed.desk, MONDAY).volume == 1


def test_copies_of_one_text_count_once_and_are_told_as_evidence(feed: Feed) -> None:
    feed.put(feed.signal(NOW, fingerprint="syndicated", score=0.99) for _ in range(40))
    feed.put(feed.window(NOW, 15, 2))
    (alert,) = alerts(feed.advance(NOW + 1))
    assert feed.desk.duplicates == 39
    assert alert.evidence.observed == 16
    assert alert.evidence.duplicates == 39
    assert alert.evidence.messages[0].copies == 40
    assert [message.copies for message in alert.evidence.messages[1:]] == [1] * 4
    assert "39" in alert.annotations["description"]


def test_copies_alone_are_no_surge(feed: Feed) -> None:
    feed.put(feed.signal(NOW, fingerprint="syndicated") for _ in range(300))
    assert alerts(feed.advance(NOW + 1)) == []


def test_copies_that_come_later_are_told_with_the_message(feed: Feed) -> None:
    feed.put([feed.signal(NOW + 0.5, fingerprint="syndicated", score=0.99), *feed.window(NOW, 8, 2)])
    feed.advance(NOW + 1)
    feed.put(feed.signal(NOW + 1.5, fingerprint="syndicated") for _ in range(3))
    feed.put(feed.window(NOW + 1, 60, 2))
    told = alerts(feed.advance(NOW + 2))
    assert told
    mentions = {message.id: message.copies for message in told[-1].evidence.messages}
    assert 4 in mentions.values()


def test_a_text_that_returns_after_a_day_counts() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY, fingerprint="same"), feed.signal(MONDAY + 289, fingerprint="same")])
    feed.put([feed.signal(MONDAY + 300, fingerprint="same")])
    assert feed.desk.duplicates == 1
    assert sum(trend.volume for trend in trends(feed.advance(MONDAY + 400))) == 2


def test_a_late_signal_is_told_and_not_counted() -> None:
    feed = Feed(make_desk())
    feed.put(feed.window(MONDAY, 1, 0))
    feed.advance(MONDAY + 1)
    feed.put([feed.signal(MONDAY + 0.9), feed.signal(MONDAY + 1)])
    assert feed.desk.late == 1
    assert counted(feed.desk, MONDAY + 1).volume == 1


def test_a_message_dated_where_no_clock_has_been_is_not_counted() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY + 10_000, watermark=MONDAY * WINDOW), feed.signal(MONDAY + 1, watermark=None)])
    assert feed.desk.late == 1
    assert len(trends(feed.advance(MONDAY + 20_000))) == 1


# Alerts


def test_a_surge_is_told_with_all_that_is_needed(feed: Feed) -> None:
    feed.desk.watch([SUBJECT])
    for at in range(18):
        feed.put(
            [
                feed.signal(
                    NOW + at / 18,
                    score=0.5 + at / 40,
                    source="tribune" if at % 3 else "wire",
                    entities=["corvane"] if at % 2 else ["corvane", "birk"],
                    model="encoder:7",
                )
            ]
        )
    feed.put(feed.window(NOW, 0, 6, model="encoder:7"))
    (alert,) = alerts(feed.advance(NOW + 1))
    subject = parse_subject(SUBJECT)
    assert (alert.status, alert.startsAt, alert.endsAt, alert.time) == (
        "firing",
        moment(NOW),
        None,
        moment(NOW + 1),
    )
    assert alert.labels == {
        "alertname": "NegativeSurge",
        "domain": "finance",
        "severity": alert.level,
        **subject.labels,
    }
    assert alert.watched
    assert not alert.past
    evidence = alert.evidence
    assert (evidence.window_start, evidence.window_end) == (moment(NOW), moment(NOW + 1))
    assert (evidence.observed, evidence.volume, evidence.share) == (18, 24, 0.75)
    assert evidence.expected == pytest.approx(1.5, rel=0.2)
    assert evidence.expected_share == pytest.approx(0.27, abs=0.05)
    assert 0.0 < evidence.p_value <= evidence.threshold < 0.01
    assert evidence.model == "encoder:7"
    assert evidence.duplicates == 0
    assert [message.score for message in evidence.messages] == pytest.approx([0.925, 0.9, 0.875, 0.85, 0.825])
    assert all(message.sentiment == "negative" for message in evidence.messages)
    # What went before has faded, and has not gone.
    assert list(evidence.sources) == ["wire", "tribune"] or list(evidence.sources) == ["tribune", "wire"]
    assert sum(evidence.sources.values()) == pytest.approx(1.0, abs=0.001)
    assert evidence.sources["tribune"] > 0.3
    assert 0.5 < evidence.entities["corvane"] <= 1.0
    assert evidence.entities["birk"] == pytest.approx(evidence.entities["corvane"] / 2, rel=0.01)
    assert alert.annotations["summary"] == "larkmoor: 18 negative messages in 5 min, 1.5 expected"
    assert "\n" not in alert.annotations["summary"]


def test_evidence_is_of_the_kind_that_surges(feed: Feed) -> None:
    feed.put([feed.signal(NOW, "positive", text="Praise", score=1.0), feed.signal(NOW, text=None, score=1.0)])
    feed.put(feed.window(NOW, 15, 2))
    (alert,) = alerts(feed.advance(NOW + 1))
    assert {message.sentiment for message in alert.evidence.messages} == {"negative"}
    assert len(alert.evidence.messages) == 5
    assert len({message.text for message in alert.evidence.messages}) == 5


def test_many_sources_are_told_as_the_greatest_and_the_others(feed: Feed) -> None:
    for at in range(60):
        feed.put([feed.signal(NOW + at / 60, source=f"outlet {at}" if at % 2 else "gazette")])
    (alert,) = alerts(feed.advance(NOW + 1))
    assert len(alert.evidence.sources) <= 11
    assert next(iter(alert.evidence.sources)) in ("gazette", "(others)")
    assert sum(alert.evidence.sources.values()) == pytest.approx(1.0, abs=0.01)


def test_one_surge_is_one_alert_from_beginning_to_end(feed: Feed) -> None:
    told = alerts(surge(feed, NOW, 10) + calm(feed, NOW + 10, 30))
    assert [alert.status for alert in told].count("resolved") == 1
    assert told[0].status == "firing"
    assert told[-1].status == "resolved"
    assert len({alert.fingerprint for alert in told}) == 1
    assert len({alert.startsAt for alert in told}) == 1
    assert len({alert.id for alert in told}) == len(told)
    assert told[-1].endsAt == told[-1].time
    assert moment(NOW + 12) <= told[-1].time <= moment(NOW + 24)
    assert told[-1].annotations["summary"].startswith("larkmoor: over; it was ")
    assert feed.desk.firing == []


def test_a_level_rises_under_the_same_fingerprint(feed: Feed) -> None:
    told = alerts(surge(feed, NOW, 3, negative=8) + surge(feed, NOW + 3, 3, negative=60))
    levels = [alert.level for alert in told]
    assert levels[0] == "yellow"
    assert levels[-1] == "red"
    assert levels == sorted(set(levels), key=["yellow", "orange", "red"].index)
    assert len({alert.fingerprint for alert in told}) == 1
    assert [alert.labels["severity"] for alert in told] == levels
    assert feed.desk.firing == [told[-1]]


def test_silence_resolves(feed: Feed) -> None:
    begun = alerts(surge(feed, NOW, 2))
    assert begun[0].status == "firing"
    (over,) = alerts(feed.advance(NOW + 100))
    assert over.status == "resolved"
    assert over.time <= moment(NOW + 20)
    assert not over.past


def test_what_was_over_when_it_was_found_is_past(feed: Feed) -> None:
    feed.put(feed.window(NOW, 20, 2))
    told = alerts(feed.advance(NOW + 100))
    assert [alert.status for alert in told][-1] == "resolved"
    assert all(alert.past for alert in told)


def test_what_lies_long_back_is_past_and_what_still_fires_is_not(feed: Feed) -> None:
    feed.put(feed.window(NOW, 20, 2))
    days_later = (NOW + 3 * 288) * WINDOW
    (alert,) = alerts(feed.desk.advance((NOW + 1) * WINDOW, days_later))
    assert alert.past
    assert feed.desk.firing[0].past
    feed.put(feed.window(NOW + 1, 20, 2))
    feed.desk.advance((NOW + 2) * WINDOW, (NOW + 2) * WINDOW)
    assert not feed.desk.firing[0].past


def test_an_alert_links_to_where_it_can_be_looked_at(feed: Feed) -> None:
    desk = make_desk(generator_url="https://desk.example/subjects/")
    own = Feed(desk)
    live(own)
    own.put(own.window(NOW, 30, 2))
    (alert,) = alerts(own.advance(NOW + 1))
    assert alert.generatorURL == "https://desk.example/subjects/entity/larkmoor"


def test_a_verdict_is_remembered_and_counts_once(feed: Feed) -> None:
    (alert,) = alerts(surge(feed, NOW, 1, negative=30))
    verdict = Verdict(
        fingerprint=alert.fingerprint,
        subject=SUBJECT,
        startsAt=alert.startsAt,
        verdict="false_alarm",
        time=alert.time,
        by="desk",
    )
    before = dict(feed.desk.dirty())[""]
    feed.desk.judge(verdict)
    after = dict(feed.desk.dirty())[""]
    assert after != before
    feed.desk.judge(verdict)
    assert feed.desk.dirty() == []


# State


def test_only_what_changed_is_written(feed: Feed) -> None:
    assert feed.desk.dirty() == []
    feed.put([feed.signal(NOW, subject="topic/fraud")])
    assert [key for key, _ in feed.desk.dirty()] == ["topic/fraud"]
    assert feed.desk.dirty() == []
    feed.advance(NOW + 1)
    assert [key for key, _ in feed.desk.dirty()] == ["topic/fraud", ""]


def test_a_desk_restored_while_an_alert_fires_goes_on_as_if_nothing_had_been(feed: Feed) -> None:
    states = dict(feed_states(feed))
    undisturbed, disturbed = feed, Feed(restored(list(states.items())))
    disturbed.offset = feed.offset
    expected, told = [], []
    for at in range(40):
        counts = (14, 4) if at < 10 else (1, 4)
        bucket = NOW + at
        for each, records in ((undisturbed, expected), (disturbed, told)):
            signals = each.window(bucket, *counts)
            each.put(signals[: len(signals) // 2])
            if each is disturbed:
                states |= dict(each.desk.dirty())
                each.desk = restored(list(states.items()))
            each.put(signals[len(signals) // 3 :])
            records += each.advance(bucket + 1)
            if each is disturbed:
                states |= dict(each.desk.dirty())
                each.desk = restored(list(states.items()))
        assert disturbed.desk.firing == undisturbed.desk.firing
    assert told == expected
    assert {alert.status for alert in alerts(told)} == {"firing", "resolved"}


def feed_states(feed: Feed) -> list[tuple[str, bytes | None]]:
    """All of a desk's state."""
    feed.desk._dirty = dict.fromkeys([*feed.desk._subjects, ""])
    return feed.desk.dirty()


def test_who_is_silent_for_long_is_forgotten(feed: Feed) -> None:
    feed.put([feed.signal(NOW, subject="topic/fraud")])
    feed.advance(NOW + 1)
    feed.desk.dirty()
    forget = int(SETTINGS.forget_hours * 12)
    feed.advance(NOW + forget - 12)
    assert feed.desk.subjects == 2
    feed.advance(NOW + forget + 26)
    assert feed.desk.subjects == 0
    assert dict(feed.desk.dirty()) | {"": b""} == {SUBJECT: None, "topic/fraud": None, "": b""}


def test_state_is_bounded_however_much_is_said() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY, subject="topic/once", text="x" * 140)])
    for at in range(30):
        for each in range(400):
            feed.put(
                [
                    feed.signal(
                        MONDAY + at + each / 400,
                        source=f"outlet {each % 50}",
                        entities=[f"entity {each % 70}"],
                        text="x" * 140,
                    )
                ]
            )
        feed.advance(MONDAY + at)
    states = dict(feed.desk.dirty())
    busy, small = states[SUBJECT], states["topic/once"]
    assert busy is not None
    assert small is not None
    assert len(busy) < 7_000, "two windows are open"
    assert len(small) < 1_000
    feed.advance(MONDAY + 30)
    closed = dict(feed.desk.dirty())[SUBJECT]
    assert closed is not None
    assert len(closed) < 4_500
