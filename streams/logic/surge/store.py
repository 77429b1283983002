"""The subjects' figures as arrays: one row a subject, so that one window of all subjects is closed in a few steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import msgspec
import numpy as np

from streams.logic.surge.calendar import HOURS, WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

_Number = TypeVar("_Number", np.float32, np.int32)

_FIRST_ROWS = 64
NEVER = -(1 << 40)
"""Before all windows."""

_NUMBERS = ("last", "born", "until", "started", "resolved")
_TIMES = (*_NUMBERS, "rolled")
_SUMS = ("hourly", "daily", "squares", "exposure", "run")


class Figures(msgspec.Struct, array_like=True):
    """One subject's row, as it is kept; its parts are told of in ``Store``."""

    last: int
    born: int
    until: int
    started: list[int]
    resolved: list[int]
    ring: list[int]
    hourly: bytes
    daily: bytes
    squares: bytes
    exposure: bytes
    run: bytes


class Store:
    """Rows of figures, found by the subject's key; freed rows are used again.

    Args:
        tracks: How many counts a window has (all messages; those of each sentiment that is watched).
        kinds: How many kinds of surge.
        scales: At how many lengths of window dispersion is measured.
        ring: How many windows are remembered one by one.
    """

    def __init__(self, *, tracks: int, kinds: int, scales: int, ring: int) -> None:
        self.row: dict[str, int] = {}
        self._free: list[int] = []
        self._forms: dict[str, tuple[tuple[int, ...], DTypeLike]] = {
            "last": ((), np.int64),
            "born": ((), np.int64),
            "until": ((), np.int64),
            "rolled": ((), np.int64),
            "ring": ((tracks, ring), np.int32),
            "hourly": ((tracks, HOURS), np.float32),
            "daily": ((tracks, WEEKDAYS), np.float32),
            "squares": ((tracks, scales), np.float32),
            "exposure": ((tracks,), np.float32),
            "run": ((kinds,), np.float32),
            "started": ((kinds,), np.int64),
            "resolved": ((kinds,), np.int64),
            "expected": ((tracks, ring), np.float32),
            "doubt": ((tracks,), np.float32),
        }
        self.last: NDArray[np.int64]
        """[rows] Latest window with the subject in it."""
        self.born: NDArray[np.int64]
        """[rows] Hour in which the subject was first heard of."""
        self.until: NDArray[np.int64]
        """[rows] First hour that is not learned yet; the sums below are as of its beginning."""
        self.rolled: NDArray[np.int64]
        """[rows] Hour for which ``expected`` and ``doubt`` are made; they follow from the rest."""
        self.ring: NDArray[np.int32]
        """[rows, tracks, ring] Counts of the latest windows, at window mod ring."""
        self.hourly: NDArray[np.float32]
        """[rows, tracks, 24] Forgotten counts by hour of the day."""
        self.daily: NDArray[np.float32]
        """[rows, tracks, 7] Forgotten counts by day of the week."""
        self.squares: NDArray[np.float32]
        """[rows, tracks, scales] Forgotten sums of squared deviations."""
        self.exposure: NDArray[np.float32]
        """[rows, tracks] Forgotten sum of what was expected while they were taken."""
        self.run: NDArray[np.float32]
        """[rows, kinds] Greatest score since scores rose; 0 while they are low."""
        self.started: NDArray[np.int64]
        """[rows, kinds] First window of the latest alert."""
        self.resolved: NDArray[np.int64]
        """[rows, kinds] Window at whose close the latest alert was over; before ``started`` while it fires."""
        self.expected: NDArray[np.float32]
        """[rows, tracks, ring] What the baseline lets expect in each window of the ring."""
        self.doubt: NDArray[np.float32]
        """[rows, tracks] Relative variance of ``expected``: how well the baseline is known."""
        for name, (shape, dtype) in self._forms.items():
            setattr(self, name, np.zeros((_FIRST_ROWS, *shape), dtype))

    def __len__(self) -> int:
        return len(self.row)

    def rows(self, keys: Sequence[str]) -> NDArray[np.intp]:
        """Rows of subjects, in order; a new subject is given one, with ``last`` = NEVER."""
        row = self.row
        found = [row.get(key, -1) for key in keys]
        if -1 in found:
            found = [self._add(key) if at < 0 else at for key, at in zip(keys, found, strict=True)]
        return np.array(found, np.intp)

    def reset(self, rows: NDArray[np.intp]) -> None:
        """Make these rows those of new subjects."""
        for name in self._forms:
            getattr(self, name)[rows] = NEVER if name in _TIMES else 0

    def remove(self, key: str) -> None:
        """Forget a subject."""
        self._free.append(self.row.pop(key))

    def _add(self, key: str) -> int:
        at = self._free.pop() if self._free else len(self.row)
        if at >= len(self.last):
            self._grow()
        self.reset(np.array([at], np.intp))
        self.row[key] = at
        return at

    def _grow(self) -> None:
        for name in self._forms:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))

    def dump(self, keys: Sequence[str]) -> list[Figures]:
        """Subjects' figures, exactly; what follows from the others is left out."""
        rows = np.array([self.row[key] for key in keys], np.intp)
        numbers = [getattr(self, name)[rows].tolist() for name in _NUMBERS]
        ring = _flat(self.ring[rows]).tolist()
        sums = [_packed(getattr(self, name)[rows]) for name in _SUMS]
        return [Figures(*each) for each in zip(*numbers, ring, *sums, strict=True)]

    def load(self, key: str, figures: Figures) -> None:
        """The figures that ``dump`` gave."""
        at = int(self.rows([key])[0])
        for name in _NUMBERS:
            getattr(self, name)[at] = getattr(figures, name)
        self.ring[at] = np.array(figures.ring, np.int32).reshape(self.ring.shape[1:])
        for name in _SUMS:
            array, packed = getattr(self, name), getattr(figures, name)
            array[at] = np.frombuffer(packed, "<f4").reshape(array.shape[1:]) if packed else 0.0
        self.rolled[at] = NEVER


def _packed(array: NDArray[np.float32]) -> list[bytes]:
    """Little-endian bytes of each row; none for a row of zeros, as a new or a small subject has."""
    flat = _flat(array)
    size = 4 * flat.shape[1]
    packed = flat.astype("<f4", copy=False).tobytes()
    some = np.any(flat, axis=1).tolist()
    return [packed[at * size : (at + 1) * size] if some[at] else b"" for at in range(len(array))]


def _flat(array: NDArray[_Number]) -> NDArray[_Number]:
    """One line for each row, even where there is no row."""
    return array.reshape(len(array), math.prod(array.shape[1:]))
