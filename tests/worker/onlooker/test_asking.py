"""Looking on: labels are asked for by a real worker's parts, and the stream never feels it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec
from structlog.testing import capture_logs
from support.messages import consume_all
from support.onlooking import (
    GENEROUS,
    Offline,
    Text,
    Worker,
    ask_until_doubted,
    sentences,
    settings_of,
    until,
)
from support.readings import seen

from models.manifest import VersionError
from models.runtime import Encoder
from streams.contract.labels import LabelRequest
from streams.contract.model_settings import DriftSettings, LabelsSettings
from streams.contract.topics import label_requests_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.training_reference import TrainingReference
    from streams.contract.settings import Settings


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


def test_what_is_far_from_all_training_texts_is_asked_as_novel(encoders: list[Encoder]) -> None:
    labels = LabelsSettings(requests_per_hour=3_600_000, random_share=0.0)
    worker = Worker(encoders[0], settings_of(labels=labels))
    # Sure, for the toy knows a word for topic and sentiment; and yet of other pieces than any training text.
    worker.read([Text("profit wins ;:;:;:;:;:;:;:;:")])
    time.sleep(0.002)
    (request,) = worker.onlooker._step(1.0)
    assert (request.reason, request.text) == ("novel", "profit wins ;:;:;:;:;:;:;:;:")
    assert request.score > 0.5


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
