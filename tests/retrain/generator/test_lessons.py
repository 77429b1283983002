from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.generator.prompting import encode, reply_prompt
from retrain.generator.lessons import lessons, prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.answers.index import AnswerIndex
    from models.generator.chat import Chat
    from retrain.generator.pairs import Pair
    from streams.contract.settings import Settings

pytestmark = pytest.mark.train


def always(text: str, *, evidence: Sequence[str], message: str) -> bool:
    return True


def never(text: str, *, evidence: Sequence[str], message: str) -> bool:
    return False


def test_a_pair_that_others_do_not_support_has_its_own_answer_first(
    pairs: list[Pair], index: AnswerIndex, settings: Settings
) -> None:
    for pair, prompt in prompts(pairs, index, settings, own=always):
        assert prompt.evidence[0] == pair.answer
        assert len(prompt.evidence) <= settings.replies.evidence
        assert pair.answer not in prompt.evidence[1:]


def test_a_pair_that_others_support_is_taught_without_its_own_answer(
    pairs: list[Pair], index: AnswerIndex, settings: Settings
) -> None:
    shown = [prompt.evidence for _, prompt in prompts(pairs, index, settings, own=never)]
    assert any(shown)
    # Where nothing else is found it is all that there is to draw from.
    assert all(
        pair.answer not in evidence or evidence == (pair.answer,) for pair, evidence in zip(pairs, shown, strict=True)
    )


def test_the_gate_shows_what_is_found_as_at_serving(pairs: list[Pair], index: AnswerIndex, settings: Settings) -> None:
    index.remove([pairs[0].id])
    shown = [prompt.evidence for _, prompt in prompts(pairs, index, settings)]
    assert pairs[0].answer not in shown[0]
    assert all(evidence[0] == pair.answer for pair, evidence in zip(pairs[1:], shown[1:], strict=True))


def test_a_lesson_is_the_served_prompt_and_the_answer_with_its_end(
    pairs: list[Pair], index: AnswerIndex, chat: Chat, settings: Settings
) -> None:
    (lesson,) = lessons(pairs[:1], index, chat, settings, always, tone="short", company="Larkmoor")
    ((_, prompt),) = prompts(pairs[:1], index, settings, tone="short", company="Larkmoor", own=always)
    served = reply_prompt(pairs[0].question, prompt.evidence, topic="service", tone="short", company="Larkmoor")
    assert prompt == served
    assert lesson.ids[: lesson.prompt] == encode(chat, prompt, settings.generator.max_prompt_tokens)
    assert lesson.ids[lesson.prompt :] == chat.answer(pairs[0].answer)
    assert lesson.ids[-1] == chat.end


def test_an_answer_that_could_not_be_written_to_its_end_is_not_learnt(
    pairs: list[Pair], index: AnswerIndex, chat: Chat, settings: Settings
) -> None:
    longest = max(len(chat.answer(pair.answer)) for pair in pairs)
    short = settings.model_copy(
        update={"generator": settings.generator.model_copy(update={"max_new_tokens": longest - 1})}
    )
    assert 0 < len(lessons(pairs, index, chat, short, always)) < len(lessons(pairs, index, chat, settings, always))
