"""Champion and candidate side by side on one part: heads, slices, calibration, each with the bootstrap's bounds.

Whatever is compared is a function of column sums over the rows, so that one set of resamples serves all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from retrain.paired_bootstrap import Difference, cluster_sums, difference, resample
from retrain.slices import MIN_SLICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from retrain.judged import HeadScores, Part, Sureness
    from streams.contract.model_settings import RetrainSettings

    _Columns = NDArray[np.float64]
    _Measure = Callable[[_Columns], tuple[_Columns, _Columns]]

Kind = Literal["all heads", "head", "slice", "calibration"]

MIN_SURE = 30
"""Clusters with an answer of each model below which calibration is not compared: a handful may be right to a hair."""

_RATIO_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both models.

    Attributes:
        kind: What is compared.
        name: Such as ``topic`` or ``topic, source=Example News``.
        rows: Rows that it rests on.
        champion: Its score, or its expected calibration error (the less, the better).
        candidate: Likewise.
        difference: How far the candidate is ahead: always above 0 where it is better.
    """

    kind: Kind
    name: str
    rows: int
    champion: float
    candidate: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class _Statistic:
    kind: Kind
    name: str
    rows: int
    columns: _Columns
    measure: _Measure
    """Champion's and candidate's figures of column sums [..., columns]."""


def compare(champion: Part, candidate: Part, rules: RetrainSettings) -> list[Comparison]:
    """Compare two models' answers to one part.

    Args:
        champion: What serves.
        candidate: What wants to.
        rules: Confidence, resamples and seed.

    Returns:
        All heads together first (each weighs as many rows as it is judged on), then each head, its calibration where
        both answered in at least ``MIN_SURE`` clusters, and its slices of at least ``MIN_SLICE`` rows. Empty where no
        head of both is judged.

    Raises:
        ValueError: The two did not answer the same rows.
    """
    if champion.ids != candidate.ids or not np.array_equal(champion.groups, candidate.groups):
        raise ValueError("champion and candidate did not answer the same rows: judge both on one data set")
    statistics = list(_statistics(champion, candidate))
    if not statistics:
        return []
    sums = cluster_sums(champion.groups, np.hstack([statistic.columns for statistic in statistics]))
    ends = np.cumsum([statistic.columns.shape[1] for statistic in statistics])[:-1]
    totals = np.split(sums.sum(axis=0), ends)
    draws = np.split(resample(sums, rules.resamples, rules.seed), ends, axis=1)
    return [
        _compared(statistic, total, drawn, rules.confidence)
        for statistic, total, drawn in zip(statistics, totals, draws, strict=True)
    ]


def _compared(statistic: _Statistic, total: _Columns, drawn: _Columns, confidence: float) -> Comparison:
    champion, candidate = map(float, statistic.measure(total))
    of_champion, of_candidate = statistic.measure(drawn)
    sign = -1.0 if statistic.kind == "calibration" else 1.0
    ahead = difference(sign * (candidate - champion), sign * (of_candidate - of_champion), confidence)
    return Comparison(statistic.kind, statistic.name, statistic.rows, champion, candidate, ahead)


def _statistics(champion: Part, candidate: Part) -> Iterator[_Statistic]:
    pairs = {
        head: (scores, candidate.heads[head]) for head, scores in champion.heads.items() if head in candidate.heads
    }
    judged = {head: (old.possible > 0) | (new.possible > 0) for head, (old, new) in pairs.items()}
    pairs = {head: pair for head, pair in pairs.items() if judged[head].any()}
    if not pairs:
        return
    heads = {head: _ratio_columns(*pair) for head, pair in pairs.items()}
    weights = np.array([np.count_nonzero(judged[head]) for head in heads], dtype=np.float64)
    rows = int(np.count_nonzero(np.logical_or.reduce([judged[head] for head in heads])))
    yield _Statistic(
        "all heads", "all heads", rows, np.hstack(list(heads.values())), _weighted(weights / weights.sum())
    )
    for head, columns in heads.items():
        yield _Statistic("head", head, int(judged[head].sum()), columns, _ratios)
        sureness = _comparable(champion.groups, *pairs[head])
        if sureness is not None:
            answered = int(np.count_nonzero(sureness[0].answers + sureness[1].answers))
            yield _Statistic("calibration", head, answered, _calibration_columns(*sureness), _calibration_errors)
        for name, members in champion.slices.items():
            count = int(np.count_nonzero(judged[head] & members))
            if count >= MIN_SLICE:
                yield _Statistic("slice", f"{head}, {name}", count, columns * members[:, None], _ratios)


def _ratio_columns(champion: HeadScores, candidate: HeadScores) -> _Columns:
    return np.column_stack([champion.gained, champion.possible, candidate.gained, candidate.possible])


def _ratios(sums: _Columns) -> tuple[_Columns, _Columns]:
    return _ratio(sums[..., 0], sums[..., 1]), _ratio(sums[..., 2], sums[..., 3])


def _ratio(gained: _Columns, possible: _Columns) -> _Columns:
    """Their quotient; 0 where a resample drew no row that is judged, so that it tells for neither model."""
    return np.divide(gained, possible, out=np.zeros_like(gained), where=possible > 0)


def _weighted(weights: NDArray[np.float64]) -> _Measure:
    """The mean of the heads' scores by these weights."""

    def measure(sums: _Columns) -> tuple[_Columns, _Columns]:
        by_head = sums.reshape(*sums.shape[:-1], -1, _RATIO_COLUMNS)
        champion, candidate = _ratios(by_head)
        return champion @ weights, candidate @ weights

    return measure


def _comparable(
    groups: NDArray[np.intp], champion: HeadScores, candidate: HeadScores
) -> tuple[Sureness, Sureness] | None:
    """What calibration is judged by, where both models answered often enough."""
    old, new = champion.sureness, candidate.sureness
    if old is None or new is None:
        return None
    answered = min(np.unique(groups[one.answers > 0]).size for one in (old, new))
    return (old, new) if answered >= MIN_SURE else None


def _calibration_columns(champion: Sureness, candidate: Sureness) -> _Columns:
    return np.column_stack([champion.excess, champion.answers, candidate.excess, candidate.answers])


def _calibration_errors(sums: _Columns) -> tuple[_Columns, _Columns]:
    """Expected calibration errors (Naeini, Cooper and Hauskrecht, 2015), over bins of equal width."""
    champion, candidate = np.split(sums, 2, axis=-1)
    return _calibration_error(champion), _calibration_error(candidate)


def _calibration_error(sums: _Columns) -> _Columns:
    return _ratio(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])
