"""The topic of labels: read whole, as it stands after compaction, and written to."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from streams.brokers.placing import place_of
from streams.brokers.reading import read_all
from streams.contract.labels import Label, label_key
from streams.contract.records import encode
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kafka import KafkaProducer
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.brokers.delivery import Delivery
    from streams.contract.settings import Settings

_decoder = msgspec.json.Decoder(Label)


class LabelRead(msgspec.Struct, frozen=True, kw_only=True):
    """What the topic of labels held when it was read."""

    labels: list[Label]
    """The last word of each labeller on each message, in order of the time at which it was said."""
    offsets: dict[int, int]
    """By partition, the first offset that was not read; a partition that held no record is absent."""
    refused: tuple[str, ...] = ()
    """What was on the topic and is no label: the place of each, and why."""


def read_labels(settings: Settings) -> LabelRead:
    """Every label that stands, up to the end that the topic had when reading began.

    Args:
        settings: Where the brokers are, and the topic's prefix.

    Raises:
        TopicError: There is no such topic.
        BrokerUnreachableError: No broker answers, or one falls silent.
    """
    return collect(read_all(settings, labels_topic(settings.topics)))


def collect(records: Iterable[ConsumerRecord]) -> LabelRead:
    """The labels that stand after these records.

    A record replaces what its key had even where it is no label: compaction takes the earlier one away, and what is
    read must not depend on whether the broker has compacted yet.

    Args:
        records: Of the topic, each partition in its order.
    """
    standing: dict[bytes, Label] = {}
    refused: dict[bytes | str, str] = {}
    offsets: dict[int, int] = {}
    for record in records:
        offsets[record.partition] = record.offset + 1
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        if record.key is None:
            refused[place] = f"{place}: it has no key"
            continue
        standing.pop(record.key, None)
        refused.pop(record.key, None)
        if record.value is None:
            continue
        try:
            standing[record.key] = _label(record.key, record.value)
        except (ValueError, RecursionError) as error:
            refused[record.key] = f"{place}: {error}"
    labels = sorted(standing.values(), key=attrgetter("time", "message_id", "labeller"))
    return LabelRead(labels=labels, offsets=offsets, refused=tuple(refused.values()))


def send_label(delivery: Delivery, place: str, label: Label, *, position: int = 0) -> None:
    """Send a label under its key; what becomes of it is the delivery's to count.

    Args:
        delivery: To the topic of labels.
        place: Where the label came from, for the message if it fails.
        label: It replaces what its labeller said of its message before.
        position: Its position among all that is sent.
    """
    # Delivery takes keys as text, and gives such surrogates back as the bytes that they were.
    key = label_key(label.message_id, label.labeller).decode("utf-8", "surrogateescape")
    delivery.send(place, key, encode(label), position=position)


def withdraw_labels(sender: KafkaProducer, topic: str, labels: Iterable[Label], *, spread: int | None = None) -> int:
    """Take labels back, and return how many once the broker has acknowledged all.

    Args:
        sender: With ``acks="all"``.
        topic: Full name of the topic of labels.
        labels: Those of whose labellers and messages nothing shall stand.
        spread: Over how many partitions keys are spread (``kept_in_place``); over all where absent.

    Raises:
        KafkaError: One is not acknowledged; others may be.
    """
    keys = [label_key(label.message_id, label.labeller) for label in labels]
    for future in [
        sender.send(topic, key=key, value=None, partition=place_of(sender, topic, key, spread)) for key in keys
    ]:
        future.get()  # the producer's own delivery time-out bounds it
    return len(keys)


def _label(key: bytes, value: bytes) -> Label:
    label = _decoder.decode(value)
    if key != label_key(label.message_id, label.labeller):
        raise ValueError("its key is not that of its message and labeller, so that it could replace another's word")
    return label
