"""``tocsin labels import``: files of labels onto the topic, with an account of every line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from retrain.formats.fields import MAPPABLE, Defaults, LabelMaker
from retrain.formats.items import Doubt, FormatError, Item, Refused, Said, Unlabelled
from retrain.formats.jsonl import read_exported
from retrain.formats.reading import Format, guess_format, read_labels_of
from retrain.formats.vocabulary import Vocabulary
from retrain.importing import plan
from retrain.label_topic import read_labels, send_label
from streams.brokers.delivery import Delivery
from streams.cli import common, desk
from streams.cli.importing import Told, end, print_account, print_refused, reading, send_each
from streams.cli.reach import require_topics
from streams.contract.domain import load_domain
from streams.contract.labels import Label
from streams.contract.masking import mask
from streams.contract.records import SourceKind
from streams.contract.settings import Settings
from streams.contract.topics import labels_topic

_STANDARD_INPUT = "-"
_TABLES = frozenset({".csv", ".tsv", ".tab"})


class Summary(msgspec.Struct, kw_only=True):
    """What became of a file: each of its labels is new, changed, unchanged, older or repeated."""

    file: str
    format: Format
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    """Left out: their labellers have said otherwise since."""
    repeated: int = 0
    """Left out: a later label of the same labeller on the same message is in the file."""
    unlabelled: int = 0
    """Messages of the file on which nobody said anything."""
    refused: list[Told] = []
    doubts: list[Told] = []
    """What is to be known of labels that were taken."""
    sent: int = 0
    acknowledged: int = 0
    dry_run: bool = False
    problem: str | None = None


def import_(  # noqa: PLR0913  each is a flag
    file: Annotated[str, typer.Argument(help="A file of labels, or - for standard input.")],
    *,
    format: Annotated[  # noqa: A002  the flag's name
        Format | None, typer.Option(help="How to read it; told by extension and content if not given.")
    ] = None,
    kind: Annotated[SourceKind | None, typer.Option(help="Kind of messages, where the file does not say it.")] = None,
    labeller: Annotated[
        str | None, typer.Option(help="Who says so, where the file does not; your login name if not given.")
    ] = None,
    source: Annotated[str, typer.Option(help="Source of messages, where the file does not say it.")] = "",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=NAME", help="A field that has another name in the file, such as sentiment=stance."
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file.")] = "utf-8",
    allow_new: Annotated[
        bool, typer.Option("--allow-new", help="Take topics and intents that are not known yet: they teach new ones.")
    ] = False,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore",
            help="The file is a backup that `tocsin labels export` wrote: take each label as it was, whatever its "
            "topics and intent are called.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and send nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, with all that was refused.")
    ] = False,
) -> None:
    """Put a file's labels on the topic of labels, and see each acknowledged by the broker.

    What is no label is told with its place and left out, and the command ends with 1; all others are sent. A file may
    be imported again: what stands already is not sent again, and what is older than its labeller's last word undoes
    none of it. A backup is put back with --restore, also where nothing stands yet that knows the topics it taught.

    Example: `tocsin labels import tweets.csv --kind social --map topics=category --labeller ann`
    """
    settings = common.settings()
    if restore:
        _check_restore(file, format, said=any((kind, labeller, source, map_, allow_new)))
    text = _content(file, encoding)
    topic = labels_topic(settings.topics)
    require_topics(settings.kafka, [topic])
    standing = read_labels(settings).labels
    try:
        chosen = format or ("jsonl" if restore else guess_format(file, text))
        if restore:
            items = list(read_exported(text))
        else:
            defaults = Defaults(desk.speaker(labeller), _written_at(file), kind, source)
            maker = LabelMaker(_vocabulary(settings, standing, allow_new=allow_new), defaults, _mapping(map_ or []))
            items = list(read_labels_of(chosen, text, maker))
    except FormatError as error:
        raise common.CommandError(f"{file}: {error}") from error
    if not items:
        raise common.CommandError(f"{file}: nothing is in it", common.NOT_FOUND)
    summary = Summary(file=file, format=chosen, dry_run=dry_run)
    to_send = _account(items, standing, summary, as_they_were=restore)
    if not dry_run:
        summary.sent, summary.acknowledged, summary.problem = send_each(settings, topic, to_send, _send, "label")
    _print(summary, as_json=as_json)
    end(problem=summary.problem, refused=summary.refused)


def _check_restore(file: str, format_: Format | None, *, said: bool) -> None:
    if said:
        raise common.CommandError(
            "--restore takes labels as they were: --kind, --labeller, --source, --map and --allow-new are not for it", 2
        )
    if format_ not in (None, "jsonl") or Path(file).suffix.lower() in _TABLES:
        raise common.CommandError(
            "--restore reads what `tocsin labels export` writes as jsonl; import a table without it, and with "
            "--allow-new where it teaches topics that are not known",
            2,
        )


def _content(file: str, encoding: str) -> str:
    with reading(file, encoding):
        raw = sys.stdin.buffer.read() if file == _STANDARD_INPUT else Path(file).read_bytes()
        # A byte that is not of the encoding spoils its own line and no other.
        return raw.decode(encoding, "surrogateescape").removeprefix("\ufeff")


def _written_at(file: str) -> datetime:
    """When what a file says was said, where it does not tell: a word given elsewhere since then is a later one."""
    now = datetime.now(UTC)
    if file == _STANDARD_INPUT:
        return now
    return min(now, datetime.fromtimestamp(Path(file).stat().st_mtime, UTC))


def _mapping(given: Sequence[str]) -> dict[str, str]:
    mapping = {}
    for pair in given:
        name, separator, written = pair.partition("=")
        if not separator or not written or name not in MAPPABLE:
            raise common.CommandError(
                f"--map {pair}: it is FIELD=NAME, where FIELD is one of {', '.join(sorted(MAPPABLE))}", 2
            )
        mapping[name] = written
    return mapping


def _vocabulary(settings: Settings, standing: Sequence[Label], *, allow_new: bool) -> Vocabulary:
    topics = {topic for label in standing for topic in label.topics or ()}
    intents = {label.intent for label in standing if label.intent is not None}
    return Vocabulary(load_domain(settings.domain), topics=topics, intents=intents, allow_new=allow_new)


def _account(items: Sequence[Item], standing: Sequence[Label], summary: Summary, *, as_they_were: bool) -> list[Said]:
    """What is to be sent; the rest is counted."""
    found = plan(standing, (item for item in items if isinstance(item, Said)), as_they_were=as_they_were)
    summary.refused = [Told(item.place, mask(item.problem)) for item in items if isinstance(item, Refused)]
    summary.doubts = [Told(item.place, mask(item.problem)) for item in items if isinstance(item, Doubt)]
    summary.unlabelled = sum(isinstance(item, Unlabelled) for item in items)
    summary.new, summary.changed = len(found.new), len(found.changed)
    summary.unchanged, summary.older, summary.repeated = found.unchanged, found.older, found.repeated
    return found.to_send


def _send(delivery: Delivery, said: Said) -> None:
    send_label(delivery, said.place, said.label)


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        common.print_json(summary)
        return
    print_refused(summary.refused)
    for told in summary.doubts:
        common.err.print(
            f"[yellow]warning:[/] {escape(f'{told.place}: {told.problem}')}", highlight=False, soft_wrap=True
        )
    counts = {
        "new": summary.new,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "older than what stands": summary.older,
        "repeated in the file": summary.repeated,
        "without a label": summary.unlabelled,
        "refused": len(summary.refused),
    }
    print_account(
        counts,
        acknowledged=summary.acknowledged,
        dry_run=summary.dry_run,
        failed=bool(summary.refused or summary.problem),
    )
