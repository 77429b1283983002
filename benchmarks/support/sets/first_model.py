"""The first model, as ``tocsin models bootstrap`` makes it, on real messages that it was not made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.metrics import accuracy_score, f1_score

from benchmarks.support.report import table
from benchmarks.support.served_version import served_version
from models.runtime import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.support.sets.corpora import Corpus

SETS = ("finance_tweets", "phrasebank_50agree", "phrasebank_allagree", "airline_tweets")
"""Those of sentiment."""

_SUB_BATCH = 16


def judged(registry: Path, corpora: Iterable[Corpus]) -> dict[str, dict[str, float]]:
    """How well the champion tells the sentiment of each set's test part.

    Args:
        registry: Where it is.
        corpora: Sets of sentiment, in English.

    Returns:
        By set: ``accuracy``, ``macro_f1``, and ``majority``, the share of the commonest answer.

    Raises:
        VersionError: There is no champion, or it is corrupt.
    """
    encoder = Encoder.load(served_version(registry).folder, threads=0, sub_batch=_SUB_BATCH)
    found = {}
    for corpus in corpora:
        expected = [str(row.sentiment) for row in corpus.test]
        given = [reading.sentiment for reading in encoder.read([row.text for row in corpus.test])]
        found[corpus.name] = {
            "accuracy": float(accuracy_score(expected, given)),
            "macro_f1": float(f1_score(expected, given, average="macro", zero_division=0)),
            "majority": max(map(expected.count, set(expected))) / len(expected),
        }
    return found


def first_model_table(found: Mapping[str, Mapping[str, float]], corpora: Mapping[str, Corpus]) -> str:
    """The figures, for people."""
    return table(
        ["the first model's sentiment", "tested", "accuracy", "macro-F1", "commonest answer"],
        [
            [
                corpora[name].title,
                f"{len(corpora[name].test):,}",
                f"{figures['accuracy']:.3f}",
                f"{figures['macro_f1']:.3f}",
                f"{figures['majority']:.3f}",
            ]
            for name, figures in found.items()
        ],
    )
