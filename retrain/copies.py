"""Rows of one text: a story that several outlets carried, a seed example that somebody corrected."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar
from unicodedata import normalize

from msgspec.structs import replace

from retrain.sides import is_frozen
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from retrain.rows import Row

_Value = TypeVar("_Value")

# A minus has several shapes, and Chinese and Japanese keyboards write signs in full width.
_PLAIN = {code: normalize("NFKC", chr(code)) for code in (*range(0xFF01, 0xFF5F), *range(0xFFE0, 0xFFE7))} | {
    0x2212: "-",
    0x2013: "-",
}
_CURRENCY = "$\u00a2-\u00a5\u20a0-\u20cf"
# Thai, kana, Han: nothing parts a sign from the word before it.
_UNPARTED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
# Of every number, since a sign that moves to another number says something else.
_SIGN = re.compile(rf"(?:(?<![^\W_{_UNPARTED}])(?<![%+-])([+-])[{_CURRENCY}]?\.?)?\d+")
_MARKS = [
    re.compile(rf"[{_CURRENCY}]"),
    # Symbols and emoji; skin tones are left out, or a hand that is repeated would be no repetition.
    re.compile(r"[\u2190-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff]"),
    re.compile(r"[:;=]['-]?(?:[()]|D\b|/(?!/))"),
]


def by_text(rows: Iterable[Row]) -> dict[Hashable, list[Row]]:
    """Rows by their text, but for case, punctuation and spacing, in order of first appearance."""
    found: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        found[_key(row.text)].append(row)
    return dict(found)


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row for each text.

    Of each head, a label's word goes before a seed example's, and that on a later message before that on an earlier
    one. Entities are places in a text, so that only rows of the very same text have a say on them.
    """
    return [_merge(copies) for copies in by_text(rows).values()]


def _key(text: str) -> Hashable:
    # "$AAPL +3.2%" and "$AAPL -3.2%" have one fingerprint: merged, the text of one would bear the label of the other.
    plain = text.translate(_PLAIN)
    marks = (tuple(mark for mark, _ in groupby(kind.findall(plain))) for kind in _MARKS)
    return (text_fingerprint(text), tuple(_SIGN.findall(plain)), *marks)


def _merge(copies: Sequence[Row]) -> Row:
    if len(copies) == 1:
        return copies[0]
    ranked = sorted(copies, key=_rank)
    # What is learnt keeps an id of those that may be learnt, if a copy has one.
    own = next((row for row in ranked if not is_frozen(row)), ranked[0])
    return replace(
        own,
        topics=_first([row.topics for row in ranked]),
        sentiment=_first([row.sentiment for row in ranked]),
        intent=_first([row.intent for row in ranked]),
        entities=_first([row.entities for row in ranked if row.text == own.text]),
        control=any(row.control for row in ranked),
    )


def _rank(row: Row) -> tuple[bool, float, str]:
    return (row.origin != "label", -row.time.timestamp() if row.time else 0.0, row.id)


def _first(values: Sequence[_Value | None]) -> _Value | None:
    return next((value for value in values if value is not None), None)
