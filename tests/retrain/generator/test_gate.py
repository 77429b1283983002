"""A candidate must be surely better at something and worse at nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.toy_pairs import embed, pair

from models.generator.runtime import Generated
from retrain.gate import MIN_CONTROL
from retrain.generator.chrf import counts
from retrain.generator.gate import decide
from retrain.generator.judging import JudgedReplies, judge, parted
from streams.contract.model_settings import RetrainSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.answers.index import AnswerIndex
    from models.generator.config import GenerationOptions
    from models.generator.prompting import Prompt
    from retrain.generator.pairs import Pair
    from streams.contract.settings import Settings

pytestmark = pytest.mark.train

RULES = RetrainSettings(resamples=400)
QUESTIONS = 60
ANSWER = "Your parcel arrives within three working days."


def replies(
    *, right: float, similarity: float = 0.8, refused: float = 0.1, ms: float = 10.0, questions: int = QUESTIONS
) -> JudgedReplies:
    """Replies of which a share is the given answer itself and the others are far from it."""
    lots = np.random.default_rng(5)
    order = lots.permutation(questions)
    texts = [ANSWER if place < right * questions else "Nothing to say" for place in order]
    return JudgedReplies(
        ids=tuple(map(str, range(questions))),
        groups=np.arange(questions),
        chrf=np.array([counts(text, ANSWER) for text in texts]),
        similarity=similarity + 0.01 * lots.normal(size=questions),
        refused=np.arange(questions) < refused * questions,
        ms_per_token=ms,
    )


def test_one_that_is_nearer_to_the_given_answers_is_promoted() -> None:
    decision = decide(replies(right=0.4), replies(right=0.8), RULES)
    assert decision.promote
    assert "surely more near to the given answers by chrF" in decision.reasons[0]


def test_one_that_is_refused_less_often_is_promoted() -> None:
    assert decide(replies(right=0.5, refused=0.6), replies(right=0.5, refused=0.1), RULES).promote


def test_the_champion_itself_is_not_promoted_again() -> None:
    decision = decide(replies(right=0.5), replies(right=0.5), RULES)
    assert not decision.promote
    assert "surely better at nothing" in decision.reasons[0]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"similarity": 0.6}, "less near to the given answers by meaning"),
        ({"refused": 0.15}, "less free of what the check refuses"),
        ({"ms": 20.0}, "too slow"),
        ({"similarity": float("nan")}, "less near to the given answers by meaning"),
    ],
)
def test_one_that_is_worse_at_anything_else_is_rejected(changed: dict[str, float], why: str) -> None:
    usual = {"right": 0.9}
    assert decide(replies(right=0.4), replies(**usual), RULES).promote
    decision = decide(replies(right=0.4), replies(**usual | changed), RULES)
    assert not decision.promote
    assert any(why in reason for reason in decision.reasons)


def test_near_duplicates_count_once() -> None:
    old, new = replies(right=0.4), replies(right=0.8)
    same = np.zeros(QUESTIONS, np.intp)
    decision = decide(replace(old, groups=same), replace(new, groups=same), RULES)
    assert not decision.promote
    assert str(MIN_CONTROL) in decision.reasons[0]


def test_too_few_questions_decide_nothing_and_say_what_to_do() -> None:
    decision = decide(replies(right=0.1, questions=20), replies(right=0.9, questions=20), RULES)
    assert not decision.promote
    assert "tocsin answers import" in decision.reasons[0]


def test_other_questions_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="same questions"):
        decide(replies(right=0.5), replies(right=0.5, questions=50), RULES)


class Scripted:
    """Writes the same to everybody."""

    model = "generator:1"

    def __init__(self, text: str, stopped: str = "end", *, seconds: float = 0.01) -> None:
        self.text, self.stopped, self.seconds = text, stopped, seconds
        self.asked: list[Prompt] = []

    def generate(self, prompts: Sequence[Prompt], options: GenerationOptions) -> list[Generated]:  # noqa: ARG002  as a generator is asked
        self.asked += prompts
        return [Generated(self.text, 4, self.stopped, 0.0) for _ in prompts]  # type: ignore[arg-type]

    def seconds_per_token(self, prompt: str, steps: int) -> float:
        assert prompt
        assert steps > 1
        return self.seconds


def test_both_are_asked_the_same_and_judged_by_the_check(
    pairs: list[Pair], index: AnswerIndex, settings: Settings
) -> None:
    good, bad = Scripted(pairs[0].answer), Scripted("You get 500 back", "length")

    def refuses(text: str, *, evidence: Sequence[str], message: str) -> bool:
        return "500" in text

    first, second = judge([good, bad], pairs, index, embed, settings, refuses)
    assert good.asked == bad.asked
    assert all(prompt.evidence for prompt in good.asked)
    assert first.ids == second.ids
    assert first.similarity[0] == pytest.approx(1.0, abs=1e-5)
    assert not first.refused.any()
    assert second.refused.all()


def test_one_that_has_learnt_to_be_brief_is_no_slower_for_it(
    pairs: list[Pair], index: AnswerIndex, settings: Settings
) -> None:
    wordy, brief = Scripted("It is posted on the next working day. " * 20), Scripted("Tomorrow.")
    first, second = judge([wordy, brief], pairs, index, embed, settings, lambda *_, **__: False)
    assert first.ms_per_token == second.ms_per_token == pytest.approx(10.0)


def test_of_several_wordings_of_a_question_one_is_shown_and_the_others_are_asked() -> None:
    kept = [pair(0, "how much", "Nothing."), pair(1, "what does it cost", "Nothing."), pair(2, "where", "Here.")]
    asked, shown = parted([*kept, pair(3, "is it free", "Nothing.")])
    assert [one.id for one in asked] == ["pair:1", "pair:2", "pair:3"]
    assert [one.id for one in shown] == ["pair:0"]
