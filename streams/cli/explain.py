"""``tocsin replies explain``: what would be done about customers' messages, and why, before anything goes live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from models.manifest import VersionError
from models.registry import Registry
from streams.cli import common, desk
from streams.cli.watching import ACTION_COLOURS, printable
from streams.contract.decoding import JsonDecoder
from streams.contract.domain import Domain, load_domain
from streams.contract.examples import load_seed
from streams.contract.masking import mask
from streams.contract.records import Message
from streams.contract.replies import Document, ReplyAction
from streams.contract.settings import Settings
from streams.contract.topics import documents_topic
from streams.sources.answers.items import AnswersError, Taken
from streams.sources.answers.making import DocumentMaker
from streams.sources.answers.reading import files_of, guess_format, read_answers
from streams.sources.files import FileOptions, Format, open_source, read_items
from streams.sources.files import guess_format as guess_messages
from streams.sources.items import Outgoing, SourceError

if TYPE_CHECKING:
    from streams.worker.rehearsing import Rehearsed

_PREVIEW_CHARS = 70
_ACTIONS: tuple[ReplyAction, ...] = ("send", "review", "handoff")
_message = JsonDecoder(Message)


def explain(
    file: Annotated[
        str | None,
        typer.Argument(
            help="Customers' messages, one a line, or JSON Lines or a table with the column text; - for standard "
            "input. The customers of the domain's seed if not given.",
            show_default=False,
        ),
    ] = None,
    *,
    answers: Annotated[
        Path | None,
        typer.Option(help="A file or folder of answers; the domain's own if not given.", show_default=False),
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Draw on the answers that the brokers hold, as a worker does.")
    ] = False,
    action: Annotated[
        ReplyAction | None, typer.Option(help="Show only what has this action.", show_default=False)
    ] = None,
    format: Annotated[  # noqa: A002  the flag's name
        Format | None, typer.Option(help="How to read the file; told by its extension if not given.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Show at most so many lines.", show_default=False)] = None,
    as_json: desk.AsJsonLines = False,
) -> None:
    """Tell of each message what would be done about it and why, and count the reasons. Nothing is sent.

    Each message is taken as the first of its conversation, at this moment. No generator writes: the best approved
    answer stands as it is, under the same rules. What is shown is masked.

    Example: `tocsin replies explain last-month.txt --answers help-centre/`
    """
    settings = common.settings()
    domain = load_domain(settings.domain)
    messages = _asked(domain) if file is None else list(_messages(file, format))
    if not messages:
        raise common.CommandError(f"{file or domain.name}: no message is in it", common.NOT_FOUND)
    if stored and answers is not None:
        raise common.CommandError("--stored takes no --answers: give the one or the other", 2)
    rehearsed = _rehearse(settings, domain, _stored(settings) if stored else _documents(domain, answers), messages)
    shown = [one for one in rehearsed if action in (None, one.decision.action)][:limit]
    if as_json:
        common.print_json_lines(map(_told, shown))
        return
    table = Table("action", "reason", "score", "intent", "asked", "why")
    for one in shown:
        decision = one.decision
        cells = (
            decision.action,
            decision.reason,
            f"{one.found[0].score:.2f}" if one.found else "",
            _intent(one),
            _preview(one.asked),
            decision.detail,
        )
        table.add_row(*(escape(printable(cell)) for cell in cells), style=ACTION_COLOURS[decision.action])
    if shown:
        common.out.print(table)
    common.out.print(_counts(rehearsed))


def _rehearse(
    settings: Settings, domain: Domain, documents: Sequence[Document], messages: Sequence[Message]
) -> list[Rehearsed]:
    # Late, so that the command line stays quick for all other commands.
    from models.runtime import Encoder  # noqa: PLC0415
    from streams.worker.rehearsing import Rehearsal  # noqa: PLC0415

    model = settings.model
    try:
        _, encoder = Registry.of(model).resolve_and_load(
            model.name,
            model.alias,
            model.cache,
            lambda folder: Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch),
        )
        known = common.some(len(documents), "answer or page", "answers and pages")
        with common.err.status(f"{common.some(len(messages), 'message')}, {known}"):
            return Rehearsal(encoder, documents, domain, settings).rehearse(messages)
    except (VersionError, OSError) as error:
        raise common.CommandError(str(error)) from error


def _asked(domain: Domain) -> list[Message]:
    """The customers of the domain's seed."""
    now = datetime.now(UTC)
    return [
        Message(id=str(number), text=example.text, source="seed", time=now)
        for number, example in enumerate(load_seed(domain))
        if example.kind == "customer"
    ]


