"""What the stream asks is asked of people in turn, and comes back as a label of the same message."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import msgspec
from support.labels import NOON, labels_of, make_maker, refusals_of

from retrain.formats.items import Unlabelled
from retrain.formats.label_studio import read_label_studio
from retrain.formats.table import read_table
from retrain.label_requests import as_label_studio, as_table, in_turn
from streams.contract.labels import LabelledEntity, LabelRequest, RequestReason, SuggestedEntity


def ask(message: str, reason: RequestReason = "uncertain", score: float = 0.5, **fields: object) -> LabelRequest:
    given: dict[str, Any] = {
        "text": "\U0001f4a9 Harlow Bank, says [email]",
        "kind": "news",
        "source": "wire",
        "message_time": NOON,
        "time": NOON + timedelta(minutes=1),
        "model": "encoder:3",
        "topics": ["fraud"],
        "sentiment": "negative",
        "entities": [SuggestedEntity(start=2, end=13, type="ORG", sentiment="negative")],
        **fields,
    }
    return LabelRequest(id=f"request {message}", message_id=message, reason=reason, score=score, **given)


def test_reasons_come_in_turn_and_of_each_the_strongest_first() -> None:
    requests = [
        ask("u1", "uncertain", 0.1),
        ask("u2", "uncertain", 0.9),
        ask("u3", "uncertain", 0.5),
        ask("n1", "novel", 3.0),
        ask("r1", "random", 0.0),
        ask("r2", "random", 0.0),
    ]
    assert [request.message_id for request in in_turn(requests, [])] == ["n1", "r1", "u2", "r2", "u3", "u1"]


def test_what_is_answered_is_not_asked_again_and_what_is_asked_twice_once() -> None:
    requests = [ask("a"), ask("b"), ask("b", "novel")]
    assert [(request.message_id, request.reason) for request in in_turn(requests, ["a"])] == [("b", "novel")]


def test_the_tasks_of_label_studio_come_back_as_labels() -> None:
    (task,) = as_label_studio([ask("m-1")])
    # As if a person had accepted all that was suggested.
    task |= {"id": 1, "annotations": [{"result": task["predictions"][0]["result"], "completed_by": 4}]}
    (label,) = labels_of(read_label_studio(msgspec.json.encode([task]).decode(), make_maker(kind=None)))
    assert (label.message_id, label.kind, label.source, label.message_time) == ("m-1", "news", "wire", NOON)
    assert (label.reason, label.model) == ("uncertain", "encoder:3")
    assert (label.topics, label.sentiment, label.intent) == (["fraud"], "negative", None)
    assert label.entities == [LabelledEntity(start=2, end=13, type="ORG", sentiment="negative")]


def test_the_table_comes_back_as_labels_once_it_is_filled_in() -> None:
    table = "".join(as_table([ask("m-1"), ask("m-2")]))
    assert all(isinstance(item, Unlabelled) for item in read_table(table, make_maker(kind=None)))
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows[0]["suggested_topics"] == "fraud"
    rows[1]["sentiment"] = "neutral"
    filled = io.StringIO()
    writer = csv.DictWriter(filled, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    items = list(read_table(filled.getvalue(), make_maker(kind=None)))
    assert refusals_of(items) == {}
    (label,) = labels_of(items[1:])
    assert (label.message_id, label.sentiment, label.topics, label.reason) == ("m-2", "neutral", None, "uncertain")


def test_of_a_control_nobody_is_told_what_the_model_read() -> None:
    control = ask("m-1", "random")
    assert "predictions" not in as_label_studio([control])[0]
    (row,) = csv.DictReader(io.StringIO("".join(as_table([control]))))
    assert row["suggested_topics"] == row["suggested_sentiment"] == ""
