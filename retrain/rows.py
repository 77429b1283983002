"""One text with what people said of it: what every step of retraining is handed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.contract.labels import LabelledEntity
from streams.contract.records import Sentiment, SourceKind

Head = Literal["topic", "sentiment", "intent", "entities", "towards"]
Origin = Literal["seed", "label"]

HEADS: tuple[Head, ...] = ("topic", "sentiment", "intent", "entities", "towards")
"""Names of the heads in reports, weights and the gate: as ``models.evaluation.Evaluation.headline`` has them."""


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text, and what its labellers agree on.

    A head whose field is None was labelled by nobody: it learns nothing from the row and is not judged on it. An empty
    tuple is an answer: no topic, or no entity.
    """

    id: str
    """The message's id, or the fingerprint of a seed example's text; of one origin, no two rows share it."""
    text: str
    kind: SourceKind
    source: str
    """Outlet, network or mailbox; empty where nobody said, ``seed`` for seed examples."""
    origin: Origin
    group: str
    """Texts that are nearly equal share it; no group lies in two parts of a data set."""
    time: Annotated[datetime, Meta(tz=True)] | None = None
    """Of the message, where it is known."""
    topics: tuple[str, ...] | None = None
    sentiment: Sentiment | None = None
    intent: str | None = None
    entities: tuple[LabelledEntity, ...] | None = None
    """In order of place, none overlapping another; the sentiment towards one is None where nobody said."""
    control: bool = False
    """The stream asked for this label by lot, so that such rows are like the stream itself."""

    def says(self, head: Head) -> bool:
        """Whether this row teaches or judges a head."""
        match head:
            case "topic":
                return self.topics is not None
            case "sentiment":
                return self.sentiment is not None
            case "intent":
                return self.intent is not None
            case "entities":
                return self.entities is not None
            case "towards":
                return any(entity.sentiment is not None for entity in self.entities or ())
