"""From input records to predictions, signals and turns, or dead letters: decode, infer, encode. Knows no Kafka.

A message that is no message, or that the model cannot read, becomes a dead letter like any other outcome: nothing is
skipped and nothing raised.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

import msgspec
import structlog

from streams.contract.cloudevents import headers
from streams.contract.ids import output_id
from streams.contract.incoming import BadMessageError, Reason, Record, decode_message
from streams.contract.outgoing import Output
from streams.contract.records import Message, Prediction, Stage, encode
from streams.contract.topics import predictions_topic
from streams.logic.burying import Burier
from streams.logic.items import NewsItems
from streams.logic.reading import BatchReader
from streams.logic.signals import SignalMaker
from streams.logic.turns import TurnMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.contract.domain import Domain
    from streams.contract.settings import Settings
    from streams.contract.signals import Signal
    from streams.logic.inputs import InputClocks, Progress
    from streams.logic.reading import Read, Serving
    from streams.logic.stall import Place

REASONS: tuple[Reason, ...] = get_args(Reason)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one input."""

    record: Record
    outputs: list[Output]
    """The prediction or dead letter; after a customer's prediction its turn, after one of news its item if wanted."""
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
    model: str
    """Whose turn it was to read it."""
    rescued: int = 0
    """Messages that it could not read, and that the version before has read, since it is new."""


class Enricher:
    """Turns input records into predictions and signals, or dead letters; never raises for what is wrong with a message.

    It keeps nothing between batches but a text that the model has read, so several threads may enrich at once.

    Args:
        serving: Says which model reads, batch by batch.
        settings: Limits, names of topics, the kind of each input, the subjects of signals.
        domain: Whose entities the signals are about.
        on_reading: Told of each message that was read, in the thread that read it; they are quick, and never raise.
    """

    def __init__(
        self,
        serving: Serving,
        settings: Settings,
        domain: Domain,
        on_reading: Sequence[Callable[[Record, Message, Prediction], None]] = (),
    ) -> None:
        self._reader = BatchReader(serving, settings.enrich)
        self._signals = SignalMaker(settings, domain) if settings.surge.enabled else None
        self._turns = TurnMaker(settings.topics) if settings.replies.enabled else None
        are_items = settings.recommend.enabled and settings.recommend.news_are_items
        self._news_items = NewsItems(settings) if are_items else None
        self._on_reading = on_reading
        self._limits = settings.enrich
        self._kinds = settings.topics.inputs
        self._predictions = predictions_topic(settings.topics)
        self._burier = Burier(settings)

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

        batch = self._reader.read({index: message.text for index, message in messages.items()})
        for index, read in batch.read.items():
            outcomes[index] = self._predict(records[index], messages[index], read)
        for index, failure in batch.failures.items():
            outcomes[index] = self._bury(
                records[index],
                "infer",
                "inference_failed",
                f"{records[index].place}: the model raised {type(failure).__name__}",
                attempts=self._limits.max_attempts,
            )
        ordered = [outcomes[index] for index in range(len(records))]
        return Batch(ordered, batch.seconds, batch.retries, batch.model, batch.rescued)

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
        holds nothing of it. The signals stay, and so does the turn, which was taken.
        """
        record, size = outcome.record, len(outcome.outputs[0].value or b"")
        if outcome.reason is None:
            error = f"{record.place}: the broker takes no prediction of {size} bytes"
            buried = self._bury(record, "publish", "prediction_too_large", error, attempts=1)
        else:
            error = (
                f"{record.place}: the broker takes no dead letter of {size} bytes (raise max.message.bytes of "
                f"{self._burier.topic}); the message is to be had at its place alone"
            )
            buried = self._bury(record, "publish", outcome.reason, error, attempts=1, bare=True)
        return replace(outcome, outputs=buried.outputs, reason=buried.reason)

    def _predict(self, record: Record, message: Message, read: Read) -> Outcome:
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
            model=read.model,
            intent=reading.intent if is_customer else None,
            intent_scores=reading.intent_scores if is_customer else None,
            truncated=reading.truncated,
            embedding=read.embedding,
            fingerprint=message.fingerprint,
        )
        outputs = [
            Output(
                self._predictions,
                message.id.encode("utf-8", "surrogatepass"),
                encode(prediction),
                headers(id=prediction.id, type="tocsin.prediction", time=message.time),
            )
        ]
        if is_customer and self._turns is not None:
            outputs.append(self._turns.turn(record, message, prediction))
        if kind == "news" and self._news_items is not None:
            outputs.append(self._news_items.item(message, prediction))
        signals = self._signals.signals(message, prediction, record) if self._signals else []
        for tell in self._on_reading:
            tell(record, message, prediction)
        return Outcome(record, outputs, None, message.time.timestamp(), signals)

    def _bury(
        self, record: Record, stage: Stage, reason: Reason, error: str, *, attempts: int, bare: bool = False
    ) -> Outcome:
        return Outcome(record, [self._burier.bury(record, stage, reason, error, attempts=attempts, bare=bare)], reason)
