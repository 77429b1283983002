"""What makes a reading doubtful: heads that are unsure, and heads that contradict one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.contract.records import Prediction

Head = Literal["topic", "sentiment", "intent", "entity", "towards"]
HEADS: tuple[Head, ...] = ("topic", "sentiment", "intent", "entity", "towards")

_OPPOSITE = {"negative": "positive", "positive": "negative"}


def doubts(prediction: Prediction, *, multi_label: bool) -> Iterator[tuple[Head, float]]:
    """How unsure each head is: 1 less the lead of its answer over the next (margin sampling), 0 where it is certain.

    Of several topics, entities or sentiments towards them the most doubtful counts.

    Scheffer, Decomain and Wrobel, "Active Hidden Markov Models for Information Extraction", 2001.

    Args:
        prediction: What the model read.
        multi_label: Whether each topic is a question of its own.
    """
    topics = prediction.topic_scores.values()
    yield (
        "topic",
        max((1.0 - abs(2.0 * score - 1.0) for score in topics), default=0.0) if multi_label else _doubt(topics),
    )
    yield "sentiment", _doubt(prediction.sentiment_scores.values())
    if prediction.intent_scores:
        yield "intent", _doubt(prediction.intent_scores.values())
    if prediction.entities:
        # Of a tag the decoder tells its own probability alone.
        yield "entity", 1.0 - min(entity.score for entity in prediction.entities)
        yield "towards", max(_doubt(entity.sentiment_scores.values()) for entity in prediction.entities)


def contradiction(prediction: Prediction) -> float:
    """How surely the sentiment of the message is the opposite of that towards every entity in it; 0 where it is not.

    A message that is good for one and bad for another contradicts nothing.

    Args:
        prediction: What the model read.
    """
    opposite = _OPPOSITE.get(prediction.sentiment)
    if opposite is None or not prediction.entities:
        return 0.0
    sure = prediction.sentiment_scores.get(prediction.sentiment, 0.0)
    for entity in prediction.entities:
        if entity.sentiment != opposite:
            return 0.0
        sure = min(sure, entity.sentiment_scores.get(opposite, 0.0))
    return sure


def _doubt(scores: Iterable[float]) -> float:
    ordered = sorted(scores)
    return 1.0 - (ordered[-1] - ordered[-2]) if len(ordered) > 1 else 0.0
