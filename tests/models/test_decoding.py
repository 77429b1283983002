from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import toy_model

from models.decoding import EntityDecoder
from models.tokens import TextTokenizer

TOKENIZER = TextTokenizer(toy_model.tokenizer(), 64)
TAGS = toy_model.TAGS


def decode(text: str, tags_of_words: str) -> list[tuple[str, str]]:
    """Entities of a text, given a tag for each word that the pre-tokeniser parts it into; other pieces are O."""
    encoded = TOKENIZER.encode([text])[0]
    given_tags = tags_of_words.split()
    assert len(given_tags) == len({word for word in encoded.word_ids if word is not None})
    tagged = [
        (token, TAGS.index(given_tags[word]), 0.5 + token / 1000)
        for token, word in enumerate(encoded.word_ids)
        if word is not None and encoded.word_ids[token - 1] != word and given_tags[word] != "O"
    ]
    spans = EntityDecoder(TAGS).decode(text, encoded, tagged)
    assert all(span.score == min(score for token, _, score in tagged if token >= span.first_token) for span in spans)
    return [(text[span.start : span.end], span.type) for span in spans]


@pytest.mark.parametrize(
    ("text", "tags", "entities"),
    [
        ("Acme Corp wins", "B-ORG I-ORG O", [("Acme Corp", "ORG")]),
        ("wins Acme", "O I-ORG", [("Acme", "ORG")]),
        ("Acme Beta", "B-ORG B-ORG", [("Acme", "ORG"), ("Beta", "ORG")]),
        ("Acme Paris", "B-ORG I-LOC", [("Acme", "ORG"), ("Paris", "LOC")]),
        ("Beta-Cola up", "B-ORG I-ORG I-ORG O", [("Beta-Cola", "ORG")]),
        ("Beta-Cola up", "B-ORG O I-ORG O", [("Beta-Cola", "ORG")]),
        ("Beta - Cola up", "B-ORG O I-ORG O", [("Beta", "ORG"), ("Cola", "ORG")]),
        ("Paris-Lyon race", "B-LOC O B-LOC O", [("Paris", "LOC"), ("Lyon", "LOC")]),
        ("AT&T up", "B-ORG O I-ORG O", [("AT&T", "ORG")]),
        ("L\u2019Or up", "B-ORG O I-ORG O", [("L\u2019Or", "ORG")]),
        ("in U.S. now", "O B-LOC I-LOC I-LOC I-LOC O", [("U.S.", "LOC")]),
        ("in U.S. now", "O B-LOC O I-LOC O O", [("U.S.", "LOC")]),
        ("at Acme.", "O B-ORG I-ORG", [("Acme", "ORG")]),
        ('"Acme"', "I-ORG I-ORG I-ORG", [("Acme", "ORG")]),
        ("(Acme Corp),", "B-ORG I-ORG I-ORG I-ORG I-ORG", [("Acme Corp", "ORG")]),
        ("buy $ACME now", "O O B-ORG O", [("$ACME", "ORG")]),
        ("buy $ACME now", "O B-ORG B-ORG O", [("$ACME", "ORG")]),
        ("hi @acme_corp", "O B-ORG I-ORG O I-ORG", [("@acme_corp", "ORG")]),
        ("to a@acme", "O O O B-ORG", [("acme", "ORG")]),
        ("Acme's profit", "B-ORG O O O", [("Acme", "ORG")]),
        ("OPEC+ cuts", "B-ORG I-ORG O", [("OPEC+", "ORG")]),
        ("up - now", "O B-ORG O", []),
        ("Zoe\u0301 wins", "B-PER O", [("Zoe\u0301", "PER")]),
        ("\u0917\u0941\u0930\u0941 wins", "B-PER O", [("\u0917\u0941\u0930\u0941", "PER")]),
        ("Acme\ufe0f wins", "B-ORG O", [("Acme", "ORG")]),
        ("🚀Acme🚀 up", "O B-ORG O O", [("Acme", "ORG")]),
        ("🚀Acme🚀 up", "B-ORG I-ORG I-ORG O", [("Acme", "ORG")]),
        ("up 🚀🚀 now", "O B-ORG O", []),
        ("in CafÃ© now", "O B-ORG O", [("CafÃ©", "ORG")]),
    ],
)
def test_entities(text: str, tags: str, entities: list[tuple[str, str]]) -> None:
    assert decode(text, tags) == entities


def test_a_later_piece_of_a_word_opens_nothing() -> None:
    encoded = TOKENIZER.encode(["wins xyz"])[0]
    later = encoded.word_ids.index(1) + 1
    assert EntityDecoder(TAGS).decode("wins xyz", encoded, [(later, TAGS.index("B-ORG"), 0.9)]) == []


def test_special_tokens_are_no_entities() -> None:
    encoded = TOKENIZER.encode(["wins"])[0]
    assert EntityDecoder(TAGS).decode("wins", encoded, [(0, 1, 0.9), (2, 1, 0.9)]) == []


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("aZ.-'@$ _&\u0301"), max_size=60), st.data())
def test_spans_lie_in_the_text_in_order_and_apart(text: str, data: st.DataObject) -> None:
    encoded = TOKENIZER.encode([text])[0]
    tags = data.draw(st.lists(st.integers(0, len(TAGS) - 1), min_size=len(encoded.ids), max_size=len(encoded.ids)))
    tagged = [(token, tag, 0.9) for token, tag in enumerate(tags) if tag]
    end = 0
    for span in EntityDecoder(TAGS).decode(text, encoded, tagged):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()
        end = span.end
