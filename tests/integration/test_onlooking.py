"""A real worker asks for labels and tells of drift, and answers every message beside it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from support import toy_model
from support.messages import consume_all, produce
from support.processes import wait_for
from support.streams import message, read_predictions, worker

from models.registry import Registry
from models.runtime import Encoder
from models.training_reference import REFERENCE, describe, encode
from streams.contract.labels import LabelRequest
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.model_settings import DriftSettings, LabelsSettings
from streams.contract.topics import label_requests_topic, model_events_topic, retrain_requests_topic

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.records import SourceKind
    from streams.contract.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

MESSAGES = 400
WORDS = ("acme", "corp", "beta", "paris", "profit", "shares", "merger", "wins", "loses")


class Text(NamedTuple):
    text: str
    kind: SourceKind = "news"


@pytest.fixture
def settings(stream_settings: Settings, tmp_path: Path) -> Settings:
    """A toy version that knows news of a few words, and a worker that asks and compares without pause."""
    registry = Registry(str(tmp_path / "registry"))
    files = toy_model.write_files(tmp_path / "files")
    bare = registry.fetch("encoder", registry.register(files, "encoder", **toy_model.facts()), tmp_path)
    lots = random.Random(1)
    rows = [Text(" ".join(lots.choices(WORDS, k=6)) + f" {number}") for number in range(160)]
    reference = describe(Encoder.load(bare, threads=1, sub_batch=4), rows[:60], rows[60:])
    (files / REFERENCE).write_bytes(encode(reference))
    registry.set_alias("encoder", "champion", registry.register(files, "encoder", **toy_model.facts()))
    model = stream_settings.model.model_copy(update={"registry": registry.url})
    return stream_settings.model_copy(
        update={
            "model": model,
            "labels": LabelsSettings(requests_per_hour=3600),
            "drift": DriftSettings(sample=30, every_hours=0.0005),
        }
    )


@pytest.mark.parametrize("broker", ["tansu_broker"], indirect=True)
def test_a_worker_asks_for_labels_and_tells_of_drift(settings: Settings) -> None:
    topics = settings.topics
    news = next(topic for topic, kind in topics.inputs.items() if kind == "news")
    with worker(settings) as running:
        running.wait_until_ready()
        # Nothing that the version was made from is like these.
        for start in range(0, MESSAGES, 20):
            batch = [message(number, "zyx; qqq? why broken?!") for number in range(start, start + 20)]
            produce(settings, news, [(*one, []) for one in batch])
        read_predictions(settings, MESSAGES)
        (record, *_) = consume_all(settings, label_requests_topic(topics), 1)
        request = msgspec.json.decode(record.value, type=LabelRequest)
        # Of what comes later too: messages are drawn once a step, and a sample needs thirty of them.
        number = MESSAGES

        def has_compared() -> bool:
            nonlocal number
            produce(settings, news, [(*message(number, "zyx; qqq? why broken?!"), [])])
            number += 1
            return running.metric('tocsin_drift_comparisons_total{kind="news"}') > 0

        wait_for(has_compared, 60.0, every=0.05, what="for a comparison")
        (record, *_) = consume_all(settings, model_events_topic(topics), 1)
        event = msgspec.json.decode(record.value, type=ModelEvent)
        (record, *_) = consume_all(settings, retrain_requests_topic(topics), 1)
        asked_for = msgspec.json.decode(record.value, type=RetrainRequest)
        assert running.metric("tocsin_onlooker_failures_total") == 0
        assert running.metric('tocsin_drift_found{kind="news",measure="vocabulary"}') == 1
    assert request.model == "encoder:2"
    assert (event.kind, event.version) == ("drift", 2)
    assert (asked_for.by, asked_for.model) == ("drift", "encoder")
