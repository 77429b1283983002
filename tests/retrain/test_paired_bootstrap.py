"""The bootstrap's bounds, held to what statistics books give."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.paired_bootstrap import cluster_sums, difference, resample


def test_sums_rows_by_cluster() -> None:
    groups = np.array([7, 3, 7, 5])
    columns = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0]])
    assert cluster_sums(groups, columns).tolist() == [[2, 20], [8, 80], [5, 50]]


def test_draws_as_many_clusters_as_there_are() -> None:
    sums = np.ones((9, 1))
    assert resample(sums, 120, 3).tolist() == [[9.0]] * 120


def test_equal_seeds_draw_equally() -> None:
    sums = np.arange(20.0).reshape(10, 2)
    assert np.array_equal(resample(sums, 70, 3), resample(sums, 70, 3))
    assert not np.array_equal(resample(sums, 70, 3), resample(sums, 70, 4))


def test_spread_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(5).normal(0.1, 1.0, 400)
    drawn = resample(cluster_sums(np.arange(400), values[:, None]), 3000, 3)[:, 0] / 400
    assert drawn.std() == pytest.approx(values.std() / 20, rel=0.06)
    found = difference(float(values.mean()), drawn, 0.95)
    assert found.high - found.low == pytest.approx(2 * 1.645 * values.std() / 20, rel=0.08)


def test_bounds_hold_as_often_as_they_say() -> None:
    """Of 300 samples whose true mean is 0, the one-sided 95 % bound lies above it in about 5 %."""
    generator = np.random.default_rng(17)
    above = 0
    for seed in range(300):
        values = generator.normal(0.0, 1.0, 60)
        drawn = resample(values[:, None], 300, seed)[:, 0] / 60
        above += difference(float(values.mean()), drawn, 0.95).low > 0
    assert 5 <= above <= 28


@pytest.mark.parametrize(("value", "spread", "p"), [(-1.645, 1.0, 0.05), (0.0, 1.0, 0.5), (-3.09, 1.0, 0.001)])
def test_the_p_value_is_that_of_the_normal_distribution(value: float, spread: float, p: float) -> None:
    resampled = np.random.default_rng(1).normal(value, spread, 20_000)
    assert difference(value, resampled, 0.95).p_not_behind == pytest.approx(p, rel=0.15)


@pytest.mark.parametrize(("value", "p"), [(-1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_resamples_that_never_differ_leave_no_doubt(value: float, p: float) -> None:
    assert difference(value, np.full(99, value), 0.95).p_not_behind == p
