"""A steady feed from a process of its own, which goes on until it is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.support.rooms import RoomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.support.stream import Stream

_AT_MOST_SECONDS = 6 * 3600


class Feed:
    """The running process."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    def require(self) -> None:
        """Make sure that it goes on.

        Raises:
            RoomError: It has ended.
        """
        if self._popen.poll() is not None:
            raise RoomError(f"benchmarks.support.paced_producer ended with {self._popen.returncode}; see above")


@contextmanager
def steady_feed(stream: Stream, rate: float) -> Iterator[Feed]:
    """Send real messages to a stream's inputs at a mean rate, until left; what is in the topics then was sent."""
    command = ["--rate", str(rate), "--seconds", str(_AT_MOST_SECONDS)]
    popen = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.support.paced_producer", *command],
        env=os.environ | stream.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield Feed(popen)
    finally:
        popen.terminate()
        popen.wait()
