"""``tocsin labels``: what people say of messages: brought in, looked at, compared, and taken back."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal, TextIO, cast

import msgspec
import typer
from kafka.errors import KafkaError
from rich.markup import escape
from rich.table import Table

from retrain.formats.writing import as_csv, as_jsonl
from retrain.label_topic import read_labels, withdraw_labels
from streams.brokers.client import producer
from streams.cli import common, desk
from streams.cli.label_import import import_
from streams.cli.label_requests import requests
from streams.cli.watching import printable
from streams.contract.labels import Label
from streams.contract.masking import find, mask
from streams.contract.records import SourceKind
from streams.contract.settings import Settings
from streams.contract.topics import kept_in_place, labels_topic

app = typer.Typer(
    help="Bring labels in and out, see how far people agree, and what to label next.", no_args_is_help=True
)
app.command("import")(import_)
app.command("requests")(requests)

_PREVIEW_CHARS = 80
_PAIRS_SHOWN = 10
# Krippendorff 2004, p. 241: draw conclusions above the first, tentative ones above the second.
_RELIABLE, _TENTATIVE = 0.8, 0.667

Labeller = Annotated[str | None, typer.Option(help="Only what this labeller said.", show_default=False)]
Message = Annotated[str | None, typer.Option(help="Only of the message with this id.", show_default=False)]
Kind = Annotated[SourceKind | None, typer.Option(help="Only of messages of this kind.", show_default=False)]


@app.command("list")
def list_(
    labeller: Labeller = None,
    message: Message = None,
    kind: Kind = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the latest.")] = 50,
    *,
    as_json: desk.AsJsonLines = False,
) -> None:
    """List labels, the latest last; texts are masked.

    Example: `tocsin labels list --labeller ann --limit 10`
    """
    found = _selected(common.settings(), labeller, message, kind)
    shown = found[-limit:]
    if as_json:
        common.print_json_lines(_document(label) for label in shown)
        return
    table = Table("time (UTC)", "labeller", "message", "kind", "says", "text, masked")
    for label in shown:
        cells = (
            desk.moment(label.time),
            label.labeller,
            label.message_id,
            label.kind,
            _said(label),
            _preview(label.text),
        )
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)
    common.err.print(f"{len(shown)} of {common.some(len(found), 'label')} shown", highlight=False)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; standard output if not given.")] = None,
    format: Annotated[  # noqa: A002  the flag's name
        Literal["jsonl", "csv"], typer.Option(help="jsonl loses nothing; csv is for spreadsheets.")
    ] = "jsonl",
    labeller: Labeller = None,
    message: Message = None,
    kind: Kind = None,
) -> None:
    """Write labels to a file that `tocsin labels import` reads: a backup. It holds texts as they are, unmasked.

    Example: `tocsin labels export labels.jsonl`
    """
    found = _selected(common.settings(), labeller, message, kind)
    with _opened(file) as stream:
        stream.writelines(as_jsonl(found) if format == "jsonl" else as_csv(found))
    common.err.print(f"{common.some(len(found), 'label')} written", highlight=False)


@app.command()
def stats(*, as_json: desk.AsJson = False) -> None:
    """Count labels, and say how far their labellers agree: Krippendorff's alpha, and Cohen's kappa of each two.

    Example: `tocsin labels stats --json | jq .agreement`
    """
    try:
        # Late: they are in the retrain extra.
        from retrain.agreement import agreements, pair_agreements  # noqa: PLC0415
    except ImportError as error:
        raise common.CommandError(f"agreement needs `pip install 'tocsin[retrain]'`: {error}") from error
    found = _selected(common.settings())
    counts, agreement, pairs = _counts(found), agreements(found), pair_agreements(found)
    if as_json:
        common.print_json({**counts, "agreement": agreement, "pairs": pairs})
        return
    common.say(f"{common.some(counts['labels'], 'label')} of {common.some(counts['messages'], 'message')}")
    for name in ("labellers", "kinds", "reasons", "topics", "sentiments", "intents", "entities"):
        if values := counts[name]:
            told = ", ".join(f"{printable(value)} {count:,}" for value, count in values.items())
            common.say(f"{name}: {told}")
    if not agreement:
        common.say("agreement: no message has labels of two people on the same head")
        return
    table = Table("head", "labellers", "shared", "disagreed", "Krippendorff's alpha", "")
    for row in agreement:
        counted = map(str, (row.labellers, row.units, row.disagreed))
        table.add_row(row.head, *counted, _figure(row.alpha), _verdict(row.alpha))
    common.out.print(table)
    table = Table("head", "labeller", "labeller", "shared", "Cohen's kappa")
    for pair in pairs[:_PAIRS_SHOWN]:
        cells = (pair.head, pair.left, pair.right, str(pair.units), _figure(pair.kappa))
        table.add_row(*(escape(printable(cell)) for cell in cells))
    common.out.print(table)
    if len(pairs) > _PAIRS_SHOWN:
        common.err.print(f"{_PAIRS_SHOWN} of {len(pairs)} pairs shown: --json tells all", highlight=False)


@app.command()
def withdraw(
    labeller: Annotated[str, typer.Option(help="Whose labels.")],
    message: Message = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take back what a labeller said, of one message or of all: no later training run sees it.

    Example: `tocsin labels withdraw --labeller bob`
    """
    settings = common.settings()
    found = _selected(settings, labeller, message)
    if not found:
        raise common.CommandError(f"no label of {labeller}: `tocsin labels stats` tells who labelled", common.NOT_FOUND)
    if not yes:
        typer.confirm(f"Take back {common.some(len(found), 'label')} of {labeller}?", abort=True, err=True)
    try:
        with producer(settings.kafka) as sender:
            topic = labels_topic(settings.topics)
            taken = withdraw_labels(sender, topic, found, spread=kept_in_place(settings).get(topic))
    except KafkaError as error:
        raise common.CommandError(f"not all labels were taken back ({error}): give the same command again") from error
    common.err.print(f"{common.some(taken, 'label')} taken back", highlight=False)


