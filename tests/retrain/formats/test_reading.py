"""The format of a file is told by its name and content, or it is asked for."""

from __future__ import annotations

import pytest
from support.labels import labels_of, make_maker

from retrain.formats.items import FormatError
from retrain.formats.reading import Format, guess_format, read_labels_of

TASK = (
    '[{"data": {"text": "A theft"}, "annotations": '
    '[{"result": [{"from_name": "topic", "value": {"choices": ["fraud"]}}]}]}]'
)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.CSV", "", "csv"),
        ("a.tsv", "", "csv"),
        ("eng.testb.iob", "", "conll"),
        ("a.jsonl", '{"text": "x", "sentiment": "negative"}', "jsonl"),
        ("a.jsonl", "", "jsonl"),
        ("a.json", "[", "jsonl"),
        ("a.json", '[{"data": {}, "annotations": []}]', "label-studio"),
        ("a.jsonl", '{"text": "x", "sentiment.responses": null}', "argilla"),
    ],
)
def test_the_format_is_guessed(name: str, content: str, expected: Format) -> None:
    assert guess_format(name, content) == expected


@pytest.mark.parametrize("name", ["-", "labels", "labels.xlsx"])
def test_what_cannot_be_guessed_is_asked_for(name: str) -> None:
    with pytest.raises(FormatError, match="--format"):
        guess_format(name, "")


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        ("csv", "text,topic\nA theft,fraud\n"),
        ("jsonl", '{"text": "A theft", "topic": "fraud"}'),
        (
            "label-studio",
            TASK,
        ),
        (
            "argilla",
            '{"fields": {"text": "A theft"}, "responses": {"topic": [{"value": "fraud", "status": "submitted"}]}}',
        ),
    ],
)
def test_one_label_in_any_format_is_the_same(format_: Format, content: str) -> None:
    (label,) = labels_of(read_labels_of(format_, content, make_maker()))
    assert (label.text, label.topics, label.labeller) == ("A theft", ["fraud"], "ann")


def test_columns_are_read_too() -> None:
    (label,) = labels_of(read_labels_of("conll", "Harlow B-ORG", make_maker()))
    assert label.entities is not None
