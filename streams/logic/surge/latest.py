"""Who was heard in each of the latest windows: few names, each with a count a window, so that any stretch adds up.

Lists and not dictionaries by window: a name costs a byte or two a window, and a busy subject has twenty names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.logic.surge.baseline import SCALES

if TYPE_CHECKING:
    from collections.abc import Mapping

HORIZON = max(SCALES)
"""So many windows are told apart."""
OTHERS = "(others)"
"""Stands for the names that are too many to be kept apart."""
_NAMES = 10
# In how many windows a name that is heard no more gives way: one that has just come up outweighs a habitual one.
_HALF_LIFE = 6
_WEIGHTS = [0.5 ** (ago / _HALF_LIFE) for ago in range(HORIZON)]

Counts = dict[str, list[int]]
"""By name, the counts of the latest windows, the latest last; a name of which there are none is left out."""


def pass_over(counts: Counts, windows: int) -> None:
    """So many windows have passed: they begin with nothing, and what lies too long back goes."""
    if windows >= HORIZON:
        counts.clear()
        return
    new = [0] * windows
    gone = []
    for name, of_windows in counts.items():
        of_windows.extend(new)
        del of_windows[:-HORIZON]
        if not any(of_windows):
            gone.append(name)
    for name in gone:
        del counts[name]


def put(counts: Counts, found: Mapping[str, float], ago: int) -> None:
    """Take in what a window had, and keep the names that weigh most.

    Args:
        counts: Of the latest windows.
        found: Messages by name.
        ago: How many windows before the latest it lies.
    """
    if not found or ago >= HORIZON:
        return
    for name, count in found.items():
        before = counts.get(name)
        if before is not None and not ago:  # all but always; many subjects are closed at once
            before[-1] += round(count)
        else:
            _add(counts, name, [round(count), *[0] * ago])
    if len(counts) - (OTHERS in counts) > _NAMES:
        _shorten(counts)


def within(counts: Counts, latest: int, first: int, last: int) -> dict[str, int]:
    """Sums over the windows from ``first`` to ``last``, as far as they are kept.

    Args:
        counts: Of the latest windows.
        latest: Which window is the latest.
        first: Where the stretch begins.
        last: Where it ends, this window included.
    """
    sums = {}
    for name, of_windows in counts.items():
        begin = latest - len(of_windows) + 1
        count = sum(of_windows[max(0, first - begin) : max(0, last - begin + 1)])
        if count:
            sums[name] = count
    return sums


def _add(counts: Counts, name: str, more: list[int]) -> None:
    before = counts.get(name)
    if before is None:
        counts[name] = more
        return
    length = max(len(before), len(more))
    padded = ([0] * (length - len(each)) + each for each in (before, more))
    counts[name] = [one + other for one, other in zip(*padded, strict=True)]


def _shorten(counts: Counts) -> None:
    weights = {
        name: sum(weight * count for weight, count in zip(_WEIGHTS, reversed(of_windows), strict=False))
        for name, of_windows in counts.items()
        if name != OTHERS
    }
    for name in sorted(weights, key=lambda name: (-weights[name], name))[_NAMES:]:
        _add(counts, OTHERS, counts.pop(name))
