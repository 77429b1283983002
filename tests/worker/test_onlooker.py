"""Looking on: labels are asked and drift is told by a real worker's parts, and the stream never feels it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs
from support import toy_model
from support.messages import consume_all
from support.readings import TIME, seen

from exporters.onlooker_metrics import OnlookerMetrics
from models.manifest import VersionError
from models.registry import Registry
from models.runtime import Encoder
from models.training_reference import REFERENCE, TrainingReference, describe, encode
from streams.contract.domain import load_domain
from streams.contract.incoming import Record
from streams.contract.labels import LabelRequest
from streams.contract.model_records import ModelEvent, RetrainRequest
from streams.contract.model_settings import DriftSettings, LabelsSettings, RetrainSettings
from streams.contract.settings import Settings
from streams.contract.topics import label_requests_topic, model_events_topic, retrain_requests_topic
from streams.logic.asking.asker import Candidate, label_request
from streams.logic.enricher import Enricher
from streams.logic.stall import Place, Position
from streams.worker.onlooker import Onlooker
from streams.worker.publisher import BatchPublisher
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from aiokafka import AIOKafkaProducer
    from numpy.typing import NDArray

    from streams.contract.outgoing import Output
    from streams.contract.records import SourceKind
    from streams.contract.settings import KafkaSettings

# Labels without end, and a comparison as soon as a sample is full.
GENEROUS = LabelsSettings(requests_per_hour=3_600_000, random_share=0.5)
EAGER = DriftSettings(sample=40, every_hours=1e-5, false_alarms_per_month=1e9)
MEASURES = ("length", "vocabulary", "novelty", "confidence", "embedding", "script", "topic", "sentiment")
WORDS = ("acme", "corp", "beta", "cola", "paris", "profit", "shares", "merger", "wins", "loses", "why")


class Text(NamedTuple):
    text: str
    kind: SourceKind = "news"


def sentences(seed: int, count: int) -> list[Text]:
    lots = random.Random(seed)
    return [Text(" ".join(lots.choices(WORDS, k=lots.randint(3, 9))) + f" {number}") for number in range(count)]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two versions of the toy model, each with a reference."""
    files = toy_model.write_files(tmp_path_factory.mktemp("toy") / "files")
    registry = Registry(str(tmp_path_factory.mktemp("registry")))
    bare = registry.fetch("encoder", registry.register(files, "encoder", **toy_model.facts()), files)
    encoder = Encoder.load(bare, threads=1, sub_batch=4)
    (files / REFERENCE).write_bytes(encode(describe(encoder, sentences(1, 60), sentences(2, 80))))
    return [registry.fetch("encoder", registry.register(files, "encoder", **toy_model.facts()), files) for _ in "ab"]


@pytest.fixture
def encoders(versions: list[Path]) -> list[Encoder]:
    return [Encoder.load(folder, threads=1, sub_batch=4) for folder in versions]


class Worker:
    """The parts of a worker that the onlooker meets."""

    def __init__(self, encoder: Encoder, settings: Settings, publisher: BatchPublisher | None = None) -> None:
        self.settings = settings
        self.serving = Serving(encoder)
        self.registry = CollectorRegistry()
        self.publisher = publisher or BatchPublisher(settings.kafka)
        self.onlooker = Onlooker(
            self.serving,
            self.publisher,
            settings,
            OnlookerMetrics(self.registry),
            multi_label=False,
            positions=lambda: self.positions,
        )
        self.positions: dict[Place, Position] = {}
        self.offset = 0

    def read(self, rows: Sequence[Text], **fields: str) -> None:
        """Read messages as a lane does."""
        topics = {kind: topic for topic, kind in self.settings.topics.inputs.items()}
        records = []
        for row in rows:
            value = msgspec.json.encode({"text": row.text, **fields})
            records.append(Record(topics[row.kind], 0, self.offset, time.time(), None, value, ()))
            self.offset += 1
        domain = load_domain(self.settings.domain)
        Enricher(self.serving, self.settings, domain, [self.onlooker.see]).enrich(records)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def look_and_read(self, rows: Sequence[Text]) -> None:
        """Each message is looked at, as if as many steps had passed."""
        for row in rows:
            self.read([row])
            self.onlooker._next_look = 0.0
            self.onlooker._step(1.0)


