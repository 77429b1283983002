"""What the desk needs of retraining, which it does not import: given to it by the composition root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from msgspec import Struct

    from models.registry import Registry
    from streams.contract.labels import LabelRequest
    from streams.contract.model_records import ModelPointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Functions of the retraining side, bound to the settings where they need any."""

    in_turn: Callable[[Iterable[LabelRequest], Iterable[str]], Sequence[LabelRequest]]
    """Requests in the order in which people are asked, without those whose message ids are given."""
    agreements: Callable[[], Sequence[Struct]] | None
    """How far labellers agree on each head, read from the topic now; None where its packages are not installed."""
    decision: Callable[[Registry, str, int], Struct | None]
    """The gate's decision on a version."""
    promote: Callable[[int, str, str, int | None], ModelPointer]
    """Try a version, make it the champion and tell the workers: version, by, reason, champion expected until now."""
    roll_back: Callable[[str, str, int | None], ModelPointer]
    """Make the previous version the champion again: by, reason, champion expected until now."""
