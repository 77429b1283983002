"""JSON Lines: a document a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from streams.sources.answers.items import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

_object = msgspec.json.Decoder(dict[str, Any])


def read_jsonl(text: str, maker: DocumentMaker) -> Iterator[Item]:
    """An item for each line that is not blank; an object without a question is a page.

    Args:
        text: The file's.
        maker: Makes documents of objects.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            fields = _object.decode(line)
        except (ValueError, RecursionError) as error:
            yield Refused(place, f"it is no JSON object: {error}")
            continue
        yield from maker.items(place, fields)
