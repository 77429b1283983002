"""From input records to predictions and signals, or dead letters: decode, infer, encode. Knows neither Faust nor Kafka.

A message that is no message, or that the model cannot read, becomes a dead letter like any other outcome: nothing is
skipped and nothing raised.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, get_args

import msgspec
import structlog

from streams.contract.cloudevents import headers
from streams.contract.ids import output_id
from streams.contract.incoming import BadMessageError, Reason, Record, decode_message
from streams.contract.outgoing import Output
from streams.contract.records import DeadLetter, Message, Prediction, Stage, encode
from streams.contract.topics import dead_letters_topic, predictions_topic
from streams.logic.breaker import Breaker
from streams.logic.signals import SignalMaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.readings import Reading
    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.contract.signals import Signal
    from streams.logic.inputs import InputClocks, Progress
    from streams.logic.stall import Place

REASONS: tuple[Reason, ...] = get_args(Reason)

log = structlog.get_logger(__name__)


class Reader(Protocol):
    """A model that reads texts; ``models.runtime.Encoder`` is one."""

    @property
    def model(self) -> str:
        """Name and version, such as ``encoder:1``."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What stands in each text, in order."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [texts, width]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one input."""

    record: Record
    outputs: list[Output]
    """The prediction or dead letter."""
    reason: Reason | None
    """Why it is a dead letter; None for a prediction."""
    time: float | None = None
    """The message's own, seconds since the epoch; None where the record was no message, or could not be read."""
    signals: list[Signal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of one batch, in the order of its inputs."""

    outcomes: list[Outcome]
    inference_seconds: float
    retries: int


class Enricher:
    """Turns input records into predictions and signals, or dead letters; never raises for what is wrong with a message.

    It keeps nothing between batches but a text that the model has read, so several threads may enrich at once.

    Args:
        reader: The model.
        settings: Limits, names of topics, the kind of each input, the subjects of signals.
        domain: Whose entities the signals are about.
    """

    def __init__(self, reader: Reader, settings: Settings, domain: Domain) -> None:
        self._reader = reader
        self._breaker = Breaker(self._infer)
        self._signals = SignalMaker(settings, domain) if settings.surge.enabled else None
        self._limits = settings.enrich
        self._kinds = settings.topics.inputs
        self._predictions = predictions_topic(settings.topics)
        self._dead_letters = dead_letters_topic(settings.topics)

    def enrich(self, records: Sequence[Record]) -> Batch:
        """Read a batch: one outcome for each record, in order.

        Raises:
            BrokenModelError: The model reads nothing any more; nothing of the batch may be acknowledged.
        """
        outcomes: dict[int, Outcome] = {}
        messages: dict[int, Message] = {}
        for index, record in enumerate(records):
            try:
                messages[index] = decode_message(
                    record, max_bytes=self._limits.max_message_bytes, max_chars=self._limits.max_text_chars
                )
            except BadMessageError as error:
                outcomes[index] = self._bury(record, "decode", error.reason, str(error), attempts=1)

        started = time.perf_counter()
        readings, failures, retries = self._read({index: message.text for index, message in messages.items()})
        seconds = time.perf_counter() - started
        self._breaker.judge({index: messages[index].text for index in readings}, failures)

        for index, reading in readings.items():
            outcomes[index] = self._predict(records[index], messages[index], reading)
        for index, failure in failures.items():
            outcomes[index] = self._bury(
                records[index],
                "infer",
                "inference_failed",
                f"{records[index].place}: the model raised {type(failure).__name__}",
                attempts=self._limits.max_attempts,
            )
        return Batch([outcomes[index] for index in range(len(records))], seconds, retries)

    def stamp(self, batch: Batch, clocks: InputClocks) -> tuple[dict[Place, Progress], list[Signal]]:
        """Tell the clocks of a batch's messages, and its signals what time their partitions have reached.

        To be called once for each batch, in the order of their records, unlike the work that is done before.

        Returns:
            How far each input partition has come with this batch; and the signals, in order.
        """
        progress: dict[Place, Progress] = {}
        signals: list[Signal] = []
        now = time.time()
        for outcome in batch.outcomes:
            record = outcome.record
            reached = clocks.observe(record, outcome.time, now)
            progress[record.topic, record.partition] = reached
            signals += (msgspec.structs.replace(signal, watermark=reached.watermark) for signal in outcome.signals)
        return progress, signals

    def bury_refused(self, outcome: Outcome) -> Outcome:
        """A dead letter for an input whose prediction or dead letter no broker takes, since it is too large.

        In place of a prediction it holds the message; in place of a dead letter, it tells where the message stands and
        holds nothing of it. The signals stay.
        """
        record, size = outcome.record, len(outcome.outputs[0].value or b"")
        if outcome.reason is None:
            error = f"{record.place}: the broker takes no prediction of {size} bytes"
            buried = self._bury(record, "publish", "prediction_too_large", error, attempts=1)
        else:
            error = (
                f"{record.place}: the broker takes no dead letter of {size} bytes (raise max.message.bytes of "
                f"{self._dead_letters}); the message is to be had at its place alone"
            )
            buried = self._bury(record, "publish", outcome.reason, error, attempts=1, bare=True)
        return replace(outcome, outputs=buried.outputs, reason=buried.reason)

    def _read(self, texts: dict[int, str]) -> tuple[dict[int, _Read], dict[int, Exception], int]:
        """Read all at once; where that fails, each alone, so that one poisonous message takes no other with it."""
        readings: dict[int, _Read] = {}
        failures: dict[int, Exception] = {}
        retries = 0
        if len(texts) > 1:
            try:
                return dict(zip(texts, self._infer(list(texts.values())), strict=True)), {}, 0
            except Exception as error:  # noqa: BLE001  whatever a model raises, the stream goes on
                log.warning("inference failed for a batch, reading each message alone", error=type(error).__name__)
                retries = 1
        for index, text in texts.items():
            for attempt in range(1, self._limits.max_attempts + 1):
                try:
                    readings[index] = self._infer([text])[0]
                    break
                except Exception as error:  # noqa: BLE001  likewise
                    retries += attempt < self._limits.max_attempts
                    failures[index] = error
            if index in readings:
                failures.pop(index, None)
        return readings, failures, retries

    def _infer(self, texts: list[str]) -> list[_Read]:
        readings = self._reader.read(texts)
        if not self._limits.publish_embedding:
            return [_Read(reading, None) for reading in readings]
        vectors = self._reader.embed(texts)
        return [_Read(reading, vector.tolist()) for reading, vector in zip(readings, vectors, strict=True)]

    def _predict(self, record: Record, message: Message, read: _Read) -> Outcome:
        kind = self._kinds[record.topic]
        reading = read.reading
        is_customer = kind == "customer"
        prediction = Prediction(
            id=output_id(record.topic, record.partition, record.offset, "prediction"),
            message_id=message.id,
            source=message.source,
            kind=kind,
            time=message.time,
            topics=reading.topics,
            topic_scores=reading.topic_scores,
            sentiment=reading.sentiment,
            sentiment_scores=reading.sentiment_scores,
            entities=reading.entities,
            model=self._reader.model,
            intent=reading.intent if is_customer else None,
            intent_scores=reading.intent_scores if is_customer else None,
            truncated=reading.truncated,
            embedding=read.embedding,
            fingerprint=message.fingerprint,
        )
        output = Output(
            self._predictions,
            message.id.encode("utf-8", "surrogatepass"),
            encode(prediction),
            headers(id=prediction.id, type="tocsin.prediction", time=message.time),
        )
        signals = self._signals.signals(message, prediction, record) if self._signals else []
        return Outcome(record, [output], None, message.time.timestamp(), signals)

    def _bury(
        self, record: Record, stage: Stage, reason: Reason, error: str, *, attempts: int, bare: bool = False
    ) -> Outcome:
        limit = 0 if bare else self._limits.max_message_bytes
        value = record.value or b""
        letter = DeadLetter(
            id=output_id(record.topic, record.partition, record.offset, "dead-letter"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage=stage,
            reason=reason,
            error=error,
            attempts=attempts,
            time=datetime.now(UTC),
            key=None if bare else record.key,
            value=None if record.value is None else value[:limit],
            value_cut=len(value) > limit,
            headers=[] if bare else [(name, content or b"") for name, content in record.headers],
        )
        output = Output(
            self._dead_letters,
            record.topic.encode(),
            encode(letter),
            headers(id=letter.id, type="tocsin.dead-letter", time=letter.time),
        )
        return Outcome(record, [output], reason)


@dataclass(frozen=True, slots=True)
class _Read:
    reading: Reading
    embedding: list[float] | None
