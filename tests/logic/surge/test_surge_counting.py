from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.surge import MONDAY, NOW, SUBJECT, WINDOW, Feed, alerts, make_desk, moment, restored, trends

from streams.contract.alerts import Trend

if TYPE_CHECKING:
    from streams.logic.surge.desk import Desk


def counted(desk: Desk, bucket: int) -> Trend:
    (trend,) = trends(desk.advance((bucket + 1) * WINDOW, bucket * WINDOW))
    return trend


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
    now = (MONDAY + 2) * WINDOW
    assert feed.desk.advance((MONDAY + 1) * WINDOW - 0.001, now) == []
    assert len(feed.desk.advance((MONDAY + 1) * WINDOW, now)) == 1
    assert feed.desk.advance((MONDAY + 1) * WINDOW, 0.0) == []
    assert feed.desk.advance(MONDAY * WINDOW, 0.0) == [], "time does not go back"


def test_a_signal_that_is_read_again_is_not_counted_again() -> None:
    feed = Feed(make_desk())
    signals = feed.window(MONDAY, 2, 0)
    feed.put(signals)
    feed.put(signals)
    assert feed.desk.duplicates == 2
    assert counted(feed.desk, MONDAY).volume == 2


def test_what_enrich_repeats_is_not_counted_again() -> None:
    """The same input comes again, in another record of the signals topic."""
    feed = Feed(make_desk())
    first = feed.signal(MONDAY)
    repeated = feed.signal(MONDAY, offset=first.offset, message_id="another", fingerprint="another")
    other_partition = feed.signal(MONDAY, partition=1, offset=first.offset)
    other_topic = feed.signal(MONDAY, topic="social", offset=first.offset)
    for signal in (first, repeated, other_partition, other_topic):
        feed.desk.observe(signal, signal.time.timestamp())
    assert feed.desk.duplicates == 1
    assert counted(feed.desk, MONDAY).volume == 3


def test_an_input_topic_that_was_made_anew_counts_though_its_offsets_begin_again() -> None:
    feed = Feed(make_desk())
    feed.offset = 1_000
    first = feed.window(MONDAY, 2, 3)
    feed.put(first)
    feed.advance(MONDAY + 1)
    feed.offset = 0
    anew = feed.window(MONDAY + 1, 1, 3)
    feed.put(anew)
    assert feed.desk.duplicates == 0
    feed.put([*first, *anew])
    assert feed.desk.duplicates == len(anew)
    assert counted(feed.desk, MONDAY + 1).volume == 4


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
    feed.put(feed.window(NOW + 1, 12, 2))
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


def test_a_partition_of_which_no_message_is_believed_fills_no_state() -> None:
    """A producer's clock is a year ahead: its partition never has a time of its own."""
    feed = Feed(make_desk())
    for number in range(2_000):
        ahead = feed.signal(MONDAY + number / 5 + 105_120, watermark=None)
        feed.desk.observe(ahead, (MONDAY + number / 5) * WINDOW)
        feed.advance(MONDAY + number // 5)
    assert feed.desk.late == 2_000
    assert max(len(state or b"") for _, state in feed.desk.dirty()) < 5_000


def test_windows_that_a_state_of_before_holds_far_ahead_are_dropped() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY), *(feed.signal(MONDAY + 105_120 + number, watermark=None) for number in range(50))])
    states = feed.desk.dirty()
    restored = Feed(make_desk())
    for key, state in states:
        restored.desk.restore(key, state or b"")
    assert len(trends(restored.advance(MONDAY + 1))) == 1
    assert restored.desk.late == 50
    assert len(dict(restored.desk.dirty())[SUBJECT] or b"") < len(dict(states)[SUBJECT] or b"") / 4
    # What is only a little ahead is kept until its time comes.
    restored.put([restored.signal(MONDAY + 200, watermark=None, offset=900, message_id="later", fingerprint="later")])
    assert len(trends(restored.advance(MONDAY + 201))) == 1


def test_a_message_dated_where_no_clock_has_been_is_not_counted() -> None:
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY + 10_000, watermark=MONDAY * WINDOW), feed.signal(MONDAY + 1, watermark=None)])
    assert feed.desk.late == 1
    assert len(trends(feed.advance(MONDAY + 20_000))) == 1


@pytest.mark.parametrize("year", [1, 1900])
def test_a_message_dated_long_before_1970_ends_nobody(year: int) -> None:
    """A producer that sets no time may send the first one that its language has."""
    feed = Feed(make_desk())
    feed.put([feed.signal(MONDAY, time=datetime(year, 1, 1, tzinfo=UTC))])
    feed.put(feed.window(MONDAY, 2, 3))
    assert [trend.volume for trend in trends(feed.advance(MONDAY + 1))] == [1, 5]
    again = Feed(restored(dict(feed.desk.dirty())))
    again.offset = feed.offset
    again.put(again.window(MONDAY + 1, 1, 3))
    assert counted(again.desk, MONDAY + 1).volume == 4
