"""The gate's decision on a version, kept beside the version for as long as there are models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from models.manifest import decode, encode

if TYPE_CHECKING:
    from models.registry import Registry

_NOTE = "decision.json"


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """What was decided of a candidate, and by what."""

    run: str
    """Id of the training run."""
    time: Annotated[datetime, Meta(tz=True)]
    champion: int
    """Version that it was judged against."""
    promote: bool
    reasons: list[str]
    figures: dict[str, Any]
    """Fields of ``retrain.gate.Check`` by the check's name."""


def keep_decision(registry: Registry, name: str, version: int, record: DecisionRecord) -> None:
    """Put a decision beside its version.

    Raises:
        FileExistsError: There is one already.
    """
    registry.add_note(name, version, _NOTE, encode(record))


def decision_of(registry: Registry, name: str, version: int) -> DecisionRecord | None:
    """The decision on a version; None where it was never judged.

    Raises:
        VersionError: It is corrupt.
    """
    content = registry.note(name, version, _NOTE)
    return None if content is None else decode(content, DecisionRecord, f"{_NOTE} of {name}:{version}")
