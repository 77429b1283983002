"""What a source yields: records to send, and lines that are none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from streams.contract.ids import text_fingerprint
from streams.sources.shapes import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.sources.shapes import Shape


class SourceError(ValueError):
    """A source cannot be read; the message names the file, column or address concerned and says what to do."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record for the input topic."""

    place: str
    """Where it stood in the source, for people: ``line 7``."""
    key: str
    """Key of the Kafka record: the message's or item's id, a behavior's user; a stand-in where none can be read."""
    value: bytes
    time: datetime | None
    """The message's own time, by which it can be replayed; absent where it tells none."""
    malformed: bool = False
    """Sent as it stood, since it is no message: it will come out as a dead letter."""
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that is not sent."""

    place: str
    reason: Literal["blank", "too_long"]


Item: TypeAlias = Outgoing | Skipped


def stable_id(*parts: str | bytes) -> str:
    """An id that the same parts give at every reading: 32 hexadecimal digits of BLAKE2b (RFC 7693).

    A line's id is made of the name of its file, its number and its content: equal when the file is fed again, and
    distinct for equal lines of one file, so that each can be accounted for.
    """
    digest = blake2b(digest_size=16)
    for part in parts:
        content = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


def as_it_stands(place: str, key: str, text: str) -> Outgoing:
    """A piece of a source that is no message, in the very bytes in which it stood."""
    return Outgoing(place, key, text.encode("utf-8", "surrogateescape"), None, malformed=True)


def from_fields(place: str, fields: Mapping[str, object], *, time: datetime | None, shape: Shape = MESSAGE) -> Outgoing:
    """A record from its fields; what is absent of ``time`` and ``fingerprint`` is filled in.

    Args:
        place: Where it stood, for people.
        fields: By the names of the contract's record; what the shape needs must be there, and ``id`` and ``source``
            where it fills them in.
        time: The record's own time, where it has one that can be read; ``fields`` may hold one that cannot, which
            then travels as it stands and is refused by the worker.
        shape: Kind of record.
    """
    made = {"time": time or datetime.now(UTC), "fingerprint": text_fingerprint(str(fields.get("text", "")))}
    filled = {name: value for name, value in made.items() if name in shape.filled} | dict(fields)
    return Outgoing(place, str(fields[shape.key]), msgspec.json.encode(filled), time)
