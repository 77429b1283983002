"""Cutting a page into passages: along its headings and paragraphs, within a paragraph only where it is too long."""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_GOAL_WORDS = 100
_MOST_WORDS = 120
"""More would be beyond what an encoder of 128 pieces sees, as the default one is."""

_HEADING = re.compile(r"#{1,6}[ \t]+(.+?)[ \t]*#*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")  # noqa: RUF001  Chinese marks


class Passage(NamedTuple):
    """A piece of a page."""

    heading: str
    """The heading that it stands under; empty before the first."""
    text: str


class _Piece(NamedTuple):
    text: str
    before: str
    """What parts it from the piece before: an empty line, a line's end, or a space."""
    words: int


def cut(page: str) -> list[Passage]:
    """Passages of some 100 words and at most 120, in the page's order.

    A passage ends at a heading, else between paragraphs. A longer paragraph is parted between its lines, a longer line
    between sentences; there alone the last sentence is said again, so that none stands without what led to it.

    Args:
        page: Plain text; paragraphs parted by empty lines, headings as in Markdown (``## Fees``).
    """
    return [Passage(heading, text) for heading, body in _sections(page) for text in _packed(body)]


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Each heading with what stands under it; a heading over nothing is left out."""
    heading, lines = "", list[str]()
    for line in [*page.splitlines(), "# end"]:
        if found := _HEADING.fullmatch(line.strip()):
            if body := "\n".join(lines).strip():
                yield heading, body
            heading, lines = found[1], []
        else:
            lines.append(line.rstrip())


def _packed(body: str) -> Iterator[str]:
    pieces = list(_pieces(body))
    left = sum(piece.words for piece in pieces)
    held: list[_Piece] = []
    for piece in pieces:
        words = sum(one.words for one in held)
        # What is left is shared out evenly, so that no passage of a few words remains.
        goal = (words + left) / max(round((words + left) / _GOAL_WORDS), ceil((words + left) / _MOST_WORDS))
        if held and (words + piece.words > _MOST_WORDS or words + piece.words / 2 > goal):
            yield _joined(held)
            held = [held[-1]] if _is_said_again(held[-1], piece) else []
        held.append(piece)
        left -= piece.words
    if held:
        yield _joined(held)


def _is_said_again(last: _Piece, following: _Piece) -> bool:
    return following.before == " " and last.words + following.words <= _MOST_WORDS


def _pieces(body: str) -> Iterator[_Piece]:
    for paragraph in re.split(r"\n\s*\n", body):
        if (words := _count(paragraph)) <= _MOST_WORDS:
            yield _Piece(paragraph.strip(), "\n\n", words)
            continue
        for number, line in enumerate(paragraph.splitlines()):
            before = "\n" if number else "\n\n"
            if (words := _count(line)) <= _MOST_WORDS:
                yield _Piece(line.strip(), before, words)
            else:
                yield from _sentences(line, before)


def _sentences(line: str, before: str) -> Iterator[_Piece]:
    for sentence in _SENTENCE_END.split(line.strip()):
        for text in _short_enough(sentence):
            yield _Piece(text, before, _count(text))
            before = " "


def _short_enough(sentence: str) -> Iterable[str]:
    if _count(sentence) <= _MOST_WORDS:
        return [sentence]
    parts = sentence.split()
    if len(parts) > 1:
        return [" ".join(parts[place : place + _GOAL_WORDS]) for place in range(0, len(parts), _GOAL_WORDS)]
    size = 2 * _GOAL_WORDS
    return [sentence[place : place + size] for place in range(0, len(sentence), size)]


def _joined(pieces: Sequence[_Piece]) -> str:
    return pieces[0].text + "".join(piece.before + piece.text for piece in pieces[1:])


def _count(text: str) -> int:
    """Words; in scripts that part none, two characters count as one."""
    return sum(
        max(1, sum(not char.isascii() and char.isalpha() and char > "\u2fff" for char in word) // 2)
        for word in text.split()
    )
