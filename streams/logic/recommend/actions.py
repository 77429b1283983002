"""What an action says: how much it weighs, and how much of a view was a look."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.contract.recommendations import BehaviorAction

WEIGHTS: dict[BehaviorAction, float] = {
    "view": 0.5,
    "click": 1.0,
    "comment": 2.0,
    "share": 2.0,
    "purchase": 3.0,
    "dismiss": -1.0,
}
"""By judgement: what costs a reader more says more. Below 0 is a word against the item."""

_WHOLE_VIEW = 60.0
_SHORTEST = 0.1


def weight_of(action: BehaviorAction, seconds: float | None = None) -> float:
    """How much an action counts; a view by its length where that is told, as much as a click after a minute."""
    if action == "view" and seconds is not None:
        return max(_SHORTEST, min(1.0, seconds / _WHOLE_VIEW)) * WEIGHTS["click"]
    return WEIGHTS[action]
