"""The real week of tweets to airlines, by the labels that people gave; and stationary traffic resampled from it.

It is read where it lies (see ``benchmarks.support.real_messages``). Hours are drawn anew from the real ones of the same
hour of day, all airlines together, so that what moves them together still does. American is left out of the resampling:
its collection begins on the sixth day. The headlines beside the tweets cannot serve: most have a day and no hour.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.support.real_messages import RealDataError, data_folder
from benchmarks.support.surge.traffic import HOUR, MONDAY, WINDOW_SECONDS, Traffic, join, log_uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TWEETS = Path("streams/airline_tweets/airline_tweets.csv")
_LATE_COLLECTION = "American"
# Whole hours. The collection begins in the evening of the 16th and is complete from about 16:00 UTC on the 17th; the
# known rises in negatives begin on the 21st, Pacific time.
_COMPLETE = datetime(2015, 2, 17, 16, tzinfo=UTC)
_FIRST_RISE = datetime(2015, 2, 21, 8, tzinfo=UTC)
_END = datetime(2015, 2, 24, 19, tzinfo=UTC)
# Of a replica beside the first, so that subjects differ in size.
_THINNING = (0.1, 1.0)


@dataclass(frozen=True, slots=True)
class RealWeek:
    """Every tweet of the week, counted."""

    airlines: tuple[str, ...]
    traffic: Traffic
    days: dict[str, dict[str, tuple[int, int]]]
    """Of each airline and local day (Pacific, as the data tells it): negatives, and all."""

    def hours(self, *, calm: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Whole hours of all airlines but the late one.

        Args:
            calm: Only those before the first known rise.

        Returns:
            Negatives and all messages, each ``[hours, 12, airlines]``, the first hour being at 16:00 UTC.
        """
        start, end = (
            int(moment.timestamp()) // WINDOW_SECONDS for moment in (_COMPLETE, _FIRST_RISE if calm else _END)
        )
        rows = slice(start - self.traffic.first, end - self.traffic.first)
        columns = [column for column, airline in enumerate(self.airlines) if airline != _LATE_COLLECTION]
        negative, volume = (
            counts[rows][:, columns].reshape(-1, HOUR, len(columns))
            for counts in (self.traffic.negative, self.traffic.volume)
        )
        return negative, volume


def load_week(folder: Path | None = None) -> RealWeek:
    """Count the real week.

    Args:
        folder: Of the data; ``data_folder()`` where absent.

    Raises:
        RealDataError: The file is not there.
    """
    path = (folder or data_folder()) / _TWEETS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            tweets = [
                (datetime.fromisoformat(row["created_at"]), row["airline"], row["sentiment"] == "negative")
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise RealDataError(f"{path}: {error.strerror}. See the MANIFEST of the data folder") from error
    airlines = tuple(sorted({airline for _, airline, _ in tweets}))
    windows = [int(time.timestamp()) // WINDOW_SECONDS for time, _, _ in tweets]
    first = min(windows)
    counts = np.zeros((2, max(windows) - first + 1, len(airlines)), dtype=np.int32)
    all_of, negatives_of = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for window, (time, airline, negative) in zip(windows, tweets, strict=True):
        counts[:, window - first, airlines.index(airline)] += (negative, True)
        all_of[airline, time.date().isoformat()] += 1
        negatives_of[airline, time.date().isoformat()] += negative
    days = sorted({day for _, day in all_of})
    return RealWeek(
        airlines,
        Traffic(tuple(f"entity/{airline.casefold()}" for airline in airlines), first, counts[0], counts[1]),
        {airline: {day: (negatives_of[airline, day], all_of[airline, day]) for day in days} for airline in airlines},
    )


def replayed(rng: np.random.Generator, windows: int, subjects: int, week: RealWeek, *, calm: bool) -> Traffic:
    """Stationary traffic of real hours.

    Replicas of the five airlines are drawn independently of one another; the first is as it was, each further one is
    thinned to a random part, the same for its five subjects.

    Args:
        rng: Source of randomness.
        windows: How many; a multiple of an hour's.
        subjects: How many.
        week: The real week.
        calm: From hours before the first known rise alone. From all hours, the surges themselves are drawn at random
            moments: a harsh test, since an hour's rate may be three times that of the next.
    """
    negative, volume = week.hours(calm=calm)
    hour_of_day = (np.arange(len(negative)) + _COMPLETE.hour) % 24
    drawn = windows // HOUR
    replicas = []
    for replica in range(-(-subjects // negative.shape[2])):
        chosen = np.empty(drawn, dtype=int)
        for hour in range(24):
            places = slice(hour, drawn, 24)
            chosen[places] = rng.choice(np.flatnonzero(hour_of_day == hour), len(chosen[places]))
        part = 1.0 if replica == 0 else float(log_uniform(rng, _THINNING, 1)[0])
        negatives = rng.binomial(negative[chosen].reshape(windows, -1), part).astype(np.int32)
        others = rng.binomial((volume - negative)[chosen].reshape(windows, -1), part).astype(np.int32)
        replicas.append(Traffic((), MONDAY, negatives, negatives + others))
    return join(replicas).of(slice(subjects))
