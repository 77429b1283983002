"""What readers do, what can be recommended to them, and what is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

BehaviorAction = Literal["view", "click", "purchase", "comment", "share", "dismiss"]
RecommendationCause = Literal["behavior", "request"]
RecommendationReason = Literal["because_you_read", "popular", "topic", "recent"]

LONGEST_TOPIC = 256
"""Characters: readers' states, of bounded size, hold names of topics."""
Topics = Annotated[list[Annotated[str, Meta(max_length=LONGEST_TOPIC)]], Meta(max_length=100)]


class Item(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that can be recommended: an article, a film, a product. A record without a value withdraws it."""

    id: Annotated[str, Meta(min_length=1, max_length=512)]
    text: Annotated[str, Meta(min_length=1, max_length=100_000, description="What it is understood by; any Unicode.")]
    time: Annotated[datetime, Meta(tz=True, description="When it appeared; the record's time where that is earlier.")]
    title: Annotated[
        str | None, Meta(description="For people, who see 120 characters; the text's beginning where absent.")
    ] = None
    url: Annotated[str | None, Meta(description="Where it is.")] = None
    source: Annotated[str, Meta(description="Outlet or catalogue.")] = ""
    topics: Annotated[Topics, Meta(description="The user's own, or as the model read it.")] = field(
        default_factory=list
    )
    sentiment: Annotated[
        Annotated[float, Meta(ge=-1.0, le=1.0)] | None, Meta(description="From -1 to 1, as the model read it.")
    ] = None
    expires: Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="Not recommended after.")] = None


class ItemVector(Struct, frozen=True, kw_only=True):
    """An item as the encoder understands it. Internal; kept with its text, to be embedded anew by another trunk."""

    item: Item
    embedder: Annotated[str, Meta(description="SHA-256 of the graph that embedded it.")]
    vector: Annotated[bytes, Meta(description="Unit vector, little-endian float32, in base64.")]


class Behavior(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader did with an item."""

    user: Annotated[str, Meta(min_length=1, max_length=512, description="The reader's id; personal data.")]
    item: Annotated[str, Meta(min_length=1, max_length=512, description="Id of the item.")]
    action: BehaviorAction
    time: Annotated[datetime, Meta(tz=True, description="The record's time where that is earlier.")]
    id: Annotated[str | None, Meta(description="The user's own id of the event; its place where absent.")] = None
    seconds: Annotated[Annotated[float, Meta(ge=0.0)] | None, Meta(description="How long, for a view.")] = None


class RecommendationRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants recommendations now."""

    id: Annotated[str, Meta(min_length=1, max_length=512, description="The answer bears it.")]
    user: Annotated[str, Meta(min_length=1, max_length=512, description="The reader's id; personal data.")]
    time: Annotated[datetime, Meta(tz=True)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class ReaderEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A behavior or a request, repartitioned by user. Internal."""

    id: Annotated[str, Meta(description="Hash of the input's place; equal if it is told twice.")]
    user: str
    topic: Annotated[str, Meta(description="Input topic that it was read from.")]
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    behavior: Behavior | None = None
    request: RecommendationRequest | None = None


class InterestState(Struct, frozen=True, kw_only=True):
    """What is known of one reader as of the latest checkpoint. Internal."""

    user: str
    form: Annotated[int, Meta(ge=1, description="Version of the form of state.")]
    state: Annotated[bytes, Meta(description="MessagePack, in base64; only Tocsin reads it.")]
    owed: Annotated[
        str | None, Meta(description="Id of the reader event that is still to be answered; null where none is.")
    ] = None


class RecommendedItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a recommendation, and why it is there."""

    item: Annotated[str, Meta(description="Id of the item.")]
    score: Annotated[float, Meta(description="The ranker's; comparable within one recommendation.")]
    reason: RecommendationReason
    why: Annotated[str, Meta(description="The reason in words, such as: because you read ...")]
    title: Annotated[
        str, Meta(description="The item's title; empty where the brokers refused the recommendation as too large.")
    ] = ""
    because: Annotated[str | None, Meta(description="Id of the item that the reason names.")] = None


class Recommendation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader may like, best first."""

    id: Annotated[str, Meta(description="Of the request, or a hash of the behavior; equal if it is told twice.")]
    user: Annotated[str, Meta(description="The reader's id; personal data.")]
    cause: RecommendationCause
    items: list[RecommendedItem]
    cold: Annotated[bool, Meta(description="Nothing is known of the reader: popular and diverse items.")]
    time: Annotated[datetime, Meta(tz=True)]
    model: Annotated[str, Meta(description="Name and version of the encoder.")]
    ranker: Annotated[str, Meta(description="Version of the ranker's weights; default where none were learned.")]
