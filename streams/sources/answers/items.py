"""What a file of answers yields: documents, and what was refused and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from streams.contract.replies import Document


class AnswersError(ValueError):
    """A file or folder of answers cannot be read; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A document."""

    place: str
    """Where it stood in the file, for people: ``line 7``."""
    document: Document


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no document, though it should be one."""

    place: str
    problem: str
    """What is wrong; quotes nothing of the text."""


Item: TypeAlias = Taken | Refused
