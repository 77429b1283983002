"""Figures of a part, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace
from support import toy_model, toy_rows

from models.evaluation import Found
from retrain.answers import RowAnswer
from retrain.evaluate import evaluate, headline
from retrain.slices import MIN_SLICE, slices_of
from streams.contract.labels import LabelledEntity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.rows import Row
    from streams.contract.records import Sentiment

pytestmark = pytest.mark.train

LABELS = toy_model.LABELS
SILENT: dict[str, Any] = {"topics": None, "sentiment": None, "intent": None, "entities": None}
NEGATIVE, NEUTRAL, POSITIVE = LABELS.sentiments


def row(number: int = 0, **says: Any) -> Row:  # noqa: ANN401
    return replace(toy_rows.rows(1)[0], **{"id": f"r{number}", "text": "acme and beta", **SILENT, **says})


def said(
    topics: Sequence[str] = ("earnings",),
    sentiment: Sentiment = "neutral",
    *,
    entities: dict[Found, float] | None = None,
    towards: tuple[Sentiment, ...] = (),
    sure: float = 5.0,
) -> RowAnswer:
    """An answer; the logit of what it says is so much above the others'."""

    def logits(names: Sequence[str], chosen: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.array([sure if name in chosen else 0.0 for name in names], np.float32)

    return RowAnswer(
        topics=tuple(topics),
        sentiment=sentiment,
        intent=None,
        entities=entities or {},
        towards=towards,
        topic_logits=logits(LABELS.topics, topics),
        sentiment_logits=logits(LABELS.sentiments, [sentiment]),
        intent_logits=np.zeros(0, np.float32),
        towards_logits=np.array([logits(LABELS.sentiments, [one]) for one in towards], np.float32).reshape(-1, 3),
        tag_logits=np.zeros((0, 9), np.float32),
        tags=(),
    )


def test_a_head_is_counted_where_it_is_labelled_beside_the_majority_of_the_training_part() -> None:
    rows = [
        row(0, sentiment=NEGATIVE),
        row(1, sentiment=NEGATIVE),
        row(2, sentiment=POSITIVE),
        row(3, topics=("deals",)),
    ]
    answers = [said(sentiment=one) for one in (NEGATIVE, NEUTRAL, POSITIVE, POSITIVE)]
    training = [row(sentiment=NEUTRAL), row(sentiment=NEUTRAL), row(sentiment=NEGATIVE)]
    part = evaluate(rows, answers, training, LABELS)
    sentiment = part.heads["sentiment"]
    assert (part.rows, sentiment.answers, sentiment.accuracy) == (4, 3, pytest.approx(2 / 3))
    # neutral is given once and labelled never: it is no class of the mean.
    assert sentiment.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert sentiment.weighted_f1 == pytest.approx((2 * 2 / 3 + 1) / 3)
    assert (sentiment.majority_accuracy, sentiment.majority_macro_f1) == (0.0, 0.0)
    assert sentiment.confusion is not None
    assert sentiment.confusion.labels == [NEGATIVE, NEUTRAL, POSITIVE]
    assert sentiment.confusion.counts == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert set(part.heads) == {"topic", "sentiment"}
    assert part.entities is None
    assert headline(rows, answers, LABELS) == {"topic": 0.0, "sentiment": sentiment.macro_f1}


def test_a_single_label_that_is_always_met_is_no_yes_or_no() -> None:
    rows = [row(number, sentiment=POSITIVE) for number in range(3)]
    (head,) = evaluate(rows, [said(sentiment=POSITIVE)] * 3, (), LABELS).heads.values()
    assert (head.accuracy, head.macro_f1, [one.support for one in head.classes]) == (1.0, 1.0, [3])


def test_of_several_topics_a_row_is_right_where_all_are() -> None:
    labels = replace(LABELS, topic_mode="multi")
    rows = [row(0, topics=("deals", "markets")), row(1, topics=()), row(2, topics=("deals",))]
    answers = [said(("markets", "deals")), said(()), said(("deals", "earnings"))]
    topic = evaluate(rows, answers, [row(topics=("deals",))], labels).heads["topic"]
    assert topic.accuracy == pytest.approx(2 / 3)
    assert topic.macro_f1 == 1.0
    assert topic.majority_accuracy == pytest.approx(1 / 3)
    assert topic.confusion is None
    # Nine answers, yes or no; the one yes too many is as sure as the other three are.
    assert sum(one.answers for one in topic.calibration.bins) == 9
    assert [one.accuracy for one in topic.calibration.bins if one.confidence > 0.9] == [0.75]


def test_entities_are_counted_by_character_and_by_word() -> None:
    acme = LabelledEntity(start=0, end=4, type="ORG", sentiment=POSITIVE)
    beta = LabelledEntity(start=9, end=13, type="ORG", sentiment=NEGATIVE)
    rows = [row(0, entities=(acme, beta)), row(1, entities=()), row(2)]
    found = {Found("ORG", 0, 4): 0.9, Found("ORG", 9, 12): 0.8}
    answers = [said(entities=found, towards=(POSITIVE, POSITIVE)), said(), said(entities=found)]
    part = evaluate(rows, answers, (), LABELS)
    assert part.entities is not None
    # Three of beta's letters are its word, and are not the whole name.
    assert (part.entities.exact.f1, part.entities.words.f1, part.entities.rows) == (0.5, 1.0, 2)
    assert sum(one.support for one in part.entities.tokens.tags) == 6
    assert sum(one.answers for one in part.entities.calibration.bins) == 2
    assert part.heads["towards"].accuracy == 0.5
    assert headline(rows, answers, LABELS) == {"towards": part.heads["towards"].macro_f1, "entities": 0.5}


def test_slices_are_those_of_enough_rows_and_labels() -> None:
    rows = [
        row(number, kind="news", source="Wire" if number else "", sentiment=POSITIVE, topics=("deals",))
        for number in range(MIN_SLICE)
    ]
    rows.append(row(999, kind="social", sentiment=POSITIVE))
    assert [(name, int(members.sum())) for name, members in slices_of(rows).items()] == [
        ("kind=news", MIN_SLICE), ("topic=deals", MIN_SLICE),
    ]  # fmt: skip
    rows[0] = replace(rows[0], sentiment=None)
    answers = [said(("deals",), sentiment=NEGATIVE) for _ in rows]
    slices = evaluate(rows, answers, (), LABELS).slices
    # One row too few says anything of sentiment.
    assert [(one.slice, one.head, one.answers, one.accuracy) for one in slices] == [
        ("kind=news", "topic", MIN_SLICE, 1.0), ("topic=deals", "topic", MIN_SLICE, 1.0),
    ]  # fmt: skip
