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


def test_a_document_mark_takes_no_text_away_with_it() -> None:
    columns = (
        "-DOCSTART- -X- -X- O\nHarlow NNP B-NP B-ORG\nhalts VBZ B-VP O\n-DOCSTART-\tO\nKeller B-PER\n\n-DOCSTART-\n"
    )
    items = list(read_conll(columns, make_maker()))
    assert [item.place for item in items if isinstance(item, Said)] == ["lines 2-3", "lines 5-5"]
    assert [label.text for label in labels_of(items)] == ["Harlow halts", "Keller"]


def test_a_token_is_whole_whatever_space_is_in_it() -> None:
    columns = (
        "10\u00a0000 O\nEuro  B-MISC\r\n\n"
        "New York\tNNP\tB-LOC\n10\u202f000 \tCD\tO\t\n\n"
        "  Quay\u3000Ferries B-ORG \n\u00a0\n\tO\n"
    )
    items = list(read_conll(columns, make_maker()))
    labels = [item.label for item in items if isinstance(item, Said)]
    assert [label.text for label in labels] == ["10\u00a0000 Euro", "New York 10\u202f000", "Quay\u3000Ferries"]
    assert [label.text[one.start : one.end] for label in labels for one in label.entities or ()] == [
        "Euro",
        "New York",
        "Quay\u3000Ferries",
    ]
    assert list(refusals_of(items)) == ["lines 9-9"]


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
