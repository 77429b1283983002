from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest
from support.messages import consume_all
from support.serving import Alone

from exporters.metrics import WorkerMetrics
from models.readings import Reading
from streams.agents.enrich import UndeliverableError, add_enrich
from streams.brokers.admin import create_topics
from streams.brokers.client import admin_client
from streams.contract.domain import load_domain
from streams.contract.records import DeadLetter, Prediction
from streams.contract.signals import Signal, Signals
from streams.contract.topics import all_topics, dead_letters_topic, predictions_topic, signals_topic
from streams.logic.enricher import Enricher
from streams.logic.inputs import InputClocks
from streams.logic.stall import Position
from streams.worker.application import build_application
from streams.worker.publisher import BatchPublisher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka.consumer.fetcher import ConsumerRecord

    from streams.contract.settings import Settings
    from streams.contract.topics import TopicSpec

_kafka = pytest.param("kafka_broker", marks=[pytest.mark.integration, pytest.mark.kafka], id="kafka")
# Only Apache Kafka has limits on the size of a message.
pytestmark = pytest.mark.parametrize("broker", [_kafka], indirect=True)

_PATIENCE_SECONDS = 60.0


class Model:
    """Reads as many topics in a text as it has characters, so that a long text has a large prediction."""

    model = "toy:1"

    def read(self, texts: Sequence[str]) -> list[Reading]:
        return [
            Reading(
                topics=[f"topic_{number}" for number in range(len(text))],
                topic_scores={},
                sentiment="neutral",
                sentiment_scores={},
                intent=None,
                intent_scores=None,
                entities=[],
                truncated=False,
            )
            for text in texts
        ]


class Event:
    """As much of Faust's event as the agent uses."""

    def __init__(self, topic: str, offset: int, value: bytes) -> None:
        self.message = SimpleNamespace(
            topic=topic, partition=0, offset=offset, timestamp=1_700_000_000.0, key=None, value=value, headers=None
        )
        self.acknowledged = False

    def ack(self) -> None:
        self.acknowledged = True


class Run:
    """What came of a batch of values on topics with these limits."""

    def __init__(self, settings: Settings, values: Sequence[bytes], **limits: int) -> None:
        specs = [self._limited(settings, spec, limits) for spec in all_topics(settings)]
        with admin_client(settings.kafka) as admin:
            create_topics(admin, specs)
        topic = next(iter(settings.topics.inputs))
        self.settings = settings
        self.events = [Event(topic, offset, value) for offset, value in enumerate(values)]
        self.metrics = WorkerMetrics()
        self.clocks = InputClocks(settings)
        self.fatal: list[BaseException] = []
        asyncio.run(self._main())

    @staticmethod
    def _limited(settings: Settings, spec: TopicSpec, limits: dict[str, int]) -> TopicSpec:
        limit = limits.get(spec.name.removeprefix(settings.topics.prefix).replace("-", "_"))
        return replace(spec, config={"max.message.bytes": str(limit)}) if limit else spec

    async def _main(self) -> None:
        publisher = BatchPublisher(self.settings.kafka)
        await publisher.start()
        await publisher.partitions_of(signals_topic(self.settings.topics))
        app = build_application(self.settings)
        enricher = Enricher(Alone(Model()), self.settings, load_domain(self.settings.domain))
        pipeline = add_enrich(app, enricher, self.clocks, publisher, self.settings, self.metrics, self.fatal.append)
        pipeline.start()
        for event in self.events:
            await pipeline.put(event)
        await asyncio.wait_for(pipeline.drain(), _PATIENCE_SECONDS)
        await pipeline.close()
        await publisher.stop()

    @property
    def acknowledged(self) -> list[bool]:
        return [event.acknowledged for event in self.events]

    def predictions(self, count: int) -> list[Prediction]:
        records = consume_all(self.settings, predictions_topic(self.settings.topics), count)
        return [msgspec.json.decode(record.value, type=Prediction) for record in records]

    def letters(self, count: int) -> list[DeadLetter]:
        records = consume_all(self.settings, dead_letters_topic(self.settings.topics), count)
        letters = [msgspec.json.decode(record.value, type=DeadLetter) for record in records]
        return sorted(letters, key=lambda letter: letter.offset)

    def signals(self, count: int) -> list[Signal]:
        def read(records: Sequence[ConsumerRecord]) -> list[Signal]:
            return [signal for record in records for signal in msgspec.json.decode(record.value, type=Signals).signals]

        signals = read(
            consume_all(self.settings, signals_topic(self.settings.topics), lambda records: len(read(records)) >= count)
        )
        return sorted(signals, key=lambda signal: (signal.offset, signal.subject))

    def counted(self, reason: str) -> float | None:
        return self.metrics.registry.get_sample_value("tocsin_dead_letters_total", {"reason": reason})

    def counted_signals(self, kind: str) -> float | None:
        return self.metrics.registry.get_sample_value("tocsin_signals_total", {"kind": kind})


