"""The records on the topics. Decoding is validation: what decodes is right, and nothing else is let in.

The JSON Schemas and the AsyncAPI document are generated from these structs (``tocsin schema``), never written twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

Sentiment = Literal["negative", "neutral", "positive"]
EntityType = Literal["PER", "ORG", "LOC", "MISC"]
SourceKind = Literal["news", "social", "customer"]
Stage = Literal["decode", "infer", "publish", "post"]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]

SENTIMENTS: tuple[Sentiment, ...] = ("negative", "neutral", "positive")


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of an input topic, as Tocsin understands it.

    An input needs only ``text``; what is absent is taken from Kafka: ``id`` from the message's place, ``time`` from
    its timestamp, ``source`` from the topic. Fields that are not listed here are ignored.
    """

    id: Annotated[str, Meta(min_length=1, max_length=512, description="The user's id of the message.")]
    text: Annotated[str, Meta(min_length=1, description="What was said; any Unicode.")]
    source: Annotated[str, Meta(description="Where it was said: an outlet, a network, a mailbox.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was said.")]
    author: Annotated[str | None, Meta(description="Who said it; personal data.")] = None
    language: Annotated[str | None, Meta(description="BCP 47 language tag.")] = None
    url: Annotated[str | None, Meta(description="Where it can be read.")] = None
    channel: Annotated[str | None, Meta(description="Section, feed or queue within the source.")] = None
    conversation: Annotated[str | None, Meta(description="Thread that the message belongs to.")] = None
    user: Annotated[str | None, Meta(description="The customer's or reader's id with the user; personal data.")] = None
    fingerprint: Annotated[
        str | None, Meta(description="Equal for syndicated copies of one text (case and punctuation dropped).")
    ] = None


class Entity(Struct, frozen=True, kw_only=True):
    """A named entity in a message, and the sentiment towards it."""

    text: Annotated[str, Meta(description="As it stands in the message.")]
    type: Annotated[EntityType, Meta(description="CoNLL-2003's class.")]
    start: Annotated[int, Meta(ge=0, description="First character, in Unicode code points.")]
    end: Annotated[int, Meta(ge=0, description="One past the last character.")]
    score: Annotated[Probability, Meta(description="Least probability of the entity's words.")]
    sentiment: Annotated[Sentiment, Meta(description="Towards this entity, not of the message.")]
    sentiment_scores: Annotated[dict[str, Probability], Meta(description="Probability of each sentiment.")]


class Prediction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the model reads in one message."""

    id: Annotated[str, Meta(description="Hash of the input's place; equal if the input is read twice.")]
    message_id: Annotated[str, Meta(description="Id of the message that was read.")]
    source: Annotated[str, Meta(description="Source of the message.")]
    kind: Annotated[SourceKind, Meta(description="Kind of the input topic.")]
    time: Annotated[datetime, Meta(tz=True, description="Time of the message.")]
    topics: Annotated[list[str], Meta(description="The topic; several or none where the domain is multi-label.")]
    topic_scores: Annotated[dict[str, Probability], Meta(description="Probability of each topic.")]
    sentiment: Annotated[Sentiment, Meta(description="Sentiment of the message as a whole.")]
    sentiment_scores: Annotated[dict[str, Probability], Meta(description="Probability of each sentiment.")]
    entities: Annotated[list[Entity], Meta(description="Named entities, in order.")]
    model: Annotated[str, Meta(description="Name and version of the model, such as encoder:1.")]
    intent: Annotated[str | None, Meta(description="What a customer wants; absent for other kinds.")] = None
    intent_scores: Annotated[dict[str, Probability] | None, Meta(description="Probability of each intent.")] = None
    truncated: Annotated[bool, Meta(description="The model read only the beginning of a long text.")] = False
    embedding: Annotated[list[float] | None, Meta(description="Unit vector of the text, where settings ask.")] = None
    fingerprint: Annotated[str | None, Meta(description="The message's own, where it has one.")] = None


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that could not be processed: its bytes as they came, from where, and why."""

    id: Annotated[str, Meta(description="Hash of the input's place; equal if the input is read twice.")]
    topic: Annotated[str, Meta(description="Topic it was read from.")]
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    stage: Annotated[Stage, Meta(description="Where it failed.")]
    reason: Annotated[str, Meta(description="One of a few words, for counting.")]
    error: Annotated[str, Meta(description="What is wrong, and where; holds none of the message's text.")]
    attempts: Annotated[int, Meta(ge=1, description="How often it was tried.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was given up.")]
    key: Annotated[bytes | None, Meta(description="Key, base64.")] = None
    value: Annotated[bytes | None, Meta(description="Value, base64.")] = None
    value_cut: Annotated[bool, Meta(description="The value was too large to be kept whole; its head stands here.")] = (
        False
    )
    headers: Annotated[list[tuple[str, bytes]], Meta(description="Kafka headers, values in base64.")] = field(
        default_factory=list
    )
    timestamp: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Kafka's of the record, milliseconds since 1970.")
    ] = None


_encoder = msgspec.json.Encoder()


def encode(record: Struct) -> bytes:
    """A record as JSON bytes."""
    return _encoder.encode(record)
