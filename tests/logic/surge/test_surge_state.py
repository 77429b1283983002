from __future__ import annotations

import msgspec
import pytest
import structlog
from support.surge import MONDAY, NOW, SUBJECT, Feed, alerts, make_desk, restored, surge, trends

from streams.contract.settings import SurgeSettings
from streams.logic.surge.firing import Firing
from streams.logic.surge.state import Kept
from streams.logic.surge.store import Figures


def test_only_what_changed_is_written(feed: Feed) -> None:
    assert feed.desk.dirty() == []
    feed.put([feed.signal(NOW, subject="topic/fraud")])
    assert [key for key, _ in feed.desk.dirty()] == ["topic/fraud"]
    assert feed.desk.dirty() == []
    feed.advance(NOW + 1)
    assert [key for key, _ in feed.desk.dirty()] == ["topic/fraud", ""]


def test_a_desk_restored_while_an_alert_fires_goes_on_as_if_nothing_had_been(
    quiet_life: tuple[dict[str, bytes | None], int],
) -> None:
    states, offset = quiet_life
    kept = dict(states)
    undisturbed, disturbed = Feed(restored(states)), Feed(restored(states))
    undisturbed.offset = disturbed.offset = offset

    def restart() -> None:
        kept.update(disturbed.desk.dirty())
        disturbed.desk = restored(kept)

    expected, told = [], []
    for bucket in range(NOW, NOW + 40):
        negative = 14 if bucket < NOW + 10 else 1
        signals = disturbed.window(bucket, negative, 4)
        undisturbed.put(signals)
        expected += undisturbed.advance(bucket + 1)
        disturbed.put(signals[: len(signals) // 2])
        restart()
        disturbed.put(signals[len(signals) // 3 :])
        told += disturbed.advance(bucket + 1)
        restart()
        assert disturbed.desk.firing == undisturbed.desk.firing
    assert told == expected
    assert {alert.status for alert in alerts(told)} == {"firing", "resolved"}


def test_a_crash_between_two_states_counts_nothing_twice(
    feed: Feed, quiet_life: tuple[dict[str, bytes | None], int]
) -> None:
    """A subject's state was written and the partition's was not: the windows are closed once more."""
    kept = dict(quiet_life[0])
    first, second = feed.window(NOW, 14, 4), feed.window(NOW, 1, 4, "topic/fraud")
    feed.put([*first, *second])
    before = feed.advance(NOW + 1)
    kept[SUBJECT] = dict(feed.desk.dirty())[SUBJECT]
    again = Feed(restored(kept))
    again.put([*first, *second])
    assert again.desk.duplicates == len(first)
    assert [trend.subject for trend in trends(again.advance(NOW + 1))] == ["topic/fraud"]
    assert again.desk.firing == alerts(before)
    feed.offset += 100
    more = feed.window(NOW + 1, 2, 4)
    for each in (feed, again):
        each.put(more)
    assert again.advance(NOW + 2)[0] == feed.advance(NOW + 2)[0]


def test_who_is_silent_for_long_is_forgotten(feed: Feed) -> None:
    feed.put([feed.signal(NOW, subject="topic/fraud")])
    feed.advance(NOW + 1)
    feed.desk.dirty()
    forget = int(SurgeSettings().forget_hours * 12)
    feed.advance(NOW + forget - 12)
    assert feed.desk.subjects == 2
    feed.advance(NOW + forget + 26)
    assert feed.desk.subjects == 0
    assert dict(feed.desk.dirty()) | {"": b""} == {SUBJECT: None, "topic/fraud": None, "": b""}


def test_who_is_silent_for_long_is_forgotten_while_others_talk_in_every_window() -> None:
    feed = Feed(make_desk(SurgeSettings(forget_hours=2.0)))
    feed.put([feed.signal(MONDAY, subject="topic/fraud")])
    for bucket in range(MONDAY, MONDAY + 3 * 12 + 1):
        feed.put([feed.signal(bucket)])
        feed.advance(bucket + 1)
    assert feed.desk.subjects == 1


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


@pytest.mark.parametrize(
    "settings",
    [
        SurgeSettings(window_seconds=900),
        SurgeSettings(window_seconds=60),
        SurgeSettings(kinds=("volume",)),
        SurgeSettings(kinds=("negative", "positive")),
    ],
)
def test_a_desk_of_other_windows_or_kinds_begins_anew(feed: Feed, settings: SurgeSettings) -> None:
    """Windows of another length have other numbers: by those of the state all that comes now would be late."""
    surge(feed, NOW, 3)
    assert feed.desk.firing
    states = dict(feed.desk.dirty())
    with structlog.testing.capture_logs() as logs:
        again = Feed(restored(states, settings))
    assert len(logs) == 1
    assert "surge.window_seconds" in logs[0]["settings"]
    assert (again.desk.subjects, again.desk.closed_until, again.desk.firing) == (0, None, [])
    again.put(again.window(NOW + 3, 1, 4))
    assert sum(trend.volume for trend in trends(again.advance(NOW + 6))) == 5
    assert again.desk.late == 0


def test_a_state_that_cannot_be_read_leaves_nothing_behind(quiet_life: tuple[dict[str, bytes | None], int]) -> None:
    kept = msgspec.msgpack.decode(quiet_life[0][SUBJECT] or b"", type=Kept)
    figures, firing = msgspec.msgpack.decode(kept.panel, type=tuple[Figures, dict[str, Firing]])
    figures.daily = figures.daily[:-4]
    kept.panel = msgspec.msgpack.encode((figures, firing))
    desk = make_desk()
    with pytest.raises(ValueError, match="reshape"):
        desk.restore(SUBJECT, msgspec.msgpack.encode(kept))
    fresh, feed = Feed(make_desk()), Feed(desk)
    for each in (fresh, feed):
        each.put(each.window(NOW, 2, 4))
    assert feed.advance(NOW + 1) == fresh.advance(NOW + 1)
    assert dict(desk.dirty()) == dict(fresh.desk.dirty())
