"""What kinds of records a source can give: which fields each needs, by which it is keyed, and what is filled in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record."""

    name: str
    """For people."""
    needed: tuple[str, ...]
    """A line without any of these fields is no such record, and is sent as it stands."""
    key: str
    """Field whose value is the record's key."""
    optional: tuple[str, ...]
    """Further fields that a table's column can give."""
    filled: tuple[str, ...]
    """Fields that are made where they are absent, null or empty."""
    lists: tuple[str, ...] = ()
    """Fields of several values, which a table's cell separates by ``|``."""
    numbers: tuple[str, ...] = ()
    """Fields that are numbers."""

    @property
    def indefinite(self) -> str:
        """Its name with an article."""
        return f"an {self.name}" if self.name[0] in "aeiou" else f"a {self.name}"

    @property
    def has_text(self) -> bool:
        """Whether it is a text that a model reads."""
        return "text" in self.needed


MESSAGE = Shape(
    "message",
    needed=("text",),
    key="id",
    optional=("id", "time", "source", "author", "language", "url", "channel", "conversation", "user"),
    filled=("id", "time", "source", "fingerprint"),
)
ITEM = Shape(
    "item",
    needed=("text",),
    key="id",
    optional=("id", "time", "source", "url", "title", "topics", "sentiment", "expires"),
    filled=("id", "time", "source"),
    lists=("topics",),
    numbers=("sentiment",),
)
BEHAVIOR = Shape(
    "behavior",
    needed=("user", "item", "action"),
    key="user",
    optional=("id", "time", "seconds"),
    filled=("id", "time"),
    numbers=("seconds",),
)
