from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.sources.items import Item, Outgoing, Skipped
from streams.sources.replay import Pace, ReplayPace, SteadyPace, paced

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _item(seconds: float | None) -> Outgoing:
    return Outgoing("line", "key", b"{}", None if seconds is None else START + timedelta(seconds=seconds))


def _sent_at(items: list[Item], pace: Pace) -> list[float]:
    clock = Clock()
    return [clock.now - 100.0 for _ in paced(items, pace, clock=clock, sleep=clock.sleep)]


def test_messages_come_at_their_own_times_by_the_factor() -> None:
    items: list[Item] = [_item(0), _item(60), _item(90), _item(660)]
    assert _sent_at(items, ReplayPace(60)) == pytest.approx([0, 1, 1.5, 11])


def test_what_is_late_or_timeless_comes_at_once() -> None:
    items: list[Item] = [_item(None), _item(10), _item(12), _item(11), _item(None), Skipped("line", "blank"), _item(13)]
    assert _sent_at(items, ReplayPace(1)) == pytest.approx([0, 0, 2, 2, 2, 2, 3])


def test_what_is_dated_thousands_of_years_ahead_is_waited_for_and_is_no_error() -> None:
    slept: list[float] = []
    clock = Clock()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.sleep(seconds)

    far = 250e9
    items: list[Item] = [_item(0), _item(far)]
    assert len(list(paced(items, ReplayPace(1), clock=clock, sleep=sleep))) == 2
    assert sum(slept) == pytest.approx(far)
    assert max(slept) < 9.2e9, "what time.sleep takes at most"


def test_so_many_a_second() -> None:
    assert _sent_at([_item(None)] * 5, SteadyPace(4)) == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_a_short_delay_is_caught_up_and_a_long_one_is_not() -> None:
    pace = SteadyPace(10)
    assert pace.due(None, 0.0) == 0.0
    assert pace.due(None, 0.5) == pytest.approx(0.1)
    after = [pace.due(None, 3600.0) for _ in range(30)]
    assert sum(due <= 3600.0 for due in after) == 11
