"""Learns the ranker's weights from what readers took to, judges them on later behaviors, and registers a version.

Pure but for the registry: the examples come from ``streams.logic.recommend.training``, which replays the behaviors.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.items.ranker import NAME, write_ranker
from retrain.paired_bootstrap import Difference, cluster_sums, difference, resample
from streams.contract.ranking import RankerWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.registry import Registry
    from streams.contract.ranking import Examples, Projection

MIN_QUESTIONS = 200
"""Below so many in either part nothing is learned: fewer say nothing sure."""

_LATER_SHARE = 0.25
_MARGIN = 0.01
_CONFIDENCE = 0.95
_RESAMPLES = 2000
_SEED = 13
# A feature that hardly varies would be blown up by its scale.
_LEAST_SCALE = 1e-6


class TooFewExamplesError(ValueError):
    """There are too few behaviors to learn from or to judge by; the message says how many."""


@dataclass(frozen=True, slots=True)
class RankerDecision:
    """What becomes of new weights.

    Attributes:
        promote: Whether they take the place of those that serve.
        says: Why, as a sentence.
        current: Mean reciprocal rank of what readers took to, by the weights that serve.
        candidate: By the new ones.
        ahead: The difference; resampled by reader.
        questions: On how many later behaviors it rests.
    """

    promote: bool
    says: str
    current: float
    candidate: float
    ahead: Difference
    questions: int


def split(examples: Examples) -> tuple[Examples, Examples]:
    """Earlier questions to learn from, and later ones to judge by.

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
    border = numbers[len(numbers) - later]
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


def decide(
    current: RankerWeights, candidate: RankerWeights, later: Examples, later_of_current: Examples | None = None
) -> RankerDecision:
    """Whether new weights take the place of those that serve: they must not be worse, by more than chance allows.

    Args:
        current: What serves.
        candidate: What wants to.
        later: Examples that the candidate was not learned from.
        later_of_current: The same questions with the projection that serves, where that is another one.

    Raises:
        ValueError: They are not the same questions.
    """
    own = later if later_of_current is None else later_of_current
    if not np.array_equal(own.questions, later.questions):
        raise ValueError("the two rankers were not asked the same questions: make both examples with one seed")
    ranks, readers = reciprocal_ranks(score(current, own), own)
    others, _ = reciprocal_ranks(score(candidate, later), later)
    sums = cluster_sums(readers.astype(np.intp), np.stack([others - ranks, np.ones(len(ranks))], axis=1))
    drawn = resample(sums, _RESAMPLES, _SEED)
    ahead = difference(float((others - ranks).mean()), drawn[:, 0] / np.maximum(drawn[:, 1], 1.0), _CONFIDENCE)
    promote = ahead.low > -_MARGIN
    verdict = "is not worse" if promote else "may be worse"
    return RankerDecision(
        promote=promote,
        says=(
            f"On {len(ranks)} later behaviors it {verdict}: mean reciprocal rank {others.mean():.3f} where it was "
            f"{ranks.mean():.3f}, ahead by {ahead.low:+.3f} to {ahead.high:+.3f} at {_CONFIDENCE:.0%} "
            f"(allowed: {-_MARGIN:+.3f})."
        ),
        current=float(ranks.mean()),
        candidate=float(others.mean()),
        ahead=ahead,
        questions=len(ranks),
    )


def register(
    registry: Registry,
    weights: RankerWeights,
    projection: Projection | None,
    *,
    decision: RankerDecision,
    lineage: dict[str, Any],
) -> int:
    """Register a version, and let it serve where the decision says so.

    Args:
        registry: The registry.
        weights: Its weights.
        projection: Its projection; its embedder is named in the weights.
        decision: The judgement, which is kept with the version.
        lineage: What it was made from.

    Returns:
        The number of the new version.

    Raises:
        AliasConflictError: Another process promoted one at the same time.
    """
    before = registry.aliases(NAME).get("champion") if registry.versions(NAME) else None
    with tempfile.TemporaryDirectory() as folder:
        write_ranker(Path(folder), weights, projection)
        version = registry.register(
            Path(folder),
            NAME,
            precision="fp32",
            kind="ranker",
            # A ranker reads no text.
            max_tokens=1,
            width=len(weights.features),
            metrics=asdict(decision),
            lineage=lineage,
        )
    if decision.promote:
        registry.set_alias(NAME, "champion", version, expected=before)
    return version


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """To the six digits that a person can still read, and that change no order."""
    return tuple(float(f"{value:.6g}") for value in values)
