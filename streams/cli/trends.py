"""``tocsin trends``: how much is said of a subject, and how much of it is negative, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.bar import Bar
from rich.markup import escape
from rich.table import Table

from streams.brokers.reading import read_key
from streams.cli import common, desk
from streams.contract.alerts import Trend
from streams.contract.decoding import JsonDecoder
from streams.contract.settings import Settings
from streams.contract.topics import trends_topic

_VOLUME_CELLS = 32
_SHARE_CELLS = 16
_SECONDS_A_MINUTE = 60


def trends(
    subject: Annotated[
        str, typer.Argument(help="topic/NAME, entity/NAME, entity/NAME/topic/NAME, or an entity by any of its names.")
    ],
    windows: Annotated[int, typer.Option(min=1, help="Show so many windows, the latest.")] = 36,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """Draw how much was said of a subject, and the share of negatives, window by window.

    A window in which nothing was said is not told of; a gap says for how long that was so.

    Example: `tocsin trends entity/larkmoor --windows 12`
    """
    settings = common.settings()
    key = desk.subject_of(settings, subject).key
    shown = _read(settings, key)[-windows:]
    if not shown:
        raise common.CommandError(
            f"nothing is told of {key} on {trends_topic(settings.topics)}: `tocsin watch trends` shows what comes",
            common.NOT_FOUND,
        )
    if as_json:
        common.print_json_lines(shown)
        return
    common.out.print(_drawn(key, shown))


def _read(settings: Settings, key: str) -> list[Trend]:
    """What is told of a subject, each window once, in order of time."""
    decoder = JsonDecoder(Trend)
    found: dict[object, Trend] = {}
    topic = trends_topic(settings.topics)
    with common.err.status(f"reading {escape(topic)}"):
        for record in read_key(settings, topic, key.encode()):
            try:
                trend = decoder.decode(record.value or b"")
            except msgspec.DecodeError as error:
                place = f"{topic}[{record.partition}]@{record.offset}"
                common.err.print(f"[yellow]warning:[/] {escape(f'{place} is no trend: {error}')}", highlight=False)
                continue
            found[trend.start] = trend
    return sorted(found.values(), key=lambda trend: trend.start)


def _drawn(key: str, shown: Sequence[Trend]) -> Table:
    volume, negative = sum(trend.volume for trend in shown), sum(trend.negative for trend in shown)
    share = f", {negative / volume:.0%} negative" if volume else ""
    table = Table(
        "began (UTC)",
        "volume",
        "",
        "usual",
        "negative",
        "",
        "usual",
        title=f"{escape(key)}: {common.some(volume, 'message')}{share}",
        title_justify="left",
    )
    most = max(1, *(trend.volume for trend in shown))
    before: Trend | None = None
    for trend in shown:
        if before is not None and trend.start > before.end:
            minutes = (trend.start - before.end).total_seconds() / _SECONDS_A_MINUTE
            table.add_row(f"[dim]{minutes:g} min of silence[/]")
        table.add_row(
            desk.moment(trend.start),
            Bar(most, 0, trend.volume, width=_VOLUME_CELLS, color="cyan"),
            str(trend.volume),
            f"{trend.expected_volume:.1f}",
            Bar(max(trend.volume, 1), 0, trend.negative, width=_SHARE_CELLS, color="red"),
            f"{trend.negative} ({trend.negative / trend.volume:.0%})" if trend.volume else "0",
            f"{trend.expected_negative:.1f}",
        )
        before = trend
    return table
