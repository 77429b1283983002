"""Two samples are compared as scipy.stats would compare them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from support.properties import quick

from models.training_reference import KindReference
from models.yardstick import Measures
from streams.logic.drift.comparison import chi_squared_test, compare, ks_test

values = st.lists(st.floats(-5, 5, width=16), min_size=2, max_size=60).map(lambda found: np.sort(np.array(found)))
counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 200), min_size=1).filter(lambda c: sum(c.values()))


@quick
@given(values, values)
def test_the_distance_is_scipys(known: np.ndarray, found: np.ndarray) -> None:
    assert ks_test(known, found)[0] == pytest.approx(stats.ks_2samp(known, found, method="asymp").statistic)


@pytest.mark.parametrize(("size", "most"), [(50, 2.7), (150, 1.6), (500, 1.2)])
@pytest.mark.parametrize("shift", [0.0, 0.2, 0.4])
def test_the_p_value_is_the_exact_one_or_somewhat_larger(size: int, most: float, shift: float) -> None:
    rng = np.random.default_rng(5)
    known, found = np.sort(rng.normal(size=size)), np.sort(rng.normal(shift, size=500))
    expected = stats.ks_2samp(known, found, method="exact").pvalue
    assert 0.99 * expected <= ks_test(known, found)[1] <= most * expected


@quick
@given(counts, counts)
def test_shares_are_compared_as_scipy_does_where_none_is_rare(known: dict[str, int], found: dict[str, int]) -> None:
    names = sorted(known.keys() | found.keys())
    table = np.array([[known.get(name, 0) for name in names], [found.get(name, 0) for name in names]])
    table = table[:, table.sum(axis=0) > 0]
    variation, p_value = chi_squared_test(known, found)
    assert 0.0 <= variation <= 1.0
    if stats.contingency.expected_freq(table).min() >= 5:
        shares = table / table.sum(axis=1, keepdims=True)
        assert variation == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
        expected = stats.chi2_contingency(table, correction=False).pvalue if table.shape[1] > 1 else 1.0
        assert p_value == pytest.approx(expected)


def test_rare_categories_are_counted_together() -> None:
    known, found = {"common": 1000}, {"common": 60, "one": 1, "two": 1}
    # Pearson's test itself, made for larger counts, is far too sure.
    assert stats.chi2_contingency([[1000, 0, 0], [60, 1, 1]]).pvalue < 1e-6
    assert chi_squared_test(known, found)[1] == 1.0


def test_categories_that_are_all_rare_are_no_difference() -> None:
    assert chi_squared_test({"a": 1, "b": 2}, {"c": 1})[1] == 1.0


def reference(**numbers: list[float]) -> KindReference:
    return KindReference(size=100, numbers=numbers, categories={"topic": {"markets": 60, "deals": 40}})


def test_a_category_that_training_did_not_know_is_drift() -> None:
    sample = [Measures({}, {"topic": "war" if number < 100 else "markets"}) for number in range(300)]
    (found,) = compare(reference(), sample)
    assert found.p_value < 1e-9
    assert found.effect == pytest.approx(0.4)
    assert found.said == "topic is deals in 0%, and was in 40%"


def test_parts_of_one_measure_are_one_difference() -> None:
    grid = [number / 100 for number in range(100)]
    sample = [Measures({"embedding/1": value, "embedding/2": value + 0.5, "length": value}, {}) for value in grid]
    found = {
        one.measure: one
        for one in compare(reference(**{"embedding/1": grid, "embedding/2": grid, "length": grid}), sample)
    }
    assert set(found) == {"embedding", "length", "topic"}
    assert found["embedding"].effect == pytest.approx(0.5, abs=0.011)
    assert found["embedding"].p_value == pytest.approx(2 * ks_test(np.array(grid), np.array(grid) + 0.5)[1])
    assert found["embedding"].said == "the median of embedding/2 is 0.995, and was 0.495"
    assert (found["length"].effect, found["length"].p_value) == (0.0, 1.0)
    # Nothing of the sample has a topic.
    assert found["topic"].p_value == 1.0
