"""Rows of one text: a story that several outlets carried, a seed example that somebody corrected."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from retrain.sides import is_frozen
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrain.rows import Row

_Value = TypeVar("_Value")


def by_text(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the fingerprint of their text, in order of first appearance."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[text_fingerprint(row.text)].append(row)
    return dict(found)


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row for each text.

    Of each head, a label's word goes before a seed example's, and that on a later message before that on an earlier
    one. Entities are places in a text, so that only rows of the very same text have a say on them.
    """
    return [_merge(copies) for copies in by_text(rows).values()]


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
