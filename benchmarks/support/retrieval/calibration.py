"""How sure a score may be: small indexes are drawn from real questions, some intents left out, and are searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.answers.lexicon import Lexicon
from models.answers.scoring import Weights, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.support.retrieval.questions import Question

    Matrix = NDArray[np.float32]

_LEFT_OUT = 0.25
"""Share of intents that nothing in the index answers."""
_CANDIDATES = 5
_APART = 1_000_000


class Embedded(NamedTuple):
    """Questions with their vectors, float32 [questions, width]."""

    questions: Sequence[Question]
    vectors: Matrix


class Candidates(NamedTuple):
    """What was found for questions: an entry for each question and candidate."""

    asked: NDArray[np.int64]
    """Number of the question."""
    cosines: Matrix
    coverages: Matrix
    right: NDArray[np.bool_]
    """It has the question's intent."""
    answerable: NDArray[np.bool_]
    """Something in the index has."""


def draw(
    held: Embedded, asked: Embedded, *, of_each: int, seed: int, most: int = 10_000, texts: Sequence[str] | None = None
) -> Candidates:
    """Draw an index from what is held, ask, and keep the best by vectors and the best by words.

    Args:
        held: What the index is drawn from; where it is also what is asked, what was drawn is not asked.
        asked: Who asks.
        of_each: Most of one intent in the index.
        seed: Of the draw.
        most: Most questions that are asked.
        texts: Texts of what is held, where they are not the questions'.
    """
    random = np.random.default_rng(seed)
    intents = np.array([question.intent for question in held.questions])
    known = sorted(set(intents.tolist()))
    known = sorted(random.choice(known, round(len(known) * (1 - _LEFT_OUT)), replace=False).tolist())
    places = np.concatenate(
        [random.permutation(np.flatnonzero(intents == intent))[:of_each] for intent in known], dtype=np.int64
    )
    lexicon = Lexicon.of([texts[place] if texts else held.questions[place].text for place in places])
    drawn = set(places.tolist()) if asked.questions is held.questions else set()
    parts = []
    for number in [number for number in random.permutation(len(asked.questions)) if number not in drawn][:most]:
        question = asked.questions[number]
        cosines = held.vectors[places] @ asked.vectors[number]
        coverages = lexicon.coverage(question.text)
        best = np.union1d(np.argsort(-cosines)[:_CANDIDATES], np.argsort(-coverages)[:_CANDIDATES])
        right = intents[places[best]] == question.intent
        is_known = np.full(len(best), question.intent in known)
        parts.append(Candidates(np.full(len(best), number), cosines[best], coverages[best], right, is_known))
    return _stacked(parts)


def joined(parts: Sequence[Candidates]) -> Candidates:
    """All of several draws, their questions told apart."""
    return _stacked([part._replace(asked=part.asked + _APART * number) for number, part in enumerate(parts)])


def fit(candidates: Candidates) -> Weights:
    """A logistic regression on both likenesses, or on the vectors' alone.

    Of what both have found, shared words may be worth less than nothing beside the vectors: what is likeliest to be
    wrong was found by its words. That holds of the best of many, and must not make a copy less sure than a paraphrase.
    """
    features = np.column_stack([candidates.cosines, candidates.coverages])
    model = LogisticRegression(C=100).fit(features, candidates.right)
    if model.coef_[0, 1] < 0:
        model = LogisticRegression(C=100).fit(features[:, :1], candidates.right)
        return Weights(float(model.coef_[0, 0]), 0.0, float(model.intercept_[0]))
    return Weights(float(model.coef_[0, 0]), float(model.coef_[0, 1]), float(model.intercept_[0]))


def judge(candidates: Candidates, thresholds: Sequence[float]) -> dict[str, Any]:
    """How the best of each question fares with the scores that are served.

    Args:
        candidates: Of questions that nothing was fitted on.
        thresholds: Scores from which an answer counts.
    """
    scores = score(candidates.cosines, candidates.coverages)
    order = np.lexsort((-scores, candidates.asked))
    best = order[np.unique(candidates.asked[order], return_index=True)[1]]
    right, answerable, scores = candidates.right[best], candidates.answerable[best], scores[best]
    figures: dict[str, Any] = {
        "questions": len(best),
        "right_of_answerable": float(right[answerable].mean()),
        "at": {},
    }
    for threshold in thresholds:
        above = scores >= threshold
        figures["at"][f"{threshold:.2f}"] = {
            "answered_of_answerable": float(above[answerable].mean()),
            "right_of_answered": float(right[above].mean()) if above.any() else None,
            "answered_of_unanswerable": float(above[~answerable].mean()),
        }
    return figures


def _stacked(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(*(np.concatenate(column) for column in zip(*parts, strict=True)))