class Offline(BatchPublisher):
    """Without brokers; deaf, it takes nothing."""

    deaf = False

    def __init__(self, kafka: KafkaSettings) -> None:
        super().__init__(kafka)
        self.refused: set[bytes | str] = set()
        """Topics, or keys as for a partition without a leader, that are not taken."""
        self.taken: list[Output] = []

    async def partitions_of(self, topic: str) -> list[int]:  # noqa: ARG002  all are alike
        return [0, 1, 2, 3]

    async def offer(self, outputs: Sequence[Output]) -> bool:
        told = [one for one in outputs if not self.deaf and self.refused.isdisjoint({one.topic, one.key})]
        self.taken += told
        return len(told) == len(outputs)

    async def publish(self, outputs: Sequence[Output]) -> list[Output]:
        raise AssertionError(f"this waits for ever: {outputs}")


class Missing(BatchPublisher):
    """Its producer knows the inputs' topics and no other."""

    class Producer:
        async def partitions_for(self, topic: str) -> set[int]:
            if topic in Settings().topics.inputs:
                return {0, 1, 2, 3}
            raise UnknownTopicOrPartitionError

    @property
    def _started(self) -> AIOKafkaProducer:
        return cast("AIOKafkaProducer", self.Producer())


def settings_of(**sections: object) -> Settings:
    return Settings(**{"labels": LabelsSettings(requests_per_hour=0), "drift": EAGER} | sections)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  what is awaited is another thread's count
            await asyncio.sleep(0.01)


async def ask_until_doubted(worker: Worker) -> None:
    await worker.publisher.start()
    worker.onlooker.start()
    try:
        await until(lambda: worker.value("tocsin_label_requests_total", reason="uncertain") == 1.0)
    finally:
        await worker.onlooker.stop()
        await worker.publisher.stop()


def test_labels_are_asked_on_their_topic_without_personal_data(
    encoders: list[Encoder], stream_settings: Settings
) -> None:
    labels = GENEROUS.model_copy(update={"random_share": 0.0})
    worker = Worker(encoders[0], stream_settings.model_copy(update={"labels": labels}))
    worker.read([Text("zzz of acme wins, ann@example.com")], id="m-7", author="Zoe Lone")
    asyncio.run(ask_until_doubted(worker))
    (record,) = consume_all(stream_settings, label_requests_topic(stream_settings.topics), 1)
    request = msgspec.json.decode(record.value, type=LabelRequest)
    assert (record.key, dict(record.headers)["ce_type"]) == (b"m-7", b"tocsin.label-request")
    assert (request.reason, request.text) == ("uncertain", "zzz of acme wins, [email]")
    assert [request.text[one.start : one.end] for one in request.entities] == ["acme"]
    assert request.model == encoders[0].model


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


def test_what_is_far_from_all_training_texts_is_asked_as_novel(encoders: list[Encoder]) -> None:
    labels = LabelsSettings(requests_per_hour=3_600_000, random_share=0.0)
    worker = Worker(encoders[0], settings_of(labels=labels))
    # Sure, for the toy knows a word for topic and sentiment; and yet of other pieces than any training text.
    worker.read([Text("profit wins ;:;:;:;:;:;:;:;:")])
    time.sleep(0.002)
    (request,) = worker.onlooker._step(1.0)
    assert (request.reason, request.text) == ("novel", "profit wins ;:;:;:;:;:;:;:;:")
    assert request.score > 0.5


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


class Broken(Encoder):
    """A version whose embedder fails."""

    error: Exception = RuntimeError("out of memory")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:  # noqa: ARG002  it never comes to them
        raise self.error


