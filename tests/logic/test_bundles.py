"""Signals travel together: each where its subject is, in order, in records that brokers take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from streams.contract.signals import Signal, Signals
from streams.logic.bundles import bundle

if TYPE_CHECKING:
    from streams.contract.outgoing import Output

PARTITIONS = 3


def signal(offset: int, subject: str, text: str = "said") -> Signal:
    return Signal(
        id=f"{offset} {subject}",
        subject=subject,
        message_id=f"message-{offset}",
        time=datetime(2026, 3, 2, tzinfo=UTC),
        sentiment="negative",
        score=0.9,
        source="wire",
        kind="news",
        topic="news",
        partition=0,
        offset=offset,
        model="encoder:1",
        fingerprint="f",
        text=text,
    )


def partition_of(key: bytes) -> int:
    return crc32(key) % PARTITIONS


def read(outputs: list[Output]) -> dict[int, list[Signal]]:
    found: dict[int, list[Signal]] = {}
    for output in outputs:
        assert output.topic == "signals"
        assert output.partition is not None
        found.setdefault(output.partition, []).extend(msgspec.json.decode(output.value or b"", type=Signals).signals)
    return found


@quick
@given(st.lists(st.sampled_from(["topic/deals", "entity/a", "entity/b", "entity/\u00e9"]), max_size=60))
def test_each_is_where_its_subject_is_and_in_order(subjects: list[str]) -> None:
    given_ = [signal(offset, subject) for offset, subject in enumerate(subjects)]
    found = read(bundle(given_, "signals", partition_of))
    for partition, signals in found.items():
        assert signals == [each for each in given_ if partition_of(each.subject.encode()) == partition]
    assert sum(map(len, found.values())) == len(given_)


def test_the_signals_of_a_batch_take_one_record_a_partition() -> None:
    outputs = bundle([signal(offset, "topic/deals") for offset in range(100)], "signals", lambda _: 2)
    assert [output.partition for output in outputs] == [2]


def test_a_record_stays_below_what_brokers_take() -> None:
    given_ = [signal(offset, "topic/deals", "x" * 50_000) for offset in range(20)]
    outputs = bundle(given_, "signals", lambda _: 0)
    assert read(outputs) == {0: given_}
    assert len(outputs) == 4
    assert max(len(output.value or b"") for output in outputs) < 300_000


def test_one_that_is_larger_goes_alone() -> None:
    given_ = [signal(0, "topic/deals"), signal(1, "topic/deals", "x" * 400_000), signal(2, "topic/deals")]
    outputs = bundle(given_, "signals", lambda _: 0)
    assert read(outputs) == {0: given_}
    assert [len(msgspec.json.decode(output.value or b"", type=Signals).signals) for output in outputs] == [1, 1, 1]


def test_of_no_signals_there_is_no_record() -> None:
    assert bundle([], "signals", partition_of) == []
