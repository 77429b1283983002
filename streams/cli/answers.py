"""``tocsin answers``: what replies may be drawn from: brought in, looked at, searched, and taken out."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from models.manifest import VersionError
from models.registry import Registry
from streams.cli import common, desk
from streams.cli.answers_import import import_, withdraw
from streams.cli.reach import require_topics
from streams.cli.watching import printable
from streams.contract.masking import mask
from streams.contract.replies import Document
from streams.contract.settings import Settings
from streams.contract.topics import documents_topic

app = typer.Typer(
    help="Bring in what replies may be drawn from, look at it, and try what is found.", no_args_is_help=True
)
app.command("import")(import_)

_PREVIEW_CHARS = 90

Source = Annotated[
    str | None, typer.Option(help="Only of this file, as `list` names it in full with --json.", show_default=False)
]


@app.command("list")
def list_(
    source: Source = None,
    intent: Annotated[str | None, typer.Option(help="Only of this intent.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 50,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """List answers and pages by file; texts are masked.

    Example: `tocsin answers list --intent card_lost`
    """
    settings = common.settings()
    found = [
        document
        for document in _standing(settings).values()
        if source in (None, document.source) and intent in (None, document.intent)
    ]
    found.sort(key=lambda document: (document.source, document.question is None, document.intent or "", document.id))
    shown = found[:limit]
    if as_json:
        common.print_json_lines(_masked(document) for document in shown)
        return
    table = Table("id", "file", "intent", "topics", "question or page, masked", "approved (UTC)")
    for document in shown:
        cells = (
            document.id[: desk.ID_SHOWN],
            document.source,
            document.intent or "",
            ", ".join(document.topics),
            _preview(document.question or f"page: {document.title or document.text}"),
            desk.moment(document.time),
        )
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)
    common.err.print(f"{len(shown)} of {len(found)} shown", highlight=False)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],  # noqa: A002  the argument's name
    *,
    as_json: desk.AsJson = False,
) -> None:
    """Show an answer or a page as it was approved, unmasked.

    Example: `tocsin answers show 3f2a`
    """
    document = desk.unique(id, _standing(common.settings()), "answer", "tocsin answers list")
    if as_json:
        common.print_json(document)
        return
    facts = {
        "id": document.id,
        "question": document.question,
        "title": document.title,
        "intent": document.intent,
        "topics": ", ".join(document.topics),
        "language": document.language,
        "file": document.source,
        "link": document.url,
        "approved": f"{desk.moment(document.time)} UTC",
    }
    for name, value in facts.items():
        if value:
            common.say(f"{name:<9} {printable(value)}")
    common.say("")
    for line in document.text.split("\n"):
        common.say(printable(line))


@app.command()
def remove(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids, or the beginnings of them.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="All that came from this file, as `list` names it.", show_default=False)
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take answers or pages out: no reply is drawn from them any more, in any running worker.

    Example: `tocsin answers remove 3f2a 91c0`
    """
    settings = common.settings()
    standing = _standing(settings)
    found = {id_: document for id_, document in standing.items() if source is not None and document.source == source}
    for given in ids or ():
        document = desk.unique(given, standing, "answer", "tocsin answers list")
        found[document.id] = document
    if not found:
        problem = f"nothing is from {source}" if source is not None else "say which: ids, or --source FILE"
        raise common.CommandError(f"{problem}: `tocsin answers list` shows them", common.NOT_FOUND if source else 2)
    if not yes:
        typer.confirm(f"Take out {len(found)} of {len(standing)}?", abort=True, err=True)
    common.err.print(f"{withdraw(settings, list(found)):,} taken out", highlight=False)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What a customer writes; personal data is masked before the search.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Show at most so many.")] = 5,
    language: Annotated[str | None, typer.Option(help="Only in this language, such as en.", show_default=False)] = None,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """Show what would be found for a message, and how surely it answers, with the model that serves.

    Below replies.min_score it counts as no evidence; from replies.send_score on a reply may go out by itself.

    Example: `tocsin answers search "my card was stolen last night"`
    """
    # Late, so that the command line stays quick for all other commands.
    from models.answers.index import AnswerIndex  # noqa: PLC0415
    from models.runtime import Encoder  # noqa: PLC0415

    settings = common.settings()
    model = settings.model
    documents = list(_standing(settings).values())
    if not documents:
        raise common.CommandError("nothing to search: `tocsin answers import` brings answers in", common.NOT_FOUND)
    try:
        _, encoder = Registry.of(model).resolve_and_load(
            model.name,
            model.alias,
            model.cache,
            lambda folder: Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch),
        )
        with common.err.status(f"embedding {common.some(len(documents), 'answer or page', 'answers and pages')}"):
            index = AnswerIndex(encoder.embed, encoder.embedder_sha256)
            index.put(documents)
            (found,) = index.search([mask(text, handles=True)], limit, language=language)
    except (VersionError, OSError) as error:
        raise common.CommandError(str(error)) from error
    if not found:
        raise common.CommandError("nothing is found: no answer or page is in this language", common.NOT_FOUND)
    if as_json:
        common.print_json_lines(one._asdict() for one in found)
        return
    replies = settings.replies
    table = Table("score", "", "id", "intent", "question or page", "text, masked")
    for one in found:
        sure = one.score >= replies.send_score and one.approved
        use = "send" if sure else "review" if one.score >= replies.min_score else "too low"
        cells = (
            f"{one.score:.2f}",
            use,
            one.document[: desk.ID_SHOWN],
            one.intent or "",
            _preview(one.question or f"page: {one.title or ''}"),
            _preview(one.text),
        )
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)


def _standing(settings: Settings) -> dict[str, Document]:
    topic = documents_topic(settings.topics)
    require_topics(settings.kafka, [topic])
    return desk.latest(settings, topic, Document)


def _masked(document: Document) -> Document:
    texts = {
        name: mask(value, handles=True) for name in ("text", "question", "title") if (value := getattr(document, name))
    }
    return msgspec.structs.replace(document, **texts)


def _preview(text: str) -> str:
    masked = mask(text, handles=True)
    return masked if len(masked) <= _PREVIEW_CHARS else f"{masked[:_PREVIEW_CHARS]}…"
