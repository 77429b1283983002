"""Whatever is written to a topic, deep or broken, is a dead letter or left out: no reader ends on it."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from structlog.testing import capture_logs

from streams.contract.alerts import Alert, Silence
from streams.contract.decoding import JsonDecoder
from streams.contract.incoming import BadMessageError, Record, decode_message
from streams.contract.incoming_readers import decode_behavior, decode_item, decode_request
from streams.contract.labels import Label
from streams.contract.settings import Settings
from streams.contract.signals import Heartbeat, Signals
from streams.worker.briefing import decoded
from streams.worker.controls import Control
from streams.worker.desks import Desks

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = 100_000
DEEP = {
    "array": b"[" * LEVELS,
    "object": b'{"a":' * LEVELS,
    "closed array": b"[" * LEVELS + b"]" * LEVELS,
    "in an unknown field": b'{"text": "x", "more": ' + b"[" * LEVELS + b"]" * LEVELS + b"}",
    "in a known field": b'{"text": ' + b"[" * LEVELS + b"]" * LEVELS + b"}",
}
BROKEN = {"not UTF-8": b'{"text": "\xff", "user": "\xff", "item": "\xff"}', "a lone surrogate": b'"\xed\xa0\x80"'}


def record(value: bytes, headers: list[tuple[str, bytes | None]] | None = None) -> Record:
    return Record("news", 0, 0, 1_700_000_000.0, None, value, headers or [])


@pytest.mark.parametrize("value", [*DEEP.values(), *BROKEN.values()], ids=[*DEEP, *BROKEN])
@pytest.mark.parametrize(
    "decode",
    [
        lambda record: decode_message(record, max_bytes=10**7, max_chars=100),
        lambda record: decode_item(record, max_bytes=10**7, max_chars=100),
        lambda record: decode_behavior(record, max_bytes=10**7),
        lambda record: decode_request(record, max_bytes=10**7),
    ],
    ids=["message", "item", "behavior", "request"],
)
def test_an_input_that_is_nested_without_end_is_a_dead_letter(value: bytes, decode: Callable[[Record], object]) -> None:
    with pytest.raises(BadMessageError) as refused:
        decode(record(value))
    assert refused.value.reason in {"malformed", "wrong_type", "not_utf8"}


@pytest.mark.parametrize("value", DEEP.values(), ids=DEEP)
def test_so_is_one_in_a_cloud_event(value: bytes) -> None:
    for event in (
        b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":' + value + b"}",
        json.dumps({"id": "1", "source": "s", "type": "t", "data_base64": base64.b64encode(value).decode()}).encode(),
    ):
        with pytest.raises(BadMessageError):
            decode_message(
                record(event, [("content-type", b"application/cloudevents+json")]), max_bytes=10**7, max_chars=100
            )


@pytest.mark.parametrize("type_", [Signals | Heartbeat, Label, Alert])
@pytest.mark.parametrize("value", [*DEEP.values(), *BROKEN.values()], ids=[*DEEP, *BROKEN])
def test_a_record_of_our_own_topics_too(value: bytes, type_: type) -> None:
    with pytest.raises(msgspec.DecodeError):
        JsonDecoder(type_).decode(value)


@pytest.mark.parametrize("value", [DEEP["object"], BROKEN["not UTF-8"]], ids=["deep", "not UTF-8"])
def test_what_somebody_else_wrote_to_an_internal_topic_ends_no_worker(value: bytes) -> None:
    nobody: Any = SimpleNamespace(watched={}, verdicts={})
    desks = Desks(Settings(), upstream=[("news", 0)], partitions=1, steering=nobody, read_state=lambda _: [])
    findings = desks.apply([record(value)])
    assert findings.unreadable == 1
    assert decoded([value]) == []
    control = Control("tocsin.silences", JsonDecoder(Silence).decode, lambda *_: None)
    with capture_logs() as logs:
        assert control.applied({}, [SimpleNamespace(topic="t", partition=0, offset=0, key=b"k", value=value)]) == {}
    assert [event["log_level"] for event in logs] == ["warning"]


def test_a_source_of_a_megabyte_is_cut() -> None:
    """It is told with each reading, signal and label request."""
    value = json.dumps({"text": "x", "source": "s" * 900_000}).encode()
    assert len(decode_message(record(value), max_bytes=10**6, max_chars=100).source) == 512


@pytest.mark.parametrize("length", [512, 513])
def test_an_id_that_is_too_long_is_a_dead_letter(length: int) -> None:
    value = json.dumps({"text": "x", "id": "i" * length}).encode()
    if length == 512:
        assert len(decode_message(record(value), max_bytes=10**6, max_chars=100).id) == 512
        return
    with pytest.raises(BadMessageError, match="513 characters, the limit is 512"):
        decode_message(record(value), max_bytes=10**6, max_chars=100)
