"""What surge detection needs of a prediction: a small word on each subject, and the time that upstream has reached.

Internal records, on a topic whose partitions are Tocsin's own: the signals of a batch of messages that belong to one
partition travel in one record, since each record costs more on its way than a signal does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from streams.contract.records import Probability, Sentiment, SourceKind

CLOCK_KEY = "clock"
"""Key of the state that says how far upstream was; every subject's key has a slash."""


class Signal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one message says of one subject."""

    id: Annotated[str, Meta(description="Hash of the input's place and the subject; equal if the input is read twice.")]
    subject: Annotated[str, Meta(description="Key of the subject, such as entity/larkmoor.")]
    message_id: Annotated[str, Meta(description="Id of the message.")]
    time: Annotated[datetime, Meta(tz=True, description="Time of the message.")]
    sentiment: Annotated[Sentiment, Meta(description="Of the message for a topic; TOWARDS the entity for an entity.")]
    score: Annotated[Probability, Meta(description="Probability of that sentiment.")]
    source: Annotated[str, Meta(description="Source of the message.")]
    kind: Annotated[SourceKind, Meta(description="Kind of the input topic.")]
    topic: Annotated[str, Meta(description="Input topic that the message was read from.")]
    partition: Annotated[int, Meta(ge=0, description="Its partition.")]
    offset: Annotated[int, Meta(ge=0, description="Its offset.")]
    model: Annotated[str, Meta(description="Name and version of the model.")]
    fingerprint: Annotated[str, Meta(description="Equal for syndicated copies of one text.")]
    watermark: Annotated[
        float | None,
        Meta(description="Event time that this input partition has reached, seconds since the epoch; None as yet."),
    ] = None
    name: Annotated[str | None, Meta(description="The entity as it stands in the message.")] = None
    text: Annotated[
        str | None, Meta(description="The message without personal data, shortened; where it can be evidence.")
    ] = None
    entities: Annotated[list[str], Meta(description="Other entities in the message, normalised.")] = field(
        default_factory=list
    )


class Signals(Struct, frozen=True, kw_only=True, tag="signals", tag_field="type"):
    """Signals of one batch of messages, all of one partition, in the order of the messages."""

    signals: list[Signal]


class UpstreamPartition(Struct, frozen=True, kw_only=True):
    """How far one input partition has come."""

    topic: str
    partition: int
    watermark: Annotated[float | None, Meta(description="Seconds since the epoch; None before its first message.")]
    caught_up: Annotated[bool, Meta(description="Nothing is left to read in it for now.")]
    idle: Annotated[bool, Meta(description="Caught up, and nothing came for a while: it holds nobody back.")]


class Heartbeat(Struct, frozen=True, kw_only=True, tag="heartbeat", tag_field="type"):
    """A worker's word to every partition of the signals topic on how far its inputs have come."""

    worker: Annotated[str, Meta(description="Which worker, for people.")]
    time: Annotated[datetime, Meta(tz=True, description="When it was said, by the worker's clock.")]
    partitions: list[UpstreamPartition]


class SurgeState(Struct, frozen=True, kw_only=True):
    """What surge detection knows of one subject, or of one partition as a whole, as of its latest checkpoint."""

    key: Annotated[str, Meta(description="Key of the subject; empty for what belongs to the partition.")]
    form: Annotated[int, Meta(ge=1, description="Version of the form of state.")]
    state: Annotated[bytes, Meta(description="MessagePack, in base64; only Tocsin reads it.")]
