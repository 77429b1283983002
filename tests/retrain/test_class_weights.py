"""Rare labels weigh more, within limits."""

from __future__ import annotations

from support.labelled import domain, row

from models.domain_labels import domain_labels
from retrain.class_weights import MOST, class_weights
from streams.contract.labels import LabelledEntity

BANK = LabelledEntity(start=0, end=1, type="ORG", sentiment="negative")
UNSAID = LabelledEntity(start=0, end=1, type="ORG")


def test_labels_of_one_choice_are_balanced() -> None:
    topics = [("prices",)] * 3 + [("harvest",)]
    weights = class_weights(
        [row(str(number), "x", topics=topic, sentiment=None) for number, topic in enumerate(topics)],
        domain_labels(domain()),
    )
    assert weights == {"topic": {"prices": 0.666667, "harvest": 2.0, "weather": 1.0}}


def test_each_head_counts_what_is_said_to_it() -> None:
    rows = [row("a", "x", intent="refund"), row("b", "x", sentiment=None, entities=(BANK, UNSAID))]
    assert class_weights(rows, domain_labels(domain())) == {
        "sentiment": {"negative": 1.0, "neutral": 1.0, "positive": 1.0},
        "intent": {"refund": 1.0, "praise": 1.0},
        "towards": {"negative": 1.0, "neutral": 1.0, "positive": 1.0},
    }


def test_of_several_topics_each_yes_is_weighed_against_its_no() -> None:
    rows = [
        row(str(number), "x", topics=topics) for number, topics in enumerate([("prices", "harvest"), ("prices",), ()])
    ]
    weights = class_weights(rows, domain_labels(domain("multi")))
    assert weights["topic"] == {"prices": 0.5, "harvest": 2.0, "weather": 1.0}


def test_no_weight_is_out_of_bounds() -> None:
    labels = domain_labels(domain())
    rows = [row(str(number), "x", intent="refund" if number else "praise") for number in range(100)]
    assert class_weights(rows, labels)["intent"] == {"refund": 0.505051, "praise": MOST}
    several = [row(str(number), "x", topics=("prices",) if number else ("harvest",)) for number in range(100)]
    assert class_weights(several, domain_labels(domain("multi")))["topic"] == {
        "prices": 1 / MOST,
        "harvest": MOST,
        "weather": 1.0,
    }
