"""Trends and their intervals, by series whose trend is known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchmarks.support.soak.statistics import latency_quantile, share_mean, slope, windows

STEP = 5.0
PERIOD = 360.0
HOUR = 3600.0


def swinging(rng: np.random.Generator, times: NDArray[np.float64], *, per_hour: float) -> NDArray[np.float64]:
    """Memory as it is: neighbours alike, and for a third of each period another version is held."""
    noise = lfilter([1.0], [1.0, -0.95], rng.normal(0, 0.3, len(times)))
    swing = 60.0 * ((times % PERIOD) < PERIOD / 3)
    return 400 + per_hour * times / HOUR + swing + noise


def test_a_straight_line_is_found_exactly() -> None:
    times = np.arange(0, 600, STEP)
    found = slope(times, 100 + 7 * times / HOUR, period=50.0)
    assert found is not None
    assert found.per_hour == pytest.approx(7)
    assert found.low == pytest.approx(7)
    assert found.high == pytest.approx(7)


def test_where_the_clock_begins_makes_no_difference() -> None:
    times = np.arange(0, 2000, STEP)
    values = swinging(np.random.default_rng(1), times, per_hour=20.0)
    early, late = slope(times, values, period=PERIOD), slope(times + 1_790_000_000, values, period=PERIOD)
    assert early is not None
    assert late is not None
    assert early == pytest.approx(late, rel=1e-4)


def test_the_interval_holds_the_true_trend_most_of_the_time_and_is_no_wider_than_that_needs() -> None:
    rng = np.random.default_rng(7)
    times = np.arange(0.1 * HOUR, HOUR, STEP)
    held, told = 0, 0
    for _ in range(400):
        found = slope(times, swinging(rng, times, per_hour=0.0), period=PERIOD)
        grown = slope(times, swinging(rng, times, per_hour=60.0), period=PERIOD)
        assert found is not None
        assert grown is not None
        held += found.low <= 0 <= found.high
        told += grown.low > 0
    assert 350 <= held <= 395
    assert told == 400


def test_a_swing_alone_is_no_trend_whatever_its_phase() -> None:
    times = np.arange(0, 9 * PERIOD, STEP)
    for shift in np.linspace(0, PERIOD, 7):
        found = slope(times, 400 + 60.0 * ((times + shift) % PERIOD < PERIOD / 3), period=PERIOD)
        assert found is not None
        assert found.per_hour == pytest.approx(0, abs=1e-6)


def test_what_is_left_over_at_the_end_is_no_period() -> None:
    times = np.arange(0, 9.4 * PERIOD, STEP)
    values = 400 + 60.0 * (times % PERIOD < PERIOD / 3)
    found = slope(times, values, period=PERIOD)
    assert found is not None
    assert found.per_hour == pytest.approx(0, abs=1e-6)


def test_too_few_samples_have_no_trend() -> None:
    assert slope([0.0, 5.0], [1.0, 2.0], period=5.0) is None


def test_the_mean_is_that_of_the_stretch_alone() -> None:
    assert share_mean([0, 1, 2, 3], [10, 20, 30, 40], 1, 3) == 25
    assert math.isnan(share_mean([0, 1], [10, 20], 5, 6))


def test_latency_is_of_what_was_sent_in_the_stretch_and_was_answered() -> None:
    sent = np.array([0.0, 10.0, 11.0, 12.0, np.nan])
    answered = np.array([9.0, 10.5, 13.0, np.nan, np.nan])
    assert latency_quantile(sent, answered, 10, 20, 50) == pytest.approx(1.25)
    assert latency_quantile(sent, answered, 10, 20, 100) == pytest.approx(2.0)
    assert math.isnan(latency_quantile(sent, answered, 12, 20, 50))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (60.0, [(0, 60)]),
        (150.0, [(0, 60), (60, 150)]),
        (151.0, [(0, 60), (60, 120), (120, 151)]),
        (10.0, [(0, 10)]),
    ],
)
def test_a_time_is_cut_into_windows_of_about_a_length(end: float, expected: list[tuple[float, float]]) -> None:
    assert windows(0.0, end, 60.0) == expected
