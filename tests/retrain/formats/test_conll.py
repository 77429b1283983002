"""Columns become texts and entities, in whichever of the schemes they are tagged."""

from __future__ import annotations

import pytest
from support.labels import labels_of, make_maker, refusals_of

from retrain.formats.conll import read_conll
from retrain.formats.items import Said

WORDS = ["Keller", "leaves", "Harlow", "Bank", "Sample", "Trust"]
SCHEMES = {
    "IOB1": ["I-PER", "O", "I-ORG", "I-ORG", "B-ORG", "I-ORG"],
    "IOB2": ["B-PER", "O", "B-ORG", "I-ORG", "B-ORG", "I-ORG"],
    "BIOES": ["S-PER", "O", "B-ORG", "E-ORG", "B-ORG", "E-ORG"],
    "BILOU": ["U-PER", "O", "B-ORG", "L-ORG", "B-ORG", "L-ORG"],
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_schemes_mean_the_same(scheme: str) -> None:
    columns = "\n".join(f"{word} NN {tag}" for word, tag in zip(WORDS, SCHEMES[scheme], strict=True))
    (label,) = labels_of(read_conll(columns, make_maker()))
    assert label.text == "Keller leaves Harlow Bank Sample Trust"
    assert label.entities is not None
    found = [(label.text[entity.start : entity.end], entity.type) for entity in label.entities]
    assert found == [("Keller", "PER"), ("Harlow Bank", "ORG"), ("Sample Trust", "ORG")]


def test_blank_lines_part_texts_and_document_marks_are_none() -> None:
    columns = "-DOCSTART- -X- O O\n\nHarlow\tB-ORG\r\n\n\nNobody O\nleaves O"
    first, second = labels_of(read_conll(columns, make_maker()))
    assert (first.text, second.text, second.entities) == ("Harlow", "Nobody leaves", [])


def test_a_text_with_a_wrong_line_is_told_with_that_line() -> None:
    columns = "Harlow B-ORG\nBank\n\nKeller B-DATE\n\nKeller PER\n\nKeller B-PER\n"
    items = list(read_conll(columns, make_maker()))
    problems = refusals_of(items)
    assert list(problems) == ["lines 1-2", "lines 4-4", "lines 6-6"]
    assert "line 2 is no token" in problems["lines 1-2"]
    assert "'DATE'" in problems["lines 4-4"]
    assert [item.place for item in items if isinstance(item, Said)] == ["lines 8-8"]


def test_nothing_is_nothing() -> None:
    assert list(read_conll("\n \n", make_maker())) == []
