"""What all subjects of a partition have in common: the prior of each one's baseline.

Each subject weighs the same from one expected count an hour on, so that one loud topic does not speak for a thousand
names. What is learned in an hour takes effect with the next: so the outcome does not hang on who is learned first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from streams.logic.surge.calendar import HOURS, WEEKDAYS, WORKING_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.logic.surge.calendar import Calendar

# Weight, in subject-hours, of a flat rhythm and of a usual scatter, before there is a history; and this scatter.
_PRIOR = 2.0
_USUAL_SPREAD = 2.0
# Relative variance of a factor of the day, and of a working day after weekends alone, of which nothing is known yet.
_UNKNOWN_HOUR, _UNKNOWN_DAY = 0.8, 0.15
# Who was here before that was told has seen each hour of the day so many times, at the most.
_SEEN_BEFORE = 7.0
# Of copied stories: weight, in copies, of there being no rewritten ones; and the most that is believed for each copy.
_COPIES_PRIOR = 50.0
_MOST_REWRITTEN = 0.5
# Weight of an even split among the three sentiments, in messages, and how many it takes until shares are judged by it.
_SHARE_PRIOR = 20.0
_SHARE_KNOWN = 200.0


class Pool:
    """Forgotten sums over subjects, and what follows from them.

    Args:
        calendar: Windows and hours.
        tracks: How many counts a window has; the first is of all messages.
        scales: At how many lengths of window dispersion is measured.
        kinds: How many kinds of surge.
        spans: At how many lengths of hours it is measured too.
    """

    def __init__(self, calendar: Calendar, *, tracks: int, kinds: int, scales: int, spans: int) -> None:
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
        # Not in a state of form 2.
        self._later: dict[str, NDArray[np.float64]] = {
            "slow_squares": np.zeros((kinds, spans)),
            "slow_exposure": np.zeros((kinds, spans)),
            "slow_counts": np.zeros((kinds, spans)),
            "seen_hours": np.zeros(HOURS),
            "seen_days": np.zeros(WEEKDAYS),
            "rewritten": np.zeros(1),
            "copied": np.zeros(1),
        }
        self.hourly = np.ones((tracks, HOURS))
        """[tracks, 24] Pooled rhythm of the day."""
        self.daily = np.ones((tracks, WEEKDAYS))
        """[tracks, 7] Pooled rhythm of the week."""
        self.dispersion = np.ones((tracks, scales))
        """[tracks, scales] Pooled variance over mean."""
        self.level = np.ones(tracks)
        """[tracks] Mean count an hour of a subject."""
        self.slow_dispersion = np.ones((kinds, spans))
        """[kinds, spans] Pooled variance over mean of spans of hours."""
        self.slow_expected = np.ones((kinds, spans))
        """[kinds, spans] Mean expected count of those spans."""
        self.rewritten = np.zeros(1)
        """Rewritten copies of a story, which pass for texts of their own, for each copy that was left out."""
        self.unknown_hours = np.full(HOURS, _UNKNOWN_HOUR)
        """[24] Relative variance of the pooled rhythm of the day, of which a first day tells little."""
        self.unknown_days = np.full(WEEKDAYS, _UNKNOWN_DAY)
        """[7] Relative variance of the pooled rhythm of the week, as far as a day can have more than known ones."""

    def turn(self, hour: int) -> None:
        """Begin an hour: what was learned so far takes effect."""
        if hour == self._hour:
            return
        if self._hour is not None:
            keep = self._calendar.keep ** (hour - self._hour)
            for sums in (self._sums, self._later):
                for name in sums:
                    sums[name] *= keep
            passed = np.arange(max(self._hour, hour - HOURS), hour)
            self._later["seen_hours"][passed % HOURS] += 1.0
            np.add.at(self._later["seen_days"], self._calendar.weekday(passed), 1.0 / HOURS)
        self._hour = hour
        self._take_effect()

    def _take_effect(self) -> None:
        sums = self._sums
        self.hourly = _profile(sums["hourly"], sums["hours"])
        self.daily = _profile(sums["daily"], sums["days"])
        self.dispersion = _spread(sums["squares"], sums["exposure"][:, None])
        self.level = (sums["counts"] + 1.0) / (sums["lived"] + 1.0)
        self._later_take_effect()

    def _later_take_effect(self) -> None:
        later = self._later
        self.slow_dispersion = _spread(later["slow_squares"], later["slow_exposure"])
        self.slow_expected = (later["slow_counts"] + _PRIOR) / (later["slow_exposure"] + _PRIOR)
        self.rewritten = np.clip(later["rewritten"] / (later["copied"] + _COPIES_PRIOR), 0.0, _MOST_REWRITTEN)
        self.unknown_hours = _UNKNOWN_HOUR / (1.0 + later["seen_hours"]) ** 2.5
        # Weekends are calmer: after working days alone they hold no surprise of the kind that rings.
        seen = np.full(WEEKDAYS, later["seen_days"].sum())
        seen[:WORKING_DAYS] = later["seen_days"][:WORKING_DAYS].sum()
        self.unknown_days = _UNKNOWN_DAY / (1.0 + seen) ** 2

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
        trust: NDArray[np.float64],
    ) -> None:
        """Take in one hour of each of some subjects.

        Args:
            hour: Which hour, [n].
            level: Counts an hour without rhythm, [n, tracks].
            learned: Counts, [n, tracks].
            squares: Squared deviations in an hour, [n, tracks, scales].
            expected: Expected counts, [n, tracks].
            known: Where the subject's own level is known, [n, tracks].
            trust: How much of the deviations is scatter, and not doubt about the baseline, [n, tracks].
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
        weight = np.where(known, np.minimum(expected, 1.0) * trust, 0.0)
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

    def learn_spans(self, squares: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
        """Take in the spans of hours, of each length, that ended within a day, of some subjects.

        Args:
            squares: Sums of squared deviations, [n, kinds, spans].
            expected: Sums of expected counts, [n, kinds, spans]; 0 where the subject was not known as long.
        """
        weight = np.minimum(expected, HOURS)
        self._later["slow_squares"] += (weight / np.maximum(expected, 1e-9) * squares).sum(axis=0)
        self._later["slow_exposure"] += weight.sum(axis=0)
        self._later["slow_counts"] += (weight * expected / HOURS).sum(axis=0)

    def learn_stories(self, copies: NDArray[np.float64], more: NDArray[np.float64], noise: NDArray[np.float64]) -> None:
        """Take in how many more messages than usual there were in hours with copies.

        Args:
            copies: Copies that were left out, [n].
            more: Messages beyond the usual ones, [n].
            noise: Their variance by chance, [n].
        """
        most = _MOST_REWRITTEN * copies
        weight = copies / (noise + copies + 1e-9)
        self._later["rewritten"] += (weight * np.clip(more, -most, most)).sum()
        self._later["copied"] += (weight * copies).sum()

    def dump(self) -> bytes:
        """State, exactly."""
        return msgspec.msgpack.encode((self._hour, [array.tobytes() for array in self._arrays()]))

    def load(self, state: bytes) -> None:
        """The state that ``dump`` gave; one of form 2 has fewer arrays, and how long was lived follows from others."""
        hour, arrays = msgspec.msgpack.decode(state, type=tuple[int | None, list[bytes]])
        pairs = list(zip(self._arrays(), arrays, strict=False))
        # All before the first is written: what is of another form must leave nothing behind.
        read = [np.frombuffer(array).reshape(target.shape) for target, array in pairs]
        self._hour = hour
        for (target, _), array in zip(pairs, read, strict=True):
            target[...] = array
        if len(arrays) < len(self._arrays()):
            self._later["seen_hours"] += np.minimum(self._sums["hours"][0], _SEEN_BEFORE)
            self._later["seen_days"] += np.minimum(self._sums["days"][0] / HOURS, _SEEN_BEFORE)
            self._later_take_effect()

    def _arrays(self) -> list[NDArray[np.float64]]:
        shown = [self.hourly, self.daily, self.dispersion, self.level]
        shown_later = [self.slow_dispersion, self.slow_expected, self.rewritten, self.unknown_hours, self.unknown_days]
        return [*self._sums.values(), *shown, *self._later.values(), *shown_later]


def _spread(squares: NDArray[np.float64], exposure: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance over mean, shrunk to the usual one."""
    return np.maximum(1.0, (squares + _PRIOR * _USUAL_SPREAD) / (exposure + _PRIOR))


def _profile(counts: NDArray[np.float64], lived: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors of a rhythm, [tracks, phases], shrunk to 1."""
    mean = (counts.sum(axis=1) + _PRIOR) / (lived.sum(axis=1) + _PRIOR)
    profile: NDArray[np.float64] = (counts / mean[:, None] + _PRIOR) / (lived + _PRIOR)
    return profile
