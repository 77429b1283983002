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

WAITING = 3
"""How spans differ is learned after a day at least: what is learned, then what waits of yesterday and of today."""

_NUMBERS = ("last", "born", "until", "started", "resolved")
_TIMES = (*_NUMBERS, "rolled", "known")
_COUNTS = ("ring", "hours", "copies")
_SUMS = ("hourly", "daily", "squares", "exposure", "run")
# Not in a state of form 2, where they are zero.
_LATER_SUMS = ("foreseen", "slow_squares", "slow_exposure", "rung")


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
    foreseen: bytes = b""
    slow_squares: bytes = b""
    slow_exposure: bytes = b""
    rung: bytes = b""
    known: int | None = None
    """None in a state of form 2."""
    hours: list[int] = []
    copies: list[int] = []


class Store:
    """Rows of figures, found by the subject's key; freed rows are used again.

    Args:
        tracks: How many counts a window has (all messages; those of each sentiment that is watched).
        kinds: How many kinds of surge.
        scales: At how many lengths of window dispersion is measured.
        spans: Of how many lengths are the spans of hours.
        ring: How many windows are remembered one by one.
        hours: How many hours are remembered as a whole.
    """

    def __init__(self, *, tracks: int, kinds: int, scales: int, spans: int, ring: int, hours: int) -> None:
        self.row: dict[str, int] = {}
        self._free: list[int] = []
        self._forms: dict[str, tuple[tuple[int, ...], DTypeLike]] = {
            "last": ((), np.int64),
            "born": ((), np.int64),
            "until": ((), np.int64),
            "rolled": ((), np.int64),
            "known": ((), np.int64),
            "ring": ((tracks, ring), np.int32),
            "copies": ((tracks, ring), np.int32),
            "hours": ((tracks, hours), np.int32),
            "foreseen": ((kinds, hours + HOURS), np.float32),
            "hourly": ((tracks, HOURS), np.float32),
            "daily": ((tracks, WEEKDAYS), np.float32),
            "squares": ((tracks, scales), np.float32),
            "exposure": ((tracks,), np.float32),
            "slow_squares": ((kinds, spans, WAITING), np.float32),
            "slow_exposure": ((kinds, spans, WAITING), np.float32),
            "run": ((kinds,), np.float32),
            "rung": ((kinds,), np.float32),
            "started": ((kinds,), np.int64),
            "resolved": ((kinds,), np.int64),
            "expected": ((tracks, ring), np.float32),
            "doubt": ((tracks,), np.float32),
            "slow_doubt": ((kinds, spans), np.float32),
        }
        self.last: NDArray[np.int64]
        """[rows] Latest window with the subject in it."""
        self.born: NDArray[np.int64]
        """[rows] Hour in which the subject was first heard of."""
        self.known: NDArray[np.int64]
        """[rows] Hour since which the usual volume is known; NEVER before."""
        self.until: NDArray[np.int64]
        """[rows] First hour that is not learned yet; the sums below are as of its beginning."""
        self.rolled: NDArray[np.int64]
        """[rows] Hour for which ``expected`` and the doubts are made; they follow from the rest."""
        self.ring: NDArray[np.int32]
        """[rows, tracks, ring] Counts of the latest windows, at window mod ring."""
        self.copies: NDArray[np.int32]
        """[rows, tracks, ring] Copies that were left out of them."""
        self.hours: NDArray[np.int32]
        """[rows, tracks, hours] Counts of the latest hours, at hour mod hours; ``last`` lies in the latest."""
        self.foreseen: NDArray[np.float32]
        """[rows, kinds, hours + 24] What was expected of each of them, and of those of the day to come."""
        self.hourly: NDArray[np.float32]
        """[rows, tracks, 24] Forgotten counts by hour of the day."""
        self.daily: NDArray[np.float32]
        """[rows, tracks, 7] Forgotten counts by day of the week."""
        self.squares: NDArray[np.float32]
        """[rows, tracks, scales] Forgotten sums of squared deviations."""
        self.exposure: NDArray[np.float32]
        """[rows, tracks] Forgotten sum of what was expected while they were taken."""
        self.slow_squares: NDArray[np.float32]
        """[rows, kinds, spans, 3] The same as ``squares`` of spans of hours; then those of yesterday and of today."""
        self.slow_exposure: NDArray[np.float32]
        """[rows, kinds, spans, 3] And what was expected of these."""
        self.run: NDArray[np.float32]
        """[rows, kinds] Greatest score since scores rose; 0 while they are low."""
        self.rung: NDArray[np.float32]
        """[rows, kinds] Alerts so far, the earlier ones forgotten, as of the latest one's beginning."""
        self.started: NDArray[np.int64]
        """[rows, kinds] First window of the latest alert."""
        self.resolved: NDArray[np.int64]
        """[rows, kinds] Window at whose close the latest alert was over; before ``started`` while it fires."""
        self.expected: NDArray[np.float32]
        """[rows, tracks, ring] What the baseline lets expect in each window of the ring."""
        self.doubt: NDArray[np.float32]
        """[rows, tracks] Relative variance of ``expected``: how well the baseline is known."""
        self.slow_doubt: NDArray[np.float32]
        """[rows, kinds, spans] The same of what is expected of spans of hours."""
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
        ring, hours = (_flat(array[rows]).tolist() for array in (self.ring, self.hours))
        copies = [each if any(each) else [] for each in _flat(self.copies[rows]).tolist()]
        sums = [_packed(getattr(self, name)[rows]) for name in (*_SUMS, *_LATER_SUMS)]
        known = self.known[rows].tolist()
        return [Figures(*each) for each in zip(*numbers, ring, *sums, known, hours, copies, strict=True)]

    def load(self, key: str, figures: Figures) -> None:
        """The figures that ``dump`` gave.

        Raises:
            ValueError: They are of another form; nothing of them is taken in.
        """
        loaded: dict[str, NDArray[np.generic]] = {}
        for name in (*_NUMBERS, *_COUNTS, *_SUMS, *_LATER_SUMS):
            kept, (shape, dtype) = getattr(figures, name), self._forms[name]
            read = np.frombuffer(kept, "<f4") if isinstance(kept, bytes) else np.array(kept, dtype)
            loaded[name] = read.reshape(shape) if name in _NUMBERS or len(read) else np.zeros(shape, dtype)
        at = int(self.rows([key])[0])
        for name, array in loaded.items():
            getattr(self, name)[at] = array
        self.rolled[at] = NEVER
        # Of before that was told, who is not new is known.
        self.known[at] = self.until[at] if figures.known is None else figures.known


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
