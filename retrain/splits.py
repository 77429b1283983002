"""Which part each row belongs to: by hashes alone, so that nothing changes sides from one run to the next.

Near-duplicates stay together. Of a group of them:

1. one of which a model has learnt a row is learnt again and never tested; its rows that a hash keeps for testing are
   set aside, in no part at all, unless they are copies of a row that may be learnt;
2. else, one that is older than the latest hours, or claims to be newer, is frozen where a hash keeps any row of it, and
   learnt if not;
3. else, one that is all of the latest hours is tested as recent where a row of it was drawn by lot, a hash keeps one,
   or another hash says so (of the half of them); the rest is learnt, since the newest teaches most.

A recent group that has grown old falls under the second rule: it was not learnt till then.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from retrain.copies import by_text, merged
from retrain.near_duplicates import clusters
from retrain.rows import Row
from retrain.sides import is_frozen, is_recent_test, is_validation
from retrain.snapshot import PARTS, Part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Split(Struct, frozen=True, kw_only=True):
    """Which rows are where."""

    parts: dict[Part, list[Row]]
    """Each text once in its part, in order of origin and id."""
    copies: int
    """Rows that were merged into another of the same text."""
    set_aside: int
    """Rows that may be neither learnt nor tested: a hash keeps them, and a model has learnt a near-duplicate."""


class Hours(NamedTuple):
    """A stretch of time, both ends within it."""

    begin: datetime
    end: datetime


def split(rows: Sequence[Row], learnt: Sequence[Row], *, latest: Hours | None) -> Split:
    """Give each row its group, and each group its part.

    Args:
        rows: Each id of an origin once; their groups are not looked at.
        learnt: What the champion's own data set had for training and validation; the seed examples that are not held
            out need not be among them, since every model of a domain begins with them.
        latest: The latest hours; None where no message has a time.
    """
    by_part: dict[Part, list[Row]] = {part: [] for part in PARTS}
    set_aside = 0
    for group, seen in _grouped(rows, learnt):
        part = _part(group, seen=seen, latest=latest)
        kept = _learnable(group) if seen else group
        set_aside += len(group) - len(kept)
        by_part[part] += kept
    parts = {part: sorted(merged(of_part), key=_key) for part, of_part in by_part.items()}
    copies = len(rows) - set_aside - sum(map(len, parts.values()))
    return Split(parts=parts, copies=copies, set_aside=set_aside)


def latest_hours(rows: Sequence[Row], hours: float, now: datetime) -> Hours | None:
    """The latest hours: up to the newest labelled message, however long ago that was.

    A message that claims to come from the future says nothing, and is of no latest hours.

    Returns:
        None where no message has a time.
    """
    newest = max((row.time for row in rows if row.time is not None and row.time <= now), default=None)
    return None if newest is None else Hours(newest - timedelta(hours=hours), newest)


def _grouped(rows: Sequence[Row], learnt: Sequence[Row]) -> list[tuple[list[Row], bool]]:
    """Groups of near-duplicates, and whether a model has learnt any text of each or near it."""
    learnt_keys = {_key(row) for row in learnt}
    numbers = clusters([row.text for row in (*rows, *learnt)])
    seen = set(numbers[len(rows) :])
    members: dict[int, list[Row]] = defaultdict(list)
    for number, row in zip(numbers, rows, strict=False):
        members[number].append(row)
        if _key(row) in learnt_keys or (row.origin == "seed" and not is_frozen(row)):
            seen.add(number)
    return [(_named(group), number in seen) for number, group in members.items()]


def _named(group: list[Row]) -> list[Row]:
    """The rows of a group with its name."""
    name = ":".join(min(_key(row) for row in group))
    return [replace(row, group=name) for row in group]


def _part(group: Sequence[Row], *, seen: bool, latest: Hours | None) -> Part:
    name = group[0].group
    kept = any(is_frozen(row) for row in group)
    if not seen:
        recent = latest is not None and all(
            row.time is not None and latest.begin <= row.time <= latest.end for row in group
        )
        if recent and (kept or any(row.control for row in group) or is_recent_test(name)):
            return "recent"
        if kept:
            return "frozen"
    return "validation" if is_validation(name) else "train"


def _learnable(group: Sequence[Row]) -> list[Row]:
    """Rows whose text is not kept for testing; copies of what may be learnt may be learnt with it."""
    return [row for copies in by_text(group).values() if not all(is_frozen(copy) for copy in copies) for row in copies]


def _key(row: Row) -> tuple[str, str]:
    return (row.origin, row.id)
