"""From a label that carries a good answer to a document that replies may be drawn from. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.contract.ids import derived_id
from streams.contract.replies import Document

if TYPE_CHECKING:
    from streams.contract.labels import Label

SOURCE = "labels"


def answer_of(label: Label) -> Document | None:
    """The document; None where nobody said what a good answer to a customer would be.

    It was written to one customer, and may promise what is theirs alone: it helps whoever answers the next one, and is
    not sent by itself until somebody approves it (``tocsin answers import --labels``).

    Args:
        label: Of its text and reply personal data was taken out when it was made.
    """
    if label.kind != "customer" or not (label.reply or "").strip():
        return None
    return Document(
        id=derived_id(f"{len(label.message_id)}/{label.message_id}/{label.labeller}", "answer"),
        text=label.reply or "",
        time=label.time,
        question=label.text,
        intent=label.intent,
        topics=label.topics or [],
        source=SOURCE,
        approved=False,
    )
