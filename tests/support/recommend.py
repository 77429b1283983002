"""Items, vectors and behaviors of readers who do not exist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from models.items.index import ItemIndex
from streams.contract.recommendations import Behavior, Item

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.contract.recommendations import BehaviorAction

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = NOON.timestamp()
HOUR = 3600.0
WIDTH = 16


def unit(*values: float, width: int = WIDTH) -> NDArray[np.float32]:
    """A unit vector that begins with these values."""
    vector = np.zeros(width, np.float32)
    vector[: len(values)] = values
    return vector / np.float32(np.linalg.norm(vector))


def noise(seed: int, near: NDArray[np.float32] | None = None, spread: float = 0.3) -> NDArray[np.float32]:
    """A unit vector drawn by a seed, near another where one is given."""
    drawn = np.random.default_rng(seed).standard_normal(WIDTH).astype(np.float32)
    return unit(*(drawn if near is None else near + spread * drawn / np.linalg.norm(drawn)))


def an_item(name: str, *, hours: float = 0.0, **changes: object) -> Item:
    """An item that appeared so many hours before noon."""
    fields = {"id": name, "text": f"What {name} tells", "time": NOON - timedelta(hours=hours), **changes}
    return Item(**fields)


def did(user: str, item: str, action: BehaviorAction = "click", *, hours: float = 0.0) -> Behavior:
    """A behavior so many hours after noon."""
    return Behavior(user=user, item=item, action=action, time=NOON + timedelta(hours=hours))


def shelf(*, subjects: int = 4, each: int = 12) -> ItemIndex:
    """An index of items ``0-0``, ``0-1`` and so on: those of one subject lie near to one another."""
    index = ItemIndex(WIDTH, 1000, 336.0)
    for subject in range(subjects):
        centre = np.eye(WIDTH, dtype=np.float32)[subject]
        for number in range(each):
            item = an_item(
                f"{subject}-{number}", hours=number, title=f"Story {subject}-{number}", topics=[f"t{subject}"]
            )
            index.put(item, noise(100 * subject + number, near=centre))
    return index
