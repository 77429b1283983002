"""Windows and hours of event time, and how much of each hour of the day a forgetful memory has lived through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOURS = 24
WEEKDAYS = 7
WORKING_DAYS = 5
HOUR_SECONDS = 3600
WEEK_SECONDS = 604_800
_HOURS_A_WEEK = HOURS * WEEKDAYS
# 1 January 1970 was a Thursday; weekday 0 is Monday.
_EPOCH_WEEKDAY = 3


@dataclass(frozen=True, slots=True)
class Season:
    """Where the windows of some hours stand in the rhythm of the day and of the week.

    The factor of an hour is that at its middle; between two middles it is interpolated, since a daily rhythm does not
    jump at the full hour.
    """

    before: NDArray[np.intp]
    """[windows] Hour of the day whose middle is the last one before the window's middle."""
    after: NDArray[np.intp]
    """[windows] The hour after it."""
    weight: NDArray[np.float64]
    """[windows] Weight of ``after``."""
    weekday: NDArray[np.intp]
    """[windows] 0 is Monday."""


class Calendar:
    """Event time in windows and hours (UTC), with exponential forgetting.

    Args:
        window_seconds: Length of a window; it divides an hour, so that each window lies in one hour of the day.
        half_life_hours: After so many hours what was learned has half its weight.

    Raises:
        ValueError: The length does not divide an hour; the message names the setting.
    """

    def __init__(self, window_seconds: int, half_life_hours: float) -> None:
        if HOUR_SECONDS % window_seconds:
            raise ValueError(
                f"surge.window_seconds is {window_seconds}, which does not divide an hour: take 60, 300, 600 or 900"
            )
        self.window_seconds = window_seconds
        self.windows_an_hour = HOUR_SECONDS // window_seconds
        self.windows_a_week = WEEK_SECONDS // window_seconds
        self.keep = 0.5 ** (1.0 / half_life_hours)
        ago = np.arange(_HOURS_A_WEEK)
        weight = self.keep**ago / (1.0 - self.keep**_HOURS_A_WEEK)
        self._lived_hours = np.zeros((_HOURS_A_WEEK, HOURS))
        self._lived_weekdays = np.zeros((_HOURS_A_WEEK, WEEKDAYS))
        for phase in range(_HOURS_A_WEEK):
            np.add.at(self._lived_hours[phase], (phase - ago) % HOURS, weight)
            np.add.at(self._lived_weekdays[phase], (((phase - ago) // HOURS) + _EPOCH_WEEKDAY) % WEEKDAYS, weight)

    def hour(self, bucket: int) -> int:
        """The hour since the epoch in which a window lies."""
        return bucket // self.windows_an_hour

    def weekday(self, hour: NDArray[np.int64]) -> NDArray[np.int64]:
        """Days of the week of hours since the epoch; 0 is Monday."""
        return (hour // HOURS + _EPOCH_WEEKDAY) % WEEKDAYS

    def lived(
        self, first: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Forgotten time lived in each hour of the day, and on each day of the week.

        The weight of an hour ``h`` is ``keep ** (end - 1 - h)``. In closed form: what an endless past weighs at the
        end, less what of it lies before the beginning.

        Args:
            first: First hour lived, [n].
            end: One past the last, [n].

        Returns:
            Hours, float64 [n, 24] and [n, 7].
        """
        faded = (self.keep ** (end - first))[:, None]
        now, then = (end - 1) % _HOURS_A_WEEK, (first - 1) % _HOURS_A_WEEK
        return (
            self._lived_hours[now] - faded * self._lived_hours[then],
            self._lived_weekdays[now] - faded * self._lived_weekdays[then],
        )

    def season(self, first_hour: int, hours: int) -> Season:
        """The rhythm's indices for every window of some hours in a row."""
        each = self.windows_an_hour
        bucket = np.arange(first_hour * each, (first_hour + hours) * each)
        middle = (bucket + 0.5) / each - 0.5
        before = np.floor(middle).astype(np.int64)
        return Season(
            before=before % HOURS,
            after=(before + 1) % HOURS,
            weight=middle - before,
            weekday=(bucket // each // HOURS + _EPOCH_WEEKDAY) % WEEKDAYS,
        )
