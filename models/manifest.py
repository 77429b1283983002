"""The small files of a model version: its manifest, its labels and its parity samples, decoded strictly.

A version is a folder. ``manifest.json`` names each other file of it with size and SHA-256; the rest of the serving
path opens no file that it does not name.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from streams.contract.records import EntityType, Sentiment

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 20
"""In bytes; those that Tocsin writes have a few thousand."""

# One plain name: no folder, no parent, no hidden file, so that no file of a version lies outside its folder.
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")]
Precision = Literal["int8", "int4", "fp32"]
Kind = Literal["encoder", "generator", "ranker"]
"""What a version is of: each kind is loaded by a room of its own, which refuses the others."""

# Labels, parity samples, a training reference: the largest that Tocsin writes has under 1 MB.
_LARGEST_RECORD = 32 << 20

_Record = TypeVar("_Record", bound=Struct)


class VersionError(Exception):
    """A model version is missing, half-written or corrupt; the message names the version or file and what is wrong."""


class ParityError(VersionError):
    """A version does not answer on this machine as it did when it was exported."""


class FileEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of a version must be."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=0)]


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version is and was made from; written last, so that a version with a manifest is whole."""

    schema: Literal[1] = 1
    name: str
    version: Annotated[int, Meta(ge=1)]
    created: Annotated[datetime, Meta(tz=True)]
    kind: Kind = "encoder"
    """Manifests that say none are older than the other kinds."""
    files: dict[FileName, FileEntry]
    precision: Precision
    max_tokens: Annotated[int, Meta(ge=1)]
    """Of the longest text: of an encoder's, or of a generator's prompt and what is written together."""
    width: Annotated[int, Meta(ge=1)]
    """Of the states, and of an encoder's embedding."""
    metrics: dict[str, Any]
    lineage: dict[str, Any]

    def need(self, kind: Kind) -> None:
        """Refuse a version of another kind.

        Raises:
            VersionError: It is of another; the message names the version.
        """
        if self.kind != kind:
            raise VersionError(f"{self.name}:{self.version} is of the kind {self.kind}, where one of {kind} is needed")

    def other_domain(self, domain: str) -> str | None:
        """The domain that it was made for, where that is told and is another than this one."""
        own = self.lineage.get("domain")
        return None if own in (None, domain) else str(own)


class Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the model's outputs, in their order."""

    topics: tuple[str, ...]
    topic_mode: Literal["single", "multi"]
    sentiments: tuple[Sentiment, ...]
    intents: tuple[str, ...]
    entity_tags: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse tags that are not BIO over the entity types."""
        known = {"O", *(f"{prefix}-{type_}" for prefix in "BI" for type_ in get_args(EntityType))}
        unknown = sorted(set(self.entity_tags) - known)
        if unknown or "O" not in self.entity_tags:
            raise ValueError(f"entity_tags must be O and B-/I- tags of known types, not {self.entity_tags}")


class ParitySample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text, and the logits that the served graph gave for it, alone in its batch."""

    text: str
    topic_logits: tuple[float, ...]
    sentiment_logits: tuple[float, ...]
    intent_logits: tuple[float, ...] = ()


class Parity(Struct, frozen=True, kw_only=True):
    """Outputs recorded at export, for a loader to compare its own with."""

    tolerance: Annotated[float, Meta(gt=0.0)]
    """Largest absolute difference of a logit that is allowed: int8 differs a little from one processor to another."""
    samples: Annotated[tuple[ParitySample, ...], Meta(min_length=1)]


def decode(content: bytes, type_: type[_Record], where: str) -> _Record:
    """A record out of JSON.

    Args:
        content: The JSON.
        type_: The record's struct.
        where: Names the file in the error.

    Raises:
        VersionError: The content is not such a record.
    """
    try:
        return msgspec.json.decode(content, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise VersionError(f"{where}: {error}") from error


def read(path: Path, type_: type[_Record]) -> _Record:
    """A record out of a local JSON file.

    Raises:
        VersionError: The file is missing or is not such a record.
        OSError: It cannot be read, which says nothing of the version.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_RECORD + 1)
    except FileNotFoundError as error:
        raise VersionError(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_RECORD:
        raise VersionError(f"{path} has more than {_LARGEST_RECORD} bytes")
    return decode(content, type_, str(path))


def encode(record: Struct) -> bytes:
    """A record as JSON for people and programs: indented, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