def test_a_version_that_cannot_embed_is_asked_once_and_labels_are_asked_on(versions: list[Path]) -> None:
    encoder = Broken.load(versions[0], threads=1, sub_batch=4)
    encoder.error = VersionError("no embedder.onnx")
    worker = Worker(encoder, settings_of(labels=GENEROUS))
    with capture_logs() as logs:
        worker.look_and_read(sentences(3, 5))
    assert [entry["event"] for entry in logs].count("no embeddings: near-copies, novelty and drift are not told") == 1
    worker.read(sentences(4, 1))
    time.sleep(0.01)
    assert [request.reason for request in worker.onlooker._step(1.0)][:1] == ["random"]
    # One at least for each message that was looked at: one for a version would ring nobody.
    assert (worker.value("tocsin_onlooker_failures_total") or 0.0) >= 5.0


def test_a_reference_that_cannot_be_read_fails_at_every_look(encoders: list[Encoder]) -> None:
    class Unread(Encoder):
        def training_reference(self) -> TrainingReference | None:
            raise VersionError("reference.json is cut off")

    worker = Worker(Unread.load(encoders[0]._folder, threads=1, sub_batch=4), settings_of())
    worker.look_and_read(sentences(3, 5))
    assert worker.value("tocsin_onlooker_failures_total") == 5.0


