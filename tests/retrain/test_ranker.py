"""Learning the ranker's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.ranker import LATER, Ranks, TooFewExamplesError, decide, fit, rank, reciprocal_ranks, score, split
from streams.contract.model_settings import RetrainSettings
from streams.contract.ranking import Examples, RankerWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = ("interest", "popularity", "noise")


def drawn(questions: int, seed: int = 5, others: int = 9) -> Examples:
    """What is taken to has more of the first feature, less of the second, and any of the third."""
    generator = np.random.default_rng(seed)
    rows = questions * (others + 1)
    features = generator.standard_normal((rows, 3)) * [0.1, 3.0, 1.0] + [0.5, 2.0, 0.0]
    taken = np.arange(rows) % (others + 1) == 0
    features[taken] += [0.15, -2.0, 0.0]
    return Examples(NAMES, features, taken, np.arange(rows) // (others + 1), (np.arange(rows) // (others + 1)) % 37)


def weights(coefficients: tuple[float, ...], names: tuple[str, ...] = NAMES) -> RankerWeights:
    return RankerWeights(
        features=names, means=(0.0,) * len(names), scales=(1.0,) * len(names), coefficients=coefficients
    )


GOOD, BLIND, WRONG = weights((10.0, -0.3, 0.0)), weights((0.0, 0.0, 1.0)), weights((-10.0, 0.3, 0.0))


def test_what_speaks_for_an_item_gets_weight_and_noise_gets_none() -> None:
    learned = dict(zip(NAMES, fit(drawn(600)).coefficients, strict=True))
    assert learned["interest"] > 0.5
    assert learned["popularity"] < -0.3
    assert abs(learned["noise"]) < 0.15


def test_what_is_not_known_counts_as_the_mean_and_what_never_varies_is_left_out() -> None:
    examples = drawn(300)
    features = np.concatenate([examples.features, np.full((len(examples.taken), 2), [7.0, np.nan])], axis=1)
    features[::3, 0] = np.nan
    wide = examples._replace(names=(*NAMES, "constant", "unknown"), features=features)
    learned = fit(wide)
    assert learned.features == NAMES
    assert learned.means[0] == pytest.approx(np.nanmean(features[:, 0]), rel=1e-4)
    assert np.isfinite(score(learned, wide)).all()


def test_earlier_questions_are_learned_from_and_later_ones_judge() -> None:
    earlier, later = split(drawn(1000))
    assert earlier.questions.max() < later.questions.min()
    assert len(np.unique(later.questions)) == 250


def test_too_few_behaviors_are_told_with_how_many_are_needed() -> None:
    with pytest.raises(TooFewExamplesError, match="100 behaviors took to an item whose rivals are known, of 800"):
        split(drawn(100))


def by_hand(scores: NDArray[np.float64], taken: NDArray[np.bool_]) -> float:
    own = scores[taken][0]
    return 1.0 / (1.0 + (scores > own).sum() + ((scores == own).sum() - 1) / 2)


def test_reciprocal_ranks_are_those_that_a_person_would_count() -> None:
    examples = drawn(50)
    scores = np.round(score(GOOD, examples))
    ranks, readers = reciprocal_ranks(scores, examples)
    each = [
        by_hand(scores[examples.questions == number], examples.taken[examples.questions == number])
        for number in range(50)
    ]
    assert ranks == pytest.approx(each)
    assert readers.tolist() == [number % 37 for number in range(50)]


RULES = RetrainSettings()


def test_better_weights_are_promoted_and_worse_ones_are_not() -> None:
    later = drawn(400, seed=6)
    good, blind = rank(GOOD, later), rank(BLIND, later)
    better, worse = decide(blind, good, RULES), decide(good, blind, RULES)
    assert better.promote
    figures = better.figures[LATER]
    assert figures["low"] > 0.1
    assert figures["rows"] == 400
    assert "On 400 later behaviors it is better" in better.reasons[0]
    assert not worse.promote
    assert "is not better" in worse.reasons[0]


def test_equal_weights_do_not_take_each_others_place() -> None:
    ranks = rank(GOOD, drawn(400))
    decision = decide(ranks, ranks, RULES)
    assert not decision.promote
    assert decision.figures[LATER]["low"] == 0.0


def test_what_is_ahead_by_luck_and_may_be_worse_is_not_promoted() -> None:
    noise = np.random.default_rng(3).normal(0.002, 0.4, 250)
    readers, questions = np.arange(250), np.arange(250)
    noise -= noise.mean() - 0.002
    current = Ranks(np.full(250, 0.5), readers, questions)
    decision = decide(current, Ranks(0.5 + noise, readers, questions), RULES)
    assert not decision.promote
    assert "may be worse" in decision.reasons[0]


def test_two_who_were_asked_different_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="were not asked the same questions"):
        decide(rank(GOOD, drawn(400)), rank(BLIND, drawn(300)), RULES)


def test_what_serves_is_not_judged_by_what_it_was_learned_from() -> None:
    examples = drawn(1000)
    earlier, later = split(examples, known=780)
    assert later.questions.min() == 780
    assert earlier.questions.max() == 779
    # It judges by no more than the last quarter, however old what serves is.
    assert split(examples, known=100)[1].questions.min() == 750
    with pytest.raises(TooFewExamplesError, match="150 behaviors took to an item since the ranker that serves was"):
        split(examples, known=850)


def test_what_was_learned_is_better_than_what_is_wrong() -> None:
    earlier, later = split(drawn(1000))
    assert decide(rank(WRONG, later), rank(fit(earlier), later), RULES).promote
