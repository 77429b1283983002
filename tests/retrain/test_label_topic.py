"""The topic of labels is read as it stands, the same before and after compaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.labels import make_label
from support.messages import produce

from retrain.label_topic import collect, read_labels, send_label, withdraw_labels
from streams.brokers.client import producer
from streams.brokers.delivery import Delivery
from streams.brokers.errors import TopicError
from streams.contract.labels import label_key
from streams.contract.records import encode
from streams.contract.topics import labels_topic

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

    from streams.brokers.tansu import TansuBroker
    from streams.contract.labels import Label
    from streams.contract.settings import Settings


@pytest.fixture
def broker(tansu_broker: TansuBroker) -> TansuBroker:
    """That a topic is read to its end is tested on both brokers, with ``read_all``."""
    return tansu_broker


@dataclass
class Record:
    """As kafka-python hands it over, as far as it is read."""

    key: bytes | None
    value: bytes | None
    offset: int
    partition: int = 0
    topic: str = "labels"


def records(*given: tuple[bytes | None, bytes | None]) -> list[ConsumerRecord]:
    return [cast("Any", Record(key, value, offset)) for offset, (key, value) in enumerate(given)]


def of(label: Label) -> tuple[bytes, bytes]:
    return label_key(label.message_id, label.labeller), encode(label)


FIRST = make_label("m-1", "ann", minutes=5)
CHANGED = make_label("m-1", "ann", minutes=7, sentiment="positive")
BOB = make_label("m-1", "bob", minutes=1)


def test_the_last_word_of_each_labeller_stands_in_order_of_time() -> None:
    read = collect(records(of(FIRST), of(BOB), of(CHANGED)))
    assert read.labels == [BOB, CHANGED]
    assert (read.offsets, read.refused) == ({0: 3}, ())


def test_what_is_taken_back_is_gone() -> None:
    key, _ = of(FIRST)
    assert collect(records(of(FIRST), of(BOB), (key, None))).labels == [BOB]


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"\xff", encode(BOB), b'{"message_id": "m-1"}', b'{"x":' + b"[" * 5000],
    ids=["empty", "torn", "no text", "another's", "too little", "nested"],
)
def test_what_is_no_label_is_told_and_replaces_as_compaction_would_have_it(value: bytes) -> None:
    key, _ = of(FIRST)
    whole = collect(records(of(FIRST), (key, value)))
    assert whole.labels == []
    assert len(whole.refused) == 1
    assert whole.refused[0].startswith("labels[0]@1: ")
    mended = collect(records((key, value), of(FIRST)))
    assert (mended.labels, mended.refused) == ([FIRST], ())


def test_a_record_without_a_key_is_told() -> None:
    read = collect(records((None, encode(FIRST))))
    assert (read.labels, read.refused) == ([], ("labels[0]@0: it has no key",))


@pytest.mark.integration
def test_labels_are_sent_read_and_taken_back_on_a_broker(stream_settings: Settings) -> None:
    topic = labels_topic(stream_settings.topics)
    assert read_labels(stream_settings).labels == []
    odd = make_label("m \U0001f4a9/1", "Ånn/7", text="Überfall")
    with producer(stream_settings.kafka) as sender:
        delivery = Delivery(sender, topic)
        for number, label in enumerate((FIRST, BOB, odd, CHANGED)):
            send_label(delivery, f"line {number}", label)
        assert delivery.flush(30)
        assert (delivery.acknowledged, delivery.failed) == (4, 0)
        produce(stream_settings, topic, [(b"a key of its own", encode(BOB), [])])
        read = read_labels(stream_settings)
        assert read.labels == [odd, BOB, CHANGED]
        assert "its key is not that of its message and labeller" in read.refused[0]
        assert sum(read.offsets.values()) == 5
        assert withdraw_labels(sender, topic, [BOB, odd]) == 2
    assert read_labels(stream_settings).labels == [CHANGED]


@pytest.mark.integration
def test_a_topic_that_is_not_there_is_told(unmade_settings: Settings) -> None:
    with pytest.raises(TopicError, match="tocsin topics create"):
        read_labels(unmade_settings)
