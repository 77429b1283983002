"""``tocsin silence``: what the desk does not want to hear of for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from streams.cli import common, desk
from streams.cli.watching import printable
from streams.contract.alerts import Matcher, Silence
from streams.contract.domain import load_domain
from streams.contract.settings import Settings
from streams.contract.topics import silences_topic
from streams.logic.naming import matcher_text, meant_matchers

app = typer.Typer(help="Mute alerts for a while.", no_args_is_help=True)


@app.command()
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(
            metavar="MATCHER...",
            help="label=value, label!=value, label=~regex or label!~regex, as in Alertmanager; all must match. Labels: "
            "subject, entity, topic, subject_kind, severity, alertname, domain.",
        ),
    ],
    how_long: Annotated[str, typer.Option("--for", metavar="DURATION", help="Such as 90m, 2h or 1d12h.")] = "2h",
    comment: Annotated[str, typer.Option(help="Why; shown to those who wonder.")] = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Mute alerts that match, from now on: they are published as silenced, and pushed to no Alertmanager.

    One that still fires when the silence ends is pushed then. A subject or an entity may be written by any of its
    names.

    Example: `tocsin silence add subject=entity/larkmoor --for 2h --comment "known outage"`
    """
    settings = common.settings()
    now = datetime.now(UTC)
    silence = Silence(
        id=uuid4().hex,
        matchers=_matchers(settings, matchers),
        startsAt=now,
        endsAt=now + desk.duration(how_long),
        createdBy=desk.speaker(by),
        comment=comment,
    )
    desk.put(settings, silences_topic(settings.topics), silence.id, silence)
    if as_json:
        common.print_json(silence)
        return
    told = ", ".join(map(matcher_text, silence.matchers))
    common.say(f"{silence.id[: desk.ID_SHOWN]}: {told} until {desk.moment(silence.endsAt)} UTC")


@app.command("list")
def list_(
    *,
    expired: Annotated[bool, typer.Option("--expired", help="Those that are over, too.")] = False,
    as_json: desk.AsJsonLines = False,
) -> None:
    """List silences, the one that ends last at the bottom.

    Example: `tocsin silence list --expired`
    """
    settings = common.settings()
    now = datetime.now(UTC)
    silences = desk.latest(settings, silences_topic(settings.topics), Silence).values()
    shown = sorted((one for one in silences if expired or one.endsAt > now), key=lambda one: one.endsAt)
    if as_json:
        common.print_json_lines(shown)
        return
    table = Table("id", "state", "ends (UTC)", "matchers", "by", "comment")
    for one in shown:
        cells = (
            one.id[: desk.ID_SHOWN],
            _state(one, now),
            desk.moment(one.endsAt),
            ", ".join(map(matcher_text, one.matchers)),
            one.createdBy,
            one.comment,
        )
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)


@app.command()
def expire(
    id: Annotated[str, typer.Argument(help="Id of the silence, or the beginning of it.")],  # noqa: A002  the user's word
    *,
    as_json: desk.AsJson = False,
) -> None:
    """End a silence now. It stays on the list of those that are over.

    Example: `tocsin silence expire 3f9c12ab77d0`
    """
    settings = common.settings()
    topic = silences_topic(settings.topics)
    found = desk.latest(settings, topic, Silence)
    silence = desk.unique(id, found, "silence", "tocsin silence list --expired")
    now = datetime.now(UTC)
    if silence.endsAt > now:
        silence = msgspec.structs.replace(silence, startsAt=min(silence.startsAt, now), endsAt=now)
        desk.put(settings, topic, silence.id, silence)
    if as_json:
        common.print_json(silence)
        return
    common.out.print(f"{silence.id[: desk.ID_SHOWN]} is over", highlight=False)


def _matchers(settings: Settings, texts: list[str]) -> list[Matcher]:
    domain = load_domain(settings.domain)
    try:
        return meant_matchers(domain, texts)
    except ValueError as error:
        raise common.CommandError(str(error), 2) from None


def _state(silence: Silence, now: datetime) -> str:
    if silence.endsAt <= now:
        return "over"
    return "in force" if silence.startsAt <= now else "to come"
