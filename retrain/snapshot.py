"""The file that a data set is kept in, beside the version that was made from it.

JSON lines: the first tells of the whole, each other is a row and its part. The labels topic is compacted, so that a run
could not be repeated from it; from this file it can. The same data set always gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

from models.manifest import Labels
from retrain.rows import Head, Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SNAPSHOT = "data.jsonl"

Part = Literal["train", "validation", "frozen", "recent"]
PARTS: tuple[Part, ...] = get_args(Part)

_Record = TypeVar("_Record", bound=Struct)
# Dictionaries in order of key: they may be equal and yet hold their keys in another order.
_encoder = msgspec.json.Encoder(order="deterministic")


class SnapshotError(ValueError):
    """A snapshot is no such file; the message names the line, and holds none of its text."""


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of all that was given."""

    labels: int = 0
    """Words of labellers."""
    messages: int = 0
    """Messages that they are on."""
    seed: int = 0
    """Seed examples."""
    silent: int = 0
    """Messages of which nothing is said that a head has a name for, or whose text is blank."""
    copies: int = 0
    """Rows that were merged into another of the same text."""
    set_aside: int = 0
    """Rows neither learnt nor tested: a hash keeps them for testing, and a model has learnt a near-duplicate."""
    too_few: dict[str, dict[str, int]] = {}
    """By head, new names with too few training rows to be learnt, and how many they have."""


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    schema: Literal[1] = 1
    labels: Labels
    class_weights: dict[Head, dict[str, float]]
    offsets: dict[int, int]
    account: Account


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    part: Part
    row: Row


def encode(header: Header, parts: Mapping[Part, Sequence[Row]]) -> bytes:
    """A snapshot; rows stand in their order, part by part."""
    lines = [_Line(part=part, row=row) for part in PARTS for row in parts[part]]
    # Offsets are kept by number, and only text can be put in order.
    return _encoder.encode_lines([msgspec.to_builtins(header, str_keys=True), *lines])


def decode(content: bytes) -> tuple[Header, dict[Part, list[Row]]]:
    """A snapshot's header, and its rows by part.

    Raises:
        SnapshotError: A line is not what it must be.
    """
    first, *rest = content.removesuffix(b"\n").split(b"\n")
    header = _decode(first, Header, 1)
    parts: dict[Part, list[Row]] = {part: [] for part in PARTS}
    for number, line in enumerate(rest, 2):
        decoded = _decode(line, _Line, number)
        parts[decoded.part].append(decoded.row)
    return header, parts


def _decode(line: bytes, type_: type[_Record], number: int) -> _Record:
    try:
        return msgspec.json.decode(line, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotError(f"line {number}: {error}") from error
