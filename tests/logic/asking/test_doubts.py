"""A head that is unsure, and heads that contradict one another."""

from __future__ import annotations

import pytest
from support.readings import entity, seen

from streams.logic.asking.doubts import contradiction, doubts

BAD = {"negative": 0.9, "neutral": 0.06, "positive": 0.04}
GOOD = {"negative": 0.03, "neutral": 0.07, "positive": 0.9}
TORN = {"negative": 0.46, "neutral": 0.1, "positive": 0.44}
TEXT = "Acme gains as clients leave Beta."


def of(*entities: object, multi_label: bool = False, **scores: object) -> dict[str, float]:
    return dict(doubts(seen(TEXT, *entities, **scores).prediction, multi_label=multi_label))


def test_doubt_is_what_the_first_answer_lacks_in_lead_over_the_second() -> None:
    found = of(sentiment_scores=TORN, topic_scores={"earnings": 0.5, "markets": 0.3, "deals": 0.2})
    assert found == {"sentiment": pytest.approx(0.98), "topic": pytest.approx(0.8)}


def test_a_head_that_has_no_answer_has_no_doubt() -> None:
    assert of(topic_scores={"earnings": 1.0})["topic"] == 0.0
    assert set(of()) == {"topic", "sentiment"}


def test_of_several_topics_the_one_nearest_to_even_counts() -> None:
    found = of(multi_label=True, topic_scores={"earnings": 0.99, "markets": 0.45, "deals": 0.01})
    assert found["topic"] == pytest.approx(0.9)
    assert of(multi_label=True, topic_scores={"earnings": 0.99, "markets": 0.98})["topic"] == pytest.approx(0.04)


def test_the_least_sure_entity_counts_and_the_least_sure_sentiment_towards_one() -> None:
    found = of(entity(TEXT, "Acme", TORN), entity(TEXT, "Beta", score=0.3))
    assert found["entity"] == pytest.approx(0.7)
    assert found["towards"] == pytest.approx(0.98)


def test_customers_intents_are_doubted_too() -> None:
    assert of(intent_scores={"complaint": 0.5, "question": 0.4, "other": 0.1})["intent"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("message", "towards", "expected"),
    [
        (BAD, [GOOD, GOOD], 0.9),
        (GOOD, [BAD], 0.9),
        (BAD, [GOOD, BAD], 0.0),  # good for one, bad for another
        (BAD, [BAD], 0.0),
        (BAD, [], 0.0),
        ({"negative": 0.1, "neutral": 0.8, "positive": 0.1}, [BAD], 0.0),
        (BAD, [{"negative": 0.1, "neutral": 0.2, "positive": 0.7}], 0.7),
    ],
)
def test_heads_contradict_where_every_entity_fares_otherwise(
    message: dict[str, float], towards: list[dict[str, float]], expected: float
) -> None:
    entities = [entity(TEXT, name, scores) for name, scores in zip(("Acme", "Beta"), towards, strict=False)]
    assert contradiction(seen(TEXT, *entities, sentiment_scores=message).prediction) == pytest.approx(expected)
