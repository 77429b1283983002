"""Two samples compared, measure by measure: how far apart they are, and how probable that is by chance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, kolmogorov

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.training_reference import KindReference
    from models.yardstick import Measures

# Cochran's rule for the chi-squared test: rarer categories are counted together.
_LEAST_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How one measure of a sample differs from its reference."""

    measure: str
    effect: float
    """Kolmogorov's distance of numbers, total variation of categories: 0 to 1."""
    p_value: float
    """Probability of so large a difference, or a larger one, between two samples of the same."""
    said: str
    """In words."""


def compare(reference: KindReference, sample: Sequence[Measures]) -> list[Difference]:
    """Compare a sample with a reference, measure by measure, in the reference's order.

    The parts of one measure, such as ``embedding/1`` and ``embedding/2``, are one difference: the largest effect, and
    the smallest p-value times their number (Bonferroni).

    Args:
        reference: How the measures were spread.
        sample: What was measured since; one at least.
    """
    by_measure: dict[str, list[Difference]] = {}
    for name, known in reference.numbers.items():
        values = np.sort([one.numbers[name] for one in sample])
        by_measure.setdefault(_measure(name), []).append(_of_numbers(name, np.asarray(known), values))
    for name, counts in reference.categories.items():
        found = Counter(one.categories[name] for one in sample if name in one.categories)
        by_measure.setdefault(name, []).append(_of_categories(name, counts, found))
    return [_together(measure, parts) for measure, parts in by_measure.items()]


def measures(reference: KindReference) -> list[str]:
    """What a comparison with a reference tells of, in its order."""
    return list(dict.fromkeys((*map(_measure, reference.numbers), *reference.categories)))


def ks_test(known: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, float]:
    """Kolmogorov's and Smirnov's test of two samples: their distance, and its asymptotic p-value.

    By ``scipy.special`` alone, as ``scipy.stats.ks_2samp`` would cost a worker 45 MB; the tests hold it to that. Of
    fifty values or more, the p-value is the exact one or somewhat larger; ties make it larger too.

    Args:
        known: One sample, ascending.
        values: The other, ascending.
    """
    points = np.concatenate([known, values])
    share_known = np.searchsorted(known, points, "right") / len(known)
    share_values = np.searchsorted(values, points, "right") / len(values)
    distance = float(np.abs(share_known - share_values).max())
    size = len(known) * len(values) / (len(known) + len(values))
    return distance, float(kolmogorov(np.sqrt(size) * distance))


def chi_squared_test(known: Mapping[str, int], found: Mapping[str, int]) -> tuple[float, float]:
    """Pearson's test that two samples have the same shares of categories: total variation, and the p-value.

    Categories too rare for it are counted together, rarest first. Held to ``scipy.stats.chi2_contingency`` by the
    tests, as above.

    Args:
        known: Counts of one sample, one at least.
        found: Counts of the other, one at least.
    """
    names = sorted(known.keys() | found.keys(), key=lambda name: known.get(name, 0) + found.get(name, 0))
    table = np.array([[known.get(name, 0) for name in names], [found.get(name, 0) for name in names]], np.float64)
    sizes = table.sum(axis=1)
    # Of a category of so many in both samples, the smaller sample is expected to have five.
    least = _LEAST_EXPECTED * sizes.sum() / sizes.min()
    while table.shape[1] > 1 and table[:, 0].sum() < least:
        table = np.column_stack([table[:, 0] + table[:, 1], table[:, 2:]])
        table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    shares = table / sizes[:, None]
    variation = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if table.shape[1] == 1:
        return variation, 1.0
    expected = np.outer(sizes, table.sum(axis=0)) / sizes.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return variation, float(chdtrc(table.shape[1] - 1, statistic))


def _measure(name: str) -> str:
    return name.partition("/")[0]


def _of_numbers(name: str, known: NDArray[np.float64], values: NDArray[np.float64]) -> Difference:
    distance, p_value = ks_test(known, values)
    before, now = np.median(known), np.median(values)
    return Difference(name, distance, p_value, f"the median of {name} is {now:.3g}, and was {before:.3g}")


def _of_categories(name: str, known: Mapping[str, int], found: Mapping[str, int]) -> Difference:
    if not found:
        return Difference(name, 0.0, 1.0, f"{name} was not measured")
    variation, p_value = chi_squared_test(known, found)
    size_known, size_found = sum(known.values()), sum(found.values())
    rises = {
        name: found.get(name, 0) / size_found - known.get(name, 0) / size_known for name in known.keys() | found.keys()
    }
    most = max(rises, key=lambda category: abs(rises[category]))
    now, before = found.get(most, 0) / size_found, known.get(most, 0) / size_known
    return Difference(name, variation, p_value, f"{name} is {most} in {now:.0%}, and was in {before:.0%}")


def _together(measure: str, parts: Sequence[Difference]) -> Difference:
    least = min(parts, key=lambda part: (part.p_value, -part.effect))
    return Difference(measure, max(part.effect for part in parts), min(1.0, len(parts) * least.p_value), least.said)
