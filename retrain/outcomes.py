"""Answers beside labels, head by head: what every figure of an evaluation is counted from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import expit, softmax

from models.evaluation import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.manifest import Labels
    from retrain.answers import RowAnswer
    from retrain.rows import Row

LabelHead = Literal["topic", "sentiment", "intent", "towards"]
"""A head that chooses labels; entities are found, not chosen."""

LABEL_HEADS: tuple[LabelHead, ...] = ("topic", "sentiment", "intent", "towards")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one head answered where somebody labelled it.

    Attributes:
        places: Row of each answer, int64 [answers]; a row has as many towards its entities as are labelled.
        expected: The label, or the labels of a head of several.
        given: Likewise.
        confidences: Probability of what was given, float64; one for each answer, and of several topics one for each
            topic, for its being given or not. None at all where the model lacks the head: it is not sure of nothing.
        right: Whether that was so, bool, as long as the confidences.
        one_label: Whether the head gives one label and no more.
    """

    places: NDArray[np.int64]
    expected: list[tuple[str, ...]]
    given: list[tuple[str, ...]]
    confidences: NDArray[np.float64]
    right: NDArray[np.bool_]
    one_label: bool

    def confident_places(self) -> NDArray[np.int64]:
        """Row of each confidence, int64."""
        return np.repeat(self.places, self.confidences.size // max(1, self.places.size))


@dataclass(frozen=True, slots=True)
class SpanOutcomes:
    """What entities were found where somebody labelled all of them.

    Attributes:
        places: Row of each text, int64 [texts].
        texts: The texts.
        expected: Class, start and end of each labelled entity.
        given: The same of each found one, with its score.
    """

    places: NDArray[np.int64]
    texts: list[str]
    expected: list[set[Found]]
    given: list[dict[Found, float]]

    def confidences(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score of each found entity, and whether it was right."""
        scores = [score for given in self.given for score in given.values()]
        right = [
            found in expected for given, expected in zip(self.given, self.expected, strict=True) for found in given
        ]
        return np.array(scores, np.float64), np.array(right, np.bool_)

    def confident_places(self) -> NDArray[np.int64]:
        """Row of each found entity, int64."""
        return np.repeat(self.places, np.array([len(given) for given in self.given], np.int64))


def collect(head: LabelHead, rows: Sequence[Row], answers: Sequence[RowAnswer], labels: Labels) -> Outcomes:
    """Outcomes of a head that chooses labels.

    Args:
        head: Which one.
        rows: The rows of a part; those that nobody labelled for it are passed over.
        answers: To them, in their order.
        labels: Names of the model's outputs.
    """
    if head == "towards":
        return _towards(rows, answers)
    places = [place for place, row in enumerate(rows) if row.says(head)]
    expected = [_expected(head, rows[place]) for place in places]
    given = [_given(head, answers[place]) for place in places]
    if head == "topic" and labels.topic_mode == "multi":
        confidences, right = _topic_by_topic(expected, [answers[place] for place in places], labels)
        return Outcomes(np.array(places, np.int64), expected, given, confidences, right, one_label=False)
    logits = [_logits(head, answers[place]) for place in places]
    confidences = np.array([softmax(one).max() for one in logits if one.size], np.float64)
    right = np.array(
        [one == other for one, other, of in zip(expected, given, logits, strict=True) if of.size], np.bool_
    )
    return Outcomes(np.array(places, np.int64), expected, given, confidences, right, one_label=True)


def collect_spans(rows: Sequence[Row], answers: Sequence[RowAnswer]) -> SpanOutcomes:
    """Outcomes of the entity head, over the rows whose entities somebody labelled."""
    places = [place for place, row in enumerate(rows) if row.entities is not None]
    return SpanOutcomes(
        places=np.array(places, np.int64),
        texts=[rows[place].text for place in places],
        expected=[
            {Found(entity.type, entity.start, entity.end) for entity in rows[place].entities or ()} for place in places
        ],
        given=[answers[place].entities for place in places],
    )


def _expected(head: LabelHead, row: Row) -> tuple[str, ...]:
    if head == "topic":
        return row.topics or ()
    value = row.sentiment if head == "sentiment" else row.intent
    return () if value is None else (value,)


def _given(head: LabelHead, answer: RowAnswer) -> tuple[str, ...]:
    if head == "topic":
        return answer.topics
    value = answer.sentiment if head == "sentiment" else answer.intent
    return () if value is None else (value,)


def _logits(head: LabelHead, answer: RowAnswer) -> NDArray[np.float32]:
    """What the label was given by; empty where the model lacks the head."""
    return {"topic": answer.topic_logits, "sentiment": answer.sentiment_logits, "intent": answer.intent_logits}[head]


def _topic_by_topic(
    expected: Sequence[tuple[str, ...]], answers: Sequence[RowAnswer], labels: Labels
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of several topics, each is a question of its own, to which yes and no are answers."""
    if not answers:
        return np.zeros(0), np.zeros(0, np.bool_)
    yes = expit(np.stack([answer.topic_logits for answer in answers]))
    said = np.array([[topic in answer.topics for topic in labels.topics] for answer in answers])
    true = np.array([[topic in one for topic in labels.topics] for one in expected])
    return np.where(said, yes, 1.0 - yes).ravel(), (said == true).ravel()


def _towards(rows: Sequence[Row], answers: Sequence[RowAnswer]) -> Outcomes:
    places: list[int] = []
    expected: list[tuple[str, ...]] = []
    given: list[tuple[str, ...]] = []
    confidences: list[float] = []
    for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        chances = softmax(answer.towards_logits, axis=1).max(axis=1) if answer.towards_logits.size else ()
        for entity, said, chance in zip(row.entities or (), answer.towards, chances, strict=True):
            if entity.sentiment is not None:
                places.append(place)
                expected.append((entity.sentiment,))
                given.append((said,))
                confidences.append(float(chance))
    right = np.array([one == other for one, other in zip(expected, given, strict=True)], np.bool_)
    return Outcomes(
        np.array(places, np.int64), expected, given, np.array(confidences, np.float64), right, one_label=True
    )
