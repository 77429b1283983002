"""Messages with what a model read in them, as short as a test can say it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from streams.contract.incoming import Record
from streams.contract.records import Entity, Message, Prediction
from streams.logic.asking.asker import Seen

if TYPE_CHECKING:
    from streams.contract.records import EntityType, Sentiment, SourceKind

TIME = datetime(2026, 3, 2, 9, 50, tzinfo=UTC)
SURE = {"negative": 0.02, "neutral": 0.03, "positive": 0.95}
_offsets = count()


def entity(
    text: str, name: str, scores: dict[str, float] | None = None, *, type_: EntityType = "ORG", score: float = 1.0
) -> Entity:
    """The first place of a name in a text."""
    scores = SURE if scores is None else scores
    start = text.index(name)
    return Entity(
        text=name,
        type=type_,
        start=start,
        end=start + len(name),
        score=score,
        sentiment=max(scores, key=scores.__getitem__),
        sentiment_scores=scores,
    )


def seen(
    text: str,
    *entities: Entity,
    sentiment_scores: dict[str, float] | None = None,
    topic_scores: dict[str, float] | None = None,
    intent_scores: dict[str, float] | None = None,
    kind: SourceKind = "news",
    model: str = "encoder:1",
    **message: str,
) -> Seen:
    """A message, certain in all that is not told; customers' have an intent where its scores are told."""
    scores = SURE if sentiment_scores is None else sentiment_scores
    topics = {"earnings": 0.97, "markets": 0.03} if topic_scores is None else topic_scores
    sentiment: Sentiment = max(scores, key=scores.__getitem__)
    offset = next(_offsets)
    return Seen(
        Record(kind, 0, offset, TIME.timestamp(), None, b"", ()),
        Message(**{"id": f"m-{offset}", "text": text, "source": "Example Wire", "time": TIME} | message),
        Prediction(
            id=f"p-{offset}",
            message_id=f"m-{offset}",
            source="Example Wire",
            kind=kind,
            time=TIME,
            topics=[max(topics, key=topics.__getitem__)],
            topic_scores=topics,
            sentiment=sentiment,
            sentiment_scores=scores,
            entities=list(entities),
            model=model,
            intent=max(intent_scores, key=intent_scores.__getitem__) if intent_scores else None,
            intent_scores=intent_scores,
        ),
    )
