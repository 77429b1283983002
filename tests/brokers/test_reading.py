"""A topic is read to its end, neither short of it nor beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.messages import produce

from streams.brokers.client import producer
from streams.brokers.errors import TopicError
from streams.brokers.reading import read_all, read_key

if TYPE_CHECKING:
    from streams.contract.settings import Settings


def topic_of(settings: Settings) -> str:
    return next(iter(settings.topics.inputs))


def test_an_empty_topic_has_nothing(stream_settings: Settings) -> None:
    assert list(read_all(stream_settings, topic_of(stream_settings))) == []


def test_the_last_batch_is_read_whole(stream_settings: Settings) -> None:
    topic = topic_of(stream_settings)
    # One batch of 400 is what Tansu's ListOffsets takes for a single record.
    with producer(stream_settings.kafka, linger_ms=300) as sender:
        for number in range(400):
            sender.send(topic, value=str(number).encode(), partition=1)
        sender.flush()
    records = list(read_all(stream_settings, topic))
    assert [record.value for record in records] == [str(number).encode() for number in range(400)]


def test_every_partition_is_read_in_its_order(stream_settings: Settings) -> None:
    topic = topic_of(stream_settings)
    places = produce(stream_settings, topic, [(str(number % 7).encode(), b"x" * 1000, []) for number in range(2000)])
    records = list(read_all(stream_settings, topic))
    assert {(record.partition, record.offset) for record in records} == set(places)
    for partition in range(4):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == sorted(offsets)


def test_what_comes_meanwhile_is_not_waited_for(stream_settings: Settings) -> None:
    topic = topic_of(stream_settings)
    produce(stream_settings, topic, [(b"k", b"before", [])] * 3)
    values = []
    for record in read_all(stream_settings, topic):
        values.append(record.value)
        produce(stream_settings, topic, [(b"k", b"after", [])])
    assert values == [b"before"] * 3


def test_a_topic_that_is_not_there_is_told(unmade_settings: Settings) -> None:
    with pytest.raises(TopicError, match="tocsin topics create"):
        list(read_all(unmade_settings, topic_of(unmade_settings)))


def test_a_key_is_read_where_it_was_sent_and_no_other(stream_settings: Settings) -> None:
    topic = topic_of(stream_settings)
    produce(stream_settings, topic, [(b"key %d" % (number % 23), b"%d" % number, []) for number in range(230)])
    for key in (0, 7, 22):
        values = [int(record.value) for record in read_key(stream_settings, topic, b"key %d" % key)]
        assert values == list(range(key, 230, 23))
    assert list(read_key(stream_settings, topic, b"no such key")) == []
