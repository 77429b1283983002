"""Signals for tests of surge detection, and desks that have lived through a quiet time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from streams.contract.settings import SurgeSettings
from streams.contract.signals import Signal
from streams.logic.surge.desk import Desk
from streams.logic.surge.panel import Counts, Panel, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streams.contract.alerts import Alert, Trend
    from streams.contract.records import Sentiment

WINDOW = 300
# Monday, 5 January 2026, midnight, in windows.
MONDAY = 5_891_904
SUBJECT = "entity/larkmoor"


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
            self.desk.observe(signal, signal.offset)

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


def close_all(panel: Panel, windows: Mapping[int, Mapping[str, Counts]]) -> list[Transition]:
    return [change for bucket in sorted(windows) for change in panel.close(bucket, windows[bucket])]


def steady(
    subjects: Sequence[str],
    windows: int,
    *,
    negative: float = 20.0,
    share: float = 0.3,
    seed: int = 1,
    first: int = MONDAY,
) -> dict[int, dict[str, Counts]]:
    """Poisson counts, so many negatives an hour for each subject."""
    noise = np.random.default_rng(seed)
    bad = noise.poisson(negative / 12, (windows, len(subjects)))
    rest = noise.poisson(negative / 12 * (1 - share) / share, (windows, len(subjects)))
    return {
        first + at: {
            subject: Counts(negative=int(bad[at, i]), total=int(bad[at, i] + rest[at, i]))
            for i, subject in enumerate(subjects)
            if bad[at, i] + rest[at, i]
        }
        for at in range(windows)
    }
