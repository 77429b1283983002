"""The live screen: how far it is, cards of figures, what rings, and the latest predictions.

To show more, add a card: it appears once it has something to show.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.cli.demonstration.bars import COLOURS, BarList, by_sentiment
from streams.cli.demonstration.ringing import Alerts, by_weight
from streams.cli.demonstration.tally import Shown, Tally, ranked
from streams.cli.watching import LEVEL_COLOURS
from streams.contract.alerts import Alert

_CARD_WIDTH = 26
_CARD_HEIGHTS = (8, 11)
_HEAD_HEIGHT = 4
_ALERTS = (3, 6)
"""How many alerts a low terminal shows, and a tall one."""
_FRAME = 2
_TALL = 34
"""Lines of a terminal whose cards may be high."""
_LOW = 20
"""Lines of a terminal that has room for cards."""
_WIDE = 100
"""Columns of a terminal that shows intents, and of one that shows who is meant, too."""
_WIDEST = 116
_TEXT_CHARS = 240
_INTENT_CHARS = 16


@dataclass(frozen=True, slots=True)
class Card:
    """A small panel of the screen."""

    title: str
    render: Callable[[Tally], RenderableType | None]
    """What it shows; None while that is nothing, and the card is left out."""


def _topics(tally: Tally) -> RenderableType | None:
    return BarList(ranked(tally.topics), whole=tally.predictions) if tally.topics else None


def _sentiments(tally: Tally) -> RenderableType | None:
    if not tally.predictions:
        return None
    return BarList(by_sentiment(tally.sentiments), whole=tally.predictions, shown=3)


def _sources(tally: Tally) -> RenderableType | None:
    return BarList(ranked(tally.sources)) if tally.sources else None


def _mood(tally: Tally) -> RenderableType | None:
    parts = [part for part in (_sentiments(tally), _sources(tally)) if part is not None]
    return Group(*parts) if parts else None


def _entities(tally: Tally) -> RenderableType | None:
    return BarList(tally.entities) if tally.entities else None


def _dead_letters(tally: Tally) -> RenderableType | None:
    if not tally.letters:
        return None
    rows = [
        Text.assemble((letter.reason, "yellow"), f"  {letter.topic}[{letter.partition}]@{letter.offset}", no_wrap=True)
        for letter in reversed(tally.letters)
    ]
    return Group(*rows)


CARDS = (
    Card("Topics", _topics),
    Card("Sentiment", _mood),
    Card("Talked about", _entities),
    Card("Dead letters", _dead_letters),
)
"""In order of weight: a narrow terminal shows the first ones."""


def _alerts(alerts: list[Alert]) -> Panel:
    firing = [alert for alert in alerts if alert.status == "firing"]
    colour = LEVEL_COLOURS[firing[0].level] if firing else "default"
    return Panel(
        Alerts(alerts), title=f"Alerts: {len(firing)} firing, {len(alerts) - len(firing)} over", border_style=colour
    )


class Predictions:
    """The latest predictions, as many as its place is high; columns by what its place is wide.

    Args:
        latest: Oldest first.
    """

    def __init__(self, latest: list[Shown]) -> None:
        self._latest = latest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        wide, widest = options.max_width >= _WIDE - 4, options.max_width >= _WIDEST - 4
        table = Table(box=None, expand=True, padding=(0, 1), collapse_padding=True, pad_edge=False, header_style="dim")
        table.add_column("time", style="dim", no_wrap=True)
        table.add_column("source", style="dim", no_wrap=True)
        table.add_column("text", ratio=5, no_wrap=True, overflow="ellipsis")
        table.add_column("topic", style="cyan", no_wrap=True)
        table.add_column("sentiment", no_wrap=True)
        if widest:
            table.add_column("towards", ratio=2, no_wrap=True, overflow="ellipsis")
        if wide:
            table.add_column("intent", style="magenta", no_wrap=True, overflow="ellipsis", max_width=_INTENT_CHARS)
        for shown in self._latest[-max(height - 1, 1) :]:
            prediction = shown.prediction
            cells = [
                Text(prediction.time.strftime("%H:%M:%S" if wide else "%H:%M")),
                Text(prediction.kind),
                _text(shown),
                Text(", ".join(prediction.topics) or "none"),
                Text(prediction.sentiment, COLOURS[prediction.sentiment]),
            ]
            if widest:
                cells.append(_towards(shown))
            if wide:
                cells.append(Text(prediction.intent or ""))
            table.add_row(*cells)
        yield table


def _text(shown: Shown) -> Text:
    """The text, each entity coloured by the sentiment towards it."""
    text = Text(shown.text[:_TEXT_CHARS])
    for entity in shown.entities:
        text.highlight_regex(rf"(?<!\w){re.escape(entity.text)}(?!\w)", f"bold {COLOURS[entity.sentiment]}")
    return text


def _towards(shown: Shown) -> Text:
    return Text(", ").join(Text(entity.text, COLOURS[entity.sentiment]) for entity in shown.entities)


class Screen:
    """Everything that is shown, laid out anew for the terminal's size at each drawing.

    Args:
        title: Of the whole.
        tally: What is shown.
        foot: A line below: addresses, and how to stop.
        cards: Which cards there can be.
    """

    def __init__(self, title: str, tally: Tally, foot: str, cards: tuple[Card, ...] = CARDS) -> None:
        self._title = title
        self._tally = tally
        self._foot = foot
        self._cards = cards

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        parts = [Layout(self._head(), size=_HEAD_HEIGHT)]
        cards = [Panel(shown, title=card.title) for card in self._cards if (shown := card.render(self._tally))]
        if cards and height >= _LOW:
            row = Layout(size=_CARD_HEIGHTS[height >= _TALL])
            row.split_row(*(Layout(card) for card in cards[: max(width // _CARD_WIDTH, 1)]))
            parts.append(row)
        alerts = by_weight(self._tally.alerts.values())
        if alerts and height >= _LOW:
            rows = min(len(alerts), _ALERTS[height >= _TALL])
            parts.append(Layout(_alerts(alerts), size=rows + _FRAME))
        parts.append(Layout(Panel(Predictions(list(self._tally.latest)), title="Predictions")))
        parts.append(Layout(Text(self._foot, "dim", no_wrap=True, overflow="ellipsis"), size=1))
        layout = Layout()
        layout.split_column(*parts)
        yield layout

    def _head(self) -> Panel:
        tally = self._tally
        done = tally.predictions + tally.dead_letters
        lines = Table.grid(expand=True)
        lines.add_column(no_wrap=True, overflow="ellipsis")
        lines.add_row(ProgressBar(tally.expected, done, complete_style="cyan", finished_style="cyan"))
        lines.add_row(Text(figures(tally, time.monotonic())))
        return Panel(lines, title=f"[bold]{self._title}[/]", title_align="left")


def figures(tally: Tally, now: float) -> str:
    """How it stands, in a line.

    Args:
        tally: What is told.
        now: Reading of the tally's clock.
    """
    parts = [
        f"{tally.sent}/{tally.expected} sent",
        f"{tally.predictions} read",
        f"{tally.dead_letters} dead",
        f"{tally.rate(now):.1f}/s",
    ]
    if tally.alerts:
        parts.insert(-1, f"{len(tally.alerts)} rang")
    p50, p99 = tally.latency(0.5), tally.latency(0.99)
    if p50 is not None and p99 is not None:
        parts.append(f"latency p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
    return " \u00b7 ".join(parts)
