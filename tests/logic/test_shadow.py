"""How far a challenger agrees with the champion, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from streams.contract.model_settings import SwapSettings
from streams.contract.records import Entity
from streams.logic.shadow import Agreement

RULES = SwapSettings(shadow_messages=10, shadow_agreement=0.8)
ENTITY = Entity(text="Larkmoor", type="ORG", start=0, end=8, score=0.9, sentiment="neutral", sentiment_scores={})


@dataclass(frozen=True)
class Answer:
    topics: list[str] = field(default_factory=lambda: ["deals", "markets"])
    sentiment: str = "negative"
    intent: str | None = "complaint"
    entities: list[Entity] = field(default_factory=lambda: [ENTITY])


SAME = Answer()


def test_equal_readings_are_equal_in_every_head() -> None:
    agreement = Agreement(RULES)
    assert agreement.observe(SAME, Answer(topics=["markets", "deals"]))
    assert agreement.shares == {"topic": 1.0, "sentiment": 1.0, "intent": 1.0, "entities": 1.0}


@pytest.mark.parametrize(
    ("other", "head", "is_equal"),
    [
        (replace(SAME, topics=["deals"]), "topic", False),
        (replace(SAME, sentiment="neutral"), "sentiment", False),
        (replace(SAME, intent="question"), "intent", True),
        (replace(SAME, entities=[]), "entities", True),
    ],
)
def test_a_difference_is_counted_in_its_head(other: Answer, head: str, is_equal: bool) -> None:
    agreement = Agreement(RULES)
    assert agreement.observe(SAME, other) == is_equal
    assert {name for name, share in agreement.shares.items() if share < 1.0} == {head}


def test_what_the_champion_does_not_tell_is_no_difference() -> None:
    agreement = Agreement(RULES)
    agreement.observe(replace(SAME, intent=None), SAME)
    assert agreement.shares["intent"] == 1.0


@pytest.mark.parametrize(("equal", "is_let_in"), [(8, True), (7, False)])
def test_it_is_judged_when_enough_is_compared(equal: int, is_let_in: bool) -> None:
    agreement = Agreement(RULES)
    for number in range(9):
        agreement.observe(SAME, SAME if number < equal else replace(SAME, sentiment="positive"))
    assert agreement.judge() is None
    agreement.observe(SAME, replace(SAME, sentiment="positive"))
    judgement = agreement.judge()
    assert judgement is not None
    assert judgement.is_let_in == is_let_in
    assert f"{equal / 10:.1%} of 10 live messages" in judgement.reason
    assert "swap.shadow_agreement" in judgement.reason
    assert judgement.figures["shadow_agreement"] == pytest.approx(equal / 10)
    assert judgement.figures["shadow_topic"] == 1.0


def test_nothing_compared_is_no_share() -> None:
    assert Agreement(RULES).shares == {}
