"""What was said of a subject, drawn."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.alerts import NOON
from support.messages import produce

from streams.contract.alerts import Trend
from streams.contract.records import encode
from streams.contract.topics import trends_topic

if TYPE_CHECKING:
    from support.commands import Tocsin

    from streams.contract.settings import Settings

WINDOW = timedelta(minutes=5)

pytestmark = pytest.mark.integration


def trend(number: int, volume: int, negative: int, subject: str = "entity/larkmoor") -> Trend:
    start = NOON + number * WINDOW
    return Trend(
        id=f"{subject} {number}",
        subject=subject,
        start=start,
        end=start + WINDOW,
        volume=volume,
        negative=negative,
        neutral=volume - negative,
        positive=0,
        expected_volume=4.5,
        expected_negative=1.5,
        change=None,
    )


def tell(settings: Settings, *trends: Trend) -> None:
    records = [(told.subject.encode(), encode(told), []) for told in trends]
    produce(settings, trends_topic(settings.topics), records)


def test_windows_are_drawn_in_order_each_once_with_gaps_told(tocsin: Tocsin, stream_settings: Settings) -> None:
    first = trend(0, 4, 1)
    tell(stream_settings, trend(1, 16, 12), first, first, trend(5, 0, 0), trend(0, 99, 99, "entity/other"))
    drawn = tocsin("trends", "Larkmoor plc")
    assert drawn.code == 0, drawn.err
    lines = drawn.out.splitlines()
    assert "entity/larkmoor: 20 messages, 65% negative" in lines[0]
    times = [line.split("│")[1].strip() for line in lines if "│" in line]
    assert times == ["2026-03-02 12:00", "2026-03-02 12:05", "15 min of silence", "2026-03-02 12:25"]
    low, high, _, none = (line for line in lines if "│" in line)
    assert low.count("█") < high.count("█")
    assert none.count("█") == 0
    assert "12 (75%)" in high
    assert "4.5" in high
    assert "99" not in drawn.out


def test_the_latest_windows_as_json(tocsin: Tocsin, stream_settings: Settings) -> None:
    tell(stream_settings, *(trend(number, number, 0) for number in range(9)))
    produce(stream_settings, trends_topic(stream_settings.topics), [(b"entity/larkmoor", b"?", [])])
    outcome = tocsin("trends", "entity/larkmoor", "--windows", 3, "--json")
    assert [json.loads(line)["volume"] for line in outcome.out.splitlines()] == [6, 7, 8]
    assert "is no trend" in outcome.err


def test_a_subject_of_which_nothing_is_told_is_3(tocsin: Tocsin) -> None:
    nothing = tocsin("trends", "topic/fraud")
    assert nothing.code == 3
    assert "topic/fraud" in nothing.err