def message(text: str) -> bytes:
    return json.dumps({"text": text}).encode()


def test_a_prediction_too_large_for_the_broker_is_a_dead_letter_and_its_neighbours_are_answered(
    unmade_settings: Settings,
) -> None:
    run = Run(unmade_settings, [message("a"), message("b" * 1_000), message("c")], predictions=5_000)
    assert {len(prediction.topics) for prediction in run.predictions(2)} == {1}
    (letter,) = run.letters(1)
    assert (letter.offset, letter.stage, letter.reason) == (1, "publish", "prediction_too_large")
    assert letter.value == message("b" * 1_000)
    assert run.acknowledged == [True] * 3
    assert run.counted("prediction_too_large") == 1
    assert run.fatal == []


def test_a_dead_letter_too_large_for_the_broker_ends_nothing(unmade_settings: Settings) -> None:
    # On a topic that somebody made by hand, one such message would end each worker that reads it, again and again.
    run = Run(unmade_settings, [message("a"), b"x" * 9_000, b"y", message("b")], dead_letters=5_000)
    assert len(run.predictions(2)) == 2
    bare, whole = run.letters(2)
    assert (bare.offset, bare.reason, bare.value, bare.value_cut) == (1, "malformed", b"", True)
    assert (whole.offset, whole.reason, whole.value, whole.value_cut) == (2, "malformed", b"y", False)
    assert run.acknowledged == [True] * 4
    assert run.counted("malformed") == 2
    assert run.fatal == []


def test_a_prediction_and_then_its_dead_letter_may_be_too_large(unmade_settings: Settings) -> None:
    run = Run(unmade_settings, [message("b" * 8_000), message("a")], predictions=5_000, dead_letters=5_000)
    (letter,) = run.letters(1)
    assert (letter.offset, letter.reason, letter.value, letter.value_cut) == (0, "prediction_too_large", b"", True)
    assert run.acknowledged == [True] * 2
    assert run.fatal == []


def test_a_message_that_comes_alone_waits_for_no_company(unmade_settings: Settings) -> None:
    enrich = unmade_settings.enrich.model_copy(update={"batch_wait_seconds": 60 * _PATIENCE_SECONDS})
    run = Run(unmade_settings.model_copy(update={"enrich": enrich}), [message("a")])
    assert run.acknowledged == [True]


def test_each_message_is_followed_by_its_signals(unmade_settings: Settings) -> None:
    run = Run(unmade_settings, [message("ab"), b"x", message("a")])
    told = run.signals(3)
    assert [(signal.offset, signal.subject) for signal in told] == [
        (0, "topic/topic_0"),
        (0, "topic/topic_1"),
        (2, "topic/topic_0"),
    ]
    # The first message of a partition sets no clock alone; all were said when they came to Kafka.
    assert [signal.watermark for signal in told] == [None, None, 1_700_000_000 - 120]
    assert (run.counted_signals("topic"), run.counted_signals("entity")) == (3, 0)
    (heard,) = run.clocks.report({(told[0].topic, 0): Position(committed=0, highwater=3)}, 0.0)
    assert (heard.watermark, heard.caught_up) == (1_700_000_000 - 120, True)


def test_a_prediction_that_is_exchanged_keeps_its_signals(unmade_settings: Settings) -> None:
    run = Run(unmade_settings, [message("b" * 1_000)], predictions=5_000)
    assert len(run.letters(1)) == 1
    assert len({signal.subject for signal in run.signals(1_000)}) == 1_000
    assert run.counted_signals("topic") == 1_000
    assert run.acknowledged == [True]


def test_where_no_signal_is_taken_the_worker_ends_and_acknowledges_nothing(unmade_settings: Settings) -> None:
    run = Run(unmade_settings, [message("a")], signals=100)
    (error,) = run.fatal
    assert isinstance(error, UndeliverableError)
    assert f"raise max.message.bytes of {signals_topic(unmade_settings.topics)}" in str(error)
    assert run.acknowledged == [False]


def test_where_no_dead_letter_is_taken_at_all_the_worker_ends_and_acknowledges_nothing(
    unmade_settings: Settings,
) -> None:
    run = Run(unmade_settings, [b"x"], dead_letters=100)
    (error,) = run.fatal
    assert isinstance(error, UndeliverableError)
    assert f"raise max.message.bytes of {dead_letters_topic(unmade_settings.topics)}" in str(error)
    assert run.acknowledged == [False]
