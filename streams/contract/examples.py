"""Labelled examples, and the mark-up in which people write them.

``[Example Bank](ORG:negative) clients move to [Sample Trust](ORG:positive)`` is a text with two entities, each with
its type and the sentiment towards it. Whatever looks like a mark and is none is refused: as text, it would say that
there is no entity.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast, get_args

from msgspec import Struct

from streams.contract.domain import Domain, DomainError
from streams.contract.ids import text_fingerprint
from streams.contract.records import EntityType, Sentiment, SourceKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of the brackets around a target, and of the colon in it, keyboards for Chinese and Japanese write the full width.
_MARK = re.compile(
    r"\[(?P<name>[^\[\]]+)\](?P<apart>\s*\uff08|\s+\(|\()\s*(?P<type>[A-Za-z]+)\s*"
    r"(?:(?P<colon>[:\uff1a])\s*(?P<sentiment>[A-Za-z]*)\s*)?[)\uff09]"
)
_TARGET = re.compile(r"\]\((?P<target>[^()]*)")
_LINK = re.compile(r"\s*<?\s*(?:[a-z][a-z0-9+.-]*://|mailto:|tel:|www\.|\.{0,2}/|#)", re.IGNORECASE)
_FORM = "[name](TYPE:sentiment)"
_QUOTED_CHARS = 40
_HEADER = ["topic", "sentiment", "intent", "text"]
_TYPES: tuple[str, ...] = get_args(EntityType)
_SENTIMENTS: tuple[str, ...] = get_args(Sentiment)
_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_HELD_OUT_OF = 5
# What is left of a mark whose name is not in brackets, or in more than one pair of them.
_LEFT_OVER = re.compile(
    rf"[(\uff08]\s*(?:{'|'.join(_TYPES)})[\s:\uff1a,;|/=-]+(?:{'|'.join(_SENTIMENTS)})\s*[)\uff09]", re.IGNORECASE
)


class Mark(Struct, frozen=True):
    """An entity that somebody marked in a text, in code points."""

    start: int
    end: int
    type: EntityType
    sentiment: Sentiment | None
    """Towards it; None where the mark does not say."""


class Span(Struct, frozen=True):
    """An entity in an example's text, in code points."""

    start: int
    end: int
    type: EntityType
    sentiment: Sentiment


class Example(Struct, frozen=True, kw_only=True):
    """One labelled message."""

    text: str
    kind: SourceKind
    topics: tuple[str, ...]
    sentiment: Sentiment
    intent: str | None
    entities: tuple[Span, ...]

    @property
    def held_out(self) -> bool:
        """Whether this example is kept for testing: a fifth, by a hash of the text, so that it never changes sides."""
        return kept_for_testing(text_fingerprint(self.text))


def kept_for_testing(fingerprint: str) -> bool:
    """Whether what has this hash, in hexadecimal digits, is of the fifth on which models are tested."""
    return int(fingerprint, 16) % _HELD_OUT_OF == 0


def parse_marked(marked: str) -> tuple[str, tuple[Span, ...]]:
    """A marked text as plain text and its entities, each with a sentiment.

    Raises:
        ValueError: As in ``parse_marks``, or a mark says no sentiment.
    """
    text, marks = parse_marks(marked)
    return text, tuple(_as_span(mark) for mark in marks)


def parse_marks(marked: str) -> tuple[str, tuple[Mark, ...]]:
    """A marked text as plain text and its entities; ``[name](TYPE)`` is one towards which no sentiment is said.

    Case, and spaces around what is in a mark's parentheses, make no difference.

    Raises:
        ValueError: A mark names an unknown type or sentiment, or something looks like a mark and is none.
    """
    parts: list[str] = []
    marks: list[Mark] = []
    length = done = 0
    for match in _MARK.finditer(marked):
        if not _is_meant(match):
            continue
        type_, sentiment = _said_by(match)
        name, before = match["name"], _literal(marked[done : match.start()])
        if not name.strip():
            raise _no_mark(match.group())
        start = length + len(before)
        parts += (before, name)
        marks.append(Mark(start, start + len(name), type_, sentiment))
        length, done = start + len(name), match.end()
    parts.append(_literal(marked[done:]))
    return "".join(parts), tuple(marks)


def _is_meant(match: re.Match[str]) -> bool:
    """Whether it is a mark, right or wrong; what a Markdown link could not be, may be none: "[sic] (see: below)"."""
    if match["apart"] == "(":
        return True
    type_, sentiment = match["type"].upper(), (match["sentiment"] or "").lower()
    if match["colon"]:
        return type_ in _TYPES or sentiment in _SENTIMENTS
    return match["type"] in _TYPES


