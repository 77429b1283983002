"""Labelled spans on tokens, and back: what training and evaluation share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.tokens import EncodedText

OUTSIDE = "O"


class Marked(Protocol):
    """An entity's class and place in a text: a seed example's, or a label's."""

    @property
    def start(self) -> int:
        """First character, in code points."""

    @property
    def end(self) -> int:
        """One past the last character."""

    @property
    def type(self) -> str:
        """Its class."""


class MarkedTowards(Marked, Protocol):
    """The same with the sentiment towards it."""

    @property
    def sentiment(self) -> str | None:
        """None where nobody said."""


class Labelled(Protocol):
    """What people said of a text; None where nobody said."""

    @property
    def topics(self) -> tuple[str, ...] | None:
        """Its topics."""

    @property
    def sentiment(self) -> str | None:
        """Of the message as a whole."""

    @property
    def intent(self) -> str | None:
        """What a customer wants."""

    @property
    def entities(self) -> Sequence[MarkedTowards] | None:
        """All of them."""


def entity_tags(types: Sequence[str]) -> tuple[str, ...]:
    """BIO tags of entity types, in the order of the model's outputs."""
    return (OUTSIDE, *(f"{prefix}-{type_}" for type_ in types for prefix in "BI"))


def tag_first_pieces(encoded: EncodedText, spans: Sequence[Marked]) -> dict[int, str]:
    """The tag of each word, by the token that is its first piece.

    A word is an entity's where they overlap; a text's special tokens have no tag.
    """
    tags: dict[int, str] = {}
    word_before = open_span = None
    for token, (word, (start, end)) in enumerate(zip(encoded.word_ids, encoded.offsets, strict=True)):
        if word is None or word == word_before:
            continue
        word_before = word
        span = next((span for span in spans if start < span.end and end > span.start), None)
        if span is None:
            tags[token] = OUTSIDE
        else:
            tags[token] = f"{'I' if span is open_span else 'B'}-{span.type}"
        open_span = span
    return tags


def overlapping(encoded: EncodedText, span: Marked) -> list[int]:
    """Tokens that lie in a span, ascending; none where the text was cut before it."""
    return [
        token
        for token, (word, (start, end)) in enumerate(zip(encoded.word_ids, encoded.offsets, strict=True))
        if word is not None and start < span.end and end > span.start
    ]
