"""JSON Lines (or one JSON list) of labels: what ``tocsin labels export`` writes, and plainer objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.formats.documents import documents
from retrain.formats.items import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.formats.fields import LabelMaker
    from retrain.formats.items import Item


def read_jsonl(text: str, maker: LabelMaker) -> Iterator[Item]:
    """An item for each object; its fields are those of a label.

    Args:
        text: The file's; bytes that were not of its encoding as surrogates.
        maker: Makes labels of objects.

    Raises:
        FormatError: It is a list that cannot be read to its end.
    """
    for found in documents(text):
        if isinstance(found, Refused):
            yield found
            continue
        place, fields = found
        if "score" in fields and "reason" in fields:
            # Its topics and sentiment are the model's own: to learn them would teach it its mistakes.
            yield Refused(place, "it is a request for a label, and no label")
        else:
            yield maker.item(place, fields, fields)
