"""Label sets grow at their ends, by what is taught often enough."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.labelled import INTENTS, TOPICS, domain, row

from models.domain_labels import domain_labels
from models.tagging import entity_tags
from retrain.label_sets import ENOUGH, LabelSetError, extended, fitted, grown
from streams.contract.labels import LabelledEntity

BASE = domain_labels(domain())


def taught(topic: str, count: int) -> list[object]:
    return [row(f"{topic}{number}", "x", topics=(topic,)) for number in range(count)]


def test_a_name_that_is_taught_often_enough_is_appended() -> None:
    rows = [
        *(row(f"a{number}", "x", topics=("slang",), intent="cancel") for number in range(ENOUGH)),
        *(row(f"b{number}", "x", topics=("bonds", "prices")) for number in range(ENOUGH)),
        *(row(f"c{number}", "x", topics=("wether",), intent="refnd") for number in range(ENOUGH - 1)),
    ]
    labels, too_few = grown(BASE, rows)
    assert labels.topics == (*TOPICS, "bonds", "slang")
    assert labels.intents == (*INTENTS, "cancel")
    assert too_few == {"topic": {"wether": ENOUGH - 1}, "intent": {"refnd": ENOUGH - 1}}


def test_what_was_appended_first_stays_before_what_comes_later() -> None:
    first, _ = grown(BASE, [row(f"a{number}", "x", topics=("slang",)) for number in range(ENOUGH)])
    second, _ = grown(first, [row(f"b{number}", "x", topics=("bonds",)) for number in range(ENOUGH)])
    assert second.topics == (*TOPICS, "slang", "bonds")


def test_the_champions_sets_come_first_and_the_domains_new_names_after() -> None:
    champion = replace(BASE, topics=("harvest", "slang"), intents=(), entity_tags=entity_tags(("ORG",)))
    labels = extended(champion, domain())
    assert labels.topics == ("harvest", "slang", "prices", "weather")
    assert labels.intents == INTENTS
    assert labels.entity_tags[:3] == ("O", "B-ORG", "I-ORG")
    assert set(labels.entity_tags) == set(BASE.entity_tags)


def test_one_topic_and_several_do_not_go_together() -> None:
    with pytest.raises(LabelSetError, match="topic_mode is 'multi' and the champion's 'single'"):
        extended(BASE, domain("multi"))


def test_a_head_learns_nothing_from_a_name_that_it_lacks() -> None:
    labels = replace(BASE, entity_tags=entity_tags(("ORG",)))
    entities = (LabelledEntity(start=0, end=1, type="ORG"), LabelledEntity(start=2, end=3, type="PER"))
    one = fitted(row("a", "x y", topics=("slang",), intent="cancel", entities=entities), labels)
    assert (one.topics, one.intent, one.sentiment, one.entities) == (None, None, "neutral", entities[:1])
    assert fitted(row("a", "x", topics=("slang", "prices")), labels).topics == ("prices",)


def test_that_there_is_no_topic_and_no_entity_is_an_answer() -> None:
    one = fitted(row("a", "x", topics=(), entities=()), BASE)
    assert (one.topics, one.entities) == ((), ())
    assert fitted(row("a", "x"), BASE) == row("a", "x")
