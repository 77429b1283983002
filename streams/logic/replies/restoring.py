"""Personal data of a customer: veiled before retrieval and generation, restored in the reply to the same person.

Each piece of ``streams.contract.masking`` is told from the others: ``[email]`` is the first address of a message,
``[email 2]`` the second. The same piece written twice has one placeholder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streams.contract.masking import find, find_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.contract.masking import Found

PLACEHOLDER = re.compile(r"\[(?:email|phone|card|iban|ssn|id|user|author)(?: [2-9]| [1-9]\d{1,2})?\]")
"""What stands for a piece of personal data."""

Pieces = dict[str, str]
"""Placeholder to what it stands for. Personal data: it goes into the reply to the same person, and nowhere else."""


class Veiled(NamedTuple):
    """A text without personal data, and what was taken out of it."""

    text: str
    pieces: Pieces


class Unveiled(NamedTuple):
    """A reply with its person's data."""

    text: str
    invented: tuple[str, ...]
    """Placeholders that stand for nothing the person wrote; such a text goes nowhere."""


def veil(text: str, *, author: str | None = None, user: str | None = None) -> Veiled:
    """Take personal data out of a customer's text, the name of whoever wrote it included.

    What the customer wrote that looks like a placeholder loses its brackets, so that nobody can have one restored that
    was never taken out.

    Args:
        text: What the customer wrote.
        author: Name that the record tells.
        user: The customer's id.
    """
    parts: list[str] = []
    names: dict[tuple[str, str], str] = {}
    counts: dict[str, int] = {}
    done = 0
    for start, end, kind in _found(text, author, user):
        piece = text[start:end]
        name = names.get((kind, piece))
        if name is None:
            counts[kind] = number = counts.get(kind, 0) + 1
            names[kind, piece] = name = f"[{kind}]" if number == 1 else f"[{kind} {number}]"
        parts += (_bare(text[done:start]), name)
        done = end
    parts.append(_bare(text[done:]))
    return Veiled("".join(parts), {name: piece for (_, piece), name in names.items()})


def unveil(reply: str, pieces: Pieces) -> Unveiled:
    """Put a person's data back into the reply to that person.

    Args:
        reply: A text that may hold placeholders.
        pieces: As ``veil`` gave them for the message that is replied to.
    """
    invented = tuple(sorted({found for found in PLACEHOLDER.findall(reply) if found not in pieces}))
    return Unveiled(PLACEHOLDER.sub(lambda match: pieces.get(match.group(), match.group()), reply), invented)


def _found(text: str, author: str | None, user: str | None) -> Iterator[Found]:
    pieces = [*find(text, handles=True), *find_names(text, author, "author"), *find_names(text, user, "user")]
    done = 0
    for piece in sorted(pieces):
        if piece.start >= done:
            done = piece.end
            yield piece


def _bare(text: str) -> str:
    return PLACEHOLDER.sub(lambda match: match.group()[1:-1], text)
