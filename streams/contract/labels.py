"""What people say of messages, and what the stream asks them.

A label stands by itself: it holds the text, so that a training run needs no other topic. Its key is the message and
the labeller, so that whoever changes his mind replaces his own word and nobody else's; a record without a value takes
it back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from streams.contract.records import EntityType, Probability, Sentiment, SourceKind

RequestReason = Literal["uncertain", "novel", "contested", "random"]
"""Why a message is worth a label: the model is unsure of it, it is far from what the model was trained on, the heads
contradict one another, or it was drawn by lot, as a control that is like the stream itself."""

LabelText = Annotated[str, Meta(min_length=1, max_length=100_000, description="The message; any Unicode.")]
LabelValue = Annotated[str, Meta(min_length=1, max_length=64)]


class LabelledEntity(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entity in a labelled text."""

    start: Annotated[int, Meta(ge=0, description="First character, in Unicode code points.")]
    end: Annotated[int, Meta(ge=1, description="One past the last character.")]
    type: Annotated[EntityType, Meta(description="CoNLL-2003's class.")]
    sentiment: Annotated[Sentiment | None, Meta(description="Towards this entity; absent where nobody said.")] = None


class Label(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person says of one message: any of topic, sentiment, intent, entities and reply.

    Raises:
        ValueError: Nothing is labelled, or an entity lies outside the text.
    """

    message_id: Annotated[str, Meta(min_length=1, max_length=512, description="Id of the message.")]
    labeller: Annotated[str, Meta(min_length=1, max_length=128, description="Who says so; a name or a tool's user id.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was said.")]
    text: LabelText
    kind: Annotated[SourceKind, Meta(description="Kind of the message.")]
    source: Annotated[str, Meta(description="Source of the message, such as an outlet; empty where unknown.")] = ""
    message_time: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="Time of the message; recent ones are tested apart."),
    ] = None
    topics: Annotated[
        list[LabelValue] | None, Meta(description="One, or several or none where the domain is multi-label.")
    ] = None
    sentiment: Annotated[Sentiment | None, Meta(description="Of the message as a whole.")] = None
    intent: Annotated[LabelValue | None, Meta(description="What a customer wants.")] = None
    entities: Annotated[
        list[LabelledEntity] | None, Meta(description="All of them: an empty list says that there is none.")
    ] = None
    reply: Annotated[
        Annotated[str, Meta(max_length=20_000)] | None, Meta(description="A good answer to a customer.")
    ] = None
    reason: Annotated[
        RequestReason | None, Meta(description="Why the stream asked for it; absent where nobody asked.")
    ] = None
    model: Annotated[str | None, Meta(description="Name and version of the model that was corrected.")] = None

    def __post_init__(self) -> None:
        """Refuse what says nothing, and what points outside the text."""
        if all(value is None for value in (self.topics, self.sentiment, self.intent, self.entities, self.reply)):
            raise ValueError("nothing is labelled: give topics, sentiment, intent, entities or reply")
        for entity in self.entities or ():
            if not 0 <= entity.start < entity.end <= len(self.text):
                raise ValueError(
                    f"entity {entity.start}-{entity.end} lies outside the text of {len(self.text)} characters"
                )


class SuggestedEntity(Struct, frozen=True, kw_only=True):
    """An entity as the model read it, for a person to correct."""

    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=1)]
    type: EntityType
    sentiment: Sentiment


class LabelRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that is worth a label, and what the model makes of it.

    The text is masked; entities' places are those in the masked text.
    """

    id: Annotated[str, Meta(description="Hash of the input's place; equal if the input is read twice.")]
    message_id: Annotated[str, Meta(description="Id of the message.")]
    text: Annotated[str, Meta(description="The message without personal data.")]
    kind: Annotated[SourceKind, Meta(description="Kind of the message.")]
    source: Annotated[str, Meta(description="Source of the message.")]
    message_time: Annotated[datetime, Meta(tz=True, description="Time of the message.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was asked.")]
    reason: Annotated[RequestReason, Meta(description="Why.")]
    score: Annotated[float, Meta(description="How strongly it is asked for: of one reason, the higher comes first.")]
    model: Annotated[str, Meta(description="Name and version of the model.")]
    topics: Annotated[list[str], Meta(description="As the model read it.")] = field(default_factory=list)
    sentiment: Annotated[Sentiment | None, Meta(description="As the model read it.")] = None
    sentiment_score: Annotated[Probability | None, Meta(description="Its probability.")] = None
    intent: Annotated[str | None, Meta(description="As the model read it.")] = None
    entities: Annotated[list[SuggestedEntity], Meta(description="As the model read them.")] = field(
        default_factory=list
    )


def label_key(message_id: str, labeller: str) -> bytes:
    """Key of a label's record: the message and the labeller.

    The length of the id comes first, so that no two pairs share a key whatever characters they hold.
    """
    return f"{len(message_id)}/{message_id}/{labeller}".encode("utf-8", "surrogatepass")
