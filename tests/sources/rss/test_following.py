"""Polls one after the other: when, and what is remembered between them."""

from __future__ import annotations

import errno
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.feeds import Answer, Server, entry, fields, keys, rss

from streams.sources.items import Item, Outgoing, SourceError
from streams.sources.rss import RssFeed, _retry_after, follow, next_delay

if TYPE_CHECKING:
    from collections.abc import Callable


class Stopped(Exception):  # noqa: N818  it is no error
    """Raised by the wait that is one too many."""


def _run(feed: RssFeed, polls: int, acknowledge: bool = True) -> tuple[list[Item], list[float], list[str]]:
    """Follow a feed for so many polls; items, waits between them and lines told."""
    taken: list[Item] = []
    handed_over: set[str] = set()
    waits: list[float] = []
    told: list[str] = []

    def delivered() -> frozenset[str]:
        keys = frozenset(handed_over) if acknowledge else frozenset()
        handed_over.clear()
        return keys

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == polls:
            raise Stopped

    items = follow(feed, interval=60, delivered=delivered, wait=wait, tell=told.append)
    with suppress(Stopped):
        for item in items:
            taken.append(item)
            handed_over.update(keys((item,)))
    return taken, waits, told


def test_polls_back_off_on_errors_and_recover(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers += [
        Answer(status=500),
        Answer(status=502),
        Answer(status=503, headers={"Retry-After": "1000"}),
        Answer(rss(entry("a", "One"))),
        Answer(rss(entry("a", "One"))),
    ]
    items, waits, told = _run(open_feed(), 5)
    assert waits == [120, 240, 1000, 60, 60]
    assert [fields(item)["text"] for item in items] == ["One"]
    assert "answered 500" in told[0]
    assert "1 new" in told[3]


def test_entries_that_never_arrive_come_at_every_poll(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(rss(entry("a", "One"))))
    items, _, _ = _run(open_feed(), 3, acknowledge=False)
    assert len(items) == 3


def test_a_memory_that_cannot_be_written_is_told_and_does_not_end_the_feed(
    server: Server, open_feed: Callable[[], RssFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("streams.sources.rss.save_memory", full)
    server.answers.append(Answer(rss(entry("a", "One"))))
    feed = open_feed()
    items, waits, told = _run(feed, 3)
    assert (len(items), waits) == (1, [60, 60, 60])
    assert f"1 new; what was seen cannot be kept in {feed.memory_file} (No space left on device)" in told[0]
    feed = open_feed()
    with pytest.raises(SourceError, match="No space left on device"):
        list(follow(feed, interval=60, delivered=frozenset, wait=lambda _: None, tell=lambda _: None, once=True))


def test_stopping_in_mid_poll_remembers_what_arrived(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    server.answers.append(Answer(rss(entry("b", "Two", hour=9), entry("a", "One"))))
    sent: list[str] = []
    items = follow(
        open_feed(), interval=60, delivered=lambda: frozenset(sent), wait=lambda _: None, tell=lambda _: None
    )
    first = next(items)
    assert isinstance(first, Outgoing)
    sent.append(first.key)
    items.close()
    assert [fields(item)["text"] for item in open_feed().poll().items] == ["Two"]


def test_once_is_one_poll_and_its_error_is_an_error(server: Server, open_feed: Callable[[], RssFeed]) -> None:
    def once() -> list[Item]:
        return list(
            follow(open_feed(), interval=60, delivered=frozenset, wait=lambda _: None, tell=lambda _: None, once=True)
        )

    server.answers += [Answer(rss(entry("a", "One"))), Answer(status=500)]
    assert len(once()) == 1
    with pytest.raises(SourceError, match="answered 500"):
        once()


def test_delays_are_bounded() -> None:
    assert next_delay(300, 0, None) == 300
    assert next_delay(300, 100, None) == 3600
    assert next_delay(7200, 3, None) == 7200
    assert next_delay(300, 0, 10.0) == 300
    assert next_delay(300, 1, 1e12) == 86_400


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("90", 90.0),
        ("Mon, 02 Mar 2026 08:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Mon, 02 Mar 2026 08:02:00 +9999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: float | None) -> None:
    assert _retry_after(header, datetime(2026, 3, 2, 8, tzinfo=UTC)) == expected
