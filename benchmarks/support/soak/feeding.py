"""Messages from a process of its own, as long as they are asked for, and what it says of them at its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple, Self

from benchmarks.support.rooms import RoomError

if TYPE_CHECKING:
    from benchmarks.support.stream import Stream

_ROOM = "benchmarks.support.paced_producer"
_END_SECONDS = 60.0


class Fed(NamedTuple):
    """What the producer says."""

    messages: int
    messages_per_second: float
    latest_seconds: float


class Feeding:
    """Sends for so many seconds; ended early where it is left early. A context manager.

    Args:
        stream: Where to.
        rate: Mean messages a second.
        seconds: How long.
        first: Id of the first message.
        linger_ms: How long one may wait for others to be sent with: beyond a thousand a second, the producer would
            else be the bound.
    """

    def __init__(self, stream: Stream, rate: float, seconds: float, *, first: int = 0, linger_ms: int = 0) -> None:
        arguments = {"--rate": rate, "--seconds": seconds, "--first": first, "--linger-ms": linger_ms}
        self._popen = subprocess.Popen(
            [sys.executable, "-m", _ROOM, *(str(part) for pair in arguments.items() for part in pair)],
            env=os.environ | stream.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )

    @property
    def is_over(self) -> bool:
        """Whether all is sent."""
        return self._popen.poll() is not None

    def finish(self) -> Fed:
        """Wait for its end.

        Raises:
            RoomError: It failed, or does not end.
        """
        try:
            told, _ = self._popen.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RoomError(f"{_ROOM} does not end") from error
        if self._popen.returncode != 0:
            raise RoomError(f"{_ROOM} ended with {self._popen.returncode}; see above")
        return Fed(**json.loads(told))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()
