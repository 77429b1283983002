"""Patience with a registry or brokers that are away: what was trained for hours is not lost to a restart of theirs."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING, TypeVar

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE_SECONDS = 5.0
# A disk does not become larger by waiting, and whoever may empty it is to be told at once.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

ResultT = TypeVar("ResultT")

_log = structlog.get_logger(__name__)


def patiently(
    act: Callable[[bool], ResultT], *, passes: Callable[[Exception], bool], at_most_seconds: float, what: str
) -> ResultT:
    """Do something again and again, until it succeeds, fails for good, or has taken too long.

    Args:
        act: Does it; told whether it was tried before, since what seemed to fail may have been done.
        passes: Whether an error is of something that may come back.
        at_most_seconds: How long it is tried.
        what: What waits meanwhile, for the log.

    Returns:
        What ``act`` does.

    Raises:
        Exception: That of ``act``, where it does not pass or has not passed in time.
    """
    deadline = time.monotonic() + at_most_seconds
    again = False
    while True:
        try:
            return act(again)
        except Exception as error:
            if not passes(error) or time.monotonic() >= deadline:
                raise
            _log.warning(f"{what} waits", problem=str(error), at_most_seconds=at_most_seconds)
        again = True
        time.sleep(_PAUSE_SECONDS)


def is_away(error: Exception) -> bool:
    """Whether an error of a registry may be that it is away, rather than that a disk is full or a right missing."""
    return isinstance(error, OSError) and not isinstance(error, PermissionError) and error.errno not in _FULL
