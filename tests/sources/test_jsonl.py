from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contract.incoming import Record, decode_message
from streams.sources.items import Item, Outgoing, Skipped
from streams.sources.jsonl import read_jsonl
from streams.sources.lines import read_lines

FULL = (
    '{"id":"n-1", "text": "Harbour Bank cuts 1.10e2 jobs", "time": 1772438400, "source":"wire", '
    '"fingerprint":"0123456789abcdef", "extra": {"b": 1, "a": [1.50]}}'
)


def _items(content: bytes) -> list[Item]:
    lines = read_lines(io.BytesIO(content), encoding="utf-8", max_chars=100_000)
    return list(read_jsonl(lines, origin="stream.jsonl", source="stream"))


def _one(content: str) -> Outgoing:
    (item,) = _items(content.encode())
    assert isinstance(item, Outgoing)
    return item


def _fields(item: Outgoing) -> dict[str, Any]:
    return msgspec.json.decode(item.value, type=dict[str, Any])


def _as_read_by_a_worker(item: Outgoing) -> str:
    record = Record("news", 0, 0, 1772438400.0, item.key.encode(), item.value, list(item.headers))
    return decode_message(record, max_bytes=1_000_000, max_chars=100_000).id


def test_a_full_message_is_sent_byte_for_byte() -> None:
    item = _one(FULL)
    assert item.value == FULL.encode()
    assert item.key == "n-1"
    assert item.time == datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("absent", ["", ', "id": null, "time": null', ', "id": "", "source": ""'])
def test_what_is_absent_is_filled_in(absent: str) -> None:
    item = _one('{"text": "Shares of Quillon Energy jump", "volume": 3.00' + absent + "}")
    fields = _fields(item)
    assert fields["id"] == item.key
    assert fields["source"] == "stream"
    assert len(fields["fingerprint"]) == 16
    assert datetime.now(UTC) - datetime.fromisoformat(fields["time"]) < timedelta(minutes=1)
    assert item.time is None
    assert b'"volume":3.00' in item.value, "its own values are not touched"


def test_two_outlets_copies_share_the_fingerprint() -> None:
    first = _one('{"source": "Harbour Wire", "text": "Quillon Energy: profit warning!"}')
    second = _one('{"source": "The Daily Quay", "text": "QUILLON ENERGY, profit  warning"}')
    assert _fields(first)["fingerprint"] == _fields(second)["fingerprint"]
    assert first.key != second.key


def test_numbers_may_be_ids() -> None:
    assert _one('{"id": 77, "text": "x"}').key == "77"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"not json",
        b"[1, 2]",
        b'"text"',
        b"17",
        b"null",
        b'{"title": "no text"}',
        b'{"text": 5}',
        b'{"text": null}',
        b'{"text": "x", "id": [1]}',
        b'{"text": "caf\xe9"}',
        b'{"text": "x", "author": "caf\xe9"}',
        b'{"text": "\\ud800"}',
        b'{"text": "x", "deep": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
)
def test_what_is_no_message_is_sent_as_it_stands(line: bytes) -> None:
    item = _one_raw(line)
    assert item.value == line
    assert item.malformed
    assert item.key


def _one_raw(line: bytes) -> Outgoing:
    (item,) = _items(line + b"\n")
    assert isinstance(item, Outgoing)
    return item


@pytest.mark.parametrize("time", ["last Tuesday", pytest.param(10**400, id="401 digits")])
def test_a_time_that_cannot_be_read_travels_for_the_worker_to_refuse(time: object) -> None:
    item = _one(json.dumps({"text": "x", "time": time}))
    assert json.loads(item.value)["time"] == time
    assert item.time is None


def test_a_structured_cloudevent_is_sent_as_one() -> None:
    event = (
        '{"specversion":"1.0","id":"e-1","source":"/wire","type":"news","time":"2026-03-02T08:00:00Z",'
        '"data":{"text":"Quillon Energy halts trading"}}'
    )
    item = _one(event)
    assert (item.value, item.key) == (event.encode(), "e-1")
    assert _as_read_by_a_worker(item) == "e-1"


def test_blank_and_endless_lines_are_counted() -> None:
    assert _items(b"\n  \n") == [Skipped("line 1", "blank"), Skipped("line 2", "blank")]
    assert _items(b"x" * 200_000) == [Skipped("line 1", "too_long")]


@given(st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b" ")), max_size=20))
def test_every_line_of_anything_is_accounted_for(lines: list[bytes]) -> None:
    items = _items(b"".join(line + b"\n" for line in lines))
    assert len(items) == len(lines)


_values = (
    st.none() | st.integers(-(2**63), 2**63) | st.text() | st.lists(st.floats(allow_nan=False, allow_infinity=False))
)


@given(
    st.dictionaries(st.text(max_size=8), _values),
    st.text(min_size=1).filter(lambda text: bool(text.strip())),
)
def test_whatever_else_a_message_holds_the_worker_can_read_it(extra: dict[str, Any], text: str) -> None:
    known = {"id", "source", "time", "author", "language", "url", "channel", "conversation", "user", "fingerprint"}
    others = {name: value for name, value in extra.items() if name not in known}
    (item,) = _items(msgspec.json.encode({**others, "text": text}))
    assert isinstance(item, Outgoing)
    assert _as_read_by_a_worker(item) == item.key
    assert {name: _fields(item)[name] for name in others if name != "text"} == {
        name: value for name, value in others.items() if name != "text"
    }
