"""Replies that people gave in labels, as answers to what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.contract.masking import mask
from streams.sources.answers.items import Refused
from streams.sources.items import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.contract.labels import Label
    from streams.sources.answers.items import Item
    from streams.sources.answers.making import DocumentMaker

ORIGIN = "labels"
"""What such documents have as their source."""


def read_replies(labels: Iterable[Label], maker: DocumentMaker) -> Iterator[Item]:
    """An answer for each label that carries a reply; its question is the message without personal data.

    A reply that holds personal data itself, which another customer must not get, is refused.

    Args:
        labels: Those that stand.
        maker: Makes documents.
    """
    for label in labels:
        if label.reply is None or not label.reply.strip():
            continue
        place = f"label of {label.labeller} on {label.message_id}"
        if mask(label.reply, handles=True) != label.reply:
            yield Refused(
                place, "its reply holds personal data, or a number like it: import it from a file if it may go out"
            )
            continue
        fields = {
            "id": stable_id(ORIGIN, label.message_id, label.labeller),
            "question": mask(label.text, handles=True),
            "text": label.reply,
            "intent": label.intent,
            "topics": list(label.topics or ()),
            "time": label.time.isoformat(),
        }
        yield from maker.items(place, fields)
