import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.support.surge.limits import greatest_share, least_base, oracles
from benchmarks.support.surge.outcome import by_cell, outcome, twice_over
from benchmarks.support.surge.planted import (
    BASES,
    FACTORS,
    LASTS,
    Surge,
    delays_of_rival,
    known_desk,
    plant,
    with_surges,
)
from benchmarks.support.surge.rivals import FixedThreshold
from benchmarks.support.surge.traffic import HOUR, WEEK

_POISSON = 1e6


def test_surges_rise_as_they_should_and_begin_where_the_base_rate_is_what_it_is_called() -> None:
    desk = known_desk(30, 3, _POISSON, seed=4)
    surges = plant(desk, after=WEEK, moments=40, each=3, seed=4)
    assert {surge.factor for surge in surges} == set(FACTORS)
    assert {surge.base for surge in surges} == set(BASES)
    assert min(surge.row for surge in surges) >= WEEK
    for factor in FACTORS:
        these = [surge for surge in surges if (surge.base, surge.factor) == (100, factor)]
        rate = np.mean([surge.negative[1:LASTS].mean() for surge in these]) * HOUR
        assert rate == pytest.approx(100 * factor, rel=0.1)


def test_a_delay_counts_from_the_moment_and_not_from_the_window() -> None:
    surge = Surge(0, 0, 20, 2.0, 0.25, np.zeros(LASTS + 1, dtype=np.int32))
    assert surge.delay(0) == pytest.approx(3.75)
    assert surge.delay(5) == pytest.approx(28.75)


def test_all_messages_rise_by_as_many_as_negatives_do() -> None:
    desk = known_desk(9, 1, _POISSON, seed=4)
    surges = [surge for surge in plant(desk, after=0, moments=5, each=1, seed=1) if surge.factor == 5.0]
    first = [surge for surge in surges if surge.row == surges[0].row]
    windows = with_surges(desk.traffic, first)
    rows = slice(first[0].row, first[0].row + LASTS + 1)
    others = windows.volume - windows.negative
    assert (others == desk.traffic.volume[rows] - desk.traffic.negative[rows]).all()
    assert (windows.negative[:, first[0].subject] == first[0].negative).all()
    assert windows.first == desk.traffic.first + first[0].row


def test_a_rival_finds_what_its_threshold_lets_it_find() -> None:
    desk = known_desk(9, 2, _POISSON, seed=2)
    surges = plant(desk, after=WEEK, moments=6, each=1, seed=2)
    delays = delays_of_rival(desk.traffic, surges, FixedThreshold(), 300.0)
    for surge, delay in zip(surges, delays, strict=True):
        if (surge.base, surge.factor) == (100, 5.0):
            assert delay is not None
            assert 10 < delay < 60
        if surge.base == 5:
            assert delay == math.inf


def test_the_bound_is_that_of_neyman_and_pearson() -> None:
    # With Poisson counts: the least bar whose size is affordable, and its power; at the bar itself chance decides.
    size = 6 * 0.02 / WEEK
    bar = stats.poisson.isf(size, 10)
    share = greatest_share(20, 2.0, 6, alarms_a_week=0.02, shape=_POISSON)
    assert stats.poisson.sf(bar, 20) <= share <= stats.poisson.sf(bar - 1, 20)
    assert greatest_share(20, 2.0, 6, alarms_a_week=0.02, shape=10.0) < share
    assert greatest_share(20, 2.0, 24, alarms_a_week=0.02, shape=_POISSON) > share


def test_a_test_without_evidence_has_no_more_power_than_its_size() -> None:
    assert greatest_share(20, 1.0, 6, alarms_a_week=2.0, shape=_POISSON) == pytest.approx(12 / WEEK)


def test_the_least_base_rate_just_meets_the_aim() -> None:
    base = least_base(2.0, 6, 0.8, alarms_a_week=0.02, shape=_POISSON)
    assert greatest_share(base, 2.0, 6, alarms_a_week=0.02, shape=_POISSON) >= 0.8
    assert greatest_share(base - 0.5, 2.0, 6, alarms_a_week=0.02, shape=_POISSON) < 0.8


def test_an_oracle_stays_below_the_bound_and_near_it() -> None:
    desk = known_desk(30, 4, 10.0, seed=8)
    surges = [s for s in plant(desk, after=WEEK, moments=60, each=3, seed=8) if (s.base, s.factor) == (20, 3.0)]
    bound = greatest_share(20, 3.0, 6, alarms_a_week=1.0, shape=10.0)
    found = [
        outcome(oracle.delays(desk, surges)).within_30_minutes
        for oracle in oracles(20, [3.0], alarms_a_week=1.0, shape=10.0, subjects=60, weeks=2, seed=9)
    ]
    noise = 3 * math.sqrt(bound * (1 - bound) / len(surges))
    assert max(found) < bound + noise
    assert max(found) > bound - 0.3


def test_an_outcome_counts_what_is_never_found_as_endless() -> None:
    told = outcome([10.0, 31.0, math.inf, None])
    assert (told.surges, told.within_30_minutes, told.within_2_hours) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert told.delay_minutes == 31.0
    assert outcome([10.0, math.inf]).delay_minutes is None
    assert outcome([None]).surges == 0


def test_outcomes_by_cell() -> None:
    nothing = np.zeros(1, dtype=np.int32)
    surges = [Surge(0, 0, base, factor, 0.0, nothing) for base in BASES for factor in FACTORS]
    delays = [float(surge.base) for surge in surges]
    cells = by_cell(surges, delays)
    assert cells["2"]["20"].delay_minutes == 20.0
    assert cells["1.5"]["100"].within_30_minutes == 0.0
    assert twice_over(surges, delays).surges == 2
