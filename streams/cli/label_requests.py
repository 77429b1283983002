"""``tocsin labels requests``: what the stream asks to be labelled, for people and for labelling tools."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from retrain.formats.writing import as_jsonl
from retrain.label_requests import as_label_studio, as_table, in_turn, is_suggested
from retrain.label_topic import read_labels
from streams.cli import common, desk
from streams.cli.watching import printable
from streams.contract.labels import LabelRequest, RequestReason
from streams.contract.topics import label_requests_topic

_PREVIEW_CHARS = 100
_UNTOLD = "(not told: drawn by lot)"


def requests(
    reason: Annotated[RequestReason | None, typer.Option(help="Only those of this reason.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most, the most wanted first.")] = 50,
    format: Annotated[  # noqa: A002  the flag's name
        Literal["table", "jsonl", "csv", "label-studio"],
        typer.Option(help="table to look at, csv to fill in, label-studio as its tasks."),
    ] = "table",
) -> None:
    """Print messages that are worth a label and have none: uncertain, novel, contested and random ones in turn.

    Texts are masked by the stream. Where a message was drawn by lot, only jsonl tells what the model read in it: such
    labels judge models, and are to owe them nothing.

    Example: `tocsin labels requests --format label-studio --limit 200 > tasks.json`
    """
    settings = common.settings()
    records = desk.read_records(settings, label_requests_topic(settings.topics), LabelRequest)
    wanted = (request for _, request in records if request is not None and reason in (None, request.reason))
    waiting = in_turn(wanted, (label.message_id for label in read_labels(settings).labels))
    shown = waiting[:limit]
    match format:
        case "jsonl":
            sys.stdout.writelines(as_jsonl(shown))
        case "csv":
            sys.stdout.writelines(as_table(shown))
        case "label-studio":
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(as_label_studio(shown))).decode() + "\n")
        case "table":
            _print(shown)
    common.err.print(f"{len(shown)} of {common.some(len(waiting), 'request')} shown", highlight=False)


def _print(requests: list[LabelRequest]) -> None:
    table = Table("message", "kind", "reason", "the model read", "text, masked")
    for request in requests:
        read = ", ".join((*request.topics, *filter(None, (request.sentiment, request.intent))))
        read = read if is_suggested(request) else _UNTOLD
        text = request.text if len(request.text) <= _PREVIEW_CHARS else f"{request.text[:_PREVIEW_CHARS]}…"
        table.add_row(
            *(escape(printable(cell)) for cell in (request.message_id, request.kind, request.reason, read, text))
        )
    common.out.print(table)
