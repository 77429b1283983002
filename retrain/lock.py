"""One training run at a time, over all processes of a machine.

The lock is the operating system's, on an open file, so that a process that dies holds none. Machines that share a
registry are kept apart by the registry itself: a promotion names the champion that it was judged against.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK = "lock"


class BusyError(Exception):
    """Another process holds the lock."""


@contextmanager
def sole_run(folder: Path) -> Iterator[None]:
    """Hold the lock of a model's retraining.

    Args:
        folder: Of the model's runs; made where it is missing.

    Raises:
        BusyError: Another process is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise BusyError(
            f"another training run is under way here ({folder}): `tocsin retrain history` shows it; try again later"
        ) from None
    try:
        yield
    finally:
        lock.release()
