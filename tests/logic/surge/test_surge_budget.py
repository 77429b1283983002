from __future__ import annotations

import numpy as np
import pytest

from streams.contract.settings import SurgeSettings
from streams.logic.surge.panel import Counts, Panel

SECONDS = 900
WEEK = 7 * 24 * 4
MONDAY = 1_963_968
SUBJECTS = tuple(f"entity/{at}" for at in range(60))
WEEKS = 3


def traffic(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Negatives and messages of sixty subjects that never surge, int [windows, subjects]."""
    noise = np.random.default_rng(5)
    windows = WEEKS * WEEK
    an_hour = noise.choice([5.0, 20.0, 60.0, 200.0], len(SUBJECTS), p=[0.4, 0.3, 0.2, 0.1])
    mean = np.broadcast_to(an_hour / 4, (windows, len(SUBJECTS))).copy()
    time = np.arange(windows)[:, None] / 4
    if kind == "lively":
        mean *= 1.0 + 0.6 * np.sin(2 * np.pi * time / 24)
        mean *= np.where(time // 24 % 7 >= 5, 0.5, 1.2)
        # Negative binomial, with three times the variance; and slow waves, an hour long.
        mean = noise.gamma(mean / 2.0, 2.0)
        wave = noise.standard_normal(mean.shape)
        for at in range(1, windows):
            wave[at] = 0.8 * wave[at - 1] + 0.6 * wave[at]
        mean *= np.exp(0.15 * wave)
    negative = noise.poisson(0.3 * mean)
    return negative, negative + noise.poisson(0.7 * mean)


@pytest.mark.parametrize("kind", ["poisson", "lively"])
def test_false_alarms_are_within_the_budget(kind: str) -> None:
    """Eight a week, so that three weeks tell; at a threshold of 3, without a budget, there are three times as many."""
    panel = Panel(SurgeSettings(window_seconds=SECONDS, false_alarms_per_week=8.0), partitions=1)
    negative, total = traffic(kind)
    rung = 0
    for at in range(WEEKS * WEEK):
        counts = {
            subject: Counts(negative=bad, total=every)
            for subject, bad, every in zip(SUBJECTS, negative[at].tolist(), total[at].tolist(), strict=True)
            if every
        }
        changes = panel.close(MONDAY + at, counts)
        rung += sum(change.status == "firing" for change in changes)
    assert 0.2 * 8.0 * WEEKS < rung < 1.3 * 8.0 * WEEKS
