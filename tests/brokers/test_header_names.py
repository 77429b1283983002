r"""A header's name that is no UTF-8 keeps no command from reading a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kafka.errors import CorruptRecordError
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch
from support.messages import BytesName, produce

from streams.brokers.header_names import spell_out_header_names
from streams.brokers.reading import read_all

if TYPE_CHECKING:
    from streams.contract.settings import Settings

GZIP = 1
SPELLED = "x-\\xff\\xfeodd"


def batch(names: list[str], compression: int = 0) -> bytes:
    builder = memory_records.MemoryRecordsBuilder(2, compression, 1 << 20)
    for number, name in enumerate(names):
        assert builder.append(1_700_000_000_000, b"k%d" % number, b"value", [(name, b"v")]) is not None
    builder.close()
    return bytes(builder.buffer())


def read(content: bytes) -> list[Any]:
    records = memory_records.MemoryRecords(content)
    found = []
    while records.has_next():
        following = records.next_batch()
        assert following.validate_crc()
        found += list(following)
    return found


@pytest.mark.parametrize("compression", [0, GZIP])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_odd_name_is_spelled_out_and_all_around_it_is_untouched(
    monkeypatch: pytest.MonkeyPatch, compression: int, place: int
) -> None:
    monkeypatch.setattr(memory_records, "DefaultRecordBatch", DefaultRecordBatch)  # as it was, afterwards
    spell_out_header_names()
    names = ["ok", "ok", "naïve"]
    names[place] = BytesName("odd")
    found = read(batch(names, compression) + batch(["after"]))
    expected = [SPELLED if isinstance(name, BytesName) else name for name in names] + ["after"]
    assert [record.headers for record in found] == [[(name, b"v")] for name in expected]
    assert [record.key for record in found] == [b"k0", b"k1", b"k2", b"k0"]
    assert {record.value for record in found} == {b"value"}


def test_kafka_python_alone_stops_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it does not, all of this can go."""
    monkeypatch.setattr(memory_records, "DefaultRecordBatch", DefaultRecordBatch)
    with pytest.raises(CorruptRecordError):
        read(batch(["ok", BytesName("odd")]))


@pytest.mark.integration
def test_a_command_reads_past_it(stream_settings: Settings) -> None:
    topic = next(iter(stream_settings.topics.inputs))
    # Equal keys share a partition, and so the odd one stands between the others.
    names = ["ok", BytesName("odd"), "ok"]
    produce(stream_settings, topic, [(b"k", b"%d" % number, [(name, b"v")]) for number, name in enumerate(names)])
    found = list(read_all(stream_settings, topic))
    assert [record.value for record in found] == [b"0", b"1", b"2"]
    assert [record.headers for record in found] == [[("ok", b"v")], [(SPELLED, b"v")], [("ok", b"v")]]
