"""Inputs may be plain, or CloudEvents of either mode; outputs are binary-mode CloudEvents."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from streams.contract.cloudevents import Attributes, headers, unwrap

STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
EVENT = {"specversion": "1.0", "id": "e1", "source": "/wire", "type": "news", "time": "2026-03-02T08:00:00Z"}
PAYLOAD = b'{"text": "x"}'


def test_plain_json_is_its_own_payload() -> None:
    assert unwrap(PAYLOAD, []) == (PAYLOAD, Attributes())
    assert unwrap(PAYLOAD, [("trace", b"7f"), ("empty", None)]) == (PAYLOAD, Attributes())


def test_a_structured_event_holds_the_message_as_data() -> None:
    value = json.dumps({**EVENT, "data": {"text": "x"}}).encode()
    data, attributes = unwrap(value, STRUCTURED)
    assert json.loads(data) == {"text": "x"}
    assert attributes == Attributes(id="e1", source="/wire", time="2026-03-02T08:00:00Z")


def test_a_structured_event_may_hold_the_message_in_base64() -> None:
    value = json.dumps({**EVENT, "data_base64": base64.b64encode(PAYLOAD).decode()}).encode()
    assert unwrap(value, [("Content-Type", b"Application/CloudEvents+JSON")])[0] == PAYLOAD


@pytest.mark.parametrize(
    "value", [b"", b"[1]", b'{"id": "e1"}', json.dumps({**EVENT, "data_base64": "###"}).encode(), b"\xff\xfe"]
)
def test_what_says_that_it_is_an_event_and_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="not a structured CloudEvent"):
        unwrap(value, STRUCTURED)


def test_a_binary_event_tells_of_the_message_in_headers() -> None:
    told = [("ce_specversion", b"1.0"), ("CE_ID", b"e1"), ("ce_source", b"/wire"), ("ce_time", None)]
    assert unwrap(PAYLOAD, told) == (PAYLOAD, Attributes(id="e1", source="/wire", time=None))


def test_an_output_can_be_read_back_as_an_input() -> None:
    when = datetime(2026, 3, 2, 8, tzinfo=UTC)
    told = headers(id="p1", type="tocsin.prediction", time=when)
    assert dict(told)["ce_type"] == b"tocsin.prediction"
    assert unwrap(PAYLOAD, told) == (PAYLOAD, Attributes(id="p1", source="/tocsin", time=when.isoformat()))
