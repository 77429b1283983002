"""Alerts in words: a line when one comes, a row on the screen, and what is told of it in the end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from streams.cli.watching import LEVEL_COLOURS, printable
from streams.contract.alerts import LEVELS, Alert
from streams.contract.subjects import parse_subject

_OVER = "green"


def alert_line(alert: Alert) -> Text:
    """A change of an alert, in a line: when it was found, how unusual it is, and what was counted."""
    colour = LEVEL_COLOURS[alert.level] if alert.status == "firing" else _OVER
    return Text("  ").join(
        (
            Text(_clock(alert.time), "dim"),
            Text(f"{alert.level} {alert.status}", colour),
            Text(printable(alert.annotations.get("summary", ""))),
        )
    )


def by_weight(alerts: Iterable[Alert]) -> list[Alert]:
    """What still fires first, then the strongest, then what was said most."""
    return sorted(
        alerts,
        key=lambda alert: (alert.status != "firing", -LEVELS.index(alert.level), -alert.evidence.observed),
    )


class Alerts:
    """A row for each alert, as many as its place is high.

    Args:
        alerts: In the order of the rows.
    """

    def __init__(self, alerts: list[Alert]) -> None:
        self._alerts = alerts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="bold", no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True)
        table.add_column(style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
        for alert in self._alerts[: options.height or console.height]:
            evidence = alert.evidence
            table.add_row(
                _clock(alert.startsAt),
                Text(alert.level, LEVEL_COLOURS[alert.level]),
                Text("firing", "bold") if alert.status == "firing" else Text("over", _OVER),
                Text(printable(str(parse_subject(alert.labels["subject"])))),
                f"{evidence.observed} of {evidence.volume}, {evidence.expected:.1f} expected",
                Text(telling_message(alert)),
            )
        yield table


def telling_message(alert: Alert) -> str:
    """The message that tells most of an alert, with its source; empty where there is none."""
    messages = alert.evidence.messages
    return f"\u201c{printable(messages[0].text)}\u201d {printable(messages[0].source)}" if messages else ""


def lasted(alert: Alert) -> str:
    """From when, and until when if it is over."""
    return f"{_clock(alert.startsAt)}\u2013{_clock(alert.endsAt) if alert.endsAt else ''}"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}"
