"""What a file of labels yields: labels, what was refused and why, what nobody labelled, and what is in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from streams.contract.labels import Label


class FormatError(ValueError):
    """A file cannot be read as the format that it is said to be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Said:
    """A label."""

    place: str
    """Where it stood in the file, for people: ``line 7``."""
    label: Label


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no label, though it should be one."""

    place: str
    problem: str
    """What is wrong; quotes nothing of the text."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """A message on which nobody said anything."""

    place: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a person should know of labels that were taken."""

    place: str
    """Where it was met first."""
    problem: str
    """What is in doubt, and what to do; quotes nothing of the text."""


Item: TypeAlias = Said | Refused | Unlabelled | Doubt
