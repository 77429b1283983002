"""JSON documents of a file: one a line, or all in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from retrain.formats.items import FormatError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

_list = msgspec.json.Decoder(list[Any])
_object = msgspec.json.Decoder(dict[str, Any])


def documents(text: str) -> Iterator[tuple[str, dict[str, Any]] | Refused]:
    """Each JSON object of a file with its place, or why it is none.

    Args:
        text: JSON Lines, or one JSON list; bytes that were not of the encoding as surrogates.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    return _of_list(text) if text.lstrip()[:1] == "[" else _of_lines(text)


def first_document(text: str) -> dict[str, Any] | None:
    """The first JSON object of a file, if there is any."""
    try:
        return next((found[1] for found in documents(text) if not isinstance(found, Refused)), None)
    except FormatError:
        return None


def _of_list(text: str) -> Iterator[tuple[str, dict[str, Any]] | Refused]:
    try:
        found = _list.decode(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the JSON list cannot be read: {error}") from error
    for number, document in enumerate(found, 1):
        place = f"record {number}"
        yield (place, document) if isinstance(document, dict) else Refused(place, "it is no JSON object")


def _of_lines(text: str) -> Iterator[tuple[str, dict[str, Any]] | Refused]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            yield place, _object.decode(line)
        except (ValueError, RecursionError) as error:
            yield Refused(place, f"it is no JSON object: {error}")
