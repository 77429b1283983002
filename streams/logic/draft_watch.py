"""Whether a generator that was just taken up does worse than the one before it. Pure: knows neither model nor clock.

Drafts are few and slow beside readings, so that a handful has to do. Failures: batches that ended in an error, where
the version before had none of late. Time: seconds a token, against batches of as many texts of the version before.
"""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.contract.model_settings import SwapSettings

_KEPT = 64
_FEWEST_OF_A_SIZE = 3
_FEWEST_BATCHES = 5
# One may be the machine's.
_FAILURES = 2


class Drafted(NamedTuple):
    """A batch that was written."""

    texts: int
    tokens: int
    """Of all texts."""
    seconds: float
    failed: bool = False


class DraftPace:
    """How long a token takes a version, by the number of texts that are written together."""

    def __init__(self) -> None:
        self._seconds: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def observe(self, drafted: Drafted) -> None:
        """Take a batch in."""
        if drafted.tokens and not drafted.failed:
            self._seconds[drafted.texts].append(drafted.seconds / drafted.tokens)

    def usual(self) -> dict[int, float]:
        """Median seconds a token for each number of texts of which there were enough batches."""
        return {texts: median(found) for texts, found in self._seconds.items() if len(found) >= _FEWEST_OF_A_SIZE}


class DraftWatch:
    """The watch over one version, from the moment at which it writes.

    Args:
        settings: How long it is watched, and how much slower it may be.
        usual: Of the version before, from ``DraftPace.usual``; where it is empty, time is not judged.
        now: When it began, in seconds of any clock that ``is_over`` is told too.
    """

    def __init__(self, settings: SwapSettings, usual: Mapping[int, float], now: float) -> None:
        self._settings = settings
        self._usual = usual
        self._began = now
        self._batches = 0
        self._failures = 0
        self._ratios: list[float] = []

    def observe(self, drafted: Drafted) -> str | None:
        """Take a batch in; why the version is to be given up, or None."""
        self._batches += 1
        self._failures += drafted.failed
        if self._failures >= _FAILURES:
            return f"{self._failures} of {self._batches} batches of drafts failed"
        usual = self._usual.get(drafted.texts)
        if usual and drafted.tokens and not drafted.failed:
            self._ratios.append(drafted.seconds / drafted.tokens / usual)
        if len(self._ratios) >= _FEWEST_BATCHES and median(self._ratios) > self._settings.max_slowdown:
            return (
                f"it takes {median(self._ratios):.2f} times as long for a token as the version before (median of "
                f"{len(self._ratios)} batches); at most {self._settings.max_slowdown:g} times may be "
                "(swap.max_slowdown)"
            )
        return None

    def is_over(self, now: float) -> bool:
        """Whether it has been watched for long enough, and has written something."""
        return now - self._began >= self._settings.watch_seconds and self._batches >= _FEWEST_BATCHES
