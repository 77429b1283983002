"""From records of the items topic to items as the encoder understands them, or dead letters. Knows no Kafka.

An item that is none, or that the encoder cannot take, becomes a dead letter: nothing is skipped and nothing raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
import numpy as np
import structlog

from streams.contract.incoming import BadMessageError
from streams.contract.incoming_readers import decode_item, withdrawn_item
from streams.contract.outgoing import Output
from streams.contract.recommendations import Item, ItemVector
from streams.contract.records import encode
from streams.contract.topics import item_vectors_topic
from streams.logic.burying import Burier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.readings import Reading
    from streams.contract.incoming import Reason, Record
    from streams.contract.records import Message, Prediction
    from streams.contract.settings import Settings

ItemFate = Literal["embedded", "withdrawn", "refused"]

# What a news message is understood and shown by; and an item is small whatever is said, so that the brokers take it.
_LONGEST_NEWS_TEXT = 8_000

log = structlog.get_logger(__name__)


class Embedder(Protocol):
    """A model that reads and embeds; ``models.runtime.Encoder`` is one."""

    @property
    def embedder_sha256(self) -> str:
        """SHA-256 of the graph that embeds."""

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """What stands in each text, in order."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [texts, width]."""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What came of one record."""

    record: Record
    output: Output
    """The item's vector, its withdrawal, or a dead letter."""
    fate: ItemFate
    reason: Reason | None = None
    """Why it is a dead letter."""


class ItemEmbedder:
    """Turns records of items into item vectors.

    Args:
        current: Says which model serves, batch by batch.
        settings: Limits, and names of topics.
    """

    def __init__(self, current: Callable[[], Embedder], settings: Settings) -> None:
        self._current = current
        self._limits = settings.enrich
        self._burier = Burier(settings)
        self._topic = item_vectors_topic(settings.topics)

    def embed(self, records: Sequence[Record]) -> list[ItemOutcome]:
        """One outcome for each record, in order."""
        outcomes: dict[int, ItemOutcome] = {}
        items: dict[int, Item] = {}
        for place, record in enumerate(records):
            try:
                if record.value is None:
                    outcomes[place] = ItemOutcome(record, self._output(withdrawn_item(record), None), "withdrawn")
                else:
                    items[place] = decode_item(
                        record, max_bytes=self._limits.max_message_bytes, max_chars=self._limits.max_text_chars
                    )
            except BadMessageError as error:
                output = self._burier.bury(record, "decode", error.reason, str(error))
                outcomes[place] = ItemOutcome(record, output, "refused", error.reason)
        vectors, failures = self._vectors(items)
        for place, vector in vectors.items():
            outcomes[place] = ItemOutcome(records[place], self._output(vector.item.id, vector), "embedded")
        for place, failure in failures.items():
            problem = f"{records[place].place}: the model raised {type(failure).__name__}"
            attempts = self._limits.max_attempts
            output = self._burier.bury(records[place], "infer", "inference_failed", problem, attempts=attempts)
            outcomes[place] = ItemOutcome(records[place], output, "refused", "inference_failed")
        return [outcomes[place] for place in range(len(records))]

    def embed_anew(self, items: Sequence[Item]) -> list[Output]:
        """Vectors by the model that serves now; items that it cannot take are left out, and told in the log."""
        vectors, failures = self._vectors(dict(enumerate(items)))
        if failures:
            kinds = sorted({type(failure).__name__ for failure in failures.values()})
            log.warning("items cannot be embedded anew", items=len(failures), errors=kinds)
        return [self._output(vector.item.id, vector) for vector in vectors.values()]

    def bury_refused(self, outcome: ItemOutcome, *, bare: bool) -> ItemOutcome:
        """A dead letter for an item that no broker takes, since it is too large."""
        record, size = outcome.record, len(outcome.output.value or b"")
        error = f"{record.place}: the broker takes no item of {size} bytes (raise max.message.bytes of {self._topic})"
        output = self._burier.bury(record, "publish", "too_large", error, bare=bare)
        return ItemOutcome(record, output, "refused", "too_large")

    def _vectors(self, items: Mapping[int, Item]) -> tuple[dict[int, ItemVector], dict[int, Exception]]:
        if not items:
            return {}, {}
        try:
            return dict(zip(items, self._infer(list(items.values())), strict=True)), {}
        except Exception as error:  # noqa: BLE001  whatever a model raises, the stream goes on
            log.warning("embedding failed for a batch, taking each item alone", error=type(error).__name__)
        vectors: dict[int, ItemVector] = {}
        failures: dict[int, Exception] = {}
        for place, item in items.items():
            for _ in range(self._limits.max_attempts):
                try:
                    vectors[place] = self._infer([item])[0]
                    failures.pop(place, None)
                    break
                except Exception as error:  # noqa: BLE001  likewise
                    failures[place] = error
        return vectors, failures

    def _infer(self, items: Sequence[Item]) -> list[ItemVector]:
        model = self._current()
        unread = [place for place, item in enumerate(items) if not item.topics or item.sentiment is None]
        read = model.read([items[place].text for place in unread]) if unread else []
        readings = dict(zip(unread, read, strict=True))
        vectors = np.asarray(model.embed([item.text for item in items]), "<f4")
        return [
            ItemVector(
                item=_filled(item, readings[place]) if place in readings else item,
                embedder=model.embedder_sha256,
                vector=vectors[place].tobytes(),
            )
            for place, item in enumerate(items)
        ]

    def _output(self, id_: str, vector: ItemVector | None) -> Output:
        return Output(self._topic, item_key(id_), None if vector is None else encode(vector))


class NewsItems:
    """Makes items of news messages.

    Args:
        settings: Name of the items topic.
    """

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.recommend.items_topic

    def item(self, message: Message, prediction: Prediction) -> Output:
        """The item that a message is, with what was read in it; its id is the message's."""
        item = Item(
            id=message.id,
            text=message.text[:_LONGEST_NEWS_TEXT],
            time=message.time,
            url=message.url,
            source=message.source[:512],
            topics=prediction.topics,
            sentiment=_tone(prediction.sentiment_scores),
        )
        return Output(self._topic, item_key(item.id), encode(item))


def item_key(id_: str) -> bytes:
    """Key of an item's records."""
    return id_.encode("utf-8", "surrogatepass")


def _filled(item: Item, reading: Reading) -> Item:
    sentiment = _tone(reading.sentiment_scores) if item.sentiment is None else item.sentiment
    return msgspec.structs.replace(item, topics=item.topics or list(reading.topics), sentiment=sentiment)


def _tone(scores: Mapping[str, float]) -> float:
    """From -1 to 1: how much likelier positive is than negative."""
    tone = scores.get("positive", 0.0) - scores.get("negative", 0.0)
    return round(max(-1.0, min(1.0, tone)), 4)
