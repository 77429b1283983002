"""``tocsin watchlist``: subjects that have a false-alarm budget of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streams.cli import common, desk
from streams.cli.watching import printable
from streams.contract.alerts import Watch
from streams.contract.topics import watchlist_topic

app = typer.Typer(help="Edit the list of subjects to be watched most closely.", no_args_is_help=True)

Subjects = Annotated[
    list[str],
    typer.Argument(
        metavar="SUBJECT...", help="topic/NAME, entity/NAME, entity/NAME/topic/NAME, or an entity by any of its names."
    ),
]


@app.command()
def add(
    subjects: Subjects,
    note: Annotated[str, typer.Option(help="Why it is watched.")] = "",
    by: desk.By = None,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """Put subjects on the watchlist; running workers take it in at once.

    They share surge.watchlist_false_alarms_per_week, and so ring sooner than all others. A topic's or an entity's name
    is checked against the domain.

    Example: `tocsin watchlist add "Larkmoor plc" entity/larkmoor/topic/fraud --note "results on Monday"`
    """
    settings = common.settings()
    speaker = desk.speaker(by)
    keys = list(dict.fromkeys(desk.subject_of(settings, text).key for text in subjects))
    watches = [Watch(subject=key, added=datetime.now(UTC), by=speaker, note=note) for key in keys]
    for watch in watches:
        desk.put(settings, watchlist_topic(settings.topics), watch.subject, watch)
    if as_json:
        common.print_json_lines(watches)
        return
    for key in keys:
        common.say(f"{key} is watched")


@app.command()
def remove(subjects: Subjects, *, as_json: desk.AsJsonLines = False) -> None:
    """Take subjects off the watchlist.

    Example: `tocsin watchlist remove entity/larkmoor`
    """
    settings = common.settings()
    topic = watchlist_topic(settings.topics)
    watched = desk.latest(settings, topic, Watch)
    # As the list has it first: it may hold a topic or a name that the domain has no more.
    keys = list(dict.fromkeys(text if text in watched else desk.subject_of(settings, text).key for text in subjects))
    if missing := [key for key in keys if key not in watched]:
        raise common.CommandError(
            f"not on the watchlist: {', '.join(missing)}; `tocsin watchlist list` shows what is", common.NOT_FOUND
        )
    for key in keys:
        desk.put(settings, topic, key, None)
    if as_json:
        common.print_json_lines(watched[key] for key in keys)
        return
    for key in keys:
        common.say(f"{key} is watched no longer")


@app.command("list")
def list_(*, as_json: desk.AsJsonLines = False) -> None:
    """List the subjects that are watched.

    Example: `tocsin watchlist list --json | jq -r .subject`
    """
    settings = common.settings()
    watched = desk.latest(settings, watchlist_topic(settings.topics), Watch)
    shown = [watched[key] for key in sorted(watched)]
    if as_json:
        common.print_json_lines(shown)
        return
    table = Table("subject", "since (UTC)", "by", "note")
    for watch in shown:
        cells = (watch.subject, desk.moment(watch.added), watch.by, watch.note)
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)
