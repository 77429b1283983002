"""How near replies are to those that were given, and how often the right answer is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import CHRF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.answers.index import AnswerIndex
    from models.runtime import Encoder


def similarity(texts: Sequence[str], references: Sequence[str], encoder: Encoder) -> dict[str, float]:
    """The chrF (Popovic 2015), 0 to 100, over all; mean cosine of the vectors; mean F1 of ROUGE-L (Lin 2004)."""
    rouge = RougeScorer(["rougeL"], use_stemmer=True)
    of_texts, of_references = encoder.embed(texts), encoder.embed(references)
    return {
        "chrf": CHRF().corpus_score(list(texts), [list(references)]).score,
        "embedding_similarity": float(np.mean(np.sum(of_texts * of_references, axis=1))),
        "rouge_l": float(
            np.mean(
                [
                    rouge.score(reference, text)["rougeL"].fmeasure
                    for text, reference in zip(texts, references, strict=True)
                ]
            )
        ),
    }


def recall(index: AnswerIndex, questions: Sequence[str], wanted: Sequence[str], *, by: str, at: int) -> float:
    """Share of questions for which what is wanted is among the first that are found.

    Args:
        index: Where it is looked for.
        questions: What is asked.
        wanted: Of each the intent or the document.
        by: ``intent`` or ``document``.
        at: How many count.
    """
    found = index.search(questions, at)
    return float(
        np.mean([any(getattr(one, by) == name for one in near) for near, name in zip(found, wanted, strict=True)])
    )
