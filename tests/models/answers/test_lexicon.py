"""Words are weighed by rarity whether their texts came early or late, and a score is a share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.answers.lexicon import Lexicon
from models.answers.words import words

TEXTS = ["the card was lost", "the card was stolen", "a transfer is late", "card fees and card limits", ""]


def test_the_text_with_the_rarest_words_of_the_query_covers_most() -> None:
    coverage = Lexicon.of(TEXTS).coverage("my card was stolen")
    assert coverage.argmax() == 1
    assert coverage[2] == coverage[4] == 0.0
    assert 0.0 < coverage[0] < coverage[1] < 1.0
    assert 0.0 < coverage[3] < coverage[1]


def test_a_word_that_no_text_has_counts_against_all() -> None:
    lexicon = Lexicon.of(TEXTS)
    assert lexicon.coverage("stolen card").max() > 1.5 * lexicon.coverage("stolen card in zanzibar").max()
    assert lexicon.coverage("zanzibar").max() == 0.0


@pytest.mark.parametrize("query", ["", "the", "?!", "🙂"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    assert Lexicon.of(TEXTS).coverage(query).tolist() == [0.0] * len(TEXTS)


def test_texts_that_came_late_rank_among_the_others_by_the_same_rarity() -> None:
    whole, grown = Lexicon.of(TEXTS), Lexicon.of(TEXTS[:3])
    grown.add(TEXTS[3:4])
    grown.add(TEXTS[4:])
    assert (len(grown), grown.recent) == (5, 2)
    for query in ("card stolen", "late transfer", "limit of fees"):
        one, other = whole.coverage(query), grown.coverage(query)
        assert other == pytest.approx(one, abs=0.12)
        assert other.argmax() == one.argmax()


def test_an_empty_lexicon_answers_nothing_and_can_grow() -> None:
    lexicon = Lexicon()
    assert lexicon.coverage("card").tolist() == []
    lexicon.add(["card"])
    assert lexicon.coverage("card")[0] > 0.0


@given(
    st.lists(st.text(alphabet="ab ?é卡", max_size=12), max_size=8),
    st.lists(st.text(alphabet="ab ?é卡", max_size=12), max_size=4),
    st.text(alphabet="abc 卡", max_size=12),
)
def test_coverage_is_a_share_for_any_texts(early: list[str], late: list[str], query: str) -> None:
    lexicon = Lexicon.of(early)
    lexicon.add(late)
    coverage = lexicon.coverage(query)
    assert coverage.shape == (len(early) + len(late),)
    assert np.all((coverage >= 0.0) & (coverage <= 1.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fees, fee", ["fee", "fee"]),
        ("I can't, CAN\u2019T", ["i", "cant", "cant"]),
        ("policies glasses status", ["policy", "glasse", "status"]),
        ("\uff23\uff41\uff52\uff44 卡", ["card", "卡"]),
        ("银行卡丢了", ["银行", "行卡", "卡丢", "丢了"]),
        ("QX-7741", ["qx", "7741"]),
    ],
)
def test_case_width_and_plural_make_no_difference(text: str, expected: list[str]) -> None:
    assert words(text) == expected
