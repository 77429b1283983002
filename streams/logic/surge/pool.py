"""What all subjects of a partition have in common: the prior of each one's baseline.

Each subject weighs the same from one expected count an hour on, so that one loud topic does not speak for a thousand
names. What is learned in an hour takes effect with the next: so the outcome does not hang on who is learned first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from streams.logic.surge.calendar import HOURS, WEEKDAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.logic.surge.calendar import Calendar

# Weight, in subject-hours, of a flat rhythm and of Poisson counts, before there is a history.
_PRIOR = 2.0
# Weight of an even split among the three sentiments, in messages, and how many it takes until shares are judged by it.
_SHARE_PRIOR = 20.0
_SHARE_KNOWN = 200.0


class Pool:
    """Forgotten sums over subjects, and what follows from them.

    Args:
        calendar: Windows and hours.
        tracks: How many counts a window has; the first is of all messages.
        scales: At how many lengths of window dispersion is measured.
    """

    def __init__(self, calendar: Calendar, *, tracks: int, scales: int) -> None:
        self._calendar = calendar
        self._hour: int | None = None
        self._sums: dict[str, NDArray[np.float64]] = {
            "hourly": np.zeros((tracks, HOURS)),
            "hours": np.zeros((tracks, HOURS)),
            "daily": np.zeros((tracks, WEEKDAYS)),
            "days": np.zeros((tracks, WEEKDAYS)),
            "squares": np.zeros((tracks, scales)),
            "exposure": np.zeros(tracks),
            "counts": np.zeros(tracks),
            "lived": np.zeros(1),
            "messages": np.zeros(tracks),
        }
        self.hourly = np.ones((tracks, HOURS))
        """[tracks, 24] Pooled rhythm of the day."""
        self.daily = np.ones((tracks, WEEKDAYS))
        """[tracks, 7] Pooled rhythm of the week."""
        self.dispersion = np.ones((tracks, scales))
        """[tracks, scales] Pooled variance over mean."""
        self.level = np.ones(tracks)
        """[tracks] Mean count an hour of a subject."""

    def turn(self, hour: int) -> None:
        """Begin an hour: what was learned so far takes effect."""
        if hour == self._hour:
            return
        if self._hour is not None:
            keep = self._calendar.keep ** (hour - self._hour)
            for name in self._sums:
                self._sums[name] *= keep
        self._hour = hour
        sums = self._sums
        self.hourly = _profile(sums["hourly"], sums["hours"])
        self.daily = _profile(sums["daily"], sums["days"])
        self.dispersion = np.maximum(1.0, (sums["squares"] + _PRIOR) / (sums["exposure"][:, None] + _PRIOR))
        self.level = (sums["counts"] + 1.0) / (sums["lived"] + 1.0)

    @property
    def knows_shares(self) -> bool:
        """Whether enough messages are known to judge a share by ``shares``."""
        return bool(self._sums["messages"][0] >= _SHARE_KNOWN)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Pooled share of each track in all messages, [tracks]."""
        messages = self._sums["messages"]
        shares: NDArray[np.float64] = (messages + _SHARE_PRIOR / 3.0) / (messages[0] + _SHARE_PRIOR)
        return shares

    def count(self, counts: NDArray[np.int32]) -> None:
        """Messages of one window, [n, tracks], for the pooled shares."""
        self._sums["messages"] += counts.sum(axis=0)

    def learn(
        self,
        hour: NDArray[np.int64],
        level: NDArray[np.float64],
        learned: NDArray[np.float64],
        squares: NDArray[np.float64],
        expected: NDArray[np.float64],
        known: NDArray[np.bool_],
    ) -> None:
        """Take in one hour of each of some subjects.

        Args:
            hour: Which hour, [n].
            level: Counts an hour without rhythm, [n, tracks].
            learned: Counts, [n, tracks].
            squares: Squared deviations in an hour, [n, tracks, scales].
            expected: Expected counts, [n, tracks].
            known: Where the subject's own level is known, [n, tracks].
        """
        sums = self._sums
        weight = np.where(known, np.minimum(level, 1.0), 0.0)
        relative = weight / level * learned
        for name, lived, at in (
            ("hourly", "hours", hour % HOURS),
            ("daily", "days", self._calendar.weekday(hour)),
        ):
            np.add.at(sums[name].T, at, relative)
            np.add.at(sums[lived].T, at, weight)
        weight = np.where(known, np.minimum(expected, 1.0), 0.0)
        sums["squares"] += ((weight / expected)[:, :, None] * squares).sum(axis=0)
        sums["exposure"] += weight.sum(axis=0)
        sums["counts"] += learned.sum(axis=0)
        sums["lived"] += len(hour)

    def learn_silence(
        self,
        first: NDArray[np.int64],
        end: NDArray[np.int64],
        level: NDArray[np.float64],
        squares: NDArray[np.float64],
        known: NDArray[np.bool_],
    ) -> None:
        """Take in hours in which some subjects were not heard of.

        Args:
            first: First hour of the silence, [n].
            end: One past the last, [n].
            level: Counts an hour without rhythm, [n, tracks].
            squares: Squared deviations in a silent hour, [n, tracks, scales].
            known: Where the subject's own level is known, [n, tracks].
        """
        sums = self._sums
        hours, days = self._calendar.lived(first, end)
        weight = np.where(known, np.minimum(level, 1.0), 0.0)
        sums["hours"] += (weight[:, :, None] * hours[:, None]).sum(axis=0)
        sums["days"] += (weight[:, :, None] * days[:, None]).sum(axis=0)
        lived = hours.sum(axis=1)
        weight *= lived[:, None]
        sums["squares"] += ((weight / level)[:, :, None] * squares).sum(axis=0)
        sums["exposure"] += weight.sum(axis=0)
        sums["lived"] += lived.sum()

    def dump(self) -> bytes:
        """State, exactly."""
        arrays = [*self._sums.values(), self.hourly, self.daily, self.dispersion, self.level]
        return msgspec.msgpack.encode((self._hour, [array.tobytes() for array in arrays]))

    def load(self, state: bytes) -> None:
        """The state that ``dump`` gave."""
        hour, arrays = msgspec.msgpack.decode(state, type=tuple[int | None, list[bytes]])
        self._hour = hour
        targets = [*self._sums.values(), self.hourly, self.daily, self.dispersion, self.level]
        for target, array in zip(targets, arrays, strict=True):
            target[...] = np.frombuffer(array).reshape(target.shape)


def _profile(counts: NDArray[np.float64], lived: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors of a rhythm, [tracks, phases], shrunk to 1."""
    mean = (counts.sum(axis=1) + _PRIOR) / (lived.sum(axis=1) + _PRIOR)
    profile: NDArray[np.float64] = (counts / mean[:, None] + _PRIOR) / (lived + _PRIOR)
    return profile
