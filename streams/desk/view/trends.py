"""How much was said of each subject lately, and how: what sparklines are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.contract.alerts import Trend
from streams.contract.subjects import parse_subject
from streams.desk.view.alerts import told_subject
from streams.desk.view.shown import Heard, Kept, Place, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct

    from streams.desk.view.shown import Doc

_SECTION = "trends"

WINDOWS = 36
"""Windows that are kept of a subject: three hours, at five minutes each."""


class TrendsView:
    """The latest windows of each subject.

    Args:
        keep: Most subjects; those of which nothing was said for longest go first.
    """

    kinds: tuple[type[Struct], ...] = (Trend,)

    def __init__(self, keep: int) -> None:
        self._subjects: Kept[dict[float, Trend]] = Kept(keep)

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a window; one that is told again replaces itself."""
        trend = heard.record
        if not isinstance(trend, Trend):
            return set()
        windows = self._subjects.get(trend.subject, {})
        windows[trend.start.timestamp()] = trend
        if len(windows) > WINDOWS:
            del windows[min(windows)]
        return places(_SECTION, trend.subject, *self._subjects.put(trend.subject, windows))

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All subjects."""
        return {_SECTION: {key: _document(key, windows) for key, windows in self._subjects.items()}}

    def doc(self, place: Place) -> Doc | None:
        """One subject."""
        windows = self._subjects.get(place.key)
        return None if windows is None else _document(place.key, windows)


def _document(key: str, windows: dict[float, Trend]) -> Doc:
    latest = windows[max(windows)]
    return {
        "subject": key,
        "told": told_subject(key),
        "kind": _kind(key),
        "window_seconds": round((latest.end - latest.start).total_seconds()),
        # Rows rather than objects: there are many.
        "windows": [_row(start, windows[start]) for start in sorted(windows)],
    }


def _row(start: float, trend: Trend) -> list[Any]:
    """Start, volume, negative, usual volume, usual negative."""
    return [
        round(start),
        trend.volume,
        trend.negative,
        round(trend.expected_volume, 2),
        round(trend.expected_negative, 2),
    ]


def _kind(key: str) -> str:
    try:
        return parse_subject(key).kind
    except ValueError:
        return ""
