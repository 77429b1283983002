from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record import memory_records
from kafka.record.memory_records import MemoryRecordsBuilder
from support.messages import BytesName, produce

from streams.worker.header_names import Records, spell_out_header_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.contract.settings import Settings

GZIP = 1
ODD = BytesName("odd")
SPELLED = "x-\\xff\\xfeodd"


def batch(names: Sequence[str], first: int = 0, *, magic: int = 2, compression: int = 0) -> bytes:
    """A batch of records, each with one header of such a name."""
    builder = MemoryRecordsBuilder(magic, compression, 1 << 20)
    for number, name in enumerate(names):
        headers = [(name, b"v")] if magic == 2 else []
        assert builder.append(1_700_000_000_000, b"k%d" % number, b"value", headers) is not None
    builder.close()
    content = bytearray(builder.buffer())
    content[:8] = first.to_bytes(8, "big")
    return bytes(content)


def read(content: bytes) -> list[Any]:
    records = Records(content)
    found = []
    while records.has_next():
        following = records.next_batch()
        assert following.validate_crc()
        found += list(following)
    return found


@pytest.mark.parametrize("compression", [0, GZIP])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_odd_name_is_spelled_out_and_all_around_it_is_untouched(compression: int, place: int) -> None:
    names = ["ok", "ok", "naïve"]
    names[place] = ODD
    found = read(batch(names, compression=compression) + batch(["after"], first=3))
    expected = [SPELLED if name is ODD else name for name in names] + ["after"]
    assert [record.headers for record in found] == [[(name, b"v")] for name in expected]
    assert [record.offset for record in found] == [0, 1, 2, 3]
    assert [record.key for record in found] == [b"k0", b"k1", b"k2", b"k0"]
    assert {(record.timestamp, record.value) for record in found} == {(1_700_000_000_000, b"value")}


def test_aiokafka_alone_stops_there() -> None:
    """Once it does not, all of this can go."""
    records = memory_records.MemoryRecords(batch(["ok", ODD]))
    with pytest.raises((UnicodeDecodeError, CorruptRecordException)):
        list(records.next_batch())


@pytest.mark.parametrize("magic", [0, 1])
def test_formats_without_headers_are_read_as_ever(magic: int) -> None:
    (record,) = read(batch(["none"], magic=magic))
    assert (record.key, record.value) == (b"k0", b"value")


def test_a_batch_that_is_corrupt_is_told_as_such() -> None:
    content = bytearray(batch(["ok"]))
    content[-1] ^= 0x7F  # the header's value, and so its length no more
    following = Records(bytes(content)).next_batch()
    assert not following.validate_crc()
    content = bytearray(batch(["ok"]))
    content[61] ^= 0x02  # the record's length
    with pytest.raises(CorruptRecordException):
        list(Records(bytes(content)).next_batch())


def test_a_consumer_reads_past_it(stream_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)  # as it was, afterwards
    spell_out_header_names()
    topic = next(iter(stream_settings.topics.inputs))
    # Equal keys share a partition, and so the odd one stands between the others.
    produce(stream_settings, topic, [(b"k", b"%d" % n, [(ODD if n == 2 else "ok", b"v")]) for n in range(5)])

    async def consume() -> list[Any]:
        found: list[Any] = []
        consumer = AIOKafkaConsumer(bootstrap_servers=stream_settings.kafka.bootstrap_servers)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(stream_settings.topics.partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            async with asyncio.timeout(30):
                while len(found) < 5:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found.extend(records)
        finally:
            await consumer.stop()
        return found

    found = asyncio.run(consume())
    assert [record.value for record in found] == [b"0", b"1", b"2", b"3", b"4"]
    assert [record.headers[0][0] for record in found] == ["ok", "ok", SPELLED, "ok", "ok"]