def test_what_the_brokers_do_not_take_counts_and_holds_nothing_up(
    encoders: list[Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.onlooker._AGAIN_SECONDS", 0.01)
    settings = settings_of(labels=GENEROUS.model_copy(update={"random_share": 1.0}))
    worker = Worker(encoders[0], settings, Missing(settings.kafka))
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    assert worker.onlooker._untold
    worker.read(sentences(3, 1))

    async def run() -> None:
        worker.onlooker.start()
        # A request and an event at each step: the fifth is of the third.
        await until(lambda: (worker.value("tocsin_onlooker_failures_total") or 0.0) >= 5.0)
        await worker.onlooker.stop()

    asyncio.run(run())
    assert worker.onlooker._unasked
    assert worker.onlooker._untold
    assert worker.value("tocsin_label_requests_total", reason="random") == 0.0


def test_the_latest_requests_are_asked_once_the_brokers_take_them(encoders: list[Encoder]) -> None:
    settings = settings_of(labels=GENEROUS.model_copy(update={"random_share": 1.0}))
    publisher = Offline(settings.kafka)
    publisher.deaf = True
    worker = Worker(encoders[0], settings, publisher)

    def asked(seed: int) -> list[LabelRequest]:
        worker.read(sentences(seed, 1))
        time.sleep(0.002)
        requests = worker.onlooker._step(1.0)
        assert requests
        return requests

    assert not asyncio.run(worker.onlooker._publish(asked(3)))
    latest = asked(4)
    assert not asyncio.run(worker.onlooker._publish(latest))
    assert worker.value("tocsin_onlooker_failures_total") == 2.0
    assert worker.onlooker._unasked == latest
    publisher.deaf = False
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.value("tocsin_label_requests_total", reason="random") == len(latest)
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.value("tocsin_label_requests_total", reason="random") == len(latest)


def test_no_rest_is_taken_for_what_the_brokers_were_waited_for(encoders: list[Encoder]) -> None:
    class Silent(Offline):
        async def partitions_of(self, topic: str) -> list[int]:
            await asyncio.sleep(0.05)
            raise KafkaConnectionError(topic)

    settings = settings_of()
    worker = Worker(encoders[0], settings, Silent(settings.kafka))

    async def run() -> None:
        worker.onlooker.start()
        await until(lambda: worker.value("tocsin_onlooker_failures_total") == 1.0)
        await worker.onlooker.stop()

    asyncio.run(run())
    assert worker.value("tocsin_onlooker_seconds_total") == 0.0


def test_whatever_fails_is_counted_and_the_next_step_comes(versions: list[Path]) -> None:
    settings = settings_of()
    worker = Worker(Broken.load(versions[0], threads=1, sub_batch=4), settings, Offline(settings.kafka))
    worker.read(sentences(3, 1))

    async def run() -> None:
        worker.onlooker.start()
        await until(lambda: worker.value("tocsin_onlooker_failures_total") == 1.0)
        before = worker.value("tocsin_onlooker_seconds_total")
        await until(lambda: worker.value("tocsin_onlooker_seconds_total") != before)
        await worker.onlooker.stop()

    with capture_logs() as logs:
        asyncio.run(run())
    assert [entry["event"] for entry in logs].count("looking at the stream failed; the stream goes on") == 1


def test_what_is_wrong_with_a_message_stays_here(encoders: list[Encoder]) -> None:
    worker = Worker(encoders[0], settings_of())
    odd = seen("x", topic_scores={"a": 1.0})
    broken = msgspec.structs.replace(odd.prediction, topic_scores=None)
    worker.onlooker.see(odd.record, odd.message, broken)
    assert worker.value("tocsin_onlooker_failures_total") == 1.0


def test_drift_that_could_not_be_told_is_told_later(encoders: list[Encoder]) -> None:
    settings = settings_of()
    publisher = Offline(settings.kafka)
    publisher.deaf = True
    worker = Worker(encoders[0], settings, publisher)
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    untold = list(worker.onlooker._untold)
    assert untold
    with capture_logs() as logs:
        assert not asyncio.run(worker.onlooker._publish([]))
    topics = [model_events_topic(settings.topics), retrain_requests_topic(settings.topics)]
    assert [entry["topics"] for entry in logs if "was not taken" in entry["event"]] == [topics]
    assert worker.onlooker._untold == untold
    assert worker.value("tocsin_onlooker_failures_total") == 1.0
    publisher.deaf = False
    assert asyncio.run(worker.onlooker._publish([]))
    assert worker.onlooker._untold == []


def test_what_one_topic_took_is_not_told_again_for_the_sake_of_another(encoders: list[Encoder]) -> None:
    settings = settings_of()
    publisher = Offline(settings.kafka)
    events, runs = model_events_topic(settings.topics), retrain_requests_topic(settings.topics)
    publisher.refused = {events}
    worker = Worker(encoders[0], settings, publisher)
    worker.look_and_read([Text(f"qqq {number} xyz zyx? why why broken") for number in range(45)])
    with capture_logs() as logs:
        for _ in range(3):
            assert not asyncio.run(worker.onlooker._publish([]))
    assert [output.topic for output in publisher.taken] == [runs]
    assert [entry["topics"] for entry in logs if "was not taken" in entry["event"]] == [[events]] * 3
    publisher.refused.clear()
    assert asyncio.run(worker.onlooker._publish([]))
    assert [output.topic for output in publisher.taken] == [runs, events]


def test_a_label_that_was_asked_is_not_asked_again_for_the_sake_of_another(encoders: list[Encoder]) -> None:
    settings = settings_of(labels=GENEROUS)
    publisher = Offline(settings.kafka)
    publisher.refused = {b"m-1"}
    worker = Worker(encoders[0], settings, publisher)
    requests = [label_request(Candidate(seen("x", id=f"m-{number}"), "", "random", 0.0), TIME) for number in (1, 2)]
    assert not asyncio.run(worker.onlooker._publish(requests))
    assert not asyncio.run(worker.onlooker._publish([]))
    assert [output.key for output in publisher.taken] == [b"m-2"]
    assert worker.value("tocsin_label_requests_total", reason="random") == 1.0
    publisher.refused.clear()
    assert asyncio.run(worker.onlooker._publish([]))
    assert [output.key for output in publisher.taken] == [b"m-2", b"m-1"]
    assert worker.value("tocsin_label_requests_total", reason="random") == 2.0


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


def test_nothing_is_done_where_neither_is_asked_for(versions: list[Path]) -> None:
    settings = settings_of(drift=DriftSettings(enabled=False))
    worker = Worker(Broken.load(versions[0], threads=1, sub_batch=4), settings, Offline(settings.kafka))
    worker.read(sentences(3, 20))

    async def start() -> None:
        worker.onlooker.start()
        assert worker.onlooker._task is None
        await worker.onlooker.stop()

    asyncio.run(start())
    assert all(lot.draw() is None for lot in worker.onlooker._drawn.values())
