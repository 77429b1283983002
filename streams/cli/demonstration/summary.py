"""What came of the demonstration: for people, and as JSON."""

from __future__ import annotations

from datetime import datetime

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from streams.cli.common import some
from streams.cli.demonstration.bars import BarList, by_sentiment
from streams.cli.demonstration.ringing import lasted, telling_message
from streams.cli.demonstration.stage import EASILY_ALARMED
from streams.cli.demonstration.tally import Mood, Tally, ranked
from streams.cli.watching import LEVEL_COLOURS, printable
from streams.contract.alerts import Alert, Level, Status

_ROWS = 10
_ALERTS = 5
_WIDTH = 110
_DIGITS = 4


class EntitySummary(msgspec.Struct, frozen=True):
    """One that was talked about, and how often in each mood."""

    name: str
    negative: int
    neutral: int
    positive: int


class AlertSummary(msgspec.Struct, frozen=True):
    """One time that a subject rang, as it stands."""

    subject: str
    level: Level
    status: Status
    began: datetime
    observed: int
    expected: float
    summary: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The account. It reconciles where each message came out once: ``messages`` is ``predictions + dead_letters``."""

    messages: int
    predictions: int
    dead_letters: int
    missing: int
    """Messages of which nothing came."""
    duplicates: int
    """Outputs that came again, with equal ids."""
    unknown: int
    """Outputs for messages that nobody sent."""
    reconciles: bool
    interrupted: bool
    reasons: dict[str, int]
    topics: dict[str, int]
    sentiments: dict[str, int]
    entities: list[EntitySummary]
    alerts: list[AlertSummary]
    """In the order in which they rang."""
    latency_p50_seconds: float | None
    """From sending a message to reading its prediction."""
    latency_p99_seconds: float | None
    seconds: float
    """How long it played."""
    model: str | None


def summarise(tally: Tally, *, seconds: float, interrupted: bool) -> Summary:
    """The account of a tally."""
    p50, p99 = tally.latency(0.5), tally.latency(0.99)
    return Summary(
        messages=tally.sent,
        predictions=tally.predictions,
        dead_letters=tally.dead_letters,
        missing=tally.missing,
        duplicates=tally.duplicates,
        unknown=tally.unknown,
        reconciles=tally.reconciles,
        interrupted=interrupted,
        reasons=dict(tally.reasons.most_common()),
        topics={topic: mood.total() for topic, mood in ranked(tally.topics)},
        sentiments={sentiment: mood.total() for sentiment, mood in by_sentiment(tally.sentiments)},
        entities=[
            EntitySummary(name, mood["negative"], mood["neutral"], mood["positive"])
            for name, mood in tally.entities[:_ROWS]
        ],
        alerts=[_told(alert) for alert in tally.alerts.values()],
        latency_p50_seconds=None if p50 is None else round(p50, _DIGITS),
        latency_p99_seconds=None if p99 is None else round(p99, _DIGITS),
        seconds=round(seconds, 1),
        model=tally.model,
    )


def _told(alert: Alert) -> AlertSummary:
    return AlertSummary(
        subject=alert.labels["subject"],
        level=alert.level,
        status=alert.status,
        began=alert.startsAt,
        observed=alert.evidence.observed,
        expected=alert.evidence.expected,
        summary=alert.annotations.get("summary", ""),
    )


def print_summary(console: Console, summary: Summary, tally: Tally) -> None:
    """Print it for people.

    Args:
        console: Where to.
        summary: The figures.
        tally: What they are of.
    """
    console.print()
    console.print(_headline(summary), highlight=False)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("  predictions", str(summary.predictions), Text(f"by {summary.model or 'no model'}", "dim"))
    reasons = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    facts.add_row("  dead letters", str(summary.dead_letters), Text(reasons, "dim"))
    firing = sum(alert.status == "firing" for alert in summary.alerts)
    stands = f"{firing} firing, {len(summary.alerts) - firing} over" if summary.alerts else ""
    facts.add_row("  alerts", str(len(summary.alerts)), Text(stands, "dim"))
    if summary.latency_p50_seconds is not None and summary.latency_p99_seconds is not None:
        facts.add_row(
            "  latency",
            f"{summary.latency_p50_seconds * 1000:.0f} ms",
            Text(f"p50; p99 {summary.latency_p99_seconds * 1000:.0f} ms: from sent to read", "dim"),
        )
    console.print(facts)
    if summary.predictions:
        console.print()
        console.print(_figures(tally), width=min(console.width, _WIDTH))
    if tally.alerts:
        console.print()
        _print_alerts(console, list(tally.alerts.values()))


def _print_alerts(console: Console, alerts: list[Alert]) -> None:
    console.print("[bold]Alerts[/]")
    grid = Table.grid(padding=(0, 2))
    for alert in alerts[:_ALERTS]:
        summary = Text(printable(alert.annotations.get("summary", "")))
        grid.add_row(lasted(alert), Text(alert.level, LEVEL_COLOURS[alert.level]), summary)
        grid.add_row("", "", Text(telling_message(alert), "dim"))
    console.print(grid, highlight=False)
    if len(alerts) > _ALERTS:
        console.print(f"and {len(alerts) - _ALERTS} more", highlight=False)
    console.print(Text(EASILY_ALARMED, "dim"))


def _headline(summary: Summary) -> Text:
    told = f"{some(summary.messages, 'message')} in {summary.seconds:.1f} s"
    if summary.interrupted:
        return Text(f"Stopped: {told}, {summary.missing} of them not answered yet", "bold yellow")
    if summary.reconciles:
        return Text(f"{told}, every one accounted for", "bold green")
    return Text(
        f"{told}, and the account is wrong: {summary.missing} without an answer, "
        f"{some(summary.unknown, 'answer')} to nothing",
        "bold red",
    )


def _figures(tally: Tally) -> Table:
    grid = Table.grid(padding=(0, 3), expand=True)
    columns: dict[str, list[tuple[str, Mood]]] = {
        "Topics": ranked(tally.topics)[:_ROWS],
        "Sentiment": [*by_sentiment(tally.sentiments), *ranked(tally.sources)],
        "Most talked about": tally.entities[:_ROWS],
    }
    for _ in columns:
        grid.add_column(ratio=1)
    grid.add_row(*(Group(Text(title, "bold"), BarList(rows)) for title, rows in columns.items()))
    return grid
