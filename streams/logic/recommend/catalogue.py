"""What recommending asks of the items; ``models.items.index`` answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from streams.contract.recommendations import Item


class Catalogue(Protocol):
    """The live items. Times are seconds since 1970; vectors are unit vectors, float32."""

    def item(self, item: str, /) -> Item | None:
        """One item, where it is live."""

    def is_live(self, item: str, now: float, /) -> bool:
        """Whether an item can be recommended."""

    def vector(self, item: str, /) -> NDArray[np.float32] | None:
        """Its vector, [width]."""

    def take(self, ids: Iterable[str], now: float, /) -> tuple[Sequence[Item], NDArray[np.float32]]:
        """Those of some items that are live, with their vectors, [items, width]."""

    def search(self, vectors: NDArray[np.float32], limit: int, now: float, /) -> list[str]:
        """Ids of the live items nearest to any of some vectors, [count, width]."""

    def newest(self, limit: int, now: float, /) -> list[str]:
        """Ids of the live items that appeared last."""
