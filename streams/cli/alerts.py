"""``tocsin alerts``: what rang and what rings, with its evidence; and the desk's word on a false alarm."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from streams.cli import common, desk
from streams.cli.watching import LEVEL_COLOURS, printable
from streams.contract.alerts import Alert, Level, Status, Verdict
from streams.contract.settings import Settings
from streams.contract.topics import alerts_topic, verdicts_topic
from streams.logic.ringing import Ringing, Ringings

app = typer.Typer(help="List and show alerts, and say which were false.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the alert, or the beginning of it; any of its changes will do.")]


@app.command("list")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only what is firing, or resolved.", show_default=False)] = None,
    level: Annotated[Level | None, typer.Option(help="Only this level.", show_default=False)] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only this subject: a key, or an entity by name.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest.")] = 50,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """List alerts as they stand, the latest last.

    Example: `tocsin alerts list --status firing --json | jq -r .labels.subject`
    """
    settings = common.settings()
    key = desk.subject_of(settings, subject).key if subject is not None else None
    found = [
        ringing
        for ringing in _read(settings)
        if status in (None, ringing.alert.status)
        and level in (None, ringing.alert.level)
        and key in (None, ringing.alert.labels.get("subject"))
    ]
    shown = found[-limit:]
    if as_json:
        common.print_json_lines(_document(ringing) for ringing in shown)
        return
    table = Table("id", "began (UTC)", "level", "status", "subject", "observed", "expected", "")
    for ringing in shown:
        alert = ringing.alert
        cells = (
            alert.id[: desk.ID_SHOWN],
            desk.moment(alert.startsAt),
            f"[{LEVEL_COLOURS[alert.level]}]{alert.level}[/]",
            alert.status,
            escape(printable(alert.labels.get("subject", ""))),
            f"{alert.evidence.observed} of {alert.evidence.volume}",
            f"{alert.evidence.expected:.1f}",
            _notes(ringing),
        )
        table.add_row(*cells)
    common.out.print(table)
    firing = sum(ringing.alert.status == "firing" for ringing in found)
    common.err.print(f"{len(shown)} of {common.some(len(found), 'alert')} shown, {firing} firing", highlight=False)


@app.command()
def show(id: Id, *, as_json: desk.AsJson = False) -> None:  # noqa: A002  the user's word
    """Show one alert whole: its evidence, and how it went.

    Example: `tocsin alerts show 3f9c12ab77d0`
    """
    ringing = _find(common.settings(), id)
    if as_json:
        common.print_json(_document(ringing))
        return
    for name, value in _told(ringing).items():
        common.out.print(f"[bold]{name}[/]: {escape(printable(value))}", highlight=False, soft_wrap=True)
    for message in ringing.alert.evidence.messages:
        copies = f", {message.copies} copies" if message.copies > 1 else ""
        source = f"{message.source}, {message.id}, {message.sentiment} {message.score:.2f}{copies}"
        common.say(f"  {desk.moment(message.time)}  {printable(message.text)} ({printable(source)})")


@app.command("false-alarm")
def false_alarm(
    id: Id,  # noqa: A002  the user's word
    comment: Annotated[str, typer.Option(help="What it was instead.")] = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Say that an alert was a false alarm: the detector counts it among what is usual, and it is counted in a metric.

    Example: `tocsin alerts false-alarm 3f9c12ab77d0 --comment "a competition, no complaint"`
    """
    settings = common.settings()
    alert = _find(settings, id).alert
    verdict = Verdict(
        fingerprint=alert.fingerprint,
        subject=alert.labels.get("subject", ""),
        startsAt=alert.startsAt,
        verdict="false_alarm",
        time=datetime.now(UTC),
        by=desk.speaker(by),
        comment=comment,
    )
    desk.put(settings, verdicts_topic(settings.topics), verdict.key, verdict)
    if as_json:
        common.print_json(verdict)
        return
    began = f"{desk.moment(alert.startsAt)} UTC"
    common.say(f"noted: {printable(verdict.subject)} of {began} was a false alarm")


def _read(settings: Settings) -> list[Ringing]:
    """Every time that a subject rang, in order of its beginning."""
    ringings = Ringings()
    for _, alert in desk.read_records(settings, alerts_topic(settings.topics), Alert):
        if alert is not None:
            ringings.hear(alert)
    for key, verdict in desk.latest(settings, verdicts_topic(settings.topics), Verdict).items():
        ringings.judge(key, verdict)
    return ringings.in_order()


def _find(settings: Settings, given: str) -> Ringing:
    by_id = {id_: ringing for ringing in _read(settings) for id_ in ringing.changes}
    return desk.unique(given, by_id, "alert", "tocsin alerts list")


def _notes(ringing: Ringing) -> str:
    """What a desk should know beside the figures."""
    notes = {
        "watched": ringing.alert.watched,
        "past": ringing.alert.past,
        "silenced": bool(ringing.alert.silenced_by),
        "false alarm": ringing.verdict is not None,
    }
    return ", ".join(name for name, holds in notes.items() if holds)


def _document(ringing: Ringing) -> dict[str, object]:
    document: dict[str, object] = msgspec.to_builtins(ringing.alert)
    return document if ringing.verdict is None else document | {"verdict": ringing.verdict}


def _told(ringing: Ringing) -> dict[str, str]:
    alert, evidence = ringing.alert, ringing.alert.evidence
    told = {
        "id": alert.id,
        **alert.annotations,
        "subject": alert.labels.get("subject", ""),
        "level": alert.level,
        "status": alert.status,
        "began": f"{desk.moment(alert.startsAt)} UTC",
        "ended": f"{desk.moment(alert.endsAt)} UTC" if alert.endsAt else "",
        "window": f"{desk.moment(evidence.window_start)} to {desk.moment(evidence.window_end)} UTC",
        "observed": f"{evidence.observed} of {common.some(evidence.volume, 'message')} ({evidence.share:.0%})",
        "expected": f"{evidence.expected:.1f} ({evidence.expected_share:.0%})",
        "p-value": f"{evidence.p_value:.2g}, and {evidence.threshold:.2g} rings",
        "sources": _shares(evidence.sources),
        "entities": _shares(evidence.entities),
        "syndicated copies left out": str(evidence.duplicates or ""),
        "model": evidence.model,
        "notes": _notes(ringing),
        "silenced by": ", ".join(alert.silenced_by),
        "changes": ", ".join(
            f"{change.time.astimezone(UTC):%H:%M} {change.level} {change.status}" for change in ringing.changes.values()
        ),
    }
    if ringing.verdict is not None:
        told["verdict"] = f"false alarm, says {ringing.verdict.by} {ringing.verdict.comment}".strip()
    return {name: value for name, value in told.items() if value}


def _shares(shares: dict[str, float]) -> str:
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.0%}" for name, share in ranked)
