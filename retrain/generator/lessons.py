"""What the generator is taught: questions in the very prompts that are served, and the answers that were given.

A pair's own answer stands among the evidence of its prompt, where the index puts it: first. Were it left out, the model
would be taught to write what no evidence says, which is what the check refuses; with it, it is taught to take a reply
out of what it is shown. Only where the other answers that are found say all that the pair's own answer claims is it
left out: such a pair teaches to say in other words what the evidence says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from models.generator.prompting import encode, reply_prompt
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.answers.index import AnswerIndex, Found
    from models.generator.chat import Chat
    from models.generator.prompting import Prompt
    from retrain.generator.pairs import Pair
    from streams.contract.settings import Settings

    Ask = Callable[[Sequence[Pair]], list[tuple[Pair, Prompt]]]


class Refuses(Protocol):
    """Whether a text claims what its evidence does not say: the check that guards replies, handed in."""

    def __call__(self, text: str, *, evidence: Sequence[str], message: str) -> bool:
        """True where the text may not be sent."""


class Lesson(NamedTuple):
    """A prompt and the answer to it, as tokens."""

    ids: list[int]
    prompt: int
    """So many of the first are the prompt, which is read and not learnt."""


def lessons(
    pairs: Sequence[Pair],
    index: AnswerIndex,
    chat: Chat,
    settings: Settings,
    refuses: Refuses,
    *,
    tone: str | None = None,
    company: str | None = None,
) -> list[Lesson]:
    """Pairs as they are learnt.

    Args:
        pairs: To be learnt, or to validate on.
        index: Of what replies may be drawn from; the pairs may stand in it under their own ids.
        chat: The base's.
        settings: How much evidence a prompt holds, from which score, and how long prompts and texts may be.
        refuses: The check.
        tone: Of the domain's replies.
        company: Whose customers ask, as the domain says.

    Returns:
        One for each pair whose answer is not too long to be written (``generator.max_new_tokens``), in their order.
    """
    made = []
    for pair, prompt in prompts(pairs, index, settings, tone=tone, company=company, own=refuses):
        answer = chat.answer(pair.answer)
        # One that has no room for its end would be taught never to end.
        if len(answer) <= settings.generator.max_new_tokens:
            ids = encode(chat, prompt, settings.generator.max_prompt_tokens)
            made.append(Lesson([*ids, *answer], len(ids)))
    return made


def prompts(
    pairs: Sequence[Pair],
    index: AnswerIndex,
    settings: Settings,
    *,
    tone: str | None = None,
    company: str | None = None,
    own: Refuses | None = None,
) -> Iterator[tuple[Pair, Prompt]]:
    """Each pair with its prompt.

    Args:
        pairs: The pairs.
        index: Of what replies may be drawn from.
        settings: How much evidence, and from which score.
        tone: Of the domain's replies.
        company: Whose customers ask, as the domain says.
        own: The check: the pair's own answer is among its evidence unless the others say all of it. None: the evidence
            is what is found, as at serving.
    """
    limit = settings.replies.evidence
    found = index.search([pair.question for pair in pairs], limit + 1)
    for pair, near in zip(pairs, found, strict=True):
        counting = [one for one in near if one.score >= settings.replies.min_score]
        evidence = [one.text for one in (counting if own is None else others(pair, counting))][:limit]
        if own is not None and (not evidence or own(pair.answer, evidence=evidence, message=pair.question)):
            evidence = [pair.answer, *evidence][:limit]
        yield (
            pair,
            reply_prompt(
                pair.question, evidence, topic=pair.topic, sentiment=pair.sentiment, tone=tone, company=company
            ),
        )


def others(pair: Pair, found: Sequence[Found]) -> list[Found]:
    """What was found that is not the pair's own answer, under whichever id."""
    own = text_fingerprint(pair.answer)
    return [one for one in found if one.document != pair.id and text_fingerprint(one.text) != own]
