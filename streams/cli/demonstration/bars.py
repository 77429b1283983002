"""Bars in the terminal: how often, and in what mood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from streams.cli.demonstration.tally import Mood
from streams.contract.records import SENTIMENTS

COLOURS = {"negative": "red", "neutral": "bright_black", "positive": "green"}
_LONGEST_NAME = 15
_SHORTEST_BAR = 3


class Bar:
    """A bar as wide as its place, filled in proportion, its filling split by sentiment.

    Args:
        mood: What it stands for.
        full: Count of a full bar.
    """

    def __init__(self, mood: Mood, full: int) -> None:
        self._mood = mood
        self._full = full

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        mark = "=" if options.ascii_only else "\u2501"
        length = round(options.max_width * self._mood.total() / max(self._full, 1))
        bar = Text(no_wrap=True, end="")
        for sentiment, cells in split(self._mood, max(length, 1)).items():
            bar.append(mark * cells, COLOURS[sentiment])
        yield bar

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_SHORTEST_BAR, options.max_width)


class BarList:
    """One row each: name, bar, count or share; as many as its place is high.

    Args:
        rows: Names with their moods, in order.
        whole: What shares are of; counts are shown where absent.
        shown: Most rows where the place has no height of its own.
    """

    def __init__(self, rows: Sequence[tuple[str, Mood]], *, whole: int | None = None, shown: int | None = None) -> None:
        self._rows = rows
        self._whole = whole
        self._shown = shown

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        rows = self._rows[: self._shown if options.height is None else options.height]
        full = max((mood.total() for _, mood in self._rows), default=0)
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=_LONGEST_NAME)
        grid.add_column(ratio=1)
        grid.add_column(justify="right", no_wrap=True)
        for name, mood in rows:
            count = str(mood.total()) if self._whole is None else f"{mood.total() / max(self._whole, 1):.0%}"
            grid.add_row(Text(name), Bar(mood, full), count)
        yield grid


def by_sentiment(mood: Mood) -> list[tuple[str, Mood]]:
    """A row for each sentiment."""
    return [(sentiment, Mood({sentiment: mood[sentiment]})) for sentiment in SENTIMENTS]


def split(mood: Mapping[str, int], cells: int) -> dict[str, int]:
    """Share out the cells of a bar in proportion, none lost: the largest remainder method.

    Args:
        mood: Counts by sentiment.
        cells: How many there are.
    """
    total = sum(mood.values())
    if not total:
        return {}
    exact = {sentiment: cells * mood.get(sentiment, 0) / total for sentiment in SENTIMENTS}
    whole: dict[str, int] = {sentiment: int(share) for sentiment, share in exact.items()}
    by_remainder = sorted(SENTIMENTS, key=lambda sentiment: exact[sentiment] - whole[sentiment], reverse=True)
    for sentiment in by_remainder[: cells - sum(whole.values())]:
        whole[sentiment] += 1
    return whole
