"""Stopping a command that runs until it is told: Ctrl-C or SIGTERM ends it between two records, not in one."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

T = TypeVar("T")

INTERRUPTED = 130
"""Exit code of a command that was stopped before its end, as shells have it."""


class Stop:
    """Whether somebody asked to stop.

    A signal only sets ``requested``, except inside ``wait_for``, where the process waits for something that may never
    come and the wait is broken off; a second signal breaks off anything.
    """

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False

    @contextmanager
    def on_signals(self, *, hangup: bool = False) -> Iterator[Stop]:
        """Listen for SIGINT and SIGTERM, and give the handlers back at the end.

        Args:
            hangup: Listen for SIGHUP too, unless it is ignored, as under nohup.
        """
        numbers = [signal.SIGINT, signal.SIGTERM]
        if hangup and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._handle) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait_for(self, wait: Callable[[], T]) -> T | None:
        """Result of something that may take for ever, or None if somebody asked to stop, before or meanwhile."""
        self._interruptible = True
        try:
            return None if self.requested else wait()
        except KeyboardInterrupt:
            return None
        finally:
            self._interruptible = False

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if self._interruptible or again:
            raise KeyboardInterrupt
