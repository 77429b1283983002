"""``tocsin answers import``: files of answers and pages onto the topic of documents, with an account of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from retrain.label_topic import read_labels
from streams.brokers.delivery import Delivery
from streams.brokers.writing import Writer
from streams.cli import common, desk
from streams.cli.importing import Told, end, print_account, print_refused, reading, send_each
from streams.cli.reach import require_topics
from streams.contract.domain import Domain, load_domain
from streams.contract.masking import mask
from streams.contract.records import encode
from streams.contract.replies import Document
from streams.contract.settings import Settings
from streams.contract.topics import documents_topic, kept_in_place
from streams.sources.answers.items import AnswersError, Item, Taken
from streams.sources.answers.labels import ORIGIN, read_replies
from streams.sources.answers.making import DocumentMaker
from streams.sources.answers.reading import Format, files_of, guess_format, read_answers


class Summary(msgspec.Struct, kw_only=True):
    """What became of what was read: each answer and page is new, changed or unchanged."""

    files: int = 0
    answers: int = 0
    pages: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Told] = []
    missing: int = 0
    """On the topic from these files, and no longer in them."""
    pruned: int = 0
    """Of those missing, taken out."""
    acknowledged: int = 0
    dry_run: bool = False
    problem: str | None = None


def import_(  # noqa: PLR0913  each is a flag
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]", help="A file, or a folder with all in it; the domain's own answers if not given."
        ),
    ] = None,
    *,
    format: Annotated[  # noqa: A002  the flag's name
        Format | None, typer.Option(help="How to read a file; told by its extension if not given.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Of what does not say it; the domain's if not given.", show_default=False)
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the files.")] = "utf-8",
    allow_new: Annotated[
        bool, typer.Option("--allow-new", help="Take topics and intents that the domain has not.")
    ] = False,
    labels: Annotated[
        bool, typer.Option("--labels", help="Take the replies that people gave in labels, instead of files.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what an earlier import of these files brought, and is gone.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and send nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, with all that was refused.")
    ] = False,
) -> None:
    """Put answers and pages on their topic; running workers draw on them at once.

    CSV, JSON Lines, Markdown and HTML are read. What is no answer is told with its file and line and left out, and the
    command ends with 1; all others are sent. Files may be imported again: what stands already is not sent again.

    Example: `tocsin answers import help-centre/ --prune`
    """
    settings = common.settings()
    domain = load_domain(settings.domain)
    now = datetime.now(UTC)
    summary = Summary(dry_run=dry_run)
    if labels and path is not None:
        raise common.CommandError("--labels takes no file: give the one or the other", 2)

    def made(name: str) -> DocumentMaker:
        return DocumentMaker(
            name,
            time=now,
            language=language or domain.language,
            intents=None if allow_new else domain.intent_names,
            topics=None if allow_new else domain.topic_names,
        )

    items: Iterator[tuple[str, Item]]
    try:
        if labels:
            names = {ORIGIN}
            items = (("", item) for item in read_replies(read_labels(settings).labels, made(ORIGIN)))
        else:
            files = _files(path, domain)
            names = {name for _, name in files}
            items = _items(files, format, encoding, made)
        found = _taken(items, summary)
    except AnswersError as error:
        raise common.CommandError(str(error)) from error
    if not found and not summary.refused:
        raise common.CommandError(f"{path or ORIGIN}: no answer is in it", common.NOT_FOUND)
    topic = documents_topic(settings.topics)
    require_topics(settings.kafka, [topic])
    standing = desk.latest(settings, topic, Document)
    to_send = _account(found, standing, now, summary)
    summary.files = len(names)
    gone = _gone(found, standing, names, language or domain.language)
    summary.missing = len(gone)
    if not dry_run:
        _, summary.acknowledged, summary.problem = send_each(settings, topic, to_send, _send, "document")
        if prune and summary.problem is None and not summary.refused:
            summary.pruned = withdraw(settings, gone)
    _print(summary, prune=prune, as_json=as_json)
    end(problem=summary.problem, refused=summary.refused)


def withdraw(settings: Settings, ids: Sequence[str]) -> int:
    """Take documents off their topic, and return how many once each is acknowledged.

    Raises:
        BrokerError: No broker answers, or they do not take it; some may be taken off.
    """
    with Writer(settings.kafka, kept_in_place(settings)) as writer:
        for id_ in ids:
            writer.put(documents_topic(settings.topics), id_.encode(), None)
    return len(ids)


def _files(path: Path | None, domain: Domain) -> list[tuple[Path, str]]:
    if path is not None:
        return files_of(path)
    if not domain.answers_files:
        raise common.CommandError(
            f"the domain {domain.name} has no answers of its own: say which file or folder", common.NOT_FOUND
        )
    return [(file, f"{domain.name}/{name}") for file, name in files_of(domain.folder / "answers")]


def _content(file: Path, encoding: str) -> str:
    with reading(file, encoding):
        return file.read_text(encoding)


def _items(
    files: Sequence[tuple[Path, str]], chosen: Format | None, encoding: str, made: Callable[[str], DocumentMaker]
) -> Iterator[tuple[str, Item]]:
    """Each item with its file, for people."""
    for file, name in files:
        for item in read_answers(chosen or guess_format(name), _content(file, encoding), made(name)):
            yield f"{file}, ", item


def _taken(items: Iterable[tuple[str, Item]], summary: Summary) -> list[Document]:
    """The documents; what is refused goes to the summary."""
    found = []
    for where, item in items:
        if isinstance(item, Taken):
            found.append(item.document)
        else:
            summary.refused.append(Told(f"{where}{item.place}", mask(item.problem)))
    return found


def _account(
    found: Sequence[Document], standing: dict[str, Document], now: datetime, summary: Summary
) -> list[Document]:
    """What is to be sent; the rest is counted."""
    to_send = []
    for document in found:
        if document.question is None:
            summary.pages += 1
        else:
            summary.answers += 1
        known = standing.get(document.id)
        same_time = known is not None and document.time in (now, known.time)
        if known is None:
            summary.new += 1
        elif same_time and msgspec.structs.replace(document, time=known.time) == known:
            summary.unchanged += 1
            continue
        else:
            summary.changed += 1
        to_send.append(document)
    return to_send


def _gone(found: Sequence[Document], standing: dict[str, Document], names: set[str], language: str) -> list[str]:
    """What these files brought once and have no more; a file of the same name in another language is another file."""
    ids = {document.id for document in found}
    languages = {language, *(document.language for document in found)}
    return [
        id_
        for id_, document in standing.items()
        if document.source in names and document.language in languages and id_ not in ids
    ]


def _send(delivery: Delivery, document: Document) -> None:
    delivery.send(document.id, document.id, encode(document))


def _print(summary: Summary, *, prune: bool, as_json: bool) -> None:
    if as_json:
        common.print_json(summary)
        return
    print_refused(summary.refused)
    counts = {
        "new": summary.new,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "refused": len(summary.refused),
        "taken out": summary.pruned,
    }
    read = ((summary.answers, "answer"), (summary.pages, "page"))
    found = " and ".join(common.some(count, what) for count, what in read if count) or "nothing"
    print_account(
        counts,
        acknowledged=summary.acknowledged,
        dry_run=summary.dry_run,
        failed=bool(summary.refused or summary.problem),
        beginning=f"{found} of {common.some(summary.files, 'file')}: ",
    )
    if left := summary.missing - summary.pruned:
        why = "not while something is refused" if prune and summary.refused else "--prune takes them out"
        told = common.some(left, "document of an earlier import is", "documents of an earlier import are")
        common.say(f"{told} no longer in these files ({why})", common.err)
