"""Waiting for what must come; what does not come in time has the trial fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TrialError(Exception):
    """A trial came to no end: what was waited for did not come about."""


def wait_for(ask: Callable[[], T], seconds: float, what: str, *, every: float = 0.1) -> T:
    """Ask until the answer is true, and return it.

    Args:
        ask: The question.
        seconds: Longest wait.
        what: What is waited for, for the message; begins with "for".
        every: Seconds between two questions.

    Raises:
        TrialError: The time is over.
    """
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise TrialError(f"waited {seconds:g} s in vain {what}")
        time.sleep(every)
    return answer
