"""Names are found as people write them; a name that nobody knows is no new topic by a slip of the pen."""

from __future__ import annotations

import pytest

from retrain.formats.vocabulary import Vocabulary, entity_type, sentiment
from streams.contract.domain import load_domain

FINANCE = load_domain("finance")
MULTI = FINANCE.model_copy(update={"topic_mode": "multi"})


@pytest.mark.parametrize("written", ["markets", " Markets ", "MARKETS", FINANCE.topics[1].title.upper()])
def test_a_topic_is_known_by_name_and_title_in_any_case(written: str) -> None:
    assert Vocabulary(FINANCE).topics(written) == ["markets"]


@pytest.mark.parametrize("separator", [",", ";", "|", " , "])
def test_a_cell_holds_several_topics_once_each(separator: str) -> None:
    assert Vocabulary(MULTI).topics(separator.join(["fraud", "markets", "fraud"])) == ["fraud", "markets"]


def test_a_dash_says_that_there_is_none() -> None:
    assert Vocabulary(MULTI).topics("-") == []
    assert Vocabulary(FINANCE).intent("-") is None


@pytest.mark.parametrize("cell", ["fraud,markets", "-"])
def test_a_domain_of_one_topic_a_message_takes_exactly_one(cell: str) -> None:
    with pytest.raises(ValueError, match="topic_mode is single"):
        Vocabulary(FINANCE).topics(cell)


def test_an_unknown_name_is_refused_and_what_is_meant_is_guessed() -> None:
    with pytest.raises(ValueError, match=r"topic 'fruad' is none that is known \(is it fraud\?\).*--allow-new"):
        Vocabulary(FINANCE).topics("fruad")
    with pytest.raises(ValueError, match="intent 'card_lots' is none that is known"):
        Vocabulary(FINANCE).intent("card_lots")


def test_a_whole_message_in_the_wrong_column_is_not_told_whole() -> None:
    with pytest.raises(ValueError, match="intent") as refused:
        Vocabulary(FINANCE).intent("word " * 100)
    assert len(str(refused.value)) < 200


def test_a_new_name_is_taken_where_allowed_if_a_domain_could_have_it() -> None:
    vocabulary = Vocabulary(FINANCE, allow_new=True)
    assert vocabulary.topics("stablecoins") == ["stablecoins"]
    assert vocabulary.topics("Fraud") == ["fraud"]
    with pytest.raises(ValueError, match="cannot be a new name"):
        vocabulary.topics("Stable Coins")


def test_what_earlier_labels_taught_is_known() -> None:
    vocabulary = Vocabulary(FINANCE, topics=["stablecoins"], intents=["close_account"])
    assert vocabulary.topics("Stablecoins") == ["stablecoins"]
    assert vocabulary.intent("close_account") == "close_account"


def test_sentiments_and_types_of_entities_have_usual_names() -> None:
    assert sentiment(" Positive") == "positive"
    assert [entity_type(name) for name in ("Person", "organisation", "GPE", "misc", "ORG")] == [
        "PER",
        "ORG",
        "LOC",
        "MISC",
        "ORG",
    ]
    with pytest.raises(ValueError, match="sentiment '2' is none of negative, neutral, positive"):
        sentiment("2")
    with pytest.raises(ValueError, match="entity type 'DATE' is none of"):
        entity_type("DATE")
