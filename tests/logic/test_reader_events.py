"""Behaviors and requests are told by reader, and what is none is a dead letter."""

from __future__ import annotations

import json

import msgspec

from streams.contract.ids import output_id
from streams.contract.incoming import Record
from streams.contract.recommendations import ReaderEvent
from streams.contract.settings import Settings
from streams.contract.topics import dead_letters_topic, reader_events_topic, recommendation_requests_topic
from streams.logic.reader_events import Rekeyer

SETTINGS = Settings()


def record(topic: str, offset: int, value: object) -> Record:
    return Record(topic, 3, offset, 1_772_445_000.0, None, json.dumps(value).encode(), ())


def test_each_input_gives_one_output_in_order() -> None:
    requests = recommendation_requests_topic(SETTINGS.topics)
    rekeyed = Rekeyer(SETTINGS).rekey(
        [
            record("behaviors", 0, {"user": "ada", "item": 4, "action": "click"}),
            record("behaviors", 1, {"user": "ada", "item": 4, "action": "stare"}),
            record(requests, 0, {"user": "ben", "id": "r", "limit": 3}),
        ]
    )
    assert [each.output.topic for each in rekeyed] == [
        reader_events_topic(SETTINGS.topics),
        dead_letters_topic(SETTINGS.topics),
        reader_events_topic(SETTINGS.topics),
    ]
    assert [each.reason for each in rekeyed] == [None, "wrong_type", None]
    first, last = (msgspec.json.decode(rekeyed[at].output.value or b"", type=ReaderEvent) for at in (0, 2))
    assert rekeyed[0].output.key == b"ada"
    assert (first.id, first.topic, first.partition, first.offset) == (
        output_id("behaviors", 3, 0, "reader-event"),
        "behaviors",
        3,
        0,
    )
    assert first.behavior is not None
    assert first.behavior.item == "4"
    assert last.request is not None
    assert (last.user, last.request.id, last.request.limit) == ("ben", "r", 3)
