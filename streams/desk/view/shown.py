"""What all parts of the view share: what they are given, what they tell, and how much of it they keep."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Struct

T = TypeVar("T")

Doc: TypeAlias = "dict[str, Any]"
"""What the page shows of one thing: plain values, as they go out as JSON."""


class Heard(NamedTuple):
    """A record of one of the topics, decoded."""

    kind: type[Struct]
    """Record of the topic."""
    key: bytes
    record: Struct | None
    """None where the key was taken out of a compacted topic."""
    time: float
    """Kafka's timestamp, seconds since the epoch."""


class Place(NamedTuple):
    """Which of the page's documents is another one now."""

    section: str
    key: str


class Section(Protocol):
    """A part of the view: documents by key."""

    @property
    def kinds(self) -> tuple[type[Struct], ...]:
        """Records that it wants to hear."""

    def hear(self, heard: Heard) -> set[Place]:
        """Take in a record; what is different by it, what is forgotten for it among that."""

    def docs(self) -> Mapping[str, Mapping[str, Doc]]:
        """All documents, by section and key."""

    def doc(self, place: Place) -> Doc | None:
        """One document; None where there is none any more."""


class Kept(OrderedDict[str, T], Generic[T]):
    """The latest things by key, at most so many: what was told longest ago goes first.

    Args:
        keep: Most of them.
    """

    def __init__(self, keep: int) -> None:
        super().__init__()
        self._keep = keep

    def put(self, key: str, value: T) -> list[str]:
        """Keep a thing as the latest; keys of what went for it."""
        self[key] = value
        self.move_to_end(key)
        gone = []
        while len(self) > self._keep:
            gone.append(self.popitem(last=False)[0])
        return gone


def keyed(heard: Heard) -> str:
    """The key of a record as text."""
    return heard.key.decode("utf-8", "replace")


def places(section: str, *keys: str) -> set[Place]:
    """Places in one section."""
    return {Place(section, key) for key in keys}
