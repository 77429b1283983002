"""A claim, and the sentence that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "number",
    "amount",
    "percentage",
    "duration",
    "date",
    "time",
    "link",
    "email",
    "phone",
    "reference",
    "promise",
    "action",
    "name",
    "contradiction",
    "denial",
    "duty",
    "ungrounded",
    "placeholder",
    "prompt",
    "unreadable",
    "quotation",
    "length",
]
"""What is claimed; the last two are of briefs alone."""

Bound = Literal["plain", "most", "least", "about", "after", "every", "low", "high"]
"""How a figure binds: ``low`` and ``high`` are the ends of a range."""

Span = tuple[int, int]
Clause = tuple[frozenset[str], tuple[bool, bool]]
"""Stems, and polarity as ``wording.polarity`` gives it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, in its sentence."""

    kind: Kind
    key: tuple[str, ...]
    """Equal for two claims of the same thing."""
    start: int
    end: int
    bound: Bound = "plain"
    asserted: bool = True
    """False where it is only spoken of: asked for, supposed."""
    negated: bool = False
    weak: bool = False
    """May, can, usually."""
    checked: bool = True
    """False for what supports others but claims nothing by itself."""
    context: frozenset[str] = frozenset()
    """Stems of the clause's other words."""
    limits: tuple[frozenset[str], ...] = ()
    """Stems of each condition that it is bound to."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a normalised text."""

    text: str
    low: str
    """In lower case, of the same length."""
    stems: frozenset[str]
    claims: tuple[Claim, ...]
    clauses: tuple[Clause, ...]
    whole: Clause | None
    """The sentence as one clause, where it has one polarity."""
    before: frozenset[str] = frozenset()
    """Stems of what was said before it in its document, as far back as pronouns point."""
