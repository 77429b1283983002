"""How well the test part of a set is answered, whoever has learnt it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sklearn.metrics import accuracy_score, f1_score

from benchmarks.support.sets.perturbed import Perturbed, perturbed
from models.export import DRAFT, as_served, draft
from models.manifest import encode
from models.runtime import LABELS, MODEL, TOKENIZER
from models.temperature import fold
from retrain.answers import answer
from retrain.calibration import fit_temperatures
from retrain.entity_scores import TokenTable, entity_score, token_table, word_tags
from retrain.evaluate import evaluate, headline
from retrain.outcomes import collect_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.support.sets.corpora import Corpus
    from models.bert import Trunk
    from models.heads import Heads
    from models.runtime import Encoder
    from retrain.answers import RowAnswer
    from retrain.rows import Row
    from retrain.tuned import Tuned

SOURCE_TOKEN = re.compile(r"\S+")
"""CoNLL's own tokens: its rows are made of them, with a blank between."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a test part was answered.

    Attributes:
        accuracy: Share of right answers; of entities, of the source's tokens (micro, O among them).
        macro_f1: Over the labels of the test part; of entities over B-, I- tags and O.
        entity_f1: Of whole entities over the source's tokens, CoNLL's measure; None for other sets.
        seconds: That learning took.
        ece: Expected calibration error of the answers, the temperature fitted on the validation part; None where the
            way gives no probabilities.
        perturbed: What it loses on changed texts of the test part, by name of the perturbation.
        tokens: Of entities, each tag of the source's tokens; None for other sets.
    """

    accuracy: float
    macro_f1: float
    entity_f1: float | None
    seconds: float
    ece: float | None = None
    perturbed: dict[str, Perturbed] = field(default_factory=dict)
    tokens: TokenTable | None = None


def judged(corpus: Corpus, tuned: Tuned, tokenizer: bytes, folder: Path, seconds: float) -> Figures:
    """Calibrate what was learnt on a set's validation part, and answer its test part with the served graph in fp32.

    Args:
        corpus: The set, with the names of the learner's outputs.
        tuned: What was learnt.
        tokenizer: The base's, as a file.
        folder: Holds the graph meanwhile.
        seconds: That learning took.
    """
    raw = _served(corpus, tuned.trunk, tuned.heads, tokenizer, folder)
    temperatures = fit_temperatures(corpus.validation, answer(raw, corpus.validation), corpus.labels)
    heads = fold(tuned.heads, {str(head): one for head, one in temperatures.items()})
    model = _served(corpus, tuned.trunk, heads, tokenizer, folder)
    answers = answer(model, corpus.test)
    report = evaluate(corpus.test, answers, corpus.learnt, corpus.labels)
    changed = perturbed(corpus.test, lambda rows: headline(rows, answer(model, rows), corpus.labels)[corpus.task])
    if report.entities is not None:
        return _of_entities(corpus, answers, seconds, report.entities.calibration.ece, changed)
    head = report.heads[corpus.task]
    return Figures(head.accuracy, head.macro_f1, None, seconds, head.calibration.ece, changed)


def _of_entities(
    corpus: Corpus, answers: Sequence[RowAnswer], seconds: float, ece: float, changed: dict[str, Perturbed]
) -> Figures:
    spans = collect_spans(corpus.test, answers)
    expected, given = (
        [word_tags(text, found, SOURCE_TOKEN) for text, found in zip(spans.texts, of, strict=True)]
        for of in (spans.expected, spans.given)
    )
    tokens = token_table(expected, given)
    return Figures(
        tokens.micro.f1, tokens.macro.f1, entity_score(expected, given).f1, seconds, ece, changed, tokens=tokens
    )


def _served(corpus: Corpus, trunk: Trunk, heads: Heads, tokenizer: bytes, folder: Path) -> Encoder:
    draft(trunk, heads, folder)
    (folder / DRAFT).replace(folder / MODEL)
    (folder / TOKENIZER).write_bytes(tokenizer)
    (folder / LABELS).write_bytes(encode(corpus.labels))
    return as_served(folder, precision="fp32", max_tokens=128, width=trunk.width)


def scored(corpus: Corpus, predict: Callable[[Sequence[str]], Sequence[str]], seconds: float) -> Figures:
    """Answer a test part by whatever predicts one label a text.

    Args:
        corpus: The set.
        predict: Labels of texts.
        seconds: That learning took.
    """

    def macro_f1(rows: Sequence[Row]) -> float:
        return _macro_f1([corpus.label(row) for row in rows], predict([row.text for row in rows]))

    expected, given = [corpus.label(row) for row in corpus.test], predict([row.text for row in corpus.test])
    return Figures(
        float(accuracy_score(expected, given)),
        _macro_f1(expected, given),
        None,
        seconds,
        perturbed=perturbed(corpus.test, macro_f1),
    )


def _macro_f1(expected: Sequence[str], given: Sequence[str]) -> float:
    return float(f1_score(expected, given, labels=sorted(set(expected)), average="macro", zero_division=0))
