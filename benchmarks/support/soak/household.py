"""The processes of a long run: on which cores they are, and that none is left behind when it ends, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PR_SET_CHILD_SUBREAPER = 36
_END_SECONDS = 10.0


class StoppedError(BaseException):
    """SIGTERM or Ctrl-C came; like ``KeyboardInterrupt``, it is nothing that anybody recovers from by the way."""


def pin(cores: Sequence[int]) -> None:
    """Keep this process, and all that it starts from now on, to these cores.

    Raises:
        ValueError: This system cannot do so, or has no such core.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise ValueError("--cores: this system keeps no process to a core")
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        usable = sorted(os.sched_getaffinity(0))
        raise ValueError(f"--cores {','.join(map(str, cores))}: {error.strerror}; there are {usable}") from error


@contextmanager
def household() -> Iterator[None]:
    """Whatever was started inside is ended when it is left; SIGTERM and Ctrl-C leave it.

    Raises:
        StoppedError: One of these signals came.
    """
    _adopt_orphans()
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        # A second Ctrl-C would leave behind what the first was ending.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        _end_all()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _: object) -> NoReturn:
    for further in (signal.SIGTERM, signal.SIGINT):
        signal.signal(further, signal.SIG_IGN)
    raise StoppedError(signal.Signals(number).name)


def _adopt_orphans() -> None:
    """Have what a killed worker had started become a child of ours (Linux: prctl(2), PR_SET_CHILD_SUBREAPER)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _end_all() -> None:
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=_END_SECONDS)
