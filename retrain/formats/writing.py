"""Labels as files again."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from streams.contract.labels import Label

_COLUMNS = (
    "message_id",
    "labeller",
    "time",
    "kind",
    "source",
    "message_time",
    "text",
    "topics",
    "sentiment",
    "intent",
    "entities",
    "reply",
    "reason",
    "model",
)


def as_jsonl(records: Iterable[msgspec.Struct]) -> Iterator[str]:
    """One JSON object a line; of labels, ``read_jsonl`` reads back the very same."""
    for record in records:
        yield f"{msgspec.json.encode(record).decode()}\n"


def as_csv(labels: Iterable[Label]) -> Iterator[str]:
    """A table for a spreadsheet, which ``read_table`` reads back."""
    return table(_COLUMNS, (_row(label) for label in labels))


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a CSV table with a header.

    Args:
        columns: Their names, in order.
        rows: Values by column; one that is absent or None is an empty cell.
    """
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    for row in rows:
        yield _taken(buffer)
        writer.writerow(row)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    written = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return written


def _row(label: Label) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(label)
    if label.topics is not None:
        row["topics"] = ",".join(label.topics) or "-"
    if label.entities is not None:
        row["entities"] = msgspec.json.encode(label.entities).decode()
    return row
