"""Whether probabilities mean what they say, and the temperatures that make them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.special import softmax
from support import toy_model, toy_rows

from models.heads import Heads, Linear, Mlp, plan_for
from models.temperature import MIN_ITEMS, LabelledLogits, Temperature, fit_temperature, fold
from retrain.answers import RowAnswer
from retrain.calibration import calibration, fit_temperatures
from streams.contract.labels import LabelledEntity

pytestmark = pytest.mark.train

MULTI = replace(toy_model.LABELS, topic_mode="multi")


def answered(**changes: Any) -> RowAnswer:  # noqa: ANN401
    logits = {name: np.zeros((0, 3), np.float32) for name in ("towards_logits", "tag_logits")}
    logits |= {name: np.zeros(3, np.float32) for name in ("topic_logits", "sentiment_logits")}
    fields: dict[str, Any] = {
        "topics": (), "sentiment": "neutral", "intent": None, "entities": {}, "towards": (), "tags": (),
        "intent_logits": np.zeros(2, np.float32),
    }  # fmt: skip
    return RowAnswer(**{**fields, **logits, **changes})


def test_the_error_is_the_mean_distance_of_the_bins_by_their_answers() -> None:
    confidences = np.array([0.9, 0.9, 0.9, 0.9, 0.5])
    right = np.array([True, True, False, False, True])
    measured = calibration(confidences, right)
    # Four answers say 0.9 and are right at 0.5; one says 0.5 and is right.
    assert measured.ece == pytest.approx((4 * 0.4 + 1 * 0.5) / 5)
    assert [one.answers for one in measured.bins] == [1, 4]
    assert [one.accuracy for one in measured.bins] == [1.0, 0.5]


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_ends_of_the_scale_belong_to_a_bin(confidence: float) -> None:
    measured = calibration(np.array([confidence]), np.array([True]))
    assert measured.ece == pytest.approx(1.0 - confidence)


def test_no_answers_have_no_error() -> None:
    assert calibration(np.zeros(0), np.zeros(0, np.bool_)).bins == []


def drawn(count: int, scale: float, seed: int = 0) -> tuple[list[Any], list[RowAnswer]]:
    """Rows whose labels are drawn from the softmax of logits, and answers that say so many times these logits."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 3))
    labels = [random.choice(3, p=chances) for chances in softmax(logits, axis=1)]
    rows = [
        replace(row, topics=None, intent=None, entities=None, sentiment=toy_model.LABELS.sentiments[label])
        for row, label in zip(toy_rows.rows(count), labels, strict=True)
    ]
    return rows, [answered(sentiment_logits=(scale * one).astype(np.float32)) for one in logits]


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_a_head_that_is_too_sure_by_a_factor_is_found_out(scale: float) -> None:
    fitted = fit_temperatures(*drawn(4000, scale), toy_model.LABELS)
    assert set(fitted) == {"sentiment"}
    assert fitted["sentiment"].value == pytest.approx(scale, rel=0.1)
    assert fitted["sentiment"].loss_after <= fitted["sentiment"].loss_before


def test_few_answers_leave_a_head_as_it_is() -> None:
    fitted = fit_temperatures(*drawn(MIN_ITEMS - 1, 3.0), toy_model.LABELS)["sentiment"]
    assert (fitted.value, fitted.items) == (1.0, MIN_ITEMS - 1)
    assert fitted.loss_after == fitted.loss_before


@pytest.mark.parametrize("margin", [2.0, 12.0])
def test_a_head_that_is_always_right_is_made_as_sure_as_so_many_answers_allow(margin: float) -> None:
    """The plain likelihood has no optimum there, and would divide by the least that it may."""
    count = 98
    rows = [
        replace(row, topics=None, intent=None, entities=None, sentiment=toy_model.LABELS.sentiments[0])
        for row in toy_rows.rows(count)
    ]
    logits = np.array([margin, 0, 0], np.float32)
    fitted = fit_temperatures(rows, [answered(sentiment_logits=logits) for _ in rows], toy_model.LABELS)["sentiment"]
    assert softmax(logits / fitted.value).max() == pytest.approx((count + 1) / (count + 2), abs=1e-3)
    assert fitted.loss_after < fitted.loss_before


def test_one_that_was_wrong_by_a_hair_does_not_make_the_others_certain() -> None:
    logits = np.array([[2.0, 0, 0]] * 97 + [[0, 0.01, 0]])
    fitted = fit_temperature(LabelledLogits(logits, np.zeros(98, np.int64)))
    assert softmax(logits[0] / fitted.value).max() < 0.999


