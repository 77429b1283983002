"""What judges the score asks fairly: nothing is asked that is held, and a quarter of the intents is not answered."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.support.retrieval.bitext_intents import intent_of
from benchmarks.support.retrieval.calibration import Candidates, Embedded, draw, fit, joined, judge
from benchmarks.support.retrieval.questions import Question

INTENTS = [f"intent-{number}" for number in range(8)]
QUESTIONS = [Question(f"word{number} of {intent}", intent, "") for intent in INTENTS for number in range(5)]


def embedded() -> Embedded:
    vectors = np.repeat(np.eye(8, dtype=np.float32), 5, axis=0)
    return Embedded(QUESTIONS, vectors)


def test_what_is_held_is_not_asked_and_a_quarter_of_intents_has_no_answer() -> None:
    held = embedded()
    found = draw(held, held, of_each=2, seed=1)
    assert len(set(found.asked.tolist())) == 40 - 6 * 2
    answerable = {number: bool(found.answerable[found.asked == number].all()) for number in set(found.asked.tolist())}
    assert sum(not value for value in answerable.values()) == 2 * 5
    assert not found.right[~found.answerable].any()
    assert np.array_equal(found.right, (found.cosines > 0.5))


def test_draws_that_are_joined_keep_their_questions_apart() -> None:
    held = embedded()
    one, other = (draw(held, held, of_each=2, seed=seed) for seed in (1, 2))
    assert len(set(joined([one, other]).asked.tolist())) == len(set(one.asked.tolist())) + len(
        set(other.asked.tolist())
    )


def test_weights_that_made_the_truth_are_found_again() -> None:
    random = np.random.default_rng(0)
    cosines, coverages = random.uniform(0, 1, (2, 40_000)).astype(np.float32)
    for words in (1.3, -1.3):
        right = random.uniform(size=40_000) < 1 / (1 + np.exp(-(10.5 * cosines + words * coverages - 7.6)))
        fitted = fit(Candidates(np.arange(40_000), cosines, coverages, right, np.ones(40_000, np.bool_)))
        if words > 0:
            assert fitted == pytest.approx((10.5, words, -7.6), rel=0.1)
        else:
            # Words that speak against are left out, and the vectors' own weights stand for both.
            assert fitted.coverage == 0.0
            assert fitted == pytest.approx((10.3, 0.0, -8.1), rel=0.1)


def test_the_best_of_each_question_is_judged() -> None:
    candidates = Candidates(
        np.array([0, 0, 1, 2]),
        np.array([0.9, 0.1, 0.9, 0.1], np.float32),
        np.zeros(4, np.float32),
        np.array([True, False, False, True]),
        np.array([True, True, False, True]),
    )
    figures = judge(candidates, [0.5])
    assert (figures["questions"], figures["right_of_answerable"]) == (3, 1.0)
    assert figures["at"]["0.50"] == {
        "answered_of_answerable": 0.5,
        "right_of_answered": 0.5,
        "answered_of_unanswerable": 1.0,
    }


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("please delete my gold account", "delete_account"),
        ("where do I download the bill", "get_invoice"),
        ("may I see the bill", "check_invoice"),
        ("I wait for my refund", "track_refund"),
        ("what is the weather", ""),
    ],
)
def test_words_tell_the_intent(question: str, intent: str) -> None:
    assert intent_of(question) == intent
