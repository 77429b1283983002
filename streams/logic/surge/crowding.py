"""Who goes where subjects are too many: invented names must not cost a desk what it knows of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from streams.logic.surge.subject import Subject

_TOPIC = "topic/"
# So many go at once, as a share of all, that who is to go need not be asked for each newcomer.
_AT_ONCE = 8
_HOURS_A_DAY = 24


def is_let_in(key: str, watched: Collection[str]) -> bool:
    """Whether a subject is counted however many there are: a domain has few topics, and people write the watchlist."""
    return key.startswith(_TOPIC) or key in watched


def to_go(
    subjects: Mapping[str, Subject],
    *,
    born: Callable[[str], int | None],
    firing: Collection[str],
    watched: Collection[str],
    bucket: int,
    windows_a_day: int,
    most: int,
) -> list[str]:
    """The subjects to be forgotten for others: the youngest first, and of these the longest silent.

    Who has been known for a day, and was heard of within a day, stays: a flood of invented names, each heard once or
    twice, replaces its own and nobody else's past. Only what is kept of the subjects decides, so that a desk that was
    restored decides alike.

    Args:
        subjects: All that are known, by key.
        born: Hour in which a subject was first heard of; None before its first window is closed.
        firing: Keys of those that fire.
        watched: Keys of those on the watchlist.
        bucket: Latest window that was closed.
        windows_a_day: How many make a day.
        most: How many there may be.

    Returns:
        Their keys; none where everybody is being heard of, or is an old acquaintance.
    """
    ages = {
        key: born(key)
        for key, subject in subjects.items()
        if not subject.open and key not in firing and not is_let_in(key, watched)
    }
    yesterday = bucket * _HOURS_A_DAY // windows_a_day - _HOURS_A_DAY
    # Not yet in any closed window: as young as can be.
    hours = {key: yesterday + 2 * _HOURS_A_DAY if hour is None else hour for key, hour in ages.items()}
    free = [key for key, hour in hours.items() if hour > yesterday or subjects[key].last < bucket - windows_a_day]
    free.sort(key=lambda key: (-hours[key], subjects[key].last, key))
    return free[: max(1, most // _AT_ONCE)]
