"""Label Studio's export becomes one label an annotation, with entities where its users marked them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.labels import NOON, labels_of, make_maker, refusals_of

from retrain.formats.items import Unlabelled
from retrain.formats.label_studio import read_label_studio
from retrain.formats.reading import guess_format
from streams.contract.labels import LabelledEntity

TEXT = "Harlow Bank halts withdrawals, Keller quits"


def choices(name: str, *chosen: str, **more: object) -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(chosen)}, **more}


def region(start: int, end: int, label: str, id_: str = "r", words: str | None = None) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label], "text": TEXT[start:end] if words is None else words}
    return {"id": id_, "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def annotation(*results: dict[str, Any], by: int | dict[str, object] | None = 3, **more: object) -> dict[str, Any]:
    return {"id": 1, "completed_by": by, "result": list(results), "updated_at": "2026-03-02T09:00:00.5Z", **more}


def export(*annotations: dict[str, Any], text: str = TEXT, **data: object) -> str:
    task = {"id": 41, "data": {"text": text, **data}, "annotations": list(annotations), "predictions": [{"result": []}]}
    return msgspec.json.encode([task]).decode()


def test_choices_regions_and_what_is_felt_towards_them_are_one_label() -> None:
    results = (
        choices("sentiment", "Negative", id="a"),
        choices("topic", "fraud", id="b"),
        region(31, 37, "Person", "e2"),
        region(0, 11, "ORG", "e1"),
        choices("towards", "negative", id="e1"),
        {"from_name": "reply", "type": "textarea", "value": {"text": ["We are open.", "Call us."]}, "id": "c"},
        {"type": "relation", "from_id": "e1", "to_id": "e2", "direction": "right"},
    )
    content = export(
        annotation(*results), message_id="m-7", source="wire", message_time="2026-03-02T08:00:00Z", reason="novel"
    )
    (label,) = labels_of(read_label_studio(content, make_maker()))
    assert (label.message_id, label.labeller, label.source) == ("m-7", "label-studio:3", "wire")
    assert (label.sentiment, label.topics, label.reply) == ("negative", ["fraud"], "We are open.\nCall us.")
    assert label.entities == [
        LabelledEntity(start=0, end=11, type="ORG", sentiment="negative"),
        LabelledEntity(start=31, end=37, type="PER"),
    ]
    assert (label.reason, label.time.isoformat()) == ("novel", "2026-03-02T09:00:00.500000+00:00")
    assert guess_format("export.json", content) == "label-studio"


def test_each_annotator_has_a_word_and_a_cancelled_one_has_none() -> None:
    content = export(
        annotation(choices("sentiment", "negative"), by={"id": 5, "email": "ann@example.com"}),
        annotation(choices("sentiment", "neutral"), by=None, updated_at=None),
        annotation(choices("sentiment", "positive"), was_cancelled=True),
    )
    first, second = labels_of(read_label_studio(content, make_maker()))
    assert (first.labeller, first.sentiment) == ("label-studio:5", "negative")
    assert (second.labeller, second.time, second.sentiment) == ("ann", NOON, "neutral")
    assert first.entities is None


def test_data_of_the_task_is_no_label() -> None:
    content = export(annotation(choices("topic", "fraud")), sentiment="positive", time="1999-01-01")
    (label,) = labels_of(read_label_studio(content, make_maker()))
    assert label.sentiment is None
    assert label.time.year == 2026


def test_where_entities_are_marked_at_all_to_mark_none_says_that_there_is_none() -> None:
    content = export(annotation(region(0, 11, "ORG"), by=1), annotation(by=2))
    first, second = labels_of(read_label_studio(content, make_maker()))
    assert first.entities == [LabelledEntity(start=0, end=11, type="ORG")]
    assert second.entities == []


@pytest.mark.parametrize("content", [export(), export(annotation(was_cancelled=True)), export(annotation())])
def test_a_task_on_which_nobody_said_anything_is_counted(content: str) -> None:
    (item,) = read_label_studio(content, make_maker())
    assert isinstance(item, Unlabelled)
    assert item.place == "record 1 (task 41)"


def test_places_in_utf16_are_told_by_the_words_beside_them() -> None:
    text = "\U0001f4a9\U0001f4a9 Harlow\nBank halts"
    as_points, as_units = (3, 14), (5, 16)
    for start, end in (as_points, as_units):
        content = export(annotation(region(start, end, "ORG", words="Harlow\\nBank")), text=text)
        (label,) = labels_of(read_label_studio(content, make_maker()))
        assert label.entities == [LabelledEntity(start=3, end=14, type="ORG")]


def test_what_cannot_be_right_is_refused_with_its_task() -> None:
    for wrong, part in (
        (export(annotation(region(0, 6, "ORG", words="Somewhere"))), "the words at 0-6"),
        (export(annotation(region(0, 6, "DATE"))), "'DATE'"),
        (export(annotation(choices("stance", "negative"))), "--map sentiment=NAME"),
        (export(annotation(choices("sentiment", "angry"))), "'angry'"),
        (export(annotation(region(0, 6, "ORG")), text=""), "text is no text"),
        ('[{"id": 41, "text": "flat", "sentiment": "negative"}]', "JSON-MIN"),
        ('[{"id": 41, "data": {}, "annotations": 3}]', "annotations"),
    ):
        ((place, problem),) = refusals_of(read_label_studio(wrong, make_maker())).items()
        assert place.startswith("record 1")
        assert part in problem


def test_a_control_may_have_another_name() -> None:
    maker = make_maker(renamed={"sentiment": "stance", "entities": "ner", "text": "body"})
    content = export(annotation(choices("stance", "negative"), region(0, 11, "ORG")), body=TEXT, text="")
    (label,) = labels_of(read_label_studio(content, maker))
    assert (label.sentiment, label.text) == ("negative", TEXT)
    assert label.entities == [LabelledEntity(start=0, end=11, type="ORG")]
