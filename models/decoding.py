"""Named entities out of the tags of word pieces.

A word takes the tag of its first piece. The words are those of the pre-tokeniser, which parts at each punctuation
mark, so a name such as ``Coca-Cola`` or ``U.S.`` is several of them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.tokens import EncodedText
    from streams.contract.records import EntityType

# Marks that hold a name together where no space stands beside them: Coca-Cola, L'Oréal, AT&T, a_handle.
_CONNECTORS = frozenset("-'.&_\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{RIGHT SINGLE QUOTATION MARK}")
# Marks that make a handle or a ticker of the word after them.
_SIGILS = "@$"
# Unicode's classes of punctuation, separators and controls: never a name's own at its ends.
_EDGES = "PZC"
# Neither are emoji and the like; but those of Latin-1 may be letters that were decoded wrongly, as in CafÃ©.
_SIGN = "So"
_LATIN_1 = "\xff"
# Of emoji and ideographs: they say how the character before them looks.
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# A stop belongs to initials (U.S., J.P.) and else to the sentence.
_INITIALS = re.compile(r"(?:^|\W)(?:\w\.)+\w\Z")


class Span(NamedTuple):
    """One entity: its class, its tokens, and its place in the text in code points."""

    type: EntityType
    first_token: int
    end_token: int
    start: int
    end: int
    score: float


class _Open(NamedTuple):
    type: EntityType
    first: int
    end: int
    score: float


class EntityDecoder:
    """Reads BIO tags.

    ``I-`` without a ``B-`` before it opens an entity. A word goes on with the entity before it, where that has the same
    class, if it is tagged ``I-`` or touches it; so does an ``I-`` after a single hyphen, stop, apostrophe or the like.

    Args:
        tags: Names of the tags, in the order of the model's outputs.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self.outside = tags.index("O")
        # The type of "O" is empty and is never looked at.
        self._types = [cast("EntityType", tag.partition("-")[2]) for tag in tags]
        self._begins = [tag.startswith("B-") for tag in tags]

    def decode(self, text: str, encoded: EncodedText, tagged: Iterable[tuple[int, int, float]]) -> list[Span]:
        """Entities of one text, in order; they never overlap.

        Args:
            text: The original text.
            encoded: Its tokens.
            tagged: Token, tag and the tag's probability, ascending, of the tokens whose tag is not ``O``.
        """
        word_ids, offsets = encoded.word_ids, encoded.offsets
        entities: list[_Open] = []
        for token, tag, score in tagged:
            word = word_ids[token]
            if word is None or (token and word_ids[token - 1] == word):
                continue
            end = token + 1
            while end < len(word_ids) and word_ids[end] == word:
                end += 1
            type_ = self._types[tag]
            if entities and self._goes_on(text, offsets, entities[-1], token, tag):
                before = entities[-1]
                entities[-1] = _Open(type_, before.first, end, min(before.score, score))
            else:
                entities.append(_Open(type_, token, end, score))
        spans = []
        for entity in entities:
            start, stop = _trim(text, offsets[entity.first][0], offsets[entity.end - 1][1])
            if start < stop:
                spans.append(Span(entity.type, entity.first, entity.end, start, stop, entity.score))
        return spans

    def _goes_on(self, text: str, offsets: list[tuple[int, int]], before: _Open, token: int, tag: int) -> bool:
        if before.type != self._types[tag]:
            return False
        last, start = offsets[before.end - 1][1], offsets[token][0]
        if token == before.end:
            return not self._begins[tag] or last == start
        return not self._begins[tag] and start - last == 1 and text[last] in _CONNECTORS


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Drop marks that are not the name's, and take in those that are: ``@bank``, ``$TICK``, ``U.S.``, accents."""
    while start < end and text[start] not in _SIGILS and _is_edge(text[start]):
        start += 1
    while start < end and (text[end - 1] in _SIGILS or _is_edge(text[end - 1])):
        end -= 1
    if start == end:
        return start, end
    # The sign of a handle, not the one within an address of mail.
    if start and text[start - 1] in _SIGILS and not text[max(start - 2, 0) : start - 1].isalnum():
        start -= 1
    if text[end : end + 1] == "." and _INITIALS.search(text[start:end]):
        end += 1
    # Accents and vowel signs that an accent-stripping tokeniser leaves out of the piece's offsets.
    while end < len(text) and unicodedata.category(text[end]) == "Mn" and not _VARIATIONS.match(text[end]):
        end += 1
    return start, end


def _is_edge(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in _EDGES or (category == _SIGN and char > _LATIN_1)
