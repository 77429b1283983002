"""What is wrong with the examples' texts: marks that do not fit, texts that stand twice, lines left from a skeleton."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from streams.contract.ids import text_fingerprint
from streams.logic.domains.finding import Finding
from streams.logic.domains.skeleton import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.contract.examples import Example, Span
    from streams.logic.domains.finding import Placed

# What is left of a mark that was not read as one.
_BROKEN_MARK = re.compile(r"\]\s*\(|\((?:PER|ORG|LOC|MISC)\b|:(?:negative|neutral|positive)\)", re.IGNORECASE)
# Scripts that put no space between words: there a mark may begin and end anywhere.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_EDGES = ' \t\u00a0\u3000,;:!?"“”()'


def check_texts(placed: Sequence[Placed]) -> Iterator[Finding]:
    """Every fault of every text, in order."""
    first: dict[str, Placed] = {}
    for one in placed:
        yield from _left_over(one)
        yield from _broken(one)
        for span in one.example.entities:
            yield from _misplaced(one, span)
        before = first.setdefault(text_fingerprint(one.example.text), one)
        if before is not one:
            yield _twice(one, before)
        if one.example.intent is not None and one.example.kind != "customer":
            yield Finding(
                level="warning",
                place=one.place,
                problem=f"an intent in a file of {one.example.kind}",
                advice="intents are customers': move the line to a file customer*.tsv, or put - for the intent",
            )


def _left_over(one: Placed) -> Iterator[Finding]:
    if one.example.text.startswith(EXAMPLE):
        yield Finding(
            level="error",
            place=one.place,
            problem="a line of the skeleton",
            advice="put messages of your own in its place",
        )


def _broken(one: Placed) -> Iterator[Finding]:
    if found := _BROKEN_MARK.search(one.example.text):
        yield Finding(
            level="error",
            place=one.place,
            problem=f"{found.group()!r} stands in the text: a mark that is not read as one",
            advice="a mark is [name](TYPE:sentiment), with no space before the bracket: [Example Bank](ORG:negative)",
        )


def _misplaced(one: Placed, span: Span) -> Iterator[Finding]:
    text = one.example.text
    name = text[span.start : span.end]
    if name.strip(_EDGES) != name:
        yield Finding(
            level="warning",
            place=one.place,
            problem=f"the mark of {name!r} takes in what is not of the name",
            advice="leave spaces and punctuation outside the brackets",
        )
    before, after = text[: span.start][-1:], text[span.end :][:1]
    if _one_word(before, name[:1]) or _one_word(name[-1:], after):
        yield Finding(
            level="error",
            place=one.place,
            problem=f"the mark of {name!r} ends within a word",
            advice="mark the whole word: the model reads words, never parts of them",
        )


def _one_word(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum() and not (_is_unspaced(left) or _is_unspaced(right))


def _is_unspaced(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_UNSPACED)


def _twice(one: Placed, before: Placed) -> Finding:
    if _contradict(one.example, before.example):
        return Finding(
            level="error",
            place=one.place,
            problem=f"the same text as {before.place}, labelled otherwise",
            advice="only the first counts: say which is right",
        )
    # "Thanks" is a post as well as a customer's mail.
    return Finding(
        level="warning" if one.example.kind == before.example.kind else "note",
        place=one.place,
        problem=f"the same text as {before.place}",
        advice="the first alone counts: take one out",
    )


def _contradict(one: Example, other: Example) -> bool:
    if one.intent is not None and other.intent is not None and one.intent != other.intent:
        return True
    return (one.topics, one.sentiment, one.entities) != (other.topics, other.sentiment, other.entities)
