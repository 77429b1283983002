"""JSON Lines: one message a line, as it is, with what is absent filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from streams.contract.ids import text_fingerprint
from streams.contract.incoming import parse_time
from streams.sources.items import Item, Outgoing, as_it_stands
from streams.sources.lines import records_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from streams.sources.lines import Line

# Values stay the bytes that they were: only what is needed here is decoded, and the worker judges the rest.
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_time = msgspec.json.Decoder(str | int | float)
_id = msgspec.json.Decoder(str | int)
_ABSENT = (b"null", b'""')
_STRUCTURED_EVENT = ("content-type", b"application/cloudevents+json")
# Errors of msgspec and of Unicode are ValueErrors; nesting without end is the other.
_UNREADABLE = (ValueError, RecursionError)


def read_jsonl(lines: Iterable[Line], *, origin: str, source: str) -> Generator[Item, None, None]:
    """Messages of a JSON Lines text.

    An object with a ``text`` is sent with its own values untouched; ``id`` (stable), ``time`` (now), ``source`` and
    ``fingerprint`` are added where absent, null or empty. A CloudEvent in structured mode is sent as one. Any other
    line is sent as it stands, to come out as a dead letter; a blank line is none.

    Args:
        lines: From ``read_lines``.
        origin: Name of the file, a part of each id that is made.
        source: Source of messages that name none.
    """

    def record(place: str, made_id: str, text: str) -> Outgoing:
        value = text.encode("utf-8", "surrogateescape")
        try:
            return _message(place, value, made_id, source)
        except _UNREADABLE:
            return as_it_stands(place, made_id, text)

    return records_of(lines, origin, record)


def _message(place: str, value: bytes, made_id: str, source: str) -> Outgoing:
    value.decode()  # msgspec passes over the bytes of strings that it does not decode
    fields = _fields.decode(value)
    if "specversion" in fields and "text" not in fields:
        key = str(_id.decode(fields["id"])) if "id" in fields else made_id
        return Outgoing(place, key, value, _own_time(fields), headers=(_STRUCTURED_EVENT,))
    if "text" not in fields:
        return Outgoing(place, made_id, value, None, malformed=True)
    text = _text.decode(fields["text"])
    defaults = {
        "id": made_id,
        "time": datetime.now(UTC),
        "source": source,
        "fingerprint": text_fingerprint(text),
    }
    added = {name: default for name, default in defaults.items() if bytes(fields.get(name, b"null")) in _ABSENT}
    key = made_id if "id" in added else str(_id.decode(fields["id"]))
    return Outgoing(place, key, msgspec.json.encode({**fields, **added}) if added else value, _own_time(fields))


def _own_time(fields: dict[str, msgspec.Raw]) -> datetime | None:
    try:
        return parse_time(_time.decode(fields["time"]))
    except (KeyError, ValueError):
        return None
