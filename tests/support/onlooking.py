"""The parts of a worker's onlooker, a toy model's versions under it, and texts for it to look at."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec
from aiokafka.errors import UnknownTopicOrPartitionError
from prometheus_client import CollectorRegistry

from exporters.onlooker_metrics import OnlookerMetrics
from streams.contract.domain import load_domain
from streams.contract.incoming import Record
from streams.contract.model_settings import DriftSettings, LabelsSettings
from streams.contract.settings import Settings
from streams.logic.enricher import Enricher
from streams.worker.onlooker import Onlooker
from streams.worker.publisher import BatchPublisher
from streams.worker.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiokafka import AIOKafkaProducer

    from models.runtime import Encoder
    from streams.contract.outgoing import Output
    from streams.contract.records import SourceKind
    from streams.contract.settings import KafkaSettings
    from streams.logic.stall import Place, Position

# Labels without end, and a comparison as soon as a sample is full.

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