def _said_by(match: re.Match[str]) -> tuple[EntityType, Sentiment | None]:
    type_, sentiment = match["type"].upper(), (match["sentiment"] or "").lower()
    # Parted from a word in brackets, an abbreviation in parentheses may be an abbreviation.
    unclear = match["apart"] != "(" and not match["colon"]
    if unclear or type_ not in _TYPES or (match["colon"] and sentiment not in _SENTIMENTS):
        raise _no_mark(match.group().partition("]")[2])
    return cast("EntityType", type_), cast("Sentiment", sentiment) if match["colon"] else None


def _literal(text: str) -> str:
    """Text between marks.

    Raises:
        ValueError: Something in it looks like a mark.
    """
    for match in _TARGET.finditer(text):
        if not _LINK.match(match["target"]):
            raise _no_mark(match.group()[1:])
    if (left := _LEFT_OVER.search(text)) is not None:
        raise _no_mark(left.group())
    return text


def _no_mark(written: str) -> ValueError:
    quoted = written.strip()
    quoted = quoted if len(quoted) <= _QUOTED_CHARS else f"{quoted[:_QUOTED_CHARS]}\u2026"
    return ValueError(
        f"{quoted!r} is a mark that is not read as one: a mark is {_FORM} with one of {', '.join(_TYPES)} and one of "
        f"{', '.join(_SENTIMENTS)}; where none is meant, put a space between ] and ("
    )


def _as_span(mark: Mark) -> Span:
    if mark.sentiment is None:
        raise ValueError(f"({mark.type}) names no sentiment: a mark is {_FORM} with one of {', '.join(_SENTIMENTS)}")
    return Span(mark.start, mark.end, mark.type, mark.sentiment)


def load_seed(domain: Domain) -> list[Example]:
    """Every seed example of a domain, in order of file and line, each text once.

    Raises:
        DomainError: A line is wrong; the message names the file and the line.
    """
    examples: dict[str, Example] = {}
    for path in domain.seed_files:
        for example in read_examples(path, domain):
            examples.setdefault(text_fingerprint(example.text), example)
    if not examples:
        raise DomainError(f"{domain.folder / 'seed'} holds no examples: write some as *.tsv (see domains/README.md)")
    return list(examples.values())


def read_examples(path: Path, domain: Domain, *, any_topic: bool = False) -> list[Example]:
    """The examples of one file, in order.

    Args:
        path: Its name begins with the kind of its messages.
        domain: Whose labels they bear.
        any_topic: Topics that the domain has not are let through: they are to be taught.

    Raises:
        DomainError: A line is wrong; the message names the file and the line.
    """
    examples = []
    for number, found in scan_examples(path, domain, any_topic=any_topic):
        if isinstance(found, ValueError):
            raise DomainError(f"{path}:{number}: {found}") from found
        examples.append(found)
    return examples


def scan_examples(path: Path, domain: Domain, *, any_topic: bool = False) -> Iterator[tuple[int, Example | ValueError]]:
    """Each line of one file with its number: an example, or what is wrong with it; all else as in ``read_examples``.

    Raises:
        DomainError: The file as a whole holds no examples: its name, its encoding or its header is wrong, or it cannot
            be read.
    """
    kind = next((kind for kind in _KINDS if path.name.startswith(kind)), None)
    if kind is None:
        raise DomainError(f"{path}: its name must start with one of {', '.join(_KINDS)}")
    try:
        # Spreadsheets put a mark of byte order before the header.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DomainError(f"{path}: it is not UTF-8: {error}") from error
    except OSError as error:
        raise DomainError(f"{path}: it cannot be read: {error.strerror}") from error
    if lines[0].split("\t") != _HEADER:
        raise DomainError(f"{path}: the first line must be {' '.join(_HEADER)}, parted by tabs")
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            try:
                yield number, _parse(line, kind, domain, any_topic=any_topic)
            except ValueError as error:
                yield number, error


def _parse(line: str, kind: SourceKind, domain: Domain, *, any_topic: bool) -> Example:
    columns = line.split("\t")
    if len(columns) != len(_HEADER):
        raise ValueError(f"{len(columns)} columns where {len(_HEADER)} are needed")
    topic, sentiment, intent, marked = columns
    topics = tuple(topic.split(",")) if topic else ()
    for name in () if any_topic else topics:
        _check("topic", name, domain.topic_names)
    if domain.topic_mode == "single" and len(topics) != 1:
        raise ValueError("exactly one topic is needed where topic_mode is single")
    _check("sentiment", sentiment, _SENTIMENTS)
    if intent != "-":
        _check("intent", intent, domain.intent_names)
    text, entities = parse_marked(marked)
    for entity in entities:
        _check("entity type", entity.type, domain.entities.types)
    return Example(
        text=text,
        kind=kind,
        topics=topics,
        sentiment=cast("Sentiment", sentiment),
        intent=None if intent == "-" else intent,
        entities=entities,
    )


def _check(column: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{column} {value!r} is none of {', '.join(allowed)}")
