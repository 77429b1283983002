"""Learns the ranker's weights from what readers took to, and judges them on later behaviors.

Pure: the examples come from ``streams.logic.recommend.training``, which replays the behaviors.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from retrain.gate import Check, Decision
from retrain.paired_bootstrap import cluster_sums, difference, resample
from retrain.work import NothingToLearnError
from streams.contract.ranking import RankerWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.contract.model_settings import RetrainSettings
    from streams.contract.ranking import Examples

MIN_QUESTIONS = 200
"""Below so many in either part nothing is learned: fewer say nothing sure."""

LATER = "later behaviors"
"""Name of what a ranker is judged by, among the figures of a decision."""

_LATER_SHARE = 0.25
# A feature that hardly varies would be blown up by its scale.
_LEAST_SCALE = 1e-6


class TooFewExamplesError(NothingToLearnError):
    """There are too few behaviors to learn from or to judge by; the message says how many."""


class Ranks(NamedTuple):
    """How a ranker answered later questions."""

    reciprocal: NDArray[np.float64]
    """Reciprocal rank of what was taken to, [questions]."""
    readers: NDArray[np.int64]
    """Who was asked, [questions]."""
    questions: NDArray[np.int64]
    """Their numbers, [questions]."""


def split(examples: Examples, known: int = 0) -> tuple[Examples, Examples]:
    """Earlier questions to learn from, and later ones to judge by: the last quarter.

    Args:
        examples: The questions.
        known: Questions of a number below this cannot judge, since what serves has learned from them.

    Raises:
        TooFewExamplesError: There are too few of either.
    """
    numbers = np.unique(examples.questions)
    later = round(_LATER_SHARE * len(numbers))
    if later < MIN_QUESTIONS:
        needed = round(MIN_QUESTIONS / _LATER_SHARE)
        raise TooFewExamplesError(
            f"{len(numbers)} behaviors took to an item whose rivals are known, of {needed} that are needed to learn a "
            "ranker: wait for more, or go back further"
        )
    fresh = int((numbers >= known).sum())
    if fresh < MIN_QUESTIONS:
        raise TooFewExamplesError(
            f"{fresh} behaviors took to an item since the ranker that serves was learned, of {MIN_QUESTIONS} that are "
            "needed to judge another one: wait for more"
        )
    border = numbers[len(numbers) - min(later, fresh)]
    return examples.where(examples.questions < border), examples.where(examples.questions >= border)


def fit(examples: Examples, *, embedder: str | None = None) -> RankerWeights:
    """Weights by logistic regression: what was taken to against what was not.

    Args:
        examples: To learn from.
        embedder: SHA-256 of the graph whose vectors the examples' projection took; None without one.
    """
    features = examples.features
    known = ~np.isnan(features)
    some = known.any(axis=0)
    filled = np.where(known, features, 0.0)
    counts = np.maximum(known.sum(axis=0), 1)
    means = filled.sum(axis=0) / counts
    deviations = np.where(known, features - means, 0.0)
    scales = np.sqrt((deviations**2).sum(axis=0) / counts)
    varies = some & (scales > _LEAST_SCALE)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(deviations[:, varies] / scales[varies], examples.taken)
    return RankerWeights(
        features=tuple(name for name, used in zip(examples.names, varies, strict=True) if used),
        means=_rounded(means[varies]),
        scales=_rounded(scales[varies]),
        coefficients=_rounded(model.coef_[0]),
        intercept=float(model.intercept_[0]),
        embedder=embedder,
    )


def score(weights: RankerWeights, examples: Examples) -> NDArray[np.float64]:
    """Scores of the rows, [rows]; what is not known counts as the mean."""
    columns = [examples.names.index(name) for name in weights.features]
    standard = (examples.features[:, columns] - np.array(weights.means)) / np.array(weights.scales)
    total: NDArray[np.float64] = np.nan_to_num(standard) @ np.array(weights.coefficients) + weights.intercept
    return total


def reciprocal_ranks(scores: NDArray[np.float64], examples: Examples) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Reciprocal rank of what was taken to in each question, and who was asked, [questions]; ties count by half."""
    _, starts = np.unique(examples.questions, return_index=True)
    of_taken = np.maximum.reduceat(np.where(examples.taken, scores, -np.inf), starts)
    lengths = np.diff(np.append(starts, len(scores)))
    level = np.repeat(of_taken, lengths)
    above = np.add.reduceat(scores > level, starts, dtype=np.float64)
    equal = np.add.reduceat((scores == level) & ~examples.taken, starts, dtype=np.float64)
    return 1.0 / (1.0 + above + equal / 2), examples.readers[starts]


def rank(weights: RankerWeights, examples: Examples) -> Ranks:
    """How weights answer questions."""
    ranks, readers = reciprocal_ranks(score(weights, examples), examples)
    return Ranks(ranks, readers, np.unique(examples.questions))


def decide(current: Ranks, candidate: Ranks, rules: RetrainSettings) -> Decision:
    """Whether a ranker takes the place of the one that serves.

    It must be ahead, and not behind by more than the margin as far as chance allows to say: of rankers that differ by
    less than can be told, the one that serves stays unless the other did better.

    Args:
        current: Answers of what serves.
        candidate: Of what wants to; to the same questions, which neither was learned from.
        rules: Margin, confidence, resamples and seed.

    Raises:
        ValueError: They are not the same questions.
    """
    if not np.array_equal(current.questions, candidate.questions):
        raise ValueError("the two rankers were not asked the same questions: make both examples with one seed")
    gain = candidate.reciprocal - current.reciprocal
    sums = cluster_sums(current.readers.astype(np.intp), np.stack([gain, np.ones(len(gain))], axis=1))
    drawn = resample(sums, rules.resamples, rules.seed)
    ahead = difference(float(gain.mean()), drawn[:, 0] / np.maximum(drawn[:, 1], 1.0), rules.confidence)
    promote = ahead.value > 0 and ahead.low > -rules.margin
    verdict = "is better" if promote else ("is not better" if ahead.value <= 0 else "may be worse")
    before, after = float(current.reciprocal.mean()), float(candidate.reciprocal.mean())
    says = (
        f"On {len(gain)} later behaviors it {verdict}: mean reciprocal rank {after:.3f} where it was {before:.3f}, "
        f"ahead by {ahead.low:+.3f} to {ahead.high:+.3f} at {rules.confidence:.0%} (allowed: {-rules.margin:+.3f})."
    )
    check = Check(
        passed=promote, says=says, champion=before, candidate=after, rows=len(gain), low=ahead.low, high=ahead.high
    )
    return Decision(promote=promote, reasons=[says], figures={LATER: asdict(check)})


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """To the six digits that a person can still read, and that change no order."""
    return tuple(float(f"{value:.6g}") for value in values)