def _messages(file: str, chosen: Format | None) -> Iterator[Message]:
    try:
        options = FileOptions(chosen or guess_messages(file), source=file)
        with open_source(file) as opened, closing(read_items(opened.stream, file, options)) as items:
            for item in items:
                if not isinstance(item, Outgoing):
                    continue
                try:
                    yield _message.decode(item.value)
                except (msgspec.ValidationError, msgspec.DecodeError) as error:
                    raise common.CommandError(f"{file}, {item.place}: no message: {error}") from error
    except SourceError as error:
        raise common.CommandError(str(error)) from error


def _documents(domain: Domain, path: Path | None) -> list[Document]:
    if path is None and not domain.answers_files:
        raise common.CommandError(f"the domain {domain.name} has no answers of its own: give --answers", 2)
    try:
        found = [
            item
            for answers, name in files_of(path or domain.folder / "answers")
            for item in read_answers(
                guess_format(name),
                answers.read_text(encoding="utf-8"),
                DocumentMaker(name, time=datetime.now(UTC), language=domain.language),
            )
        ]
    except (AnswersError, OSError, UnicodeError) as error:
        raise common.CommandError(str(error)) from error
    documents = [item.document for item in found if isinstance(item, Taken)]
    if refused := len(found) - len(documents):
        told = common.some(refused, "is no answer", "are no answers")
        common.say(f"{told}: `tocsin answers import --dry-run` tells which", common.err)
    return documents


def _stored(settings: Settings) -> list[Document]:
    documents = list(desk.latest(settings, documents_topic(settings.topics), Document).values())
    if not documents:
        raise common.CommandError("the brokers hold no answers: `tocsin answers import` brings them in")
    return documents


def _counts(rehearsed: Sequence[Rehearsed]) -> Table:
    """Actions and reasons with their shares, the most frequent reason first."""
    table = Table("action", "reason", "messages", "share")
    for action in _ACTIONS:
        reasons = Counter(one.decision.reason for one in rehearsed if one.decision.action == action)
        for reason, count in reasons.most_common():
            table.add_row(action, reason, f"{count:,}", f"{count / len(rehearsed):.1%}", style=ACTION_COLOURS[action])
    return table


def _told(one: Rehearsed) -> dict[str, Any]:
    decision, best = one.decision, one.found[0] if one.found else None
    intents = one.reading.intent_scores
    return {
        "asked": mask(one.asked, handles=True),
        "action": decision.action,
        "reason": decision.reason,
        "detail": decision.detail,
        "topics": one.reading.topics,
        "intent": one.reading.intent,
        "intent_score": intents[one.reading.intent] if intents and one.reading.intent else None,
        "score": best.score if best else None,
        "answer": best.document if best else None,
        "question": (best.question or best.title) if best else None,
        "text": mask(decision.text, handles=True),
    }


def _intent(one: Rehearsed) -> str:
    scores, intent = one.reading.intent_scores, one.reading.intent
    return f"{intent} {scores[intent]:.2f}" if scores and intent else ""


def _preview(text: str) -> str:
    masked = mask(text, handles=True)
    return masked if len(masked) <= _PREVIEW_CHARS else f"{masked[:_PREVIEW_CHARS]}…"
