"""Signals for tests of surge detection, and desks that have lived through a quiet time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streams.contract.alerts import Alert, Trend
from streams.contract.settings import SurgeSettings
from streams.contract.signals import Signal
from streams.logic.surge.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streams.contract.records import Sentiment

WINDOW = 300
# Monday, 5 January 2026, midnight, in windows.
MONDAY = 5_891_904
SUBJECT = "entity/larkmoor"
# Thirty hours, in windows: longer than a subject takes to be known.
WARM = 30 * 12
NOW = MONDAY + WARM


def make_desk(settings: SurgeSettings | None = None, **more: Any) -> Desk:  # noqa: ANN401  any of Desk's arguments
    return Desk(
        settings or SurgeSettings(),
        **{"domain": "finance", "signals_topic": "tocsin.signals", "partition": 0, "partitions": 1} | more,
    )


class Feed:
    """Makes signals, each with the next offset, id and text, and puts them into a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.offset = 0

    def signal(
        self,
        bucket: float,
        sentiment: Sentiment = "negative",
        subject: str = SUBJECT,
        **more: Any,  # noqa: ANN401
    ) -> Signal:
        self.offset += 1
        time = datetime.fromtimestamp(bucket * WINDOW, UTC)
        fields = {
            "id": f"signal-{self.offset}",
            "subject": subject,
            "message_id": f"message-{self.offset}",
            "time": time,
            "sentiment": sentiment,
            "score": 0.9,
            "source": "wire",
            "kind": "news",
            "topic": "news",
            "partition": 0,
            "offset": self.offset,
            "watermark": time.timestamp() - 120.0,
            "model": "encoder:1",
            "fingerprint": f"{self.offset:016x}",
            "text": f"Text {self.offset}",
        }
        return Signal(**fields | more)

    def put(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            self.desk.observe(signal, signal.time.timestamp())

    def window(
        self,
        bucket: int,
        negative: int,
        other: int,
        subject: str = SUBJECT,
        **more: Any,  # noqa: ANN401
    ) -> list[Signal]:
        """Signals spread over one window."""
        count = negative + other
        return [
            self.signal(bucket + (at + 0.5) / count, "negative" if at < negative else "neutral", subject, **more)
            for at in range(count)
        ]

    def advance(self, bucket: int) -> list[Alert | Trend]:
        """Close what ends at or before the beginning of a window, live."""
        return self.desk.advance(bucket * WINDOW, bucket * WINDOW)


def alerts(records: Sequence[Alert | Trend]) -> list[Alert]:
    return [record for record in records if isinstance(record, Alert)]


def trends(records: Sequence[Alert | Trend]) -> list[Trend]:
    return [record for record in records if isinstance(record, Trend)]


def moment(bucket: float) -> datetime:
    return datetime.fromtimestamp(bucket * WINDOW, UTC)


def live(feed: Feed, windows: int = WARM) -> None:
    """Live through quiet windows: one or two negatives in each, and four others."""
    for at in range(windows):
        feed.put(feed.window(MONDAY + at, 1 + at % 2, 4))
        feed.advance(MONDAY + at + 1)


def restored(states: Mapping[str, bytes | None], settings: SurgeSettings | None = None) -> Desk:
    """A desk with the states that another one gave."""
    desk = make_desk(settings)
    for key, state in states.items():
        if state is not None:
            desk.restore(key, state)
    return desk


def surge(feed: Feed, first: int, windows: int, *, negative: int = 14) -> list[Alert | Trend]:
    return run(feed, first, windows, negative)


def calm(feed: Feed, first: int, windows: int) -> list[Alert | Trend]:
    return run(feed, first, windows, 1)


def run(feed: Feed, first: int, windows: int, negative: int) -> list[Alert | Trend]:
    """So many negatives, and four others, in each of some windows."""
    records = []
    for bucket in range(first, first + windows):
        feed.put(feed.window(bucket, negative, 4))
        records += feed.advance(bucket + 1)
    return records