def _selected(
    settings: Settings, labeller: str | None = None, message: str | None = None, kind: SourceKind | None = None
) -> list[Label]:
    read = read_labels(settings)
    for problem in read.refused:
        common.err.print(f"[yellow]warning:[/] no label: {escape(printable(mask(problem)))}", highlight=False)
    return [
        label
        for label in read.labels
        if labeller in (None, label.labeller) and message in (None, label.message_id) and kind in (None, label.kind)
    ]


@contextmanager
def _opened(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    try:
        with file.open("w", encoding="utf-8", newline="") if _is_device(file) else _private(file.resolve()) as stream:
            yield stream
    except OSError as error:
        raise common.CommandError(f"{file}: {error.strerror}") from error


def _is_device(file: Path) -> bool:
    return file.exists() and not file.is_file()


@contextmanager
def _private(file: Path) -> Iterator[TextIO]:
    """A file for its owner alone, since labels hold texts as people wrote them; it takes its place once it is whole."""
    draft = NamedTemporaryFile(  # noqa: SIM115  closed below, before it takes the file's place
        "w", encoding="utf-8", newline="", dir=file.parent, prefix=f".{file.name}.", delete=False
    )
    try:
        with draft as stream:
            yield cast("TextIO", stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft.name).replace(file)
    finally:
        Path(draft.name).unlink(missing_ok=True)


def _document(label: Label) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(label)
    document["text"] = mask(label.text, handles=True)
    if label.source:
        document["source"] = mask(label.source, handles=True)
    if label.entities is not None:
        # By their words: places would be those of the text before it was masked.
        document["entities"] = [
            {"text": words, "type": entity.type, "sentiment": entity.sentiment}
            for words, entity in zip(_words(label), label.entities, strict=True)
        ]
    if label.reply is not None:
        document["reply"] = mask(label.reply, handles=True)
    return document


def _words(label: Label) -> list[str]:
    """The words of each entity, masked as they are in the text: a part of an address alone looks like none."""
    found = find(label.text, handles=True)
    return [
        " ".join(f"[{piece.kind}]" for piece in found if piece.start < entity.end and entity.start < piece.end)
        or label.text[entity.start : entity.end]
        for entity in label.entities or ()
    ]


def _said(label: Label) -> str:
    parts = [", ".join(label.topics) or "no topic"] if label.topics is not None else []
    parts += [part for part in (label.sentiment, label.intent) if part is not None]
    if label.entities is not None:
        parts.append(
            ", ".join(
                f"{words} ({entity.type}: {entity.sentiment or '?'})"
                for words, entity in zip(_words(label), label.entities, strict=True)
            )
            or "no entity"
        )
    parts += ["a reply"] * (label.reply is not None)
    return "; ".join(parts)


def _preview(text: str) -> str:
    masked = mask(text, handles=True)
    return masked if len(masked) <= _PREVIEW_CHARS else f"{masked[:_PREVIEW_CHARS]}…"


def _counts(labels: Sequence[Label]) -> dict[str, Any]:
    def count(values: Iterator[str | None]) -> dict[str, int]:
        return dict(Counter(value for value in values if value is not None).most_common())

    return {
        "labels": len(labels),
        "messages": len({label.message_id for label in labels}),
        "labellers": count(label.labeller for label in labels),
        "kinds": count(label.kind for label in labels),
        "reasons": count(label.reason for label in labels),
        "topics": count(topic for label in labels for topic in label.topics or ()),
        "sentiments": count(label.sentiment for label in labels),
        "intents": count(label.intent for label in labels),
        "entities": count(entity.type for label in labels for entity in label.entities or ()),
    }


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _verdict(alpha: float | None) -> str:
    if alpha is None:
        return "only one answer was given"
    return "reliable" if alpha >= _RELIABLE else "tentative" if alpha >= _TENTATIVE else "too low to rely on"
