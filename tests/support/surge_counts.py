"""Counts for tests of the statistics of surges, and a panel that has lived through four days of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from support.surge import MONDAY

from streams.contract.settings import SurgeSettings
from streams.logic.surge.panel import Counts, Panel, Transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUBJECTS = tuple(f"entity/{name}" for name in ("ashdown", "birk", "corvane", "dunmore", "elmhurst"))
DAYS = 4 * 288
NOW = MONDAY + DAYS
SETTINGS = SurgeSettings()


def close_all(panel: Panel, windows: Mapping[int, Mapping[str, Counts]]) -> list[Transition]:
    return [change for bucket in sorted(windows) for change in panel.close(bucket, windows[bucket])]


def steady(
    subjects: Sequence[str],
    windows: int,
    *,
    negative: float = 20.0,
    share: float = 0.3,
    seed: int = 1,
    first: int = MONDAY,
) -> dict[int, dict[str, Counts]]:
    """Poisson counts, so many negatives an hour for each subject."""
    noise = np.random.default_rng(seed)
    bad = noise.poisson(negative / 12, (windows, len(subjects)))
    rest = noise.poisson(negative / 12 * (1 - share) / share, (windows, len(subjects)))
    return {
        first + at: {
            subject: Counts(negative=int(bad[at, i]), total=int(bad[at, i] + rest[at, i]))
            for i, subject in enumerate(subjects)
            if bad[at, i] + rest[at, i]
        }
        for at in range(windows)
    }


def quiet(first: int, windows: int, *, seed: int = 2) -> dict[int, dict[str, Counts]]:
    return steady(SUBJECTS, windows, seed=seed, first=first)


def plant(windows: dict[int, dict[str, Counts]], subject: str, first: int, length: int, times: float) -> None:
    """Give a subject so many times the negatives; all else goes on as it was."""
    noise = np.random.default_rng(7)
    for bucket in range(first, first + length):
        more = int(noise.poisson(20 / 12 * (times - 1)))
        was = windows[bucket].get(subject, Counts())
        windows[bucket][subject] = Counts(negative=was.negative + more, total=was.total + more)


def copy_of(panel: Panel, settings: SurgeSettings = SETTINGS, subjects: Sequence[str] = SUBJECTS) -> Panel:
    twin = Panel(settings, partitions=1)
    for subject in subjects:
        twin.load(subject, panel.dump(subject))
    twin.load_shared(panel.dump_shared())
    return twin


def statuses(changes: Sequence[Transition], subject: str) -> list[str]:
    return [change.status for change in changes if change.subject == subject]
