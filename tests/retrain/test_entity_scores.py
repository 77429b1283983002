"""Entities by word: what is a word, whose it is, and the figures over them."""

from __future__ import annotations

import re

import pytest

from models.evaluation import Found
from retrain.entity_scores import entity_score, token_table, word_tags

pytestmark = pytest.mark.train


@pytest.mark.parametrize(
    ("text", "entities", "tags"),
    [
        ("Acme Corp. fell", [Found("ORG", 0, 9)], ["B-ORG", "I-ORG", "O", "O"]),
        ("Acme Beta", [Found("ORG", 5, 9), Found("ORG", 0, 4)], ["B-ORG", "B-ORG"]),
        # Each Chinese character is a word, whatever stands beside it.
        ("张三在Acme", [Found("PER", 0, 2), Found("ORG", 3, 7)], ["B-PER", "I-PER", "O", "B-ORG"]),
        ("a_b c", [Found("ORG", 0, 3)], ["B-ORG", "I-ORG", "I-ORG", "O"]),
        # Half a word is the word; the earlier of two has it.
        ("Acmebeta", [Found("ORG", 0, 4), Found("PER", 4, 8)], ["B-ORG"]),
        ("  ", [Found("ORG", 0, 1)], []),
        ("", [], []),
    ],
)
def test_words_take_the_tags_of_the_entities_that_they_overlap(
    text: str, entities: list[Found], tags: list[str]
) -> None:
    assert word_tags(text, entities) == tags


def test_a_set_with_tokens_of_its_own_is_counted_by_these() -> None:
    entities = [Found("MISC", 0, 10), Found("PER", 17, 24)]
    text = "U.S.-based Tim O'Neill"
    assert word_tags(text, entities[:1]) == [*["B-MISC"], *["I-MISC"] * 5, *["O"] * 4]
    assert word_tags(text, entities, re.compile(r"\S+")) == ["B-MISC", "O", "B-PER"]


def test_entities_are_right_where_class_and_both_ends_are() -> None:
    expected = [["B-ORG", "I-ORG", "O", "B-PER"], ["B-LOC", "O"]]
    given = [["B-ORG", "I-ORG", "O", "B-ORG"], ["B-LOC", "I-LOC"]]
    score = entity_score(expected, given)
    assert (score.entities, score.precision, score.recall) == (3, pytest.approx(1 / 3), pytest.approx(1 / 3))
    by_class = {one.name: (one.precision, one.recall, one.support) for one in score.classes}
    assert by_class == {"LOC": (0.0, 0.0, 1), "ORG": (0.5, 1.0, 1), "PER": (0.0, 0.0, 1)}


@pytest.mark.parametrize(("expected", "given"), [("O", "O"), ("B-ORG", "O"), ("O", "B-ORG")])
def test_nothing_to_find_or_nothing_found_is_no_error(expected: str, given: str) -> None:
    score = entity_score([[expected]], [[given]])
    assert (score.f1, score.entities) == (0.0, int(expected != "O"))


def test_tags_are_counted_word_by_word_those_outside_too() -> None:
    table = token_table([["B-ORG", "I-ORG", "O", "O"], ["O"]], [["B-ORG", "O", "O", "B-PER"], ["O"]])
    rows = {one.name: (one.precision, one.recall, one.support) for one in table.tags}
    assert rows == {
        "B-ORG": (1.0, 1.0, 1),
        "I-ORG": (0.0, 0.0, 1),
        "O": (pytest.approx(2 / 3), pytest.approx(2 / 3), 3),
    }
    # A tag that no label holds lowers the precision over all, and is no row.
    assert (table.micro.precision, table.micro.recall, table.micro.support) == (0.75, 0.6, 5)
    assert table.macro.f1 == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert table.weighted.f1 == pytest.approx((1 + 0 + 3 * 2 / 3) / 5)


def test_where_no_other_tags_are_given_micro_is_the_accuracy() -> None:
    table = token_table([["B-ORG", "O", "O", "O"]], [["O", "B-ORG", "O", "O"]])
    assert (table.micro.precision, table.micro.recall, table.micro.f1) == (0.5, 0.5, 0.5)
