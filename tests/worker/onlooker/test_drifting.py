"""Drift is told of a stream that is unlike the reference, and of no other; it ends with its cause."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs
from support.messages import consume_all
from support.onlooking import (
    EAGER,
    MEASURES,
    Offline,
    Text,
    Worker,
    sentences,
    settings_of,
    until,
)

from models.runtime import Encoder
from models.training_reference import TrainingReference, describe
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.model_settings import RetrainSettings
from streams.contract.topics import model_events_topic, retrain_requests_topic
from streams.logic.stall import Position

if TYPE_CHECKING:
    from pathlib import Path

    from streams.contract.settings import Settings


def test_drift_is_told_as_an_event_and_asks_for_a_run(encoders: list[Encoder], stream_settings: Settings) -> None:
    worker = Worker(encoders[0], stream_settings.model_copy(update={"drift": EAGER}))
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])

    async def publish() -> None:
        await worker.publisher.start()
        await worker.onlooker._publish([])
        await worker.publisher.stop()

    asyncio.run(publish())
    (record,) = consume_all(stream_settings, model_events_topic(stream_settings.topics), 1)
    event = msgspec.json.decode(record.value, type=ModelEvent)
    assert (event.kind, event.model, event.version, record.key) == ("drift", "encoder", 2, b"encoder")
    assert "vocabulary" in event.id
    assert any(reason.startswith("news: the median of vocabulary is ") for reason in event.reasons)
    assert event.metrics["measures"]["vocabulary"]["effect"] > 0.5
    (record,) = consume_all(stream_settings, retrain_requests_topic(stream_settings.topics), 1)
    request = msgspec.json.decode(record.value, type=RetrainRequest)
    assert (request.id, request.model, request.by) == ("drift/encoder:2/news", "encoder", "drift")
    assert worker.value("tocsin_drift_found", kind="news", measure="vocabulary") == 1.0
    assert (worker.value("tocsin_drift_last_comparison_timestamp_seconds", kind="news") or 0) > 0


def test_a_stream_like_the_reference_is_no_drift(encoders: list[Encoder]) -> None:
    worker = Worker(encoders[0], settings_of(drift=EAGER.model_copy(update={"false_alarms_per_month": 1e-3})))
    worker.look_and_read(sentences(3, 45))
    assert worker.onlooker._untold == []
    assert worker.value("tocsin_drift_comparisons_total", kind="news") == 1.0
    assert worker.value("tocsin_drift_found", kind="news", measure="vocabulary") == 0.0


class Referring(Encoder):
    """A version with a reference that is made for the test."""

    reference: TrainingReference

    def training_reference(self) -> TrainingReference | None:
        return self.reference


@pytest.fixture
def referring(versions: list[Path]) -> Referring:
    return Referring.load(versions[0], threads=1, sub_batch=4)


def test_a_stream_that_names_people_is_no_drift_from_labels_that_were_asked_masked(referring: Referring) -> None:
    def asked(seed: int, count: int) -> list[Text]:
        return [Text(f"[user] {text}, says [author]", "social") for text, _ in sentences(seed, count)]

    def written(seed: int, count: int) -> list[Text]:
        # Words in the handles that the model would read.
        lots = random.Random(seed)
        people = (f"@{lots.choice(('profit', 'wins', 'merger', 'why'))}" for _ in range(count))
        texts = (text for text, _ in sentences(seed, count))
        return [Text(f"{who} {text}, says Zoe Lone", "social") for who, text in zip(people, texts, strict=True)]

    referring.reference = describe(referring, asked(1, 60), asked(2, 80))
    worker = Worker(referring, settings_of(drift=EAGER.model_copy(update={"false_alarms_per_month": 1e-3})))
    for row in written(3, 45):
        worker.read([row], author="Zoe Lone")
        worker.onlooker._next_look = 0.0
        worker.onlooker._step(1.0)
    assert worker.value("tocsin_drift_comparisons_total", kind="social") == 1.0
    effects = {name: worker.value("tocsin_drift_effect", kind="social", measure=name) for name in MEASURES}
    assert {name: value for name, value in effects.items() if value is None or value > 0.3} == {}
    assert worker.onlooker._untold == []


def test_two_texts_that_differ_in_whom_they_name_are_copies(referring: Referring) -> None:
    referring.reference = describe(referring, sentences(1, 60), sentences(2, 80))
    worker = Worker(referring, settings_of())
    worker.look_and_read([Text("@ann why is it broken"), Text("@ben why is it broken")])
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 1.0


def test_a_reference_of_texts_that_were_not_masked_is_said_to_be_of_an_older_make(referring: Referring) -> None:
    made = describe(referring, sentences(1, 60), sentences(2, 80))
    referring.reference = msgspec.structs.replace(made, schema=1)
    worker = Worker(referring, settings_of())
    with capture_logs() as logs:
        worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    told = [entry for entry in logs if "of an older make" in entry["event"]]
    assert [(entry["log_level"], entry["model"]) for entry in told] == [("warning", referring.model)]
    assert worker.onlooker._untold == []
    assert worker.value("tocsin_drift_comparisons_total", kind="news") is None
    assert worker.value("tocsin_onlooker_failures_total") == 0.0


def test_no_run_is_asked_for_where_the_settings_say_so(encoders: list[Encoder]) -> None:
    worker = Worker(encoders[0], settings_of(retrain=RetrainSettings(on_drift=False)))
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    assert [output.topic for output in worker.onlooker._untold] == [model_events_topic(worker.settings.topics)]


def test_another_version_brings_its_own_reference(encoders: list[Encoder]) -> None:
    worker = Worker(encoders[0], settings_of())
    worker.look_and_read(sentences(3, 10))
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 10.0
    worker.read(sentences(4, 1))
    worker.serving.exchange(encoders[1])
    worker.onlooker._next_look = 0.0
    worker.onlooker._step(1.0)
    # What the version before has read is not measured as this one's.
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 0.0
    worker.look_and_read(sentences(5, 3))
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 3.0


def test_what_was_found_of_a_kind_ends_some_time_after_its_last_partition_went(
    encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of()
    worker = Worker(encoders[0], settings, Offline(settings.kafka))
    clock = 1000.0
    monkeypatch.setattr("streams.worker.onlooker.time.monotonic", lambda: clock)

    def step(seconds: float) -> float | None:
        nonlocal clock
        clock += seconds
        worker.onlooker._note_held(clock)
        worker.onlooker._step(1.0)
        return worker.value("tocsin_drift_found", kind="news", measure="vocabulary")

    news = next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")
    social = next(topic for topic, kind in settings.topics.inputs.items() if kind == "social")
    here = Position(committed=0, highwater=0, is_done=True)
    worker.positions = {(news, 0): here, (social, 0): here}
    step(0.0)
    for number in range(45):
        worker.read([Text(f"qqq {number} xyz zyx? why why broken")])
        worker.onlooker._next_look = 0.0
        step(1.0)
    assert step(1000.0) == 1.0
    worker.positions = {(social, 0): here}
    # A rebalance takes less.
    assert step(599.0) == 1.0
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 5.0
    assert step(2.0) == 0.0
    assert math.isnan(worker.value("tocsin_drift_effect", kind="news", measure="vocabulary") or 0.0)
    assert worker.value("tocsin_drift_sample_messages", kind="news") == 0.0


def test_the_partitions_that_a_worker_has_are_looked_at_as_it_runs(
    encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.onlooker._LOST_SECONDS", 0.1)
    settings = settings_of()
    worker = Worker(encoders[0], settings, Offline(settings.kafka))
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    news = next(topic for topic, kind in settings.topics.inputs.items() if kind == "news")
    worker.positions = {(news, 0): Position(committed=0, highwater=0, is_done=True)}

    async def run() -> None:
        worker.onlooker.start()
        await until(lambda: bool(worker.onlooker._held_at))
        assert worker.value("tocsin_drift_found", kind="news", measure="vocabulary") == 1.0
        worker.positions = {}
        await until(lambda: worker.value("tocsin_drift_found", kind="news", measure="vocabulary") == 0.0)
        await worker.onlooker.stop()

    asyncio.run(run())


def test_the_budget_is_shared_by_the_partitions_that_workers_hold(encoders: list[Encoder]) -> None:
    settings = settings_of()
    worker = Worker(encoders[0], settings, Offline(settings.kafka))
    # Three inputs of four partitions; before any is assigned, as if one were.
    assert asyncio.run(worker.onlooker._share()) == pytest.approx(1 / 12)
    here = Position(committed=0, highwater=0, is_done=True)
    worker.positions = {("news", 0): here, ("news", 1): here, ("social", 3): here, ("tocsin.signals", 0): here}
    assert asyncio.run(worker.onlooker._share()) == pytest.approx(3 / 12)
