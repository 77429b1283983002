"""Champion and candidate before the same questions: what the generator's gate decides on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.generator.config import GenerationOptions
from models.generator.speed import Timed, seconds_per_token
from retrain.generator.chrf import counts
from retrain.generator.lessons import prompts
from streams.contract.ids import text_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from models.answers.index import AnswerIndex
    from models.generator.prompting import Prompt
    from models.generator.runtime import Generated
    from retrain.generator.lessons import Refuses
    from retrain.generator.pairs import Pair
    from streams.contract.settings import Settings

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

_MS = 1000.0


class Writer(Timed, Protocol):
    """What is asked of ``models.generator.runtime.Generator``."""

    def generate(self, prompts: Sequence[Prompt], options: GenerationOptions) -> list[Generated]:
        """Write to each prompt."""


@dataclass(frozen=True, slots=True)
class JudgedReplies:
    """How one version answered the pairs that are kept for the gate.

    Attributes:
        ids: Of the pairs.
        groups: Number of each pair's group of near-duplicates, [pairs].
        chrf: Counts of chrF against the answer that was given, float64 [pairs, 18].
        similarity: Cosine of the reply's vector and the given answer's, float64 [pairs].
        refused: Whether the check refuses the reply, or it came to no end, bool [pairs].
        ms_per_token: After the same prompt for all. The time of what was written says less: one that has learnt to be
            brief spends more of it on what it reads.
    """

    ids: tuple[str, ...]
    groups: NDArray[np.intp]
    chrf: NDArray[np.float64]
    similarity: NDArray[np.float64]
    refused: NDArray[np.bool_]
    ms_per_token: float


def parted(kept: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs that are asked, and pairs that replies to them may be drawn from.

    Of several wordings of a question with one answer the first stands in the index, as it will when customers ask in
    words of their own, and the others are asked. An answer with one wording is asked for, and is not in the index.

    Args:
        kept: Pairs kept for the gate, none of which was learnt.
    """
    by_answer: dict[str, list[Pair]] = defaultdict(list)
    for pair in kept:
        by_answer[text_fingerprint(pair.answer)].append(pair)
    alone = [wordings[0] for wordings in by_answer.values() if len(wordings) == 1]
    asked = [*alone, *(pair for wordings in by_answer.values() for pair in wordings[1:])]
    shown = [wordings[0] for wordings in by_answer.values() if len(wordings) > 1]
    return sorted(asked, key=lambda pair: pair.id), shown


def judge(
    writers: Sequence[Writer],
    pairs: Sequence[Pair],
    index: AnswerIndex,
    embed: Embed,
    settings: Settings,
    refuses: Refuses,
    *,
    tone: str | None = None,
    company: str | None = None,
) -> list[JudgedReplies]:
    """Let generators answer the same questions, each from the same evidence, as they are served.

    Args:
        writers: The generators.
        pairs: Asked; those for which nothing is found are left out, since a person would get them.
        index: Of what replies may be drawn from; none of the pairs stands in it.
        embed: Unit vectors of texts.
        settings: How much evidence, and how texts are written.
        refuses: The check.
        tone: Of the domain's replies.
        company: Whose customers ask, as the domain says.

    Raises:
        VersionError: A generator cannot be run.
    """
    shown = prompts(pairs, index, settings, tone=tone, company=company)
    asked = [(pair, prompt) for pair, prompt in shown if prompt.evidence]
    _, groups = np.unique([pair.group for pair, _ in asked], return_inverse=True)
    wanted = embed([pair.answer for pair, _ in asked]) if asked else np.zeros((0, 1), np.float32)
    options = GenerationOptions.of(settings.generator)
    judged = []
    for writer, seconds in zip(writers, seconds_per_token(writers), strict=True):
        written = writer.generate([prompt for _, prompt in asked], options)
        vectors = embed([one.text for one in written]) if asked else wanted
        judged.append(
            JudgedReplies(
                ids=tuple(pair.id for pair, _ in asked),
                groups=groups.astype(np.intp),
                chrf=np.array(
                    [counts(one.text, pair.answer) for (pair, _), one in zip(asked, written, strict=True)], np.float64
                ),
                similarity=np.sum(vectors * wanted, axis=1).astype(np.float64),
                refused=np.array(
                    [
                        one.stopped != "end"
                        or not one.text
                        or refuses(one.text, evidence=prompt.evidence, message=pair.question)
                        for (pair, prompt), one in zip(asked, written, strict=True)
                    ],
                    np.bool_,
                ),
                ms_per_token=_MS * seconds,
            )
        )
    return judged
