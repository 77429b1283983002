"""Several labellers' words on one message come to one answer: the majority's, else the latest's."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labelled import NOW, days_ago, label

from retrain.resolving import Resolved, majority, resolve, without_overlaps
from streams.contract.labels import Label, LabelledEntity

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

TEXT = "Harlow Bank gains as Sample Trust loses"
BANK = LabelledEntity(start=0, end=11, type="ORG", sentiment="positive")
TRUST = LabelledEntity(start=21, end=33, type="ORG", sentiment="negative")
BANK_ALONE = LabelledEntity(start=7, end=11, type="ORG")


def said(*words: dict[str, Any]) -> list[Label]:
    """Labels of as many labellers, a minute after one another."""
    return [
        label(labeller=f"labeller {place}", time=NOW + timedelta(minutes=place), **{"text": TEXT, **fields})
        for place, fields in enumerate(words)
    ]


def resolved(labels: Sequence[Label], *, one_topic: bool = True) -> Resolved:
    (one,) = resolve(labels, one_topic=one_topic)
    return one


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), (["a"], "a"), (["a", "a", "b"], "a"), (["a", "b"], "b"), (["b", "a", "a", "b", "c"], "b")],
)
def test_the_majority_holds_and_of_equals_the_latest(values: list[str], expected: str | None) -> None:
    assert majority(values) == expected


def test_each_head_is_resolved_for_itself() -> None:
    one = resolved(
        said(
            {"sentiment": "negative", "topics": ["prices"]},
            {"sentiment": "negative", "intent": "refund"},
            {"sentiment": "positive", "topics": ["harvest"]},
        )
    )
    assert (one.sentiment, one.topics, one.intent, one.entities) == ("negative", ("harvest",), "refund", None)


def test_a_labeller_has_one_vote_his_latest_word() -> None:
    words = [
        label(labeller="ann", sentiment="negative", time=days_ago(3), text=TEXT),
        label(labeller="ann", sentiment="positive", time=days_ago(1), text=TEXT),
        label(labeller="bob", sentiment="negative", time=days_ago(2), text=TEXT),
    ]
    assert resolved(words).sentiment == "positive"


def test_of_one_topic_whoever_names_several_has_no_say() -> None:
    words = said({"topics": ["prices"]}, {"topics": ["prices", "harvest"]}, {"topics": []})
    assert resolved(words).topics == ("prices",)
    assert resolved(words[1:] + said({"sentiment": "neutral"})).topics is None


def test_of_several_topics_each_is_voted_on() -> None:
    words = said({"topics": ["prices", "harvest"]}, {"topics": ["harvest", "weather"]}, {"topics": ["harvest"]})
    assert resolved(words, one_topic=False).topics == ("harvest",)
    # Of two labellers the latest decides.
    assert resolved(words[:2], one_topic=False).topics == ("harvest", "weather")
    assert resolved(said({"topics": ["prices"]}, {"topics": []}), one_topic=False).topics == ()


def test_each_entity_is_voted_on() -> None:
    words = said({"entities": [BANK, TRUST]}, {"entities": [BANK]}, {"entities": [BANK_ALONE, TRUST]})
    assert resolved(words).entities == (BANK, TRUST)


def test_of_two_labellers_entities_the_latests_hold() -> None:
    assert resolved(said({"entities": [BANK]}, {"entities": [BANK_ALONE, TRUST]})).entities == (BANK_ALONE, TRUST)
    assert resolved(said({"entities": [BANK]}, {"entities": []})).entities == ()


def test_the_sentiment_towards_an_entity_is_that_of_those_who_said() -> None:
    silent = LabelledEntity(start=0, end=11, type="ORG")
    bad = LabelledEntity(start=0, end=11, type="ORG", sentiment="negative")
    assert resolved(said({"entities": [BANK]}, {"entities": [silent]})).entities == (BANK,)
    assert resolved(said({"entities": [BANK]}, {"entities": [bad]})).entities == (bad,)
    assert resolved(said({"entities": [silent]}, {"entities": [silent]})).entities == (silent,)


def test_words_on_another_text_have_no_say_on_places() -> None:
    masked = "[NAME] gains as Sample Trust loses"
    elsewhere = LabelledEntity(start=16, end=28, type="ORG", sentiment="negative")
    one = resolved(
        said(
            {"entities": [BANK, TRUST], "sentiment": "neutral"},
            {"text": masked, "entities": [elsewhere], "sentiment": "negative"},
            {"entities": [TRUST], "sentiment": "negative"},
        )
    )
    assert (one.text, one.entities, one.sentiment) == (TEXT, (TRUST,), "negative")


def test_of_overlapping_entities_the_longer_holds() -> None:
    assert without_overlaps([BANK_ALONE, TRUST, BANK]) == (BANK, TRUST)


def test_of_equally_long_entities_the_order_of_reading_does_not_decide() -> None:
    after = LabelledEntity(start=3, end=14, type="LOC")
    at_one_place = [LabelledEntity(start=0, end=11, type=type_) for type_ in ("LOC", "MISC", "ORG", "PER")]
    held = {without_overlaps(entities) for entities in permutations([*at_one_place, after])}
    assert held == {(at_one_place[0],)}
    said_otherwise = LabelledEntity(start=0, end=11, type="ORG", sentiment="negative")
    assert without_overlaps([BANK, said_otherwise]) == without_overlaps([said_otherwise, BANK])


def test_what_the_message_is_like_is_taken_from_who_knows() -> None:
    one = resolved(
        said(
            {"sentiment": "neutral", "source": "wire", "message_time": days_ago(2), "reason": "random"},
            {"sentiment": "neutral", "kind": "social"},
        )
    )
    assert (one.kind, one.source, one.time, one.control) == ("social", "wire", days_ago(2), True)


_WORDS = st.builds(
    lambda labeller, minute, sentiment, topics, entities: label(
        labeller=labeller,
        time=NOW + timedelta(minutes=minute),
        text=TEXT,
        sentiment=sentiment,
        topics=topics,
        entities=entities,
    ),
    labeller=st.sampled_from("abcd"),
    minute=st.integers(0, 5),
    sentiment=st.sampled_from(["negative", "neutral", "positive"]),
    topics=st.lists(st.sampled_from(["prices", "harvest"]), unique=True),
    entities=st.lists(st.sampled_from([BANK, BANK_ALONE, TRUST]), unique=True),
)


@given(st.lists(_WORDS, min_size=1, max_size=8, unique_by=lambda word: (word.labeller, word.time)), st.randoms())
def test_the_order_of_reading_does_not_matter(words: list[Label], rng: random.Random) -> None:
    shuffled = list(words)
    rng.shuffle(shuffled)
    expected = resolve(words, one_topic=False)
    assert resolve(shuffled, one_topic=False) == expected
    (one,) = expected
    spans = one.entities or ()
    assert all(first.end <= second.start for first, second in pairwise(spans))
