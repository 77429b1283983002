"""On which side of a split something falls, by a hash of its name: today, next year, and on every machine."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from streams.contract.examples import kept_for_testing

if TYPE_CHECKING:
    from retrain.rows import Row

_VALIDATION_OF = 8
_RECENT_OF = 2


def is_frozen(row: Row) -> bool:
    """Whether a row is kept for testing: a fifth; of seed examples, the very fifth that a first model holds out."""
    return kept_for_testing(row.id) if row.origin == "seed" else is_kept(row.id)


def is_kept(name: str) -> bool:
    """Whether what has a name, such as a message's id, is kept for testing: a fifth."""
    return kept_for_testing(_hash(name, b"frozen"))


def is_validation(group: str) -> bool:
    """Whether a group that may be learnt validates instead: an eighth."""
    return int(_hash(group, b"validation"), 16) % _VALIDATION_OF == 0


def is_recent_test(group: str) -> bool:
    """Whether a group of the latest hours, of which nothing else is known, is tested: a half."""
    return int(_hash(group, b"recent"), 16) % _RECENT_OF == 0


def _hash(name: str, purpose: bytes) -> str:
    # Each purpose has a hash function of its own, or what is frozen would tell what is validated.
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose).hexdigest()
