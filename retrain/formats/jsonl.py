"""JSON Lines (or one JSON list) of labels: what ``tocsin labels export`` writes, and plainer objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from retrain.formats.documents import documents
from retrain.formats.items import Refused, Said
from streams.contract.labels import Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item

_REQUEST = "it is a request for a label, and no label"


def read_jsonl(text: str, maker: LabelMaker) -> Iterator[Item]:
    """An item for each object; its fields are those of a label.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of objects.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    return _items(text, lambda place, fields: maker.item(place, fields, fields))


def read_exported(text: str) -> Iterator[Item]:
    """An item for each label of a backup, as it stood on the topic: whatever its topics and intent are called.

    Args:
        text: What ``as_jsonl`` wrote.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    return _items(text, _label)


def _items(text: str, make: Callable[[str, dict[str, Any]], Item]) -> Iterator[Item]:
    for found in documents(text):
        if isinstance(found, Refused):
            yield found
            continue
        place, fields = found
        yield Refused(place, _REQUEST) if _is_request(fields) else make(place, fields)


def _label(place: str, fields: dict[str, Any]) -> Item:
    try:
        return Said(place, msgspec.convert(fields, Label))
    except ValueError as error:
        return Refused(place, f"it is no label as `tocsin labels export` writes it: {error}")


def _is_request(fields: dict[str, Any]) -> bool:
    """Whether the model wrote it: to learn its topics and sentiment would teach it its own mistakes."""
    return "score" in fields and "reason" in fields
