"""Whether anything that is tested was learnt: looked for by other means than those that made the split.

The split's groups are found by hashing, which may miss a pair; here every pair of different parts that is at least
``THRESHOLD`` alike is found for certain, by prefix filtering: in one order of all shingles, two texts that are so
alike share a shingle of their first few (Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in
Data Cleaning", 2006; Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity Search", 2007).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from math import ceil
from typing import TYPE_CHECKING

from retrain.near_duplicates import jaccard, shingles
from retrain.sides import is_frozen
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from retrain.rows import Row
    from retrain.snapshot import Part

    _Side = tuple[str, Sequence[Row]]

THRESHOLD = 0.8
"""Higher than that of the groups: hashing misses no such pair, so that one found here is a fault and no bad luck."""

_LEARNT: tuple[Part, ...] = ("train", "validation")
_BEFORE = "what was learnt before"


class LeakageError(Exception):
    """Something lies in two parts of a data set; the message names the rows, and holds none of their text."""


def check(parts: Mapping[Part, Sequence[Row]], learnt: Sequence[Row]) -> None:
    """Look for whatever lies in two parts, and for what is learnt and must not be.

    Args:
        parts: Rows by part: train, validation, frozen and recent.
        learnt: What the champion's own data set had for training and validation.

    Raises:
        LeakageError: Two parts share a message, a group, a text or a near-duplicate; what is tested was learnt before;
            or what is kept for testing is learnt.
    """
    for part in _LEARNT:
        for row in parts[part]:
            if is_frozen(row):
                raise LeakageError(f"{_name(row)} is kept for testing by its hash, and lies in {part}")
    now: list[_Side] = list(parts.items())
    tested: list[_Side] = [(part, rows) for part, rows in parts.items() if part not in _LEARNT]
    for sides in (now, [*tested, (_BEFORE, learnt)]):
        _refuse_shared(sides, "the message", lambda row: (row.origin, row.id))
        _refuse_shared(sides, "the text", lambda row: text_fingerprint(row.text))
        for (side, row), (other_side, other) in _alike(sides):
            raise LeakageError(f"{_name(row)} in {side} is nearly the text of {_name(other)} in {other_side}")
    # Groups are named within one data set, and mean nothing in another.
    _refuse_shared(now, "the group", lambda row: row.group)


def _refuse_shared(sides: Sequence[_Side], what: str, key: Callable[[Row], Hashable]) -> None:
    first: dict[Hashable, tuple[str, Row]] = {}
    for part, rows in sides:
        for row in rows:
            other_part, other = first.setdefault(key(row), (part, row))
            if other_part != part:
                raise LeakageError(f"{what} of {_name(other)} in {other_part} is that of {_name(row)} in {part}")


def _alike(sides: Sequence[_Side]) -> Iterator[tuple[tuple[str, Row], tuple[str, Row]]]:
    """Each pair of rows of different parts that is at least ``THRESHOLD`` alike."""
    placed = [(part, row) for part, rows in sides for row in rows]
    sets = [shingles(row.text) for _, row in placed]
    frequency = Counter(shingle for shingle_set in sets for shingle in shingle_set)
    # The rarest first, so that few texts share one of their first.
    first_of: dict[str, list[int]] = defaultdict(list)
    for place, shingle_set in enumerate(sets):
        ordered = sorted(shingle_set, key=lambda shingle: (frequency[shingle], shingle))
        prefix = ordered[: len(ordered) - ceil(THRESHOLD * len(ordered)) + 1]
        for other in sorted({other for shingle in prefix for other in first_of[shingle]}):
            if placed[other][0] != placed[place][0] and jaccard(sets[other], shingle_set) >= THRESHOLD:
                yield placed[other], placed[place]
        for shingle in prefix:
            first_of[shingle].append(place)


def _name(row: Row) -> str:
    return f"{row.origin} {row.id!r}"
