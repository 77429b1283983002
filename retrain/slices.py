"""Kinds, sources and topics of rows: a model that is better on the whole may have become worse at one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.rows import Row

MIN_SLICE = 100
"""Rows below which a slice is not looked at: chance alone would make its figures jump."""


def slices_of(rows: Sequence[Row]) -> dict[str, NDArray[np.bool_]]:
    """Rows of each slice that is large enough, by a name such as ``source=Example News``, bool [rows]."""
    members: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        for name in _names(row):
            members.setdefault(name, []).append(place)
    slices = {}
    for name, places in sorted(members.items()):
        if len(places) >= MIN_SLICE:
            slices[name] = np.zeros(len(rows), np.bool_)
            slices[name][places] = True
    return slices


def _names(row: Row) -> list[str]:
    names = [f"kind={row.kind}", *(f"topic={topic}" for topic in row.topics or ())]
    return [*names, f"source={row.source}"] if row.source else names
