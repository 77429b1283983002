"""What a look at a domain finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from streams.contract.examples import Example

Level = Literal["error", "warning", "note"]


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a person should know of before a model is made.

    Attributes:
        level: An error makes a model that cannot be made or is wrong; a warning makes it weak; a note is worth a look.
        place: File and line within the domain's folder, such as ``seed/news.tsv:12``.
        problem: What is wrong.
        advice: What to do.
    """

    level: Level
    place: str
    problem: str
    advice: str


class Placed(NamedTuple):
    """An example, and where it stands."""

    place: str
    example: Example
