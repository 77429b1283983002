"""What a dead letter is sent back with, and when what it holds was said."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from streams.brokers.sending_back import REPLAYED_FROM, send_back
from streams.contract.incoming import FIRST_TIMESTAMP, Record, decode_message
from streams.contract.records import DeadLetter
from streams.contract.settings import load_settings
from streams.logic.burying import Burier

if TYPE_CHECKING:
    from kafka import KafkaProducer

LONG_AGO = 1772438310.123


class Sent:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    def send(self, topic: str, **record: object) -> SimpleNamespace:
        self.records.append({"topic": topic, **record})
        return SimpleNamespace(get=lambda: None)


def put_back(letter: DeadLetter) -> Record:
    """The record that a letter becomes, as it is read now."""
    sender = Sent()
    assert send_back(cast("KafkaProducer", sender), [letter]) == (1, {})
    (sent,) = sender.records
    # By Kafka's timestamp a topic keeps its records, and the connector tells stale replies.
    assert "timestamp_ms" not in sent
    return Record(sent["topic"], 0, 9, time.time(), sent["key"], sent["value"], sent["headers"])


def buried(record: Record) -> DeadLetter:
    output = Burier(load_settings()).bury(record, "decode", "wrong_type", "no text")
    return msgspec.json.decode(output.value or b"", type=DeadLetter)


def said(record: Record) -> float:
    return decode_message(record, max_bytes=1000, max_chars=1000).time.timestamp()


def test_a_message_without_a_time_keeps_that_at_which_it_first_came(clean_environment: None) -> None:
    first = Record("news", 0, 1, LONG_AGO, b"k", b'{"text": "x"}', [("trace", b"7f")])
    back = put_back(buried(first))
    assert said(back) == pytest.approx(LONG_AGO)
    assert [name for name, _ in back.headers] == ["trace", REPLAYED_FROM, FIRST_TIMESTAMP]
    again = put_back(buried(back))
    assert said(again) == pytest.approx(LONG_AGO)


def test_a_letter_of_before_has_no_timestamp_and_is_put_back_all_the_same(clean_environment: None) -> None:
    letter = msgspec.structs.replace(buried(Record("news", 0, 1, LONG_AGO, b"k", b'{"text": "x"}', [])), timestamp=None)
    old = msgspec.json.decode(msgspec.json.encode(letter), type=DeadLetter)
    assert b"timestamp" not in msgspec.json.encode(letter)
    back = put_back(old)
    assert [name for name, _ in back.headers] == [REPLAYED_FROM]
    assert said(back) == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("timestamp", [-0.001, 9e15])
def test_any_timestamp_can_be_buried(timestamp: float, clean_environment: None) -> None:
    letter = buried(Record("news", 0, 1, timestamp, b"k", b"{", []))
    assert letter.timestamp == (None if timestamp < 0 else 9 * 10**18)
    put_back(letter)
