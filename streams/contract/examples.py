"""Labelled examples, and the mark-up in which people write them.

``[Example Bank](ORG:negative) clients move to [Sample Trust](ORG:positive)`` is a text with two entities, each with
its type and the sentiment towards it.
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

_MARK = re.compile(r"\[([^\[\]]+)\]\(([A-Z]+):([a-z]+)\)")
_HEADER = ["topic", "sentiment", "intent", "text"]
_TYPES: tuple[str, ...] = get_args(EntityType)
_SENTIMENTS: tuple[str, ...] = get_args(Sentiment)
_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_HELD_OUT_OF = 5


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
    """A marked text as plain text and its entities.

    Raises:
        ValueError: A mark names an unknown type or sentiment.
    """
    parts: list[str] = []
    spans: list[Span] = []
    length = done = 0
    for match in _MARK.finditer(marked):
        name, type_, sentiment = match.groups()
        if type_ not in _TYPES or sentiment not in _SENTIMENTS:
            raise ValueError(
                f"{match.group()!r}: a mark is [name](TYPE:sentiment) with one of {_TYPES} and {_SENTIMENTS}"
            )
        before = marked[done : match.start()]
        start = length + len(before)
        parts += (before, name)
        spans.append(Span(start, start + len(name), cast("EntityType", type_), cast("Sentiment", sentiment)))
        length, done = start + len(name), match.end()
    parts.append(marked[done:])
    return "".join(parts), tuple(spans)


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
        DomainError: The file as a whole holds no examples: its name, its encoding or its header is wrong.
    """
    kind = next((kind for kind in _KINDS if path.name.startswith(kind)), None)
    if kind is None:
        raise DomainError(f"{path}: its name must start with one of {', '.join(_KINDS)}")
    try:
        # Spreadsheets put a mark of byte order before the header.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DomainError(f"{path}: it is not UTF-8: {error}") from error
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
