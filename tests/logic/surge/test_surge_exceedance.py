from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from streams.logic.surge.exceedance import LARGEST_SCORE, count_scores, share_scores


def test_counts_are_scored_by_the_negative_binomial() -> None:
    mean, variance = np.array([0.3, 4.0, 20.0, 150.0]), np.array([0.5, 7.0, 60.0, 2_000.0])
    observed = np.array([5.0, 12.0, 50.0, 400.0])
    size = mean**2 / (variance - mean)
    expected = -np.log10(stats.nbinom.sf(observed - 1, size, mean / variance))
    assert count_scores(observed, mean, variance) == pytest.approx(expected, rel=1e-9)


def test_and_by_poisson_where_nothing_is_dispersed() -> None:
    mean, observed = np.array([0.3, 20.0]), np.array([5.0, 50.0])
    expected = -np.log10(stats.poisson.sf(observed - 1, mean))
    assert count_scores(observed, mean, mean) == pytest.approx(expected, rel=1e-9)
    assert count_scores(observed, mean, mean * 1.000_01) == pytest.approx(expected, rel=1e-3)


def test_no_count_is_too_far_out() -> None:
    assert count_scores(np.array([1e6]), np.array([1.0]), np.array([1.0])) == pytest.approx([LARGEST_SCORE])


def test_shares_are_scored_by_the_binomial_where_the_share_is_known_well() -> None:
    observed, volume = np.array([5.0, 30.0]), np.array([5.0, 60.0])
    share, certain = np.array([0.3, 0.3]), np.array([1e9, 1e9])
    expected = -np.log10(stats.binom.sf(observed - 1, volume, share))
    assert share_scores(observed, volume, share, certain) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("observed", "volume"), [(5, 5), (18, 20), (60, 100)])
def test_and_near_the_beta_binomial_where_it_is_not(observed: int, volume: int) -> None:
    share, trust = 0.3, 40.0
    exact = -np.log10(stats.betabinom.sf(observed - 1, volume, share * trust, (1 - share) * trust))
    score = share_scores(*(np.array([float(each)]) for each in (observed, volume, share, trust)))
    assert score == pytest.approx([exact], rel=0.25)
