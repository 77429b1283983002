"""JSON Lines: one record a line, as it is, with what is absent filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from streams.contract.ids import text_fingerprint
from streams.contract.incoming import parse_time
from streams.sources.items import Item, Outgoing, as_it_stands
from streams.sources.lines import records_of
from streams.sources.shapes import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from streams.sources.lines import Line
    from streams.sources.shapes import Shape

# Values stay the bytes that they were: only what is needed here is decoded, and the worker judges the rest.
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_time = msgspec.json.Decoder(str | int | float)
_id = msgspec.json.Decoder(str | int)
_ABSENT = (b"null", b'""')
_STRUCTURED_EVENT = ("content-type", b"application/cloudevents+json")
# Errors of msgspec and of Unicode are ValueErrors; nesting without end is the other.
_UNREADABLE = (ValueError, RecursionError)


def read_jsonl(
    lines: Iterable[Line], *, origin: str, source: str, shape: Shape = MESSAGE
) -> Generator[Item, None, None]:
    """Records of a JSON Lines text.

    An object with what the shape needs (a message's ``text``) is sent with its own values untouched; what the shape
    fills in, such as ``id`` (stable), ``time`` (now), ``source`` and ``fingerprint``, is added where absent, null or
    empty. A CloudEvent in structured mode is sent as one. Any other line is sent as it stands, to come out as a dead
    letter; a blank line is none.

    Args:
        lines: From ``read_lines``.
        origin: Name of the file, a part of each id that is made.
        source: Source of records that name none.
        shape: Kind of record.
    """

    def record(place: str, made_id: str, text: str) -> Outgoing:
        value = text.encode("utf-8", "surrogateescape")
        try:
            return _record(place, value, made_id, source, shape)
        except _UNREADABLE:
            return as_it_stands(place, made_id, text)

    return records_of(lines, origin, record)


def _record(place: str, value: bytes, made_id: str, source: str, shape: Shape) -> Outgoing:
    value.decode()  # msgspec passes over the bytes of strings that it does not decode
    fields = _fields.decode(value)
    is_whole = all(name in fields for name in shape.needed)
    if "specversion" in fields and not is_whole:
        return Outgoing(
            place, _event_key(fields, made_id, shape), value, _own_time(fields), headers=(_STRUCTURED_EVENT,)
        )
    if not is_whole:
        return Outgoing(place, made_id, value, None, malformed=True)
    text = _text.decode(fields["text"]) if shape.has_text else ""
    defaults = {
        "id": made_id,
        "time": datetime.now(UTC),
        "source": source,
        "fingerprint": text_fingerprint(text),
    }
    added = {name: defaults[name] for name in shape.filled if bytes(fields.get(name, b"null")) in _ABSENT}
    key = made_id if shape.key in added else str(_id.decode(fields[shape.key]))
    return Outgoing(place, key, msgspec.json.encode({**fields, **added}) if added else value, _own_time(fields))


def _event_key(fields: dict[str, msgspec.Raw], made_id: str, shape: Shape) -> str:
    """Key of a CloudEvent: the field by which its data is keyed, else its own id."""
    if "data" in fields and (shape.key != "id" or "id" not in fields):
        data = _fields.decode(fields["data"])
        if shape.key in data:
            return str(_id.decode(data[shape.key]))
    return str(_id.decode(fields["id"])) if "id" in fields else made_id


def _own_time(fields: dict[str, msgspec.Raw]) -> datetime | None:
    try:
        return parse_time(_time.decode(fields["time"]))
    except (KeyError, ValueError):
        return None