def test_a_head_of_one_label_is_never_wrong() -> None:
    fitted = fit_temperature(LabelledLogits(np.ones((98, 1)), np.zeros(98, np.int64)))
    assert fitted.loss_before == fitted.loss_after == 0.0


@pytest.mark.parametrize("texts", [MIN_ITEMS - 1, MIN_ITEMS])
def test_words_and_topics_of_one_text_are_no_texts_of_their_own(texts: int) -> None:
    entities = tuple(LabelledEntity(start=at, end=at + 1, type="ORG", sentiment="positive") for at in (0, 2, 4, 6))
    rows = [
        replace(row, text="a b c d", topics=("deals",), sentiment=None, intent=None, entities=entities)
        for row in toy_rows.rows(texts)
    ]
    answers = [
        answered(
            topic_logits=np.array([1, 0, 0], np.float32),
            tag_logits=np.eye(4, len(toy_model.TAGS), dtype=np.float32),
            tags=("B-ORG",) * 4,
            towards_logits=np.eye(4, 3, dtype=np.float32),
        )
        for _ in rows
    ]
    fitted = fit_temperatures(rows, answers, MULTI)
    assert {head: one.items for head, one in fitted.items()} == {
        "topic": 3 * texts, "entities": 4 * texts, "towards": 4 * texts,
    }  # fmt: skip
    assert {one.value == 1.0 for one in fitted.values()} == {texts < MIN_ITEMS}


def test_of_several_topics_each_is_a_question_of_its_own() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (3000, 3))
    said = random.random((3000, 3)) < 1 / (1 + np.exp(-logits))
    rows = [
        replace(row, sentiment=None, intent=None, entities=None, topics=tuple(np.array(MULTI.topics)[yes].tolist()))
        for row, yes in zip(toy_rows.rows(3000), said, strict=True)
    ]
    answers = [answered(topic_logits=(2 * one).astype(np.float32)) for one in logits]
    fitted = fit_temperatures(rows, answers, MULTI)["topic"]
    assert fitted.items == 9000
    assert fitted.value == pytest.approx(2.0, rel=0.1)


def test_tags_and_sentiments_towards_entities_have_temperatures_of_their_own() -> None:
    entity = LabelledEntity(start=0, end=4, type="ORG", sentiment="positive")
    silent = LabelledEntity(start=5, end=9, type="ORG")
    rows = [
        replace(row, topics=None, sentiment=None, intent=None, entities=(entity, silent))
        for row in toy_rows.rows(MIN_ITEMS)
    ]
    # Right each time and hardly sure of it: the colder, the better.
    towards = np.array([[0, 0, 0.1], [9, 0, 0]], np.float32)
    tags = np.zeros((2, len(toy_model.TAGS)), np.float32)
    tags[0, toy_model.TAGS.index("B-ORG")] = tags[1, 0] = 0.1
    answers = [answered(towards_logits=towards, tag_logits=tags, tags=("B-ORG", "O")) for _ in rows]
    fitted = fit_temperatures(rows, answers, toy_model.LABELS)
    # The second entity's sentiment was told by nobody.
    assert (fitted["towards"].items, fitted["entities"].items) == (MIN_ITEMS, 2 * MIN_ITEMS)
    assert fitted["towards"].value < 0.1
    assert fitted["entities"].value < 0.1


def test_a_label_that_the_graph_does_not_know_teaches_no_temperature() -> None:
    rows = [replace(row, sentiment=None, intent=None, entities=None, topics=("unheard",)) for row in toy_rows.rows(99)]
    assert fit_temperatures(rows, [answered() for _ in rows], toy_model.LABELS) == {}


def test_temperatures_divide_the_logits_and_leave_the_rest() -> None:
    random = np.random.default_rng(3)

    def linear(inputs: int, outputs: int) -> Linear:
        return Linear(
            random.normal(size=(inputs, outputs)).astype(np.float32), random.normal(size=outputs).astype(np.float32)
        )

    heads = Heads(
        plan_for(2), linear(4, 3), linear(4, 3), None, Mlp(linear(4, 5), linear(5, 9)), Mlp(linear(4, 5), linear(5, 3))
    )
    told = {"topic": 2.0, "entities": 4.0, "towards": 0.5}
    folded = fold(
        heads,
        {head: Temperature(value=value, items=99, loss_before=0.0, loss_after=0.0) for head, value in told.items()},  # type: ignore[misc]
    )
    rows = random.normal(size=(7, 4)).astype(np.float32)
    for name, by in (("topic", 2.0), ("sentiment", 1.0), ("entity", 4.0), ("towards", 0.5)):
        assert np.allclose(getattr(folded, name)(rows) * by, getattr(heads, name)(rows), atol=1e-5)
    assert folded.intent is None
