from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from support.surge import MONDAY

from streams.logic.surge.calendar import Calendar


def test_what_was_lived_is_what_a_sum_over_the_hours_gives() -> None:
    calendar = Calendar(300, half_life_hours=100.0)
    first, end = np.array([490_000, 490_007, 490_500]), np.array([490_040, 490_507, 490_501])
    hours, days = calendar.lived(first, end)
    for at in range(3):
        by_hour, by_day = np.zeros(24), np.zeros(7)
        for hour in range(first[at], end[at]):
            weight = 0.5 ** ((end[at] - 1 - hour) / 100.0)
            time = datetime.fromtimestamp(hour * 3600, UTC)
            by_hour[time.hour] += weight
            by_day[time.weekday()] += weight
        assert hours[at] == pytest.approx(by_hour)
        assert days[at] == pytest.approx(by_day)


def test_nothing_was_lived_before_the_first_hour_is_over() -> None:
    hours, days = Calendar(300, 168.0).lived(np.array([490_000]), np.array([490_000]))
    assert np.abs(hours).max() < 1e-9
    assert np.abs(days).max() < 1e-9


def test_the_rhythm_is_interpolated_between_the_middles_of_the_hours() -> None:
    season = Calendar(900, 168.0).season(MONDAY * 300 // 3600 + 7, 1)
    factor = np.arange(24.0)
    at = factor[season.before] * (1 - season.weight) + factor[season.after] * season.weight
    # The first quarter of seven o'clock has its middle at 7:07:30, which is 37.5 minutes after half past six.
    assert at == pytest.approx([6.625, 6.875, 7.125, 7.375])
    assert season.weekday.tolist() == [0, 0, 0, 0]


def test_a_window_lies_in_one_hour() -> None:
    with pytest.raises(ValueError, match="does not divide an hour"):
        Calendar(700, 168.0)
