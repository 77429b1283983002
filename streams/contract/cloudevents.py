"""CloudEvents 1.0 on Kafka: headers of what goes out, and the payload of what comes in.

An input may be plain JSON, a CloudEvent in structured mode (``content-type: application/cloudevents+json``, the
message under ``data``) or in binary mode (``ce_*`` headers, the message as the value).
Source: CloudEvents Kafka protocol binding 1.0.2.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


_STRUCTURED = b"application/cloudevents+json"
_SOURCE = b"/tocsin"


class CloudEventError(ValueError):
    """A record says that it is a CloudEvent and is none; the message quotes nothing of it."""


class _Envelope(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


class Attributes(msgspec.Struct, frozen=True):
    """What a CloudEvent says of its message, where the message does not say it itself."""

    id: str | None = None
    source: str | None = None
    time: str | None = None


def headers(*, id: str, type: str, time: datetime) -> list[tuple[str, bytes]]:  # noqa: A002  the standard's own names
    """Headers of a binary-mode CloudEvent.

    Args:
        id: Id of the event; equal for an event that is sent again.
        type: Its type, such as ``tocsin.prediction``.
        time: When what it tells of happened, with a time zone.
    """
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_type", type.encode()),
        ("ce_source", _SOURCE),
        ("ce_time", time.isoformat().encode()),
        ("content-type", b"application/json"),
    ]


def unwrap(value: bytes, raw_headers: Sequence[tuple[str, bytes | None]]) -> tuple[bytes, Attributes]:
    """The payload of a Kafka record, and what its envelope says.

    Raises:
        CloudEventError: The record says that it is a CloudEvent and is none.
    """
    if not raw_headers:
        return value, Attributes()
    named = {name.lower(): content or b"" for name, content in raw_headers}
    if named.get("content-type", b"").lower().startswith(_STRUCTURED):
        return _unwrap_structured(value)
    if "ce_specversion" in named:
        return value, Attributes(**{name: _text(named, f"ce_{name}") for name in ("id", "source", "time")})
    return value, Attributes()


def _unwrap_structured(value: bytes) -> tuple[bytes, Attributes]:
    try:
        event = msgspec.json.decode(value, type=_Envelope)
    except msgspec.MsgspecError as error:
        raise CloudEventError(f"not a structured CloudEvent: {error}") from error
    data: Any = bytes(event.data)
    if event.data_base64 is not None:
        try:
            data = base64.b64decode(event.data_base64, validate=True)
        except ValueError as error:
            raise CloudEventError("not a structured CloudEvent: data_base64 is not base64") from error
    return data, Attributes(id=event.id, source=event.source, time=event.time)


def _text(named: dict[str, bytes], name: str) -> str | None:
    content = named.get(name)
    return content.decode("utf-8", "replace") if content else None
