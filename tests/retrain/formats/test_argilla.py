"""Argilla's records become one label a user, whichever of its exports they come from."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.labels import labels_of, make_maker, refusals_of

from retrain.formats.argilla import read_argilla
from retrain.formats.items import Doubt, Said, Unlabelled
from retrain.formats.reading import guess_format
from streams.contract.labels import LabelledEntity

TEXT = "Harlow Bank halts withdrawals"
SPANS = [{"label": "ORG", "start": 0, "end": 11, "score": None}]
METADATA = {"message_id": "m-7", "source": "wire"}
SUGGESTIONS = {"sentiment": {"value": "positive", "score": 0.6, "agent": "encoder"}}

NESTED = {
    "id": "9b1c",
    "fields": {"text": TEXT},
    "metadata": METADATA,
    "suggestions": SUGGESTIONS,
    "responses": {
        "sentiment": [{"value": "negative", "user_id": "u1"}, {"value": "neutral", "user_id": "u2"}],
        "entities": [{"value": SPANS, "user_id": "u1"}, {"value": None, "user_id": "u2"}],
        "difficulty": [{"value": 3, "user_id": "u2"}],
    },
    "vectors": {},
}
FLAT = {
    "id": "9b1c",
    "text": TEXT,
    **METADATA,
    "sentiment.responses": ["negative", "neutral", "positive"],
    "sentiment.responses.users": ["u1", "u2", "u3"],
    "sentiment.responses.status": ["submitted", "submitted", "discarded"],
    "entities.responses": [SPANS],
    "entities.responses.users": ["u1"],
    "entities.responses.status": ["submitted"],
    "topic.responses": None,
    "sentiment.suggestion": "positive",
}
BY_USER = {
    "id": "9b1c",
    "fields": {"text": TEXT},
    "metadata": METADATA,
    "responses": [
        {
            "user_id": "u1",
            "status": "submitted",
            "values": {"sentiment": {"value": "negative"}, "entities": {"value": SPANS}},
        },
        {"user_id": "u2", "status": "submitted", "values": {"sentiment": {"value": "neutral"}}},
        {"user_id": "u3", "status": "draft", "values": {"sentiment": {"value": "positive"}}},
        {"user_id": "u4", "status": "discarded", "values": None},
    ],
}


def written(*records: object) -> str:
    return msgspec.json.encode(records).decode()


def submitted(record: dict[str, Any]) -> dict[str, Any]:
    """A nested record whose answers tell that they were submitted."""
    responses = {
        question: [answer | {"status": "submitted"} for answer in answers]
        for question, answers in record["responses"].items()
    }
    return record | {"responses": responses}


@pytest.mark.parametrize("record", [NESTED, FLAT, BY_USER], ids=["nested", "flat", "by user"])
def test_each_users_answers_are_one_label(record: dict[str, Any]) -> None:
    for content in (written(record), msgspec.json.encode(record).decode()):
        items = list(read_argilla(content, make_maker()))
        first, second = labels_of(item for item in items if not isinstance(item, Doubt))
        # Nested, it is not told whether an answer is a draft.
        assert sum(isinstance(item, Doubt) for item in items) == (record is NESTED)
        assert (first.message_id, first.source, first.text) == ("m-7", "wire", TEXT)
        assert (first.labeller, first.sentiment) == ("argilla:u1", "negative")
        assert first.entities == [LabelledEntity(start=0, end=11, type="ORG")]
        assert (second.labeller, second.sentiment, second.entities) == ("argilla:u2", "neutral", None)
        assert guess_format("records.json", content) == "argilla"


def test_the_records_own_id_will_do_and_an_empty_list_of_spans_says_that_there_is_none() -> None:
    record = {"id": "9b1c", "fields": {"text": TEXT}, "responses": {"entities": [{"value": []}]}}
    (label,) = labels_of(read_argilla(written(submitted(record)), make_maker()))
    assert (label.message_id, label.labeller, label.entities) == ("9b1c", "ann", [])


def test_several_topics_and_another_name_for_them() -> None:
    record = {"id": "1", "fields": {"body": TEXT}, "responses": {"themes": [{"value": ["Fraud"], "user_id": "u1"}]}}
    maker = make_maker(renamed={"topics": "themes", "text": "body"})
    (label,) = labels_of(read_argilla(written(submitted(record)), maker))
    assert label.topics == ["fraud"]


def test_a_record_without_answers_is_counted() -> None:
    unanswered = {"id": "1", "fields": {"text": TEXT}, "responses": {}, "suggestions": SUGGESTIONS}
    assert list(read_argilla(written(unanswered), make_maker())) == [Unlabelled("record 1")]


def test_answers_without_a_status_may_be_drafts() -> None:
    pending = NESTED | {"status": "pending"}
    items = list(read_argilla(written(NESTED | {"status": "completed"}, pending, NESTED), make_maker()))
    assert [item.place for item in items if isinstance(item, Said)] == ["record 1"] * 2 + ["record 3"] * 2
    assert list(refusals_of(items)) == ["record 2"]
    assert "flatten=True" in refusals_of(items)["record 2"]
    (doubt,) = [item for item in items if isinstance(item, Doubt)]
    assert doubt.place == "record 1"
    assert doubt.problem.startswith("of 2 records")


def test_answers_that_were_submitted_are_taken_though_others_are_waited_for() -> None:
    items = list(read_argilla(written(FLAT | {"status": "pending"}, submitted(NESTED)), make_maker()))
    assert len(labels_of(items)) == 4


def test_what_cannot_be_read_is_told() -> None:
    records = [
        NESTED | {"responses": {"stance": [{"value": "negative", "user_id": "u1"}]}},
        NESTED | {"responses": {"sentiment": "negative"}},
        NESTED | {"fields": "text"},
        {"id": "1", "text": TEXT, "sentiment.responses": ["negative", "neutral"], "sentiment.responses.users": ["u1"]},
    ]
    problems = refusals_of(read_argilla(written(*records), make_maker()))
    assert list(problems) == ["record 1", "record 2", "record 3", "record 4"]
    assert "--map" in problems["record 1"]
