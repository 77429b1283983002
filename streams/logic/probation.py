"""Whether a version that was just taken up does worse than the one before it. Pure: knows neither model nor clock.

Two things are watched. Errors: messages that the new version cannot read and the one before can, so that what no model
could read is held against neither. Time: seconds for a batch, against what the one before took for batches of like
size, since a batch of one and a batch of a hundred cannot be compared; the median over all batches, so that a pause of
the machine is no verdict.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.model_settings import SwapSettings

Outcome = Literal["watched", "kept", "refused"]

_KEPT_BATCHES = 256
_FEWEST_OF_A_SIZE = 10
_FEWEST_BATCHES = 30
_FEWEST_SECONDS = 5.0
# An error share of fewer messages than this is taken as if there were so many: one error in ten messages is no 10 %.
_FEWEST_MESSAGES = 100


class Pace:
    """How long a version takes for batches of each size: sizes between two powers of two are alike."""

    def __init__(self) -> None:
        self._seconds: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT_BATCHES))

    def observe(self, messages: int, seconds: float) -> None:
        """Take a batch in."""
        if messages:
            self._seconds[messages.bit_length()].append(seconds / messages)

    def usual(self) -> dict[int, float]:
        """Median seconds a message for each size (as its bit length) of which there were enough batches."""
        return {size: median(seconds) for size, seconds in self._seconds.items() if len(seconds) >= _FEWEST_OF_A_SIZE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of the new version by now."""

    outcome: Outcome
    reason: str
    """Why it is refused; empty otherwise."""
    figures: dict[str, float]


class Probation:
    """The watch over one version, from the moment at which it serves.

    Args:
        settings: How long it is watched, and what is too much.
        usual: Of the version before, from ``Pace.usual``; where it is empty, time is not judged.
        now: When it began, in seconds of any clock that ``judge`` is told too.
    """

    def __init__(self, settings: SwapSettings, usual: Mapping[int, float], now: float) -> None:
        self._settings = settings
        self._usual = usual
        self._began = now
        self._messages = 0
        self._errors = 0
        self._ratios: list[float] = []

    def observe(self, messages: int, seconds: float, errors: int) -> None:
        """Take a batch of the new version in.

        Args:
            messages: Messages in it.
            seconds: Time that reading took.
            errors: Messages among them that the new version could not read, and the one before could.
        """
        self._messages += messages
        self._errors += errors
        usual = self._usual.get(messages.bit_length())
        # What was read twice took longer, and is an error already.
        if usual and messages and not errors:
            self._ratios.append(seconds / messages / usual)

    def judge(self, now: float) -> Verdict:
        """What is thought of it at this moment; once it is kept or refused it need not be asked again."""
        rules = self._settings
        figures = {"messages": float(self._messages), "errors": float(self._errors)}
        if self._errors > rules.max_error_share * max(self._messages, _FEWEST_MESSAGES):
            reason = (
                f"{self._errors} of {self._messages} messages could not be read by it, and could be by the version "
                f"before; at most {rules.max_error_share:.1%} may (swap.max_error_share)"
            )
            return Verdict("refused", reason, figures)
        lasted = now - self._began
        is_over = lasted >= rules.watch_seconds
        if len(self._ratios) >= _FEWEST_BATCHES and (is_over or lasted >= _FEWEST_SECONDS):
            slowdown = median(self._ratios)
            figures |= {"slowdown": slowdown, "batches": float(len(self._ratios))}
            if slowdown > rules.max_slowdown:
                reason = (
                    f"it takes {slowdown:.2f} times as long as the version before for batches of like size (median of "
                    f"{len(self._ratios)} batches); at most {rules.max_slowdown:g} times may be (swap.max_slowdown)"
                )
                return Verdict("refused", reason, figures)
        return Verdict("kept" if is_over else "watched", "", figures)
