"""What an answer index costs by the number of answers, in a process of its own: to build, to ask, and in memory.

Texts are made of words as rare as words are (Zipf), vectors are random ones of unit length in the width of the default
encoder: the hardest case for an index of neighbours, since nothing is near anything. A question is the vector of one
answer with as much noise, and some of its words.
"""

from __future__ import annotations

import argparse
import gc
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from benchmarks.support.rooms import tell
from models.answers.index import AnswerIndex
from streams.contract.replies import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SEED = 11
_VOCABULARY = 30_000
_QUESTION_WORDS, _ANSWER_WORDS, _ASKED_WORDS = 10, 40, 8
_LIMIT = 5
_NOISE = 1.0
_TIME = datetime(2026, 3, 1, tzinfo=UTC)


class Made:
    """Documents, and the vectors of their questions.

    Args:
        count: How many.
        width: Dimensions of the vectors.
    """

    def __init__(self, count: int, width: int) -> None:
        self._rng = np.random.default_rng(_SEED)
        self._vectors = _units(self._rng.standard_normal((count, width), np.float32))
        self._places: dict[str, int] = {}
        self._asked: dict[str, NDArray[np.float32]] = {}
        weights = 1 / np.arange(1, _VOCABULARY + 1)
        drawn = self._rng.choice(_VOCABULARY, (count, _QUESTION_WORDS + _ANSWER_WORDS), p=weights / weights.sum())
        self.documents = [self._document(number, words) for number, words in enumerate(drawn.tolist())]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions, made beforehand."""
        return np.stack(
            [self._asked[text] if text in self._asked else self._vectors[self._places[text]] for text in texts]
        )

    def question(self, number: int) -> str:
        """What somebody asks who wants this answer."""
        words = str(self.documents[number].question).split()[:_ASKED_WORDS]
        text = " ".join([*words, f"asked{number}"])
        noise = _units(self._rng.standard_normal((1, self._vectors.shape[1]), np.float32))
        self._asked[text] = _units(self._vectors[number : number + 1] + _NOISE * noise)[0]
        return text

    def _document(self, number: int, words: Sequence[int]) -> Document:
        parts = [f"word{word}" for word in words]
        question = " ".join([*parts[:_QUESTION_WORDS], f"number{number}"])
        self._places[question] = number
        return Document(
            id=str(number), text=" ".join([*parts[_QUESTION_WORDS:], f"answer{number}"]), time=_TIME, question=question
        )


def measure(answers: int, questions: int, width: int) -> dict[str, Any]:
    """Build an index, and ask it.

    Args:
        answers: How many it holds.
        questions: How many are asked, one at a time.
        width: Dimensions of the vectors.
    """
    made = Made(answers, width)
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    begin = time.perf_counter()
    index = AnswerIndex(made.embed, "made")
    index.put(made.documents)
    built = time.perf_counter() - begin
    wanted = np.random.default_rng(_SEED + 1).choice(answers, questions, replace=False).tolist()
    asked = [made.question(number) for number in wanted]
    index.search(asked[:1], _LIMIT)
    gc.collect()
    memory = process.memory_info().rss - before
    seconds, found = [], 0
    for number, text in zip(wanted, asked, strict=True):
        begin = time.perf_counter()
        told = index.search([text], _LIMIT)[0]
        seconds.append(time.perf_counter() - begin)
        found += any(one.document == str(number) for one in told)
    return {
        "answers": answers,
        "build_seconds": built,
        "query_p50_seconds": float(np.percentile(seconds, 50)),
        "query_p99_seconds": float(np.percentile(seconds, 99)),
        "memory_bytes": memory,
        "memory_bytes_per_answer": memory / answers,
        "found_share": found / questions,
    }


def _units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def main() -> None:
    """Run as a room of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, required=True)
    parser.add_argument("--questions", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    given = parser.parse_args()
    tell(measure(given.answers, given.questions, given.width))


if __name__ == "__main__":
    main()
